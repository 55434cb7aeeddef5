"""The ledger: named metrics, the published values that they stand beside, claims about them. Knows names alone."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from galaxies.config import complete, load_yaml, suggestion
from galaxies.errors import ConfigError
from galaxies.experiments import experiments_of
from galaxies.reported import read_rows

IDENTITY = ("paper", "experiment", "dataset_split", "metric")
"""What names a published value in config/reported.csv."""
COMPARISONS = ("less", "difference", "ratio", "value")
IN_PAPER = "paper:"
"""How the source of a value begins that stands in the paper itself."""


def load_ledger(path: Path, schema: Path) -> dict[str, Any]:
    """`metrics` (name -> entry), `published` and `generators` (name -> quantity), completed and made for `each`.

    Raises ConfigError for what the schema does not allow, or names that are there twice.
    """
    ledger = load_yaml(path)
    complete(ledger, load_yaml(schema), str(path))
    metrics: dict[str, dict] = {}
    for pattern, entry in ledger["metrics"].items():
        for name, made in _for_each(pattern, entry):
            if name in metrics:
                raise ConfigError(f"{path}: metric {name!r} is there twice", "put all keys of `each` into its name")
            metrics[name] = made
    return {**ledger, "metrics": metrics}


def load_claims(path: Path, schema: Path) -> dict[str, dict]:
    """Claims by name, completed. Raises ConfigError for what the schema does not allow."""
    claims = load_yaml(path)
    complete(claims, load_yaml(schema), str(path))
    return claims


def _for_each(pattern: str, entry: dict) -> Iterable[tuple[str, dict]]:
    keys = entry["each"]
    for values in itertools.product(*keys.values()):
        chosen = dict(zip(keys, values, strict=True))
        made = {key: _replaced(value, chosen) for key, value in entry.items() if key != "each"}
        yield _replaced(pattern, chosen), made


def _replaced(value: Any, chosen: dict[str, str]) -> Any:
    """A copy in which `{key}` is replaced in every text, at any depth."""
    if isinstance(value, dict):
        return {key: _replaced(item, chosen) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, chosen) for item in value]
    if isinstance(value, str):
        for key, text in chosen.items():
            value = value.replace(f"{{{key}}}", text)
    return value


def check_ledger(
    ledger: dict,
    path: Path,
    reported: Path,
    settings_of: Callable[[str], dict | None],
    published_of: Callable[[str], dict],
) -> None:
    """Raise ConfigError for an entry of something that does not exist or of keys that do not go together, and for a
    published value without an entry; DataError for a table of published values that cannot be read.

    settings_of : settings of a paper, those of the run or the published ones; None for a name that no paper has.
    published_of : the published ones, which have all that a metric may name; a run may have left some out.
    """
    for name, entry in ledger["metrics"].items():
        where = f"{path}: metrics.{name}"
        settings = settings_of(entry["paper"])
        if settings is None:
            raise ConfigError(f"{where}.paper: no paper has the name {entry['paper']!r}")
        known = experiments_of(settings)
        if entry["experiment"] is not None and entry["experiment"] not in known:
            raise ConfigError(
                f"{where}.experiment: {entry['paper']} has no {entry['experiment']!r}",
                suggestion(entry["experiment"], known),
            )
        given = [key for key in ("value", "count", "setting") if entry[key] is not None]
        if len(given) != 1:
            raise ConfigError(
                f"{where}: found {' and '.join(given) or 'none'}; expected one of value, count and setting"
            )
        if (entry["setting"] is None) == (entry["table"] is None):
            raise ConfigError(f"{where}: a value or count is of a table, and a setting is of none")
        if entry["setting"] is not None:
            setting_of(published_of(entry["paper"]), entry["setting"], where)
        if entry["intervals"] and entry["seed"] is not None:
            raise ConfigError(
                f"{where}.intervals: the interval of values with a seed, column {entry['seed']!r}, is that over seeds",
                "leave intervals out, or seed if nothing random made the values",
            )
    for name, quantity in ledger["generators"].items():
        low, high = quantity["range"]
        if not low < high:
            raise ConfigError(
                f"{path}: generators.{name}.range: no number is above {low:g} and below {high:g}", "exchange the two"
            )
    stated = {identity(row) for row in read_rows(reported) if row["source_section"].startswith(IN_PAPER)}
    for name, entry in ledger["published"].items():
        if name not in stated:
            near = sorted(value for value in stated if value.split("/")[0] == name.split("/")[0])
            raise ConfigError(
                f"{path}: published: {reported} has no value {name!r} with a source that begins with {IN_PAPER!r}",
                suggestion(name, near or sorted(stated)),
            )
        if entry["ours"] is not None:
            expect_metric(entry["ours"], ledger["metrics"], f"{path}: published.{name}.ours")
    if missing := stated - set(ledger["published"]):
        raise ConfigError(f"{path}: published: no entry for {min(missing)!r} of {reported}", "add it")


def check_claims(claims: dict, path: Path, metrics: dict, settings_of: Callable[[str], dict | None]) -> None:
    """Raise ConfigError for a claim of an unknown paper, about an unknown metric, or that nothing can fulfil."""
    for name, claim in claims.items():
        if settings_of(claim["paper"]) is None:
            raise ConfigError(f"{path}: {name}.paper: no paper has the name {claim['paper']!r}")
        for number, comparison in enumerate(claim["comparisons"]):
            _check_comparison(comparison, metrics, f"{path}: {name}", f"comparisons.{number}")


def _check_comparison(comparison: dict, metrics: dict, claim: str, key: str) -> None:
    """Raise ConfigError for an unknown metric, several units, or bounds with nothing between."""
    for metric in metrics_of(comparison):
        expect_metric(metric, metrics, claim)
    units = {metric: metrics[metric]["unit"] for metric in metrics_of(comparison)}
    if "ratio" not in comparison and len(set(units.values())) > 1:
        found = ", ".join(f"{metric} in {unit}" for metric, unit in units.items())
        raise ConfigError(f"{claim}.{key}: found {found}", "compare metrics of one unit, or their ratio")
    above, below = comparison.get("above", -math.inf), comparison.get("below", math.inf)
    if not above < below:
        raise ConfigError(
            f"{claim}.{key}: no number is above {above:g} and below {below:g}", "exchange the bounds, or leave one out"
        )


def expect_metric(name: str, metrics: dict, where: str) -> None:
    """Raise ConfigError with the nearest name if there is no such metric."""
    if name not in metrics:
        raise ConfigError(f"{where}: no metric has the name {name!r}", suggestion(name, list(metrics)))


def metrics_of(comparison: dict) -> list[str]:
    """Names of the metrics that a comparison is of."""
    found = next(comparison[kind] for kind in COMPARISONS if kind in comparison)
    return [found] if isinstance(found, str) else list(found)


def identity(row: dict) -> str:
    """What names the published value of a row of the table."""
    return "/".join(str(row[key]) for key in IDENTITY)


def setting_of(settings: dict, key: str, where: str) -> float:
    """A number among the settings of a paper, by its key with dots. Raises ConfigError if there is none."""
    try:
        value = functools.reduce(lambda node, part: node[part], key.split("."), settings)
    except (KeyError, TypeError):
        raise ConfigError(f"{where}: the settings have no {key}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where}: {key} is {value!r}, expected a number")
    return value

"""Whether a run reproduces a published value, and whether its metrics support a claim. Closed rules, no files."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from galaxies.ledger import metrics_of
from galaxies.paired import sign_flip_test, smallest_p_value
from galaxies.stats import summarise

REPRODUCED, NOT_REPRODUCED, NOT_COMPARABLE = "reproduced", "not reproduced", "not comparable"
SUPPORTED, REFUTED, INCONCLUSIVE, NOT_TESTED = "supported", "refuted", "inconclusive", "not tested"
OVER_SEEDS = "seeds"
ONE_SEED = "one seed has no interval"


@dataclass(frozen=True)
class Measured:
    """Values of a metric: by seed, or one without a seed (key None), which may have a 95 % interval of its own."""

    by_seed: dict[int | None, float]
    low: float = float("nan")
    high: float = float("nan")
    over: str = ""

    @property
    def has_seeds(self) -> bool:
        return None not in self.by_seed


@dataclass(frozen=True)
class Effect:
    """What a comparison found.

    low, high : 95 % interval of the effect. above, below : what it is said to be, NaN for no bound. p_value : of the
    nearest bound, NaN without seeds. n : seeds. metrics : names of those that it is of.
    """

    verdict: str
    text: str
    effect: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    above: float = float("nan")
    below: float = float("nan")
    p_value: float = float("nan")
    smallest_p_value: float = float("nan")
    n: int = 0
    over: str = ""
    reason: str = ""
    metrics: list[str] = field(default_factory=list)


# Published values


def rounding(value: str, approximate: bool) -> float:
    """Half a unit of the last digit of a published number; of its last digit other than 0 if it is approximate."""
    number = Decimal(value)
    return 0.5 * 10.0 ** (number.normalize() if approximate else number).as_tuple().exponent


def judge_published(
    published: str, approximate: bool, values: np.ndarray, has_seeds: bool, relation: str, reasons: list[str]
) -> tuple[str, str]:
    """Verdict and why, of a published number as it is printed.

    values : ours, one per seed; without seeds a single fact. reasons : why they are not comparable; empty if they are.
    A published value stands for all numbers that are rounded to it. It is reproduced if one of these lies in the 95 %
    prediction interval of one more seed, which a published training is; or if a fact is equal to one of them, or at
    least or at most the published value where this says so.
    """
    if reasons:
        return NOT_COMPARABLE, "; ".join(reasons)
    half, stated = rounding(published, approximate), float(published)
    if relation != "equals":
        holds = values.mean() >= stated - half if relation == "at_least" else values.mean() <= stated + half
        return (REPRODUCED if holds else NOT_REPRODUCED), f"said to be {relation.replace('_', ' ')} this value"
    if not has_seeds:
        return (
            REPRODUCED if abs(values[0] - stated) <= half * (1 + 1e-9) else NOT_REPRODUCED
        ), "compared within rounding"
    if len(values) == 1:
        return NOT_COMPARABLE, ONE_SEED
    summary = summarise(values)
    holds = summary.prediction95_low - half <= stated <= summary.prediction95_high + half
    where = "in" if holds else "outside"
    return (REPRODUCED if holds else NOT_REPRODUCED), (
        f"{where} the 95 % prediction interval of one more seed, "
        f"{summary.prediction95_low:.4g} to {summary.prediction95_high:.4g}"
    )


# Claims


def judge_claim(effects: list[Effect]) -> str:
    """Verdict of a claim that says all of its comparisons hold.

    It needs each of them, so that their p-values need no correction for their number (intersection-union test).
    """
    verdicts = [effect.verdict for effect in effects]
    return next((one for one in (REFUTED, NOT_TESTED, INCONCLUSIVE) if one in verdicts), SUPPORTED)


def judge_comparisons(comparison: dict, metrics: dict[str, Measured], missing: dict[str, str]) -> list[Effect]:
    """Effects of one comparison as in config/claims.yaml; a chain of `less` has one for each of its pairs.

    missing : name -> why a metric has no values.
    """
    if "less" in comparison:
        pairs = zip(comparison["less"], comparison["less"][1:], strict=False)
        return [e for a, b in pairs for e in judge_comparisons({"difference": [a, b], "below": 0.0}, metrics, missing)]
    text, names = _text(comparison), metrics_of(comparison)
    if absent := [missing.get(name, "no values") for name in names if name not in metrics]:
        return [Effect(NOT_TESTED, text, reason="; ".join(dict.fromkeys(absent)), metrics=names)]
    bounds = {end: comparison.get(end, float("nan")) for end in ("above", "below")}
    given = {"text": text, "metrics": names, **bounds}
    first = metrics[names[0]]
    if "value" in comparison and not first.has_seeds:
        (value,) = first.by_seed.values()
        verdict = _within(first.low, first.high, **bounds)
        reason = "" if np.isfinite([first.low, first.high]).all() else "the table has no interval"
        facts = {"effect": value, "low": first.low, "high": first.high, "n": 1, "over": first.over, "reason": reason}
        return [Effect(verdict, **given, **facts)]
    values, undefined = _paired("ratio" if "ratio" in comparison else "difference", [metrics[name] for name in names])
    if not len(values):
        return [Effect(NOT_TESTED, **given, reason="undefined in all seeds")]
    return [_over_seeds(values, given, bounds, f"undefined in {undefined} seeds" if undefined else "")]


def _paired(kind: str, measured: list[Measured]) -> tuple[np.ndarray, int]:
    """First value, or first minus second, or first over second, seed by seed; and in how many seeds it is undefined.

    A value without a seed goes with every seed of the other.
    """
    with_seeds = [set(one.by_seed) for one in measured if one.has_seeds]
    seeds = sorted(set.intersection(*with_seeds)) if with_seeds else [None]
    columns = [
        np.array([one.by_seed[seed] if one.has_seeds else next(iter(one.by_seed.values())) for seed in seeds])
        for one in measured
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (
            columns[0] if len(columns) == 1 else columns[0] / columns[1] if kind == "ratio" else columns[0] - columns[1]
        )
    defined = np.isfinite(values)
    return values[defined], int((~defined).sum())


def _over_seeds(values: np.ndarray, given: dict, bounds: dict, note: str) -> Effect:
    """Effect of values, one per seed, by Student's t; the p-value is that of signs about the nearest bound."""
    summary = summarise(values)
    facts = {"effect": summary.mean, "n": summary.n, "over": OVER_SEEDS}
    if summary.n == 1 or not np.ptp(values):  # an interval without width would claim that no other seed can differ
        why = ONE_SEED if summary.n == 1 else "all seeds are equal"
        return Effect(INCONCLUSIVE, **given, **facts, reason="; ".join(filter(None, [note, why])))
    bound = min((end for end in bounds.values() if not np.isnan(end)), key=lambda end: abs(end - summary.mean))
    (p_value,), _ = sign_flip_test(values[None] - bound)
    verdict = _within(summary.ci95_low, summary.ci95_high, **bounds)
    facts |= {"low": summary.ci95_low, "high": summary.ci95_high, "reason": note}
    return Effect(verdict, **given, **facts, p_value=float(p_value), smallest_p_value=smallest_p_value(summary.n))


def _within(low: float, high: float, above: float, below: float) -> str:
    """Supported if the whole interval is within the bounds, refuted if none of it is."""
    if np.isnan([low, high]).any():
        return INCONCLUSIVE
    above, below = -np.inf if np.isnan(above) else above, np.inf if np.isnan(below) else below
    if low > above and high < below:
        return SUPPORTED
    return REFUTED if high <= above or low >= below else INCONCLUSIVE


def _text(comparison: dict) -> str:
    """A comparison in a line."""
    names = metrics_of(comparison)
    sign = " / " if "ratio" in comparison else " - "
    if comparison.get("below") == 0 and "difference" in comparison and "above" not in comparison:
        return " < ".join(names)
    bounds = [f"{word} {comparison[end]:g}" for end, word in (("above", ">"), ("below", "<")) if end in comparison]
    return f"{sign.join(names)} {' and '.join(bounds)}"

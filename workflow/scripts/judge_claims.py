"""Whether the metrics of a run support what the papers find."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import reading, write_text
from galaxies.ledger import metrics_of
from galaxies.scripting import run_script
from galaxies.stats import FEWEST_SEEDS
from galaxies.verdicts import (
    INCONCLUSIVE,
    NOT_TESTED,
    REFUTED,
    SUPPORTED,
    Effect,
    Measured,
    judge_claim,
    judge_comparisons,
)

NUMBERS = ["effect", "unit", "ci95_low", "ci95_high", "above", "below", "p_value", "smallest_p_value", "n", "over"]
COLUMNS = ["claim", "paper", "text", "source", "measured", "verdict", "comparison", "comparison_verdict", *NUMBERS]
COLUMNS += ["data", "settings", "reason"]
RATIO = "ratio"
DECIDES = (
    f"The 95 % interval decides. What a training makes is decided over {FEWEST_SEEDS} seeds or more; other intervals "
    "are over what each line says. p is that of sign flips, at least what so few seeds allow."
)


def main(metrics: Path, missing: Path, table: Path, markdown: Path, *, claims: dict, units: dict) -> None:
    """Write a row per comparison, and the claims as a person reads them.

    metrics, missing : from collect_metrics.py. claims : as in config/claims.yaml. units : of all metrics by name.
    verdict : of the claim, all of whose comparisons must hold; comparison_verdict : of one. effect : difference, ratio
    or value that a comparison is about; `above` and `below` bound what the claim says of it. ci95 : over seeds by
    Student's t, paired by seed, or over what the table of the metric has, see `over`. supported if the whole interval
    is within the bounds, refuted if it is outside, else inconclusive; so is what fewer than three trainings made. n :
    trainings, 0 where none takes part, as in the time of a step. p_value :
    sign-flip test over seeds, of the nearest bound; smallest_p_value : the smallest that so many seeds can give, for
    which the interval decides and not the p-value. Verdicts are of the data and settings of this run, which `data` and
    `settings` say.
    """
    with reading(metrics), reading(missing):
        found = pd.read_csv(metrics, dtype={"seed": "Int64"})
        absent = pd.read_csv(missing).set_index("metric")["reason"].to_dict()
    columns = ["experiment", "data", "settings"]
    facts = {name: rows[columns].iloc[0].to_dict() for name, rows in found.groupby("metric", sort=False)}
    measured = {name: measured_of(rows) for name, rows in found.groupby("metric", sort=False)}
    rows = []
    for name, claim in claims.items():
        of_claim = [
            (effect, RATIO if RATIO in comparison else units[metrics_of(comparison)[0]])
            for comparison in claim["comparisons"]
            for effect in judge_comparisons(comparison, measured, absent)
        ]
        verdict = judge_claim([effect for effect, _ in of_claim])
        shared = {"claim": name, **{key: claim[key] for key in ("paper", "text", "source", "measured")}}
        rows += [{**shared, "verdict": verdict, **described(effect, unit, facts)} for effect, unit in of_claim]
    result = pd.DataFrame(rows, columns=COLUMNS)
    write_text(table, result.to_csv(index=False))
    write_text(markdown, as_markdown(result))


def measured_of(rows: pd.DataFrame) -> Measured:
    """The values of a metric; those that are undefined stay, as NaN."""
    by_seed = {None if pd.isna(row.seed) else int(row.seed): row.value for row in rows.itertuples()}
    first = rows.iloc[0]
    over = "" if pd.isna(first["over"]) else first["over"]
    trainings = None if pd.isna(first["trainings"]) else int(first["trainings"])
    return Measured(by_seed, first["ci95_low"], first["ci95_high"], over, trainings)


def described(effect: Effect, unit: str, facts: dict) -> dict:
    """A row of the table."""
    known = [facts[name] for name in effect.metrics if name in facts]
    settings = {"data" if pd.isna(fact["experiment"]) else fact["experiment"]: fact["settings"] for fact in known}
    if len(set(settings.values())) > 1:
        settings = {name: f"{name}: {text}" for name, text in settings.items()}
    tested = effect.verdict != NOT_TESTED
    return {
        "comparison": effect.text,
        "comparison_verdict": effect.verdict,
        **{
            key: getattr(effect, key)
            for key in ("effect", "above", "below", "p_value", "smallest_p_value", "over", "reason")
        },
        "ci95_low": effect.low,
        "ci95_high": effect.high,
        "unit": unit,
        "n": effect.n if tested else np.nan,
        "data": known[0]["data"] if known and tested else "",
        "settings": "; ".join(dict.fromkeys(settings.values())) if known and tested else "",
    }


def as_markdown(table: pd.DataFrame) -> str:
    """Per paper its claims, each with its comparisons."""
    counts = table.drop_duplicates("claim")["verdict"].value_counts()
    said = ", ".join(f"{counts.get(v, 0)} {v}" for v in (SUPPORTED, REFUTED, INCONCLUSIVE, NOT_TESTED))
    tested = table[table["comparison_verdict"] != NOT_TESTED]
    lines = [f"Claims of the papers: {said}.", "", DECIDES, ""]
    if (tested["data"] == "simulated").any():
        lines += ["Simulated data: these verdicts are of this run's images, none is an answer about real galaxies.", ""]
    if (tested["settings"] != "published").any():
        lines += ["Settings differ from the published ones where the column `settings` of claims.csv says so.", ""]
    for paper, claims in table.groupby("paper", sort=False):
        lines += [f"## {paper}", ""]
        for _, rows in claims.groupby("claim", sort=False):
            first = rows.iloc[0]
            how = f" Measured: {first['measured']}." if isinstance(first["measured"], str) else ""
            lines += [f"**{first['verdict'].capitalize()}**: {first['text']} ({first['source']}){how}", ""]
            lines += [f"- {row.comparison_verdict}: {sentence(row)}" for row in rows.itertuples()]
            lines.append("")
    return "\n".join(lines)


def sentence(row) -> str:
    """A comparison in numbers."""
    if row.comparison_verdict == NOT_TESTED:
        return f"`{row.comparison}` ({row.reason})"
    text = f"`{row.comparison}`: {row.effect:.4g} {row.unit}"
    if not np.isnan(row.ci95_low):
        text += f", 95 % interval over {row.over} {row.ci95_low:.4g} to {row.ci95_high:.4g}"
    if not np.isnan(row.p_value):
        text += f", p = {row.p_value:.3g} (of {row.n:.0f} seeds at least {row.smallest_p_value:.3g})"
    return text + (f" ({row.reason})" if row.reason else "")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

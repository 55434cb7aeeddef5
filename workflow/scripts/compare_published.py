"""Every value that the papers state beside that of the run: reproduced, not reproduced, or not comparable, and why."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import reading, write_text
from galaxies.ledger import IN_PAPER, identity
from galaxies.reported import read_reported
from galaxies.scripting import run_script
from galaxies.stats import summarise
from galaxies.verdicts import NOT_COMPARABLE, judge_published

APPROXIMATE = ("approx", "more than")  # in the source of a value that is no exact one
INTERVALS = ("ci95_low", "ci95_high", "prediction95_low", "prediction95_high")
COLUMNS = ["paper", "experiment", "dataset_split", "metric", "published", "units", "source_section", "ours"]
COLUMNS += ["mean", "std", "n_seeds", *INTERVALS, "images", "data", "settings", "verdict", "reason"]


def main(metrics: Path, missing: Path, reported: Path, table: Path, *, published: dict) -> None:
    """Write a row per published value whose source is in a paper itself, in the order of `reported`.

    metrics, missing : from collect_metrics.py. published : paper/experiment/dataset_split/metric -> {ours (name of the
    metric beside it, or None), relation, reason (why it is not judged, or None)}.
    n_seeds : 0 for a value that no training made. images : that the value of the run is over. verdict and reason : see
    `galaxies.verdicts.judge_published`; only values of real data at published settings are judged.
    """
    with reading(metrics), reading(missing):
        ours = dict(iter(pd.read_csv(metrics, dtype={"seed": "Int64"}).groupby("metric", sort=False)))
        absent = pd.read_csv(missing).set_index("metric")["reason"].to_dict()
    stated = read_reported(reported, as_printed=True)
    stated = stated[stated["source_section"].str.startswith(IN_PAPER)]
    rows = []
    for row in stated.to_dict("records"):
        entry = published[identity(row)]
        facts = {key: row[key] for key in ("paper", "experiment", "dataset_split", "metric", "units", "source_section")}
        facts |= {"published": row["value"], "ours": entry["ours"]}
        found = ours.get(entry["ours"])
        if found is None:
            reasons = [entry["reason"], absent.get(entry["ours"]) if entry["ours"] else None]
            rows.append(facts | {"verdict": NOT_COMPARABLE, "reason": "; ".join(filter(None, reasons))})
        else:
            rows.append(facts | beside(row, entry, found))
    write_text(table, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False))


def beside(stated: dict, entry: dict, found: pd.DataFrame) -> dict:
    """What the run has beside a published value; found : rows of its metric."""
    defined = found[found["value"].notna()]
    values, kind = defined["value"].to_numpy(), defined["kind"].iloc[0]
    has_seeds = kind == "seeds"
    summary = summarise(values)
    said = found["comparable"].iloc[0]
    told = kind == "setting" and entry["relation"] == "equals"  # whatever else differs
    reasons = [] if said == "yes" or told else [said.removeprefix("no: ")]
    reasons += [entry["reason"]] if entry["reason"] else []
    reasons += [f"undefined in {len(found) - len(defined)} of {len(found)} seeds"] if len(found) > len(defined) else []
    approximate = any(word in stated["source_section"] for word in APPROXIMATE)
    interval = tuple(defined[["ci95_low", "ci95_high"]].iloc[0])
    verdict, why = judge_published(stated["value"], approximate, values, kind, entry["relation"], reasons, interval)
    images = defined["images"].iloc[0]
    return {
        "mean": summary.mean,
        "std": summary.std,
        "n_seeds": summary.n if has_seeds else 0,
        **{key: getattr(summary, key) if has_seeds else np.nan for key in INTERVALS},
        "images": "" if pd.isna(images) else int(images),
        "data": found["data"].iloc[0],
        "settings": found["settings"].iloc[0],
        "verdict": verdict,
        "reason": why,
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

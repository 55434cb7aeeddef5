"""Values of all named metrics of a run, seed by seed, in one table."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text
from galaxies.files import write_text
from galaxies.ledger_tables import data_of_papers, values_of
from galaxies.scripting import run_script

COLUMNS = ["metric", "paper", "experiment", "seed", "value", "kind", "unit", "better", "images"]
COLUMNS += ["over", "ci95_low", "ci95_high", "trainings", "data", "settings", "comparable"]


def main(
    tables: list[Path],
    provenance: list[Path],
    metrics: Path,
    missing: Path,
    *,
    papers: list[str],
    entries: list[dict],
    absent: dict,
) -> None:
    """Write a row per metric and seed, and a row per metric that has none, with the reason.

    tables : that the metrics stand in. provenance : of the data sets of `papers`, in their order. entries : metrics as
    in config/metrics.yaml with `name`, `tables` (positions among `tables`, one for each of `seeds` or one for all),
    `setting` (its value), and `differences`, texts on how settings differ from the published. absent : name -> reason
    of the metrics that the run cannot have. metrics : seed is empty for a value of no single training, whose `kind` is
    `setting` if the run was told, `fact` for a number of the data, else `estimate`; `over` is what the interval of
    such a value is over, if its table has one, and `trainings` how many trainings it is of, if any. images : that a
    value is over. settings : `published`, or how they differ. comparable : `yes`, or why a value must not be judged
    against the published one. Raises DataError naming metric, file and columns for a column that is not there.
    """
    data = data_of_papers(papers, provenance)
    rows, reasons = [], dict(absent)
    for entry in entries:
        facts = {"metric": entry["name"], **{key: entry[key] for key in ("paper", "experiment", "unit", "better")}}
        facts["data"] = data[entry["paper"]]
        facts["settings"] = "; ".join(entry["differences"]) or "published"
        if entry["setting"] is not None:
            values, why = [{"seed": None, "value": entry["setting"]}], ""
        else:
            paths = [tables[number] for number in entry["tables"]]
            values, why = values_of(entry, paths, entry["seeds"], entry["name"])
        if not why and all(np.isnan(value["value"]) for value in values):
            why = "undefined in all seeds"
        if why:
            reasons[entry["name"]] = why
            continue
        configured = entry["configured"] or entry["setting"] is not None
        without_seed = "estimate" if entry["seed"] or entry["intervals"] else "fact"
        for value in values:
            value["kind"] = "setting" if configured else "seeds" if value["seed"] is not None else without_seed
            against = [
                *(["simulated data"] if facts["data"] == "simulated" else []),
                *value.pop("reasons", []),
                *entry["differences"],
            ]
            said = comparable_text(against)
            rows.append(facts | value | {"comparable": said})
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(("seed", "images", "trainings"), "Int64"))
    write_text(metrics, table.to_csv(index=False))
    write_text(missing, pd.DataFrame(sorted(reasons.items()), columns=["metric", "reason"]).to_csv(index=False))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""All generators of a run by everything that was measured of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import write_text
from galaxies.ledger_tables import chosen_rows, column_of, data_of_papers, read_table
from galaxies.scripting import run_script
from galaxies.stats import summarise

COLUMNS = [
    "paper",
    "experiment",
    "label",
    "quantity",
    "unit",
    "better",
    "mean",
    "std",
    "n_seeds",
    "ci95_low",
    "ci95_high",
]
COLUMNS += ["real", "data", "settings", "reason"]


def main(
    tables: list[Path],
    provenance: list[Path],
    table: Path,
    *,
    papers: list[str],
    cells: list[dict],
    quantities: dict,
) -> None:
    """Write a row per generator and quantity.

    tables : that the quantities stand in. provenance : of the data sets of `papers`, in their order. cells : {paper,
    experiment, label, quantity, tables (positions among `tables`, one for all seeds or one for each), reason (why there
    is no table, or None), differences}. quantities : by name as in config/metrics.yaml. mean to ci95 : over seeds. real
    : the value of real images, where the table has one. reason : why there is no value. Raises DataError naming
    quantity, file and columns for an unknown column.
    """
    data = data_of_papers(papers, provenance)
    rows = []
    for cell in cells:
        entry = quantities[cell["quantity"]]
        facts = {key: cell[key] for key in ("paper", "experiment", "label", "quantity")} | {"data": data[cell["paper"]]}
        facts |= {
            "unit": entry["unit"],
            "better": entry["better"],
            "settings": "; ".join(cell["differences"]) or "published",
        }
        paths = [tables[number] for number in cell["tables"]]
        values, real, why = by_seed(cell, entry, paths) if paths else ([], np.nan, cell["reason"])
        row = facts | {"real": real, "reason": why, "n_seeds": len(values)}
        if values:
            summary = summarise(values)
            row |= {key: getattr(summary, key) for key in ("mean", "std", "ci95_low", "ci95_high")}
        rows.append(row)
    write_text(table, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False))


def by_seed(cell: dict, entry: dict, paths: list[Path]) -> tuple[list[float], float, str]:
    """Values of a quantity of a generator, one per seed, that of real images, and why there is none."""
    where = dict(entry["where"])
    if entry["experiment"]:
        where = {entry["experiment"]: cell["experiment"], **where}
    values, real = [], []
    for path in paths:
        content, place = read_table(path), f"{path}: generators.{cell['quantity']}"
        found, why = chosen_rows(content, where, None, place)
        if entry["seed"]:
            found = found[column_of(found, entry["seed"], place).notna()]
        if why:
            return [], np.nan, f"{path.name}: {why}"
        values += list(column_of(found, entry["value"], place))
        real += list(column_of(found, entry["real"], place)) if entry["real"] else []
    defined = [float(value) for value in values if np.isfinite(value)]
    return defined, float(np.mean(real)) if real else np.nan, "" if defined else "undefined in all seeds"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

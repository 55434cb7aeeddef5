"""All generators of a run by everything that was measured of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import write_text
from galaxies.ledger_tables import chosen_rows, column_of, data_of_papers, read_table
from galaxies.scripting import run_script
from galaxies.stats import interval_over_seeds, summarise

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
SEED_COLUMNS = ["paper", "experiment", "quantity", "seed", "value"]


def main(
    tables: list[Path],
    provenance: list[Path],
    table: Path,
    per_seed: Path,
    *,
    papers: list[str],
    cells: list[dict],
    quantities: dict,
) -> None:
    """Write a row per generator and quantity, and one per seed of each.

    tables : that the quantities stand in. provenance : of the data sets of `papers`, in their order. cells : {paper,
    experiment, label, quantity, tables (positions among `tables`, one for all seeds or one for each), seeds, reason
    (why there is no table, or None), differences}. quantities : by name as in config/metrics.yaml. mean and std : over
    seeds. ci95 : of the mean, within the range of the quantity; none of fewer than three seeds or of equal ones. real :
    the value of real images, if it is known. reason : why there is no value. Raises DataError naming quantity, file and
    columns for an unknown column.
    """
    data = data_of_papers(papers, provenance)
    rows, of_seeds = [], []
    for cell in cells:
        entry = quantities[cell["quantity"]]
        generator = {key: cell[key] for key in ("paper", "experiment", "quantity")}
        facts = generator | {"label": cell["label"], "data": data[cell["paper"]]}
        facts |= {
            "unit": entry["unit"],
            "better": entry["better"],
            "settings": "; ".join(cell["differences"]) or "published",
        }
        paths = [tables[number] for number in cell["tables"]]
        found, real, why = by_seed(cell, entry, paths) if paths else ([], np.nan, cell["reason"])
        values = [value for _, value in found]
        row = facts | {"real": real, "reason": why, "n_seeds": len(values)}
        if values:
            summary = summarise(values)
            row |= {"mean": summary.mean, "std": summary.std}
            row["ci95_low"], row["ci95_high"] = interval_over_seeds(values, tuple(entry["range"]))
        rows.append(row)
        of_seeds += [generator | {"seed": seed, "value": value} for seed, value in found]
    write_text(table, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False))
    write_text(per_seed, pd.DataFrame(of_seeds, columns=SEED_COLUMNS).to_csv(index=False))


def by_seed(cell: dict, entry: dict, paths: list[Path]) -> tuple[list[tuple[int, float]], float, str]:
    """Seeds and values of a quantity of a generator, the value of real images, and why there is none of the generator.

    Seeds without a value are left out.
    """
    where = dict(entry["where"])
    if entry["experiment"]:
        where = {entry["experiment"]: cell["experiment"], **where}
    values, real = [], []
    for number, path in enumerate(paths):
        content, place = read_table(path), f"{path}: generators.{cell['quantity']}"
        found, why = chosen_rows(content, where, None, place)
        if why:
            return [], np.nan, f"{path.name}: {why}"
        if entry["seed"]:
            found = found[column_of(found, entry["seed"], place).notna()]
        seeds = found[entry["seed"]] if entry["seed"] else [cell["seeds"][number]]
        values += zip(map(int, seeds), column_of(found, entry["value"], place), strict=True)
        real += of_real_images(entry, where, content, found, place)
    defined = [(seed, float(value)) for seed, value in values if np.isfinite(value)]
    return defined, float(np.mean(real)) if real else np.nan, "" if defined else "undefined in all seeds"


def of_real_images(entry: dict, where: dict, table: pd.DataFrame, found: pd.DataFrame, place: str) -> list[float]:
    """Values of real images: a constant, or those in the rows `found` of a generator, or in a row of their own."""
    real = entry["real"]
    if isinstance(real, dict):
        rows, _ = chosen_rows(table, where | real, None, place)
        return list(column_of(rows, entry["value"], place))
    if isinstance(real, str):
        return list(column_of(found, real, place))
    return [] if real is None else [real]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

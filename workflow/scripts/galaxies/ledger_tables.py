"""Values of the ledger's metrics in the tables of a run."""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.config import suggestion
from galaxies.errors import DataError
from galaxies.files import reading

LAST = "last"  # in `where`: the largest value of a column, seed by seed


@functools.cache  # many metrics stand in one table
def read_table(path: Path) -> pd.DataFrame:
    """A CSV file; or a JSON file as one row, whose columns are its keys, with dots below others.

    A key whose members are numbers is a column, too, with their sum.
    """
    with reading(path):
        if path.suffix != ".json":
            return pd.read_csv(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        row = pd.json_normalize(content)
        for key, value in content.items():
            if isinstance(value, dict) and value and all(isinstance(one, int | float) for one in value.values()):
                row[key] = sum(value.values())
        return row


def data_of_papers(papers: list[str], provenance: list[Path]) -> dict[str, str]:
    """`simulated` or `real` by paper; provenance : of the data set of each of the papers."""
    data = {}
    for paper, path in zip(papers, provenance, strict=True):
        with reading(path):
            data[paper] = "simulated" if json.loads(path.read_text(encoding="utf-8"))["simulated"] else "real"
    return data


def chosen_rows(table: pd.DataFrame, where: dict, seed: str | None, place: str) -> tuple[pd.DataFrame, str]:
    """Rows with the values that `where` names, see the schema; and, if there are none, why, else an empty text.

    seed : column that `last` is taken within. Raises DataError naming `place` and the columns for an unknown one.
    """
    for column, wanted in where.items():
        values = column_of(table, column, place)
        if isinstance(wanted, list):
            kept = values.between(*wanted)
        elif wanted == LAST:
            kept = values == (values.groupby(table[seed]).transform("max") if seed else values.max())
        elif isinstance(wanted, str):
            kept = values.astype("string") == wanted
        else:
            kept = values == wanted
        if not kept.any():
            found = ", ".join(dict.fromkeys(values.dropna().astype(str)))
            return table[kept], f"no row has {column} {wanted}; there are: {found[:120]}"
        table = table[kept]
    return table, ""


def column_of(table: pd.DataFrame, column: str, place: str) -> pd.Series:
    """A column. Raises DataError naming `place` and the columns that are there."""
    if column not in table:
        raise DataError(
            f"{place}: no column {column!r}; the columns are: {', '.join(map(str, table.columns))}",
            suggestion(column, list(table.columns)),
        )
    return table[column]


def values_of(entry: dict, paths: list[Path], seeds: list[int], name: str) -> tuple[list[dict], str]:
    """Rows {seed, value, images, reasons, trainings, over, ci95_low, ci95_high} of a metric, or none and why.

    paths : its table, or one per seed in the order of `seeds`. value : NaN where the table has none. images : number of
    images that a value is over, NaN where it is not known. reasons : why the table says that a value is not comparable.
    Raises DataError naming the entry, the file and its columns for an unknown column or for several rows of a seed.
    """
    per_file = "{seed}" in entry["table"]
    rows = []
    for path, seed in zip(paths, seeds if per_file else [None], strict=True):
        table, place = read_table(path), f"{path}: metric {name}"
        found, why = chosen_rows(table, entry["where"], entry["seed"], place)
        if why:
            return [], f"{path.name}: {why}"
        if entry["count"]:
            value = len(found) / (len(table) if entry["count"] == "share" else 1)
            rows.append({"seed": seed, "value": value, "images": len(table)})
            continue
        values, of_seeds = (column_of(found, entry[key], place) if entry[key] else None for key in ("value", "seed"))
        key = of_seeds if of_seeds is not None else pd.Series(0, found.index)
        if key.duplicated().any():
            raise DataError(
                f"{place}: {len(found)} rows, expected one{' per seed' if entry['seed'] else ''}; add to `where`"
            )
        for index in found.index:
            row = {"seed": seed, "value": float(values[index])}
            if of_seeds is not None and not pd.isna(of_seeds[index]):  # Ridge regression, for one, has none
                row["seed"] = int(of_seeds[index])
            row["images"] = column_of(found, entry["images"], place)[index] if entry["images"] else np.nan
            said = column_of(found, entry["comparable"], place)[index] if entry["comparable"] else "yes"
            row["reasons"] = [] if pd.isna(said) or said == "yes" else said.removeprefix("no: ").split("; ")
            if entry["trainings"]:
                row["trainings"] = column_of(found, entry["trainings"], place)[index]
            rows.append(row | _interval(found.loc[index], entry["intervals"], found, place))
    return rows, ""


def _interval(row: pd.Series, intervals: list[dict], table: pd.DataFrame, place: str) -> dict:
    """The first interval that has numbers."""
    for interval in intervals:
        low, high = (float(column_of(table, interval[end], place)[row.name]) for end in ("low", "high"))
        if np.isfinite([low, high]).all():
            return {"over": interval["over"], "ci95_low": low, "ci95_high": high}
    return {}

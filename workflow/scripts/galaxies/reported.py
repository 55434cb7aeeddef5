"""Values that the papers report (config/reported.csv)."""

from pathlib import Path

import pandas as pd

from galaxies.errors import DataError

COLUMNS = ["paper", "experiment", "dataset_split", "metric", "value", "units", "source_section"]


def read_reported(path: Path, paper: str | None = None, as_printed: bool = False) -> pd.DataFrame:
    """Rows of one paper, or of all; DataError if the file has other columns than those of COLUMNS.

    as_printed : values as texts, which tell how they are rounded.
    """
    table = pd.read_csv(path, dtype={"value": str} if as_printed else None)
    if list(table.columns) != COLUMNS:
        raise DataError(f"{path}: columns are {', '.join(table.columns)}, expected {', '.join(COLUMNS)}")
    return table if paper is None else table[table["paper"] == paper]


def reported_value(table: pd.DataFrame, experiment: str | None, split: str, metric: str) -> tuple[float, str]:
    """(value, section of the paper) of one reported number; (NaN, "") if the paper does not give it."""
    rows = table[(table["experiment"] == experiment) & (table["dataset_split"] == split) & (table["metric"] == metric)]
    if rows.empty:
        return float("nan"), ""
    row = rows.iloc[0]
    return float(row["value"]), str(row["source_section"])

"""Values that the papers report (config/reported.csv), and curves that their authors recorded (recorded_curves.csv)."""

import csv
import math
from pathlib import Path

import pandas as pd

from galaxies.errors import DataError, quoted

COLUMNS = ["paper", "experiment", "dataset_split", "metric", "value", "units", "source_section"]


RECORDED_COLUMNS = ["repo", "commit", "notebook", "experiment", "epoch", "train_loss", "val_loss"]


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of reported values as texts.

    Raises DataError naming the line for other columns than COLUMNS or a value that is no finite number.
    """
    return _read_rows(path, COLUMNS, ["value"])


def read_recorded_rows(path: Path) -> list[dict[str, str]]:
    """Rows of recorded curves as texts.

    Raises DataError naming the line for other columns than RECORDED_COLUMNS or a number that is not finite.
    """
    return _read_rows(path, RECORDED_COLUMNS, ["epoch", "train_loss", "val_loss"])


def _read_rows(path: Path, columns: list[str], numbers: list[str]) -> list[dict[str, str]]:
    """Rows by the csv module, since Snakemake reads them at every start."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            if header != columns:
                raise DataError(
                    f"{path}: line 1: columns are {', '.join(header) or 'none'}", f"expected {', '.join(columns)}"
                )
            rows = []
            for fields in filter(None, lines):  # an empty line has none
                where = f"{path}: line {lines.line_num}"
                if len(fields) != len(columns):
                    raise DataError(
                        f"{where}: {len(fields)} fields, expected {len(columns)}", "quote fields that have a comma"
                    )
                row = dict(zip(columns, fields, strict=True))
                for column in numbers:
                    if not _is_number(row[column]):
                        raise DataError(
                            f"{where}: {column} {quoted(row[column])} is no number", "write it as 0.25 or 2.5e-3"
                        )
                rows.append(row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    return rows


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


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

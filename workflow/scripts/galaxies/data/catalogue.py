"""The catalogue of a data set: which objects it has, and the labels of each."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.names import ID, MISSING, ORDER, SUBSET, WHOLE
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelTable:
    """Labels as a data set publishes them.

    name, sha256 : of the file or files that they were read from. table : one row per object, indexed by int64
    `object_id`; float64 columns, NaN where a label is missing; optionally `subset` (text, the part of the data set) and
    `order` (position in the published table). columns : for each label its `kind`, `unit` and, if it has one, `range`.
    origin : more for provenance. left_out : rows of the files that have no label and are not in `table`, in words.
    """

    name: str
    sha256: str
    table: pd.DataFrame
    columns: dict[str, dict]
    origin: dict = field(default_factory=dict)
    left_out: str = ""


@dataclass(frozen=True)
class Catalogue:
    """ids : (N,) int64, ascending. subset : (N,) text. order : (N,) int64, position in the published table of its
    subset. labels : (N, K) float64, indexed by `object_id`, NaN where a label is missing."""

    ids: np.ndarray
    subset: np.ndarray
    order: np.ndarray
    labels: pd.DataFrame

    def __len__(self) -> int:
        return len(self.ids)


def build_catalogue(image_ids: np.ndarray, tables: Sequence[LabelTable], unmatched: str) -> tuple[pd.DataFrame, dict]:
    """Join label tables by id and match them with the images.

    image_ids : (N,) ids of the images.
    unmatched : "error" insists that all tables and the images have the same ids; "drop" keeps the ids that all have.

    Returns the table that `read_catalogue` reads (index `object_id` ascending, columns `subset`, `order` and the
    labels), and a description of its origin that JSON can hold.

    Raises
    ------
    DataError
        Ids do not match, no object is left, two tables give the same column, or a label has a name that the catalogue
        uses itself.
    ConfigError
        `unmatched` is impossible.
    """
    if unmatched not in ("error", "drop"):
        raise ConfigError(f"unmatched is {unmatched!r}, expected 'error' or 'drop'")
    for labels in tables:
        if reserved := {ID, SUBSET, ORDER} & set(labels.columns):
            raise DataError(
                f"{labels.name}: a label is called {', '.join(sorted(reserved))}, which the catalogue uses itself",
                "rename the column of the table",
            )
    described = [column for table in tables for column in table.table.columns]
    repeated = sorted({column for column in described if described.count(column) > 1})
    if repeated:
        files = ", ".join(table.name for table in tables)
        raise DataError(f"the label tables {files} both give the column(s) {', '.join(repeated)}")

    image_index = pd.Index(image_ids)
    common = image_index
    for labels in tables:
        common = common.intersection(labels.table.index)
    dropped = {labels.name: len(labels.table) - len(common) for labels in tables}
    dropped["images"] = len(image_index) - len(common)
    if any(dropped.values()):
        _report_unmatched(image_index, tables, common, unmatched)
    catalogue = pd.concat([labels.table.loc[common] for labels in tables], axis=1).sort_index().rename_axis(ID)
    subset = catalogue.pop(SUBSET) if SUBSET in catalogue else WHOLE
    order = catalogue.pop(ORDER) if ORDER in catalogue else np.arange(len(catalogue))
    catalogue.insert(0, SUBSET, subset)
    catalogue.insert(1, ORDER, order)
    origin = {
        "rows": len(catalogue),
        "images": len(image_index),
        "dropped": dropped,
        "labels": [{"file": labels.name, "sha256": labels.sha256, "rows": len(labels.table)} for labels in tables],
        "columns": {column: meaning for labels in tables for column, meaning in labels.columns.items()},
    }
    for labels in tables:
        for key, value in labels.origin.items():
            origin.setdefault(key, {})[labels.name] = value
    return catalogue, origin


def write_catalogue(path: Path, table: pd.DataFrame) -> None:
    """Write what `build_catalogue` returns as CSV, whole or not at all.

    Numbers are the shortest decimals that read back the same. A missing label is written out, so that a row that is
    cut short is not taken for one without labels.
    """
    with atomic(path) as temporary:
        table.to_csv(temporary, na_rep=MISSING)


def read_catalogue(path: Path, rows: range | None = None) -> Catalogue:
    """A catalogue of `write_catalogue`, or only some consecutive `rows` of it.

    Raises DataError when the file is no such catalogue.
    """
    hint = "delete the file and run the same command again; the rule `prepare_catalogue` writes it"
    # A function, because pandas makes a set of a range.
    part = {} if rows is None else {"skiprows": lambda line: 0 < line <= rows.start, "nrows": len(rows)}
    try:
        table = pd.read_csv(path, index_col=ID, dtype={SUBSET: str}, keep_default_na=False, na_values=[MISSING], **part)
    except (KeyError, TypeError) as error:  # pandas, for a header or rows that do not fit; its text would not help
        raise DataError(f"{path}: not a CSV table with the column {ID}", hint) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable catalogue ({error})", hint) from error
    if list(table.columns[:2]) != [SUBSET, ORDER] or table.empty or len(table.columns) < 3:
        raise DataError(f"{path}: expected the columns {ID}, {SUBSET}, {ORDER} and labels, and at least one row", hint)
    labels = table.iloc[:, 2:]
    numeric = all(pd.api.types.is_numeric_dtype(kind) for kind in labels.dtypes)
    integers = all(values.dtype == np.int64 for values in (table.index, table[ORDER]))
    if not (numeric and integers and table.index.is_monotonic_increasing and table.index.is_unique):
        raise DataError(f"{path}: expected ascending integer ids and columns of numbers", hint)
    if (table[SUBSET] == "").any() or np.isinf(labels.to_numpy(dtype=np.float64)).any():
        raise DataError(f"{path}: expected a subset in every row, and finite values or none", hint)
    return Catalogue(
        table.index.to_numpy(np.int64),
        table[SUBSET].to_numpy(dtype=object),
        table[ORDER].to_numpy(np.int64),
        labels.astype(np.float64),
    )


def _report_unmatched(images: pd.Index, tables: Sequence[LabelTable], common: pd.Index, unmatched: str) -> None:
    """Say which ids lack an image or labels: in an error, or in the log when they are to be dropped."""
    problems = []
    for labels in tables:
        table = labels.table if SUBSET in labels.table else labels.table.assign(**{SUBSET: ""})
        for subset, part in table.groupby(SUBSET, sort=False):
            of = f"{subset} ids" if subset else "ids"
            problems += _counted(part.index.difference(images), len(part), f"{of} of {labels.name} have no image")
        rest = images.difference(table.index)
        left_out = f" (left out: {labels.left_out})" if labels.left_out else ""
        problems += _counted(rest, len(images), f"images have no row in {labels.name}{left_out}")
    found = "; ".join(problems)
    if unmatched == "error":
        raise DataError(
            f"labels and images do not match: {found}",
            "complete the files, or set `unmatched: drop` to use only the objects that have both",
        )
    if not len(common):
        raise DataError(f"no object has both an image and labels: {found}", "check that they are of one data set")
    logger.warning("Dropped what has no counterpart, %d objects are left: %s", len(common), found)


def _counted(ids: pd.Index, of: int, what: str) -> list[str]:
    """`12 of 100 images ...: 1, 2, ...`, or nothing without ids."""
    first = ", ".join(map(str, ids[:5])) + ", ..." * (len(ids) > 5)
    return [f"{len(ids)} of {of} {what}: {first}"] if len(ids) else []

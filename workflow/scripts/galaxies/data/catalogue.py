"""The catalogue of a data set: which galaxies it has, and the targets of each."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.gz2 import ID_COLUMN, read_label_table, read_solutions, tree_violations
from galaxies.errors import ConfigError, DataError
from galaxies.files import sha256

logger = logging.getLogger(__name__)


def build_catalogue(
    image_ids: np.ndarray, labels: Sequence[Path], tables: Sequence[dict], unmatched: str
) -> tuple[pd.DataFrame, dict]:
    """Read the label tables, join them by id and match them with the images.

    image_ids : (N,) ids of the images.
    tables : one per label file: `{"kind": "solutions"}`, `{"kind": "class", "column": ...}` or `{"kind": "numeric",
        "column": ..., "range": [lowest, highest]}`; the last two may name an `id_column`.
    unmatched : "error" insists that all tables and the images have the same ids; "drop" keeps the ids that all have.

    Returns the targets, float64 in [0, 1], indexed by `GalaxyID` in ascending order, and a description of their origin
    that JSON can hold.

    Raises
    ------
    DataError
        A table is bad, ids do not match, no galaxy is left, or two tables give the same column.
    ConfigError
        `tables` or `unmatched` is impossible.
    """
    if unmatched not in ("error", "drop"):
        raise ConfigError(f"unmatched is {unmatched!r}, expected 'error' or 'drop'")
    if len(labels) != len(tables) or not tables:
        raise ConfigError(f"{len(tables)} label tables are described but {len(labels)} files given, expected as many")
    targets = [_read_table(path, table) for path, table in zip(labels, tables, strict=True)]
    described = [column for target in targets for column in target.columns]
    repeated = sorted({column for column in described if described.count(column) > 1})
    if repeated:
        raise DataError(f"the label tables {_names(labels)} both give the column(s) {', '.join(repeated)}")

    image_index = pd.Index(image_ids)
    common = image_index
    for target in targets:
        common = common.intersection(target.index)
    dropped = {path.name: len(target) - len(common) for path, target in zip(labels, targets, strict=True)}
    dropped["images"] = len(image_index) - len(common)
    if any(dropped.values()):
        _report_unmatched(image_index, labels, targets, common, unmatched)
    catalogue = pd.concat([target.loc[common] for target in targets], axis=1).sort_index()
    origin = {
        "rows": len(catalogue),
        "images": len(image_index),
        "dropped": dropped,
        "labels": [
            {"file": path.name, "sha256": sha256(path), "rows": len(target)}
            for path, target in zip(labels, targets, strict=True)
        ],
        "columns": {
            column: _describe(table) for table, target in zip(tables, targets, strict=True) for column in target.columns
        },
        "tree_violations": {
            path.name: tree_violations(target)
            for path, table, target in zip(labels, tables, targets, strict=True)
            if table["kind"] == "solutions"
        },
    }
    return catalogue, origin


def read_catalogue(path: Path) -> pd.DataFrame:
    """A catalogue written by the script `prepare_catalogue`: targets indexed by ascending `GalaxyID`.

    Raises DataError when the file is no such catalogue.
    """
    hint = "delete the file and run the same command again; the rule `prepare_catalogue` writes it"
    try:
        catalogue = pd.read_csv(path, index_col=ID_COLUMN)
    except (KeyError, TypeError) as error:  # pandas, for a header or rows that do not fit; its text would not help
        raise DataError(f"{path}: not a CSV table with the column {ID_COLUMN}", hint) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable catalogue ({error})", hint) from error
    numeric = all(pd.api.types.is_numeric_dtype(kind) for kind in catalogue.dtypes)
    integer = pd.api.types.is_integer_dtype(catalogue.index.dtype)
    if not (numeric and integer and catalogue.index.is_monotonic_increasing and catalogue.index.is_unique):
        raise DataError(f"{path}: expected ascending integer ids and columns of numbers", hint)
    if catalogue.empty or not np.isfinite(catalogue.to_numpy(dtype=np.float64)).all():
        raise DataError(f"{path}: expected at least one row and one column, and finite values", hint)
    return catalogue.astype(np.float64)


def _read_table(path: Path, table: dict) -> pd.DataFrame:
    settings = {key: value for key, value in table.items() if key not in ("file", "kind")}
    kind = table.get("kind")
    allowed = {"solutions": set(), "class": {"column", "id_column"}, "numeric": {"column", "range", "id_column"}}
    required = {"solutions": set(), "class": {"column"}, "numeric": {"column"}}
    if kind not in allowed:
        raise ConfigError(f"label table {path.name}: kind is {kind!r}, expected one of {', '.join(allowed)}")
    if not required[kind] <= set(settings) <= allowed[kind]:
        raise ConfigError(
            f"label table {path.name} of kind {kind}: keys are {sorted(settings)}, "
            f"expected {sorted(required[kind])} and optionally {sorted(allowed[kind] - required[kind])}"
        )
    return read_solutions(path) if kind == "solutions" else read_label_table(path, kind=kind, **settings)


def _describe(table: dict) -> dict:
    """Meaning of the columns of a table, for provenance. `range` is in the units of the file."""
    if table["kind"] == "solutions":
        return {"kind": "vote_fraction", "unit": "fraction of votes, cumulative down the tree", "range": [0.0, 1.0]}
    if table["kind"] == "class":
        return {"kind": "class", "unit": "1 for the class, else 0", "range": [0.0, 1.0]}
    low, high = table.get("range", (0.0, 1.0))
    return {"kind": "numeric", "unit": "as in the label file", "range": [float(low), float(high)]}


def _report_unmatched(
    images: pd.Index, labels: Sequence[Path], targets: Sequence[pd.DataFrame], common: pd.Index, unmatched: str
) -> None:
    """Say which ids lack an image or labels: in an error, or in the log when they are to be dropped."""
    problems = []
    for path, target in zip(labels, targets, strict=True):
        for count, what in (
            (target.index.difference(images), f"ids of {path.name} have no image"),
            (images.difference(target.index), f"images have no row in {path.name}"),
        ):
            if len(count):
                problems.append(f"{len(count)} {what}: {', '.join(map(str, count[:5]))}{', ...' * (len(count) > 5)}")
    found = "; ".join(problems)
    if unmatched == "error":
        raise DataError(
            f"labels and images do not match: {found}",
            "complete the files, or set `unmatched: drop` to use only the galaxies that have both",
        )
    if not len(common):
        raise DataError(f"no galaxy has both an image and labels: {found}", "check that they are of one data set")
    logger.warning("Dropped what has no counterpart, %d galaxies are left: %s", len(common), found)


def _names(labels: Sequence[Path]) -> str:
    return ", ".join(path.name for path in labels)

"""Labels of the CIL cosmology images: galaxy or not for one subset, a score for another, none for the third."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import LabelTable
from galaxies.data.images import ImageSource
from galaxies.data.names import ORDER, SUBSET
from galaxies.data.tables import Parser, Table, id_index, number_between, read_table
from galaxies.datasets.cil_cosmology.files import FETCH_HINT, QUERY_TRUTH, TABLES
from galaxies.datasets.cil_cosmology.images import ID_RANGE, SUBSETS, object_id, open_archive
from galaxies.errors import DataError
from galaxies.score_range import HIGHEST, LOWEST

logger = logging.getLogger(__name__)

ID_COLUMN, VALUE_COLUMN = "Id", "Actual"
PUBLISHED_SHA256 = {
    "labeled.csv": "e19963d9a8af838b7adb603adea00519b40a1677096568a071568ecf9f0ce2d6",
    "scored.csv": "a9169eeeecb00b24e23e16d66c6f57ed07fe056bbe12a9457494aded80bcae79",
}
PUBLISHED_IMAGES = {"labeled": 1200, "scored": 9600, "query": 1200}

_COLUMNS = {
    "score": {"kind": "score", "unit": "similarity to a prototype cosmology image", "range": [LOWEST, HIGHEST]},
    "galaxy": {"kind": "class", "unit": "no: an irrelevant or corrupt image", "range": [0.0, 1.0]},
}
_HIDDEN = {"kind": "score", "unit": "of simulated query images; judges, never trains", "range": [LOWEST, HIGHEST]}


def read_labels(files: dict[str, Path], settings: dict, images: ImageSource) -> list[LabelTable]:
    """One table of all subsets: `score` in [0, 8] of the scored images, `galaxy` 0 or 1 of the labelled ones.

    Query images have neither; they are those among `images`. Simulated ones have a `hidden_score`, a column of its own
    so that it never trains anything. `order` is the row in the published table, which is not sorted by id. Files that
    differ from the published ones are reported in the log.

    Raises
    ------
    DataError
        A table is absent or bad: other columns, an id repeated or of more than seven digits, a score outside [0, 8], a
        label that is neither 0 nor 1.
    """
    root, score = files["root"], number_between(LOWEST, HIGHEST)
    contents = dict(_contents(root))
    parts = [
        _part("labeled", "galaxy", _zero_or_one, Table(f"{root}/labeled.csv", contents["labeled.csv"], FETCH_HINT)),
        _part("scored", "score", score, Table(f"{root}/scored.csv", contents["scored.csv"], FETCH_HINT)),
    ]
    query = images.ids[images.ids // ID_RANGE == SUBSETS.index("query")]
    parts.append(pd.DataFrame({SUBSET: "query", ORDER: np.arange(len(query))}, index=id_index(query)))
    table = pd.concat(parts)
    columns = dict(_COLUMNS)
    if QUERY_TRUTH in files and images.are_simulated():
        truth = read_table(files[QUERY_TRUTH])
        hidden = _part("query", "hidden_score", score, truth)["hidden_score"]
        table["hidden_score"] = hidden.reindex(table.index)
        columns["hidden_score"] = _HIDDEN
    table = table[[SUBSET, ORDER, *columns]].astype({ORDER: np.int64})
    digests = {name: hashlib.sha256(contents[name]).hexdigest() for name in TABLES}
    if not images.are_simulated():
        _report_differences(root, digests, table)
    origin = {"sha256_of_tables": digests, "published_tables": digests == PUBLISHED_SHA256}
    both = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    return [LabelTable(", ".join(TABLES), both, table, columns, origin)]


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of the tables of the data set."""
    if root.is_dir():
        for name in TABLES:
            yield name, (root / name).read_bytes()
        return
    archive, folder = open_archive(root)
    with archive:
        for name in TABLES:
            if str(folder / name) not in archive.members:
                raise DataError(f"{root}: no {folder / name}", FETCH_HINT)
            yield name, archive.read(str(folder / name))


def _part(subset: str, column: str, parse: Parser, table: Table) -> pd.DataFrame:
    """Labels of one subset by object id, with its name and the order of the rows."""
    values = table.parse(table.position(ID_COLUMN), {table.position(VALUE_COLUMN): parse})
    too_long = values.index >= ID_RANGE
    if too_long.any():
        raise DataError(f"{table.name}: Id {values.index[too_long][0]} has more than seven digits")
    ids = id_index([object_id(subset, published) for published in values.index])
    return pd.DataFrame({SUBSET: subset, ORDER: np.arange(len(ids)), column: values.iloc[:, 0].to_numpy()}, index=ids)


def _zero_or_one(text: str) -> float:
    try:
        return {0.0: 0.0, 1.0: 1.0}[float(text)]
    except (KeyError, ValueError):
        raise ValueError("expected 0.0 or 1.0") from None


def _report_differences(root: Path, digests: dict[str, str], table: pd.DataFrame) -> None:
    """Warn where real files are not the published ones; other editions of the course may have others."""
    for name, digest in digests.items():
        if digest != PUBLISHED_SHA256[name]:
            logger.warning("%s: %s differs from the published table (SHA-256 %s)", root, name, digest)
    counts = table[SUBSET].value_counts().to_dict()
    for subset, published in PUBLISHED_IMAGES.items():
        if counts.get(subset, 0) != published:
            logger.warning("%s: %d rows of %s, %d were published", root, counts.get(subset, 0), subset, published)

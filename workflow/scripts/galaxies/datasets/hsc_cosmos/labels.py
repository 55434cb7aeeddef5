"""Labels of the HSC cut-outs: photometric redshift, stellar mass, and the class that is derived from both."""

from pathlib import Path

import pandas as pd

from galaxies.data.catalogue import LabelTable
from galaxies.data.images import ImageSource
from galaxies.data.tables import Parser, number_between, read_table, truth
from galaxies.datasets.hsc_cosmos.files import CATALOGUE, FETCH_HINT
from galaxies.errors import DataError
from galaxies.files import sha256

ID_COLUMN, SELECTED, REDSHIFT, LOG_MASS = "HSC_id", "selected", "photo_z", "log_mass"

MAX_DWARF_REDSHIFT = 0.15
DWARF_LOG_MASS = (8.0, 9.0)
"""Limits of the derived class, all exclusive (galaxy_cgan_augmentation, data)."""

_ANY = number_between(float("-inf"), float("inf"))
_COLUMNS = {
    "redshift": {"kind": "numeric", "unit": "photometric, of COSMOS"},
    "log_stellar_mass": {"kind": "numeric", "unit": "log10 of the stellar mass in solar masses"},
    "dwarf": {
        "kind": "class",
        "unit": f"redshift < {MAX_DWARF_REDSHIFT}, {DWARF_LOG_MASS[0]:g} < log mass < {DWARF_LOG_MASS[1]:g}",
        "range": [0.0, 1.0],
    },
}


def read_labels(files: dict[str, Path], settings: dict, images: ImageSource) -> list[LabelTable]:
    """Labels of the objects that the authors' recipe selects: `redshift`, `log_stellar_mass`, and `dwarf` (0 or 1).

    The recipe keeps rows with `selected`, of these the first of each `HSC_id`, and of these the ones that have an
    image; how many each step leaves is part of the origin.

    Raises
    ------
    DataError
        A column is absent, or a value of a selected row is no finite number.
    """
    path = files[CATALOGUE]
    table = read_table(path, FETCH_HINT)
    # Only selected rows must be complete, so numbers are parsed as text first.
    text = {table.position(name): str for name in (SELECTED, REDSHIFT, LOG_MASS)}
    rows = table.parse(table.position(ID_COLUMN), text, unique=False)
    rows.columns = [SELECTED, REDSHIFT, LOG_MASS]
    selected = rows[_parsed(path, rows, SELECTED, truth).astype(bool)]
    first = selected[~selected.index.duplicated()]
    with_image = first[first.index.isin(images.ids)]
    labels = pd.DataFrame(
        {
            "redshift": _parsed(path, with_image, REDSHIFT, _ANY),
            "log_stellar_mass": _parsed(path, with_image, LOG_MASS, _ANY),
        }
    )
    labels["dwarf"] = is_dwarf(labels["redshift"], labels["log_stellar_mass"]).astype(float)
    recipe = {
        "rows": len(rows),
        "selected": len(selected),
        "first_of_each_id": len(first),
        "with_image": len(with_image),
    }
    return [LabelTable(path.name, sha256(path), labels, _COLUMNS, {"recipe": recipe})]


def is_dwarf(redshift: pd.Series, log_stellar_mass: pd.Series) -> pd.Series:
    """The paper's binary label: true for nearby galaxies of low mass."""
    low, high = DWARF_LOG_MASS
    return (redshift < MAX_DWARF_REDSHIFT) & (log_stellar_mass > low) & (log_stellar_mass < high)


def _parsed(path: Path, rows: pd.DataFrame, column: str, parse: Parser) -> pd.Series:
    def value(text: str) -> float | bool:
        try:
            return parse(text)
        except ValueError as error:
            raise DataError(
                f"{path}: {column} is {text[:60]!r} in a row that is needed, {error}", FETCH_HINT
            ) from error

    return rows[column].map(value)

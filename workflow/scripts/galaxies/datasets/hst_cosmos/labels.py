"""Labels of the HST stamps: magnitude, photometric redshift and radius."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import LabelTable
from galaxies.data.images import ImageSource
from galaxies.data.tables import id_index
from galaxies.datasets.hst_cosmos.images import read_fits_table
from galaxies.errors import DataError
from galaxies.files import sha256

_LABELS = {
    "mag_auto": ("magnitude", "AB magnitude in F814W"),
    "zphot": ("redshift", "photometric redshift"),
    "flux_radius": ("half_light_radius", "pixels of the stamp"),
}


def read_labels(files: dict[str, Path], settings: dict, images: ImageSource) -> list[LabelTable]:
    """`magnitude`, `redshift` and `half_light_radius`; NaN where the catalogue has no finite value.

    Raises DataError if the table is damaged, lacks a column or repeats an id.
    """
    path = files["fits"]
    table = read_fits_table(path, {"IDENT": "i", **dict.fromkeys(_LABELS, "if")})
    ids = id_index(table["IDENT"])
    if not ids.is_unique:
        raise DataError(f"{path}: IDENT {ids[ids.duplicated()][0]} occurs twice")
    labels = pd.DataFrame({name: table[key].astype(np.float64) for key, (name, _) in _LABELS.items()}, index=ids)
    labels = labels.where(np.isfinite(labels))
    columns = {name: {"kind": "numeric", "unit": unit} for name, unit in _LABELS.values()}
    return [LabelTable(path.name, sha256(path), labels, columns)]

"""Colours and stellar masses of galaxies, and which of them lie on the red sequence."""

import logging
from pathlib import Path

import pandas as pd

from galaxies.data.tables import number_between, read_table
from galaxies.datasets.gz2_kaggle.files import ID_COLUMN
from galaxies.errors import DataError

logger = logging.getLogger(__name__)

COLOUR_COLUMN, MASS_COLUMN = "SDSS_petromag_abs_u_kcorr_dustcorr", "MPAJHU_MEDIAN_MASS"
"""Headings in `ColorMass/color_mass_original.csv` of github.com/Commit2Cosmos/GalaxyZoo-CapsNet, SDSS photometry and
MPA-JHU masses by GalaxyID. The first is named after the u magnitude, but its values are the colour u - r."""

COLOUR, LOG_MASS, RED_SEQUENCE = "u_r_colour", "log_stellar_mass", "red_sequence"

RANGES = {COLOUR: (0.0, 4.0), LOG_MASS: (7.0, 13.0)}
"""Limits, exclusive, outside of which a value is a failed measurement or a fill value. In that table colours run from
0.4 to 3.7 save for outliers from 5.4 to 26.9, and log masses from 8.6 to 11.3."""

GREEN_VALLEY_TOP = (-0.24, 0.25)
"""Intercept and slope of u - r over log mass, for k- and dust-corrected colours (Schawinski et al. 2014, MNRAS 440,
889, eq. 1)."""

MEANING = {
    COLOUR: {"kind": "numeric", "unit": "u - r in mag, k- and dust-corrected", "range": list(RANGES[COLOUR])},
    LOG_MASS: {"kind": "numeric", "unit": "log10 of the mass in solar masses", "range": list(RANGES[LOG_MASS])},
    RED_SEQUENCE: {
        "kind": "class",
        "unit": "u - r > {:g} + {:g} log mass, above the green valley".format(*GREEN_VALLEY_TOP),
        "range": [0.0, 1.0],
    },
}


def read_colour_mass(
    path: Path, colour_column: str = COLOUR_COLUMN, mass_column: str = MASS_COLUMN, id_column: str = ID_COLUMN
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Labels from a table (CSV, or a zip that holds one) of u - r colours and log masses, and how many rows lack them.

    Returns `u_r_colour` (mag), `log_stellar_mass` (log10 solar masses) and `red_sequence` (0 or 1), float64 (N, 3),
    indexed by int64 `object_id`, in file order, of the rows inside RANGES; and the number of rows outside (`objects`),
    and outside in each quantity.

    Raises
    ------
    DataError
        A column is absent or named twice, an id is no integer or repeated, a value is no finite number, or no row is
        inside RANGES.
    """
    table = read_table(path)
    names = {"id_column": id_column, "colour_column": colour_column, "mass_column": mass_column}
    identifier, *measured = (table.position(name, key) for key, name in names.items())
    if len({identifier, *measured}) < 3:
        raise DataError(
            f"{path}: ids, colours and masses are the columns {id_column}, {colour_column} and {mass_column}, expected "
            "three different ones",
            "set `id_column`, `colour_column` and `mass_column` of this label table",
        )
    values = table.parse(identifier, dict.fromkeys(measured, number_between(float("-inf"), float("inf"))))
    values.columns = [COLOUR, LOG_MASS]
    outside = pd.DataFrame({name: ~values[name].between(*RANGES[name], inclusive="neither") for name in RANGES})
    left_out = outside.any(axis=1)
    limits = ", ".join(f"{low:g} < {name} < {high:g}" for name, (low, high) in RANGES.items())
    if left_out.all():
        raise DataError(
            f"{path}: none of the {len(values)} rows has {limits}",
            f"are {colour_column} the colour u - r (mag) and {mass_column} the log10 of the mass in solar masses? else "
            "set `colour_column` and `mass_column` of this label table",
        )
    if left_out.any():
        first = ", ".join(map(str, values.index[left_out][:10]))
        logger.warning("%s: left out %d of %d rows without %s: %s", path, left_out.sum(), len(values), limits, first)
    labels = values[~left_out]
    labels = labels.assign(**{RED_SEQUENCE: is_red_sequence(labels[COLOUR], labels[LOG_MASS]).astype(float)})
    return labels, {"objects": int(left_out.sum()), **{name: int(outside[name].sum()) for name in RANGES}}


def is_red_sequence(u_r_colour: pd.Series, log_stellar_mass: pd.Series) -> pd.Series:
    """True for galaxies above the upper edge of the green valley in the colour-mass plane (GREEN_VALLEY_TOP)."""
    intercept, slope = GREEN_VALLEY_TOP
    return u_r_colour > intercept + slope * log_stellar_mass

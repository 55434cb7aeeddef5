"""Fluxes of HSC cut-outs, from stored pixels.

The published images are on a logarithm-like scale of which no formula is published. These functions take it for the
one of the simulator, `survey.stretch`. Ranks of fluxes depend on that choice only through the sum over pixels.
"""

import numpy as np

from galaxies.datasets.hsc_cosmos import survey

UNIT = "counts (AB zero point 27)"
NOTE = "The scale of published images is taken for that of the simulator."
BANDS = survey.BANDS

_LARGEST = 100.0  # stored value; a galaxy has 2. Sums of fluxes of larger ones would not be finite
_DIAMETER = 3.0  # arcsec, the aperture of the COSMOS photometry (Laigle et al. 2016, ApJS 224, 24)


def linear_flux(pixels: np.ndarray) -> np.ndarray:
    """Fluxes (..., 3, S, S) in counts per pixel of stored values, float64. Values beyond -/+100 count as -/+100."""
    return survey.linear_flux(np.clip(np.asarray(pixels, dtype=np.float64), -_LARGEST, _LARGEST))


def aperture_radius(size: int, crop: int) -> float:
    """Radius in pixels of the aperture for fluxes, 8.9; views of these images are cut and never resampled."""
    return _DIAMETER / 2 / survey.PIXEL_SCALE

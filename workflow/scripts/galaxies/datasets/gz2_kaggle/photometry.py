"""Brightness of Galaxy Zoo 2 pictures. They are 8-bit and stretched for the eye, so that this is no flux."""

import numpy as np

UNIT = "display units"
NOTE = "The pictures are stretched for the eye."
BANDS = ("grey",)

_FRAME = 424  # pixels of a published picture
_RADIUS = 50.0  # of these pixels: 90 % of the light, as a pixel is 2 % of that radius (Willett et al. 2013)


def linear_flux(pixels: np.ndarray) -> np.ndarray:
    """Brightness (..., 1, S, S) of pictures (..., 3, S, S) with values in [0, 1]: the mean of red, green and blue."""
    return np.asarray(pixels, dtype=np.float64).mean(axis=-3, keepdims=True)


def aperture_radius(size: int, crop: int) -> float:
    """Radius in pixels, of a view of `size` px, of the circle that holds 90 % of the light in the r band."""
    return _RADIUS * size / (crop or _FRAME)

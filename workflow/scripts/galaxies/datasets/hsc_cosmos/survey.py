"""The survey as the simulator of `hsc_cosmos` sees it: bands, depth, seeing, and the scale on which pixels are stored.

Fluxes are in counts of the survey's co-added pictures: one count is an AB magnitude of 27.

Sources: seeing and depth, first data release of the HSC-SSP (Aihara et al. 2018, PASJ 70, S8), Wide layer; the
COSMOS field is at least a magnitude deeper (it reached i = 28 in the second release, Aihara et al. 2019). Sky
brightness: dark sky in like bands, Ivezic et al. 2019, ApJ 873, 111, table 2.
"""

import numpy as np

BANDS = ("g", "i", "y")
"""Channels of an image, in order."""
SIDE = 50
"""Side of a cut-out, pixels."""
PIXEL_SCALE = 0.168
"""arcsec per pixel."""
ZERO_POINT = 27.0
"""AB magnitude of one count."""
PSF_FWHM = np.array([0.72, 0.56, 0.64])
"""Median seeing in g, i, y, arcsec."""
MOFFAT_BETA = 3.0
"""Slope of the wings of the point spread function, in the range of ground-based ones (Trujillo et al. 2001)."""

_WIDE_DEPTH = np.array([26.5, 25.9, 24.4])
DEPTH = _WIDE_DEPTH + 1.0
"""AB magnitude of a point source that is detected at 5 sigma."""
_SKY_BRIGHTNESS = np.array([22.26, 20.48, 18.61])  # AB magnitudes per square arcsec


def counts(magnitude: np.ndarray | float) -> np.ndarray | float:
    """Flux in counts of an AB magnitude."""
    return 10 ** (0.4 * (ZERO_POINT - magnitude))


def _noise_pixels() -> np.ndarray:
    """Number of pixels (3,) whose noise a point source competes with: 1 / integral of the squared Moffat profile."""
    radius = PSF_FWHM / PIXEL_SCALE / (2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1))
    return np.pi * radius**2 * (2 * MOFFAT_BETA - 1) / (MOFFAT_BETA - 1) ** 2


SKY_NOISE = counts(DEPTH) / 5 / np.sqrt(_noise_pixels())
"""Standard deviation of the sky in g, i, y, counts per pixel."""
ELECTRONS_PER_COUNT = counts(_SKY_BRIGHTNESS) * PIXEL_SCALE**2 / SKY_NOISE**2
"""Photo-electrons per count (3,): the photons of the dark sky make `SKY_NOISE`."""


def stretch(flux: np.ndarray) -> np.ndarray:
    """Stored values of fluxes (..., 3, height, width) in counts per pixel; any real flux has one.

    log10(flux) where the flux is well above the sky noise b of the band, log10(b) at zero flux, linear below:
    (arcsinh(flux / 2b) + ln b) / ln 10, the scale of Lupton, Gunn & Szalay 1999, AJ 118, 1406, without its sign.
    """
    softening = SKY_NOISE[:, None, None]
    return (np.arcsinh(flux / (2 * softening)) + np.log(softening)) / np.log(10)


def linear_flux(values: np.ndarray) -> np.ndarray:
    """Fluxes in counts per pixel of stored values (..., 3, height, width): the inverse of `stretch`, float64."""
    softening = SKY_NOISE[:, None, None]
    return 2 * softening * np.sinh(np.asarray(values, dtype=np.float64) * np.log(10) - np.log(softening))

"""Pictures of the `hsc_cosmos` simulator: light through the atmosphere on the camera's pixels, with noise.

Profiles are GalSim's, evaluated in Fourier space: sums, shifts and the blurring of all light of a band cost one
inverse transform.
"""

import functools

import galsim
import numpy as np
from scipy import fft

from galaxies.datasets.hsc_cosmos.population import Galaxy, draw_field_galaxy, field_density
from galaxies.datasets.hsc_cosmos.survey import (
    BANDS,
    DEPTH,
    ELECTRONS_PER_COUNT,
    MOFFAT_BETA,
    PIXEL_SCALE,
    PSF_FWHM,
    SIDE,
    SKY_NOISE,
    counts,
)

MARGIN = 15
"""Pixels around the cut-out: light that leaves one edge of the grid must not enter the other."""
_GRID = SIDE + 2 * MARGIN
_STEP = 2 * np.pi / _GRID  # of the wave numbers, rad per pixel
_HALF = _GRID // 2
_KX = (_STEP * np.arange(_HALF + 1)).astype(np.float32)
_KY = (_STEP * np.arange(-_HALF, _HALF)).astype(np.float32)

_FAINTEST = float(DEPTH[BANDS.index("i")])  # of the galaxies around, i magnitude
_BLENDED = 1.0  # arcsec; two galaxies that are closer would be one object of the catalogue
_SEEING_SCATTER = 0.05  # of the natural logarithm, from place to place in the co-added pictures
_STAR_DENSITY = 3.0  # per square arcminute with 19 < i < 25, at the galactic latitude of COSMOS


def render(galaxy: Galaxy, rng: np.random.Generator) -> np.ndarray:
    """Fluxes (3, 50, 50) in g, i, y, counts per pixel, of a galaxy in the centre, what lies around it, and noise."""
    scene = Scene()
    centre = _GRID / 2 - 0.5 + rng.uniform(-0.5, 0.5, 2)  # cut-outs begin at a whole pixel
    scene.add_galaxy(galaxy, centre, rng)
    _add_field(scene, centre, rng)
    return expose(scene.blurred(PSF_FWHM * rng.lognormal(0, _SEEING_SCATTER, len(BANDS))), rng)


class Scene:
    """Light in three bands on a grid that is wider than the cut-out; positions are (x, y) in its pixels.

    The cut-out begins at pixel `MARGIN` of the grid.
    """

    def __init__(self):
        # Half of the transform, as it is that of real light: (band, y, x), y wave numbers ascending.
        self._fourier = np.zeros((len(BANDS), _GRID, _HALF + 1), dtype=np.complex64)

    def add_galaxy(self, galaxy: Galaxy, position: np.ndarray, rng: np.random.Generator) -> None:
        """Add a galaxy: its smooth light, and star-forming knots at random places of its disk."""
        radius = galaxy.half_light_radius / PIXEL_SCALE
        shear = galsim.Shear(q=galaxy.axis_ratio, beta=galaxy.position_angle * galsim.radians)
        # GalSim's shear keeps the area, so the circle has that of the ellipse.
        profile = _sersic(galaxy.sersic_index).dilate(radius * np.sqrt(galaxy.axis_ratio)).shear(shear)
        self._add(galaxy.flux - galaxy.knots, _transform(profile) * _shift(position))
        if np.any(galaxy.knots):
            for share, place in _draw_knots(radius, galaxy, rng):
                self.add_point(share * galaxy.knots, position + place)

    def add_point(self, flux: np.ndarray, position: np.ndarray) -> None:
        """Add a point source of `flux` (3,) counts."""
        self._add(flux, _shift(position))

    def blurred(self, psf_fwhm: np.ndarray) -> np.ndarray:
        """Fluxes (3, 50, 50) of the cut-out in counts per pixel, seen with the seeing (3,) in arcsec."""
        psfs = [galsim.Moffat(beta=MOFFAT_BETA, fwhm=fwhm / PIXEL_SCALE) for fwhm in psf_fwhm]
        fourier = self._fourier * np.stack([_transform(psf) for psf in psfs]) * _pixel()
        whole = fft.irfft2(fft.ifftshift(fourier, axes=1), s=(_GRID, _GRID))
        return whole[:, MARGIN:-MARGIN, MARGIN:-MARGIN]

    def _add(self, flux: np.ndarray, light: np.ndarray) -> None:
        self._fourier += flux.astype(np.float32)[:, None, None] * light


def _draw_knots(radius: float, galaxy: Galaxy, rng: np.random.Generator) -> list[tuple[float, np.ndarray]]:
    """Share of the light and place (x, y) in pixels from the centre of each star-forming knot of a disk."""
    number = 1 + rng.poisson(5)
    distance = rng.gamma(2.0, radius / 1.678, number)  # an exponential disk, whose half-light radius is 1.678 scales
    azimuth = rng.uniform(0, 2 * np.pi, number)
    major, minor = distance * np.cos(azimuth), galaxy.axis_ratio * distance * np.sin(azimuth)
    cos, sin = np.cos(galaxy.position_angle), np.sin(galaxy.position_angle)
    places = np.stack([major * cos - minor * sin, major * sin + minor * cos], axis=1)
    return list(zip(rng.dirichlet(np.ones(number)), places, strict=True))


def _add_field(scene: Scene, centre: np.ndarray, rng: np.random.Generator) -> None:
    """Galaxies of all redshifts and foreground stars around the galaxy in the centre."""
    for position in _field_positions(field_density(_FAINTEST), centre, rng):
        neighbour, *_ = draw_field_galaxy(_FAINTEST, rng)
        scene.add_galaxy(neighbour, position, rng)
    for position in _field_positions(_STAR_DENSITY, centre, rng):
        scene.add_point(_draw_star(rng), position)


def _field_positions(density: float, centre: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions (n, 2) of objects with a density per square arcminute, none blended with the one in the centre."""
    positions = rng.uniform(0, _GRID, (rng.poisson(density * (_GRID * PIXEL_SCALE / 60) ** 2), 2))
    return positions[np.hypot(*(positions - centre).T) * PIXEL_SCALE > _BLENDED]


def _draw_star(rng: np.random.Generator) -> np.ndarray:
    """Fluxes (3,) of a star; most are faint and red. Along the main sequence i - y grows with g - i."""
    magnitude, g_minus_i = rng.uniform(19.0, 25.0), rng.triangular(0.3, 2.6, 3.2)
    i_minus_y = 0.3 * g_minus_i - 0.1
    return counts(np.array([magnitude + g_minus_i, magnitude, magnitude - i_minus_y]))


def expose(flux: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same fluxes with the noise of the photons of sky and sources."""
    variance = SKY_NOISE[:, None, None] ** 2 + np.maximum(flux, 0) / ELECTRONS_PER_COUNT[:, None, None]
    return flux + np.sqrt(variance) * rng.standard_normal(flux.shape)


@functools.cache
def _sersic(index: float) -> galsim.GSObject:
    return galsim.Sersic(index, half_light_radius=1.0)


@functools.cache
def _pixel() -> np.ndarray:
    return _transform(galsim.Pixel(1.0))


def _transform(profile: galsim.GSObject) -> np.ndarray:
    """Fourier transform of a profile around the origin, lengths in pixels."""
    image = galsim.ImageCF(galsim.BoundsI(0, _HALF, -_HALF, _HALF - 1), scale=_STEP)
    return profile.drawKImage(image=image, recenter=False).array


def _shift(position: np.ndarray) -> np.ndarray:
    """Transform of a point at `position`."""
    phase_x, phase_y = np.exp(-1j * position[0] * _KX), np.exp(-1j * position[1] * _KY)
    return np.outer(phase_y, phase_x).astype(np.complex64)

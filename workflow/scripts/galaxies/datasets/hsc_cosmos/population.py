"""Drawn galaxies of the `hsc_cosmos` simulator: the one in the centre with its labels, and those around it.

Redshift and stellar mass of the central galaxies have the published distribution of the labels; all that a picture
shows follows from them by relations measured on real galaxies, each with its scatter. Amounts of scatter that name no
source, and the limits of the selection, were chosen so that flux and colour alone tell dwarfs from other galaxies about
as poorly as on the published images.
"""

from dataclasses import dataclass

import numpy as np

from galaxies.datasets.hsc_cosmos.spectra import MAX_REDSHIFT, Light, arcsec_per_kpc, luminosity_distance
from galaxies.datasets.hsc_cosmos.survey import BANDS, ZERO_POINT

SERSIC_INDICES = (0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0, 4.0)
"""Shapes that are drawn; few, because each costs a table."""
SELECTED_MAGNITUDES = (19.0, 23.5)
"""Range of i of the central galaxies: bright enough for a photometric redshift, too faint for a massive neighbour."""
SELECTED_COLORS = (0.2, 1.1)
"""Range of observed g - i of the central galaxies, as of likely dwarfs: blue, or nearby."""

# The sample before the selection. Fitted so that the labels of the selected galaxies have the published moments.
_REDSHIFT, _REDSHIFT_SCATTER = 0.176, 0.49  # median; scatter of the natural logarithm
_MASS, _MASS_SLOPE, _MASS_SCATTER = 8.437, 1.33, 0.73  # log10 solar masses at the median redshift; per dex; dex
_OUTLIER_SHARE = 0.0372  # of the galaxies have a catastrophically wrong photometric redshift
_OUTLIER_REDSHIFTS = (0.3, 2.8)
_OUTLIER_MASS_TO_LIGHT = -1.15  # dex, relative to that of the galaxy

_PHOTO_Z_ERROR = 0.01  # of 1 + z, between bright and faint galaxies of Laigle et al. 2016, ApJS 224, 24
_MASS_ERROR = 0.2  # dex, as usual for masses from photometry (Conroy 2013, ARA&A 51, 393)
_MASS_TO_LIGHT_SCATTER = 0.2  # dex; twice that of Taylor et al. 2011, because star formation in dwarfs is bursty
_COLOR_SCATTER = 0.07  # mag in each band: emission lines, ages and metallicities that no template has
_MEAN_REDDENING = 0.08  # E(B - V) of the stars

_COUNT_SLOPE = 0.31  # of log10 of the number of field galaxies, per magnitude
_BRIGHTEST = 19.0  # i magnitude of field galaxies; brighter ones are too rare to matter

_I = BANDS.index("i")


@dataclass(frozen=True)
class Galaxy:
    """What the picture of one galaxy depends on.

    flux : (3,) counts in g, i, y. knots : (3,) the part of `flux` that comes from star-forming knots.
    half_light_radius : arcsec, along the major axis. axis_ratio : minor / major. position_angle : rad.
    """

    flux: np.ndarray
    knots: np.ndarray
    half_light_radius: float
    sersic_index: float
    axis_ratio: float
    position_angle: float

    @property
    def magnitude(self) -> float:
        """AB magnitude in i."""
        return ZERO_POINT - 2.5 * float(np.log10(self.flux[_I]))

    @property
    def color(self) -> float:
        """Observed g - i."""
        return -2.5 * float(np.log10(self.flux[0] / self.flux[_I]))


@dataclass(frozen=True)
class Target:
    """A central galaxy and its labels as they were measured.

    redshift, log_stellar_mass (log10 solar masses) : what the picture follows from. photo_z, log_mass : the labels.
    """

    galaxy: Galaxy
    redshift: float
    log_stellar_mass: float
    photo_z: float
    log_mass: float


def draw_target(rng: np.random.Generator) -> Target:
    """Draw a galaxy of the pre-selected sample with its labels."""
    while True:
        log_redshift = rng.normal(0, _REDSHIFT_SCATTER)
        redshift = float(min(_REDSHIFT * np.exp(log_redshift), 1.0))
        mass = float(rng.normal(_MASS + _MASS_SLOPE * log_redshift / np.log(10), _MASS_SCATTER))
        galaxy = draw_galaxy(mass, redshift, rng)
        if _within(galaxy.magnitude, SELECTED_MAGNITUDES) and _within(galaxy.color, SELECTED_COLORS):
            return Target(galaxy, redshift, mass, *_draw_labels(redshift, mass, rng))


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] < value < limits[1]


def _draw_labels(redshift: float, mass: float, rng: np.random.Generator) -> tuple[float, float]:
    """Photometric redshift and log10 stellar mass as measured.

    The redshift of a few galaxies is catastrophically wrong. Their mass was derived at the wrong distance: the flux
    then stands for more light, by the square of the ratio of the distances. As the filters would see the ultraviolet
    light of young stars, less mass goes with it.
    """
    log_mass = rng.normal(mass, _MASS_ERROR)
    if rng.random() >= _OUTLIER_SHARE:
        return float(abs(rng.normal(redshift, _PHOTO_Z_ERROR * (1 + redshift)))), float(log_mass)
    photo_z = float(rng.uniform(*_OUTLIER_REDSHIFTS))
    log_mass += 2 * np.log10(luminosity_distance(photo_z) / luminosity_distance(redshift)) + _OUTLIER_MASS_TO_LIGHT
    return photo_z, float(log_mass)


def draw_galaxy(mass: float, redshift: float, rng: np.random.Generator) -> Galaxy:
    """Draw what a galaxy of a stellar mass (log10 solar masses) and redshift in (0, 6] looks like."""
    spectral_type = _draw_spectral_type(mass, rng)
    light = Light(spectral_type, reddening=float(rng.exponential(_MEAN_REDDENING)))
    log_luminosity = mass - rng.normal(light.mass_to_light, _MASS_TO_LIGHT_SCATTER)
    flux = light.fluxes(log_luminosity, redshift) * 10 ** (0.4 * rng.normal(0, _COLOR_SCATTER, len(BANDS)))
    return Galaxy(
        flux=flux,
        knots=_draw_knots(flux, spectral_type, redshift, rng),
        half_light_radius=_draw_radius(mass, redshift, rng) * arcsec_per_kpc(redshift),
        sersic_index=_draw_sersic_index(spectral_type, rng),
        axis_ratio=_draw_axis_ratio(rng),
        position_angle=float(rng.uniform(0, np.pi)),
    )


def draw_field_galaxy(faintest: float, rng: np.random.Generator) -> tuple[Galaxy, float, float]:
    """Draw a galaxy of the field down to an i magnitude, with its redshift and stellar mass (log10 solar masses).

    Counts rise as in `field_density`; redshifts at a magnitude are those of the LSST Science Book (2009), section 3.7.
    """
    rarest = 10 ** (_COUNT_SLOPE * (_BRIGHTEST - faintest))
    magnitude = faintest + np.log10(rng.uniform(rarest, 1)) / _COUNT_SLOPE
    scale = max(0.0417 * magnitude - 0.744, 0.03)  # the formula is meant for i > 20
    redshift = float(np.clip(rng.gamma(3.0, scale), 0.02, MAX_REDSHIFT))
    # The mass whose typical galaxy has that magnitude at that redshift.
    typical = ZERO_POINT - 2.5 * np.log10(Light(1.0, _MEAN_REDDENING).fluxes(0.0, redshift)[_I])
    mass = float(np.clip(0.4 * (typical - magnitude) + Light(1.0, _MEAN_REDDENING).mass_to_light, 5.0, 11.7))
    return draw_galaxy(mass, redshift, rng), redshift, mass


def field_density(faintest: float) -> float:
    """Galaxies per square arcminute down to an i magnitude: LSST Science Book (2009), section 3.7."""
    return 46.0 * 10 ** (_COUNT_SLOPE * (faintest - 25.0))


def _draw_spectral_type(mass: float, rng: np.random.Generator) -> float:
    """Type in [0, 3]. The red sequence takes over at 10^10.5 solar masses (Baldry et al. 2004, ApJ 600, 681); below,
    galaxies redden with mass, with a wide scatter.
    """
    if rng.random() < 1 / (1 + 10 ** (10.5 - mass)):
        return float(np.clip(rng.normal(2.7, 0.2), 0, 3))
    return float(3 / (1 + np.exp(-rng.normal(-1.3 + 0.4 * (mass - 8.5), 1.2))))


def _draw_knots(flux: np.ndarray, spectral_type: float, redshift: float, rng: np.random.Generator) -> np.ndarray:
    """Flux (3,) of star-forming knots, whose stars are young and free of dust; none in early types."""
    share = rng.beta(1.5, 8.0) if spectral_type < 1.5 else 0.0
    young = Light(0.0).fluxes(0.0, redshift)
    return young * min(share * flux[_I] / young[_I], 0.5 * float(np.min(flux / young)))


def _draw_radius(mass: float, redshift: float, rng: np.random.Generator) -> float:
    """Half-light radius in kpc: late types of Shen et al. 2003, MNRAS 343, 978, eq. 18 and 19 with table 1.

    Galaxies of one mass were smaller by (1 + z)^-0.75: late types of van der Wel et al. 2014, ApJ 788, 28.
    """
    knee = 10 ** (mass - 10.6)  # in units of 3.98e10 solar masses
    radius = 0.1 * 10 ** (0.14 * mass) * (1 + knee) ** (0.39 - 0.14)
    scatter = 0.34 + (0.47 - 0.34) / (1 + knee**2)
    return float(radius * rng.lognormal(0, scatter) * (1 + redshift) ** -0.75)


def _draw_axis_ratio(rng: np.random.Generator) -> float:
    """Minor over major axis of a disk seen from anywhere; dwarfs are thick (Sanchez-Janssen et al. 2010)."""
    thickness = float(np.clip(rng.normal(0.35, 0.1), 0.1, 0.8))
    return float(np.hypot(thickness, np.sqrt(1 - thickness**2) * rng.random()))


def _draw_sersic_index(spectral_type: float, rng: np.random.Generator) -> float:
    index = (1.0 if spectral_type < 2 else 2.5) * rng.lognormal(0, 0.3)
    return min(SERSIC_INDICES, key=lambda shape: abs(np.log(shape / index)))

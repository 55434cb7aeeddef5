"""Light of a galaxy of given stellar mass, spectral type and redshift in the bands of the survey.

Templates are those of Coleman, Wu & Weedman 1980, extended (they come with GalSim); the filters are LSST's g, i and y,
which are close to those of the Hyper Suprime-Cam; the cosmology is that of Planck 2018.
"""

import functools
from dataclasses import dataclass

import galsim
import numpy as np
from astropy.cosmology import Planck18

from galaxies.datasets.hsc_cosmos.survey import BANDS, counts

TEMPLATES = ("Im", "Scd", "Sbc", "E")
"""Spectral types 0, 1, 2, 3; types between mix two templates."""
MAX_REDSHIFT = 6.0

_SUN = 4.58  # absolute AB magnitude of the sun in i, as in Taylor et al. 2011
_EFFECTIVE = np.array([0.483, 0.755, 0.971])  # wavelengths of the filters, micrometres
_I = BANDS.index("i")
_REDSHIFT_STEP = 0.01


@dataclass(frozen=True)
class _Tables:
    """Tables over redshift (R,), read by linear interpolation.

    flux : (4, R, 3), in g, i, y of each template, in units of its rest-frame i flux at the same luminosity distance.
    luminosity_distance : (R,), Mpc.
    """

    flux: np.ndarray
    luminosity_distance: np.ndarray


@functools.cache
def _tables() -> _Tables:
    redshifts = np.arange(0, MAX_REDSHIFT + 2 * _REDSHIFT_STEP, _REDSHIFT_STEP)
    flux = np.empty((len(TEMPLATES), len(redshifts), len(BANDS)))
    for b, band in enumerate(BANDS):
        wavelength, transmission = _filter(band)
        reference = np.trapezoid(transmission / wavelength, wavelength)  # photons of a source of AB magnitude 0
        emitted = wavelength / (1 + redshifts[:, None])
        for t, template in enumerate(TEMPLATES):
            sed = galsim.SED(f"CWW_{template}_ext.sed", wave_type="Ang", flux_type="flambda")
            photons = sed(emitted.ravel()).reshape(emitted.shape)
            # Hogg et al. 2002, eq. 13: photons per emitted wavelength already have its factor 1 / (1 + z).
            flux[t, :, b] = np.trapezoid(photons * transmission, wavelength, axis=1) / reference
    rest_i = flux[:, 0, _I].copy()
    flux /= rest_i[:, None, None]
    return _Tables(flux, Planck18.luminosity_distance(redshifts).value)


def _filter(band: str) -> tuple[np.ndarray, np.ndarray]:
    bandpass = galsim.Bandpass(f"LSST_{band}.dat", wave_type="nm")
    wavelength = np.linspace(bandpass.blue_limit, bandpass.red_limit, 200)
    return wavelength, bandpass(wavelength)


def luminosity_distance(redshift: float) -> float:
    """Mpc, of a redshift in [0, 6]."""
    return float(_at(_tables().luminosity_distance, redshift))


def arcsec_per_kpc(redshift: float) -> float:
    """Angle of one kiloparsec at a redshift in (0, 6]."""
    angular_distance = luminosity_distance(redshift) / (1 + redshift) ** 2
    return float(np.degrees(1e-3 / angular_distance) * 3600)


@dataclass(frozen=True)
class Light:
    """Spectrum of a galaxy: a type in [0, 3] behind dust with a reddening E(B - V) >= 0 of its stars."""

    spectral_type: float
    reddening: float = 0.0

    @property
    def rest_color(self) -> float:
        """Rest-frame g - i, AB magnitudes."""
        dust = self.reddening * float(calzetti(_EFFECTIVE[0]) - calzetti(_EFFECTIVE[_I]))
        return float(-2.5 * np.log10(_mixed(_tables().flux[:, 0, 0], self.spectral_type))) + dust

    @property
    def mass_to_light(self) -> float:
        """log10 of stellar mass over i-band luminosity, solar units: Taylor et al. 2011, MNRAS 418, 1587, eq. 7.

        The luminosity is that which leaves the galaxy, dust included, as in the source.
        """
        return -0.68 + 0.70 * self.rest_color

    def fluxes(self, log_luminosity: float, redshift: float) -> np.ndarray:
        """Observed fluxes (3,) in counts of a galaxy with a rest-frame i luminosity of 10^`log_luminosity` suns."""
        distance_modulus = 5 * np.log10(luminosity_distance(redshift)) + 25
        dust = self.reddening * (calzetti(_EFFECTIVE / (1 + redshift)) - calzetti(_EFFECTIVE[_I]))
        spectrum = _at(_mixed(_tables().flux, self.spectral_type), redshift)
        return counts(_SUN - 2.5 * log_luminosity + distance_modulus + dust) * spectrum


def calzetti(wavelength: np.ndarray | float) -> np.ndarray:
    """Attenuation in magnitudes for E(B - V) = 1 at a wavelength in micrometres: Calzetti et al. 2000, ApJ 533, 682."""
    inverse = 1 / np.clip(wavelength, 0.12, 2.2)
    red = -1.857 + 1.040 * inverse
    blue = -2.156 + 1.509 * inverse - 0.198 * inverse**2 + 0.011 * inverse**3
    return 2.659 * np.where(inverse < 1 / 0.63, red, blue) + 4.05


def _mixed(table: np.ndarray, spectral_type: float) -> np.ndarray:
    first = min(int(spectral_type), len(TEMPLATES) - 2)
    share = spectral_type - first
    return (1 - share) * table[first] + share * table[first + 1]


def _at(table: np.ndarray, redshift: float) -> np.ndarray:
    position = redshift / _REDSHIFT_STEP
    first = int(position)
    share = position - first
    return (1 - share) * table[first] + share * table[first + 1]

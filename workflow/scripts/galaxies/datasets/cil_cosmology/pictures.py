"""Frames of the simulator that show no star field at all: photographs, textures, gradients and failed exposures."""

from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import fft

from galaxies.datasets.cil_cosmology.fields import SIDE

_COARSE = SIDE // 2  # pixels along the side of a picture that is drawn coarsely, then enlarged


def render_picture(rng: np.random.Generator) -> np.ndarray:
    """A bright frame of a random kind, uint8 (1000, 1000)."""
    kinds = list(KINDS)
    kind = kinds[rng.choice(len(kinds), p=[KINDS[name][0] for name in kinds])]
    return render_kind(kind, rng)


def render_kind(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A frame of one of the `KINDS`, uint8 (1000, 1000)."""
    return np.clip(KINDS[kind][1](rng) + np.float32(0.5), 0, 255).astype(np.uint8)


def _photograph(rng: np.random.Generator) -> np.ndarray:
    """Things of smooth shape before a cloudy ground, lit from one side, a little grainy."""
    picture = _clouds(rng, rng.uniform(1.3, 2.0)) * np.float32(rng.uniform(0.3, 1.0))
    for _ in range(rng.integers(2, 9)):
        distance = _distance(rng, flattening=rng.uniform(1, 3)) / np.float32(rng.uniform(0.06, 0.26))
        outline = distance + 0.25 * _clouds(rng, 2.0)
        shade = np.float32(rng.uniform(-2.5, 2.5)) + np.float32(rng.uniform(0.2, 1.5)) * (1 - distance)
        edge = 1 / (1 + np.exp(np.clip((outline - 1) / np.float32(rng.uniform(0.01, 0.08)), -30, 30)))
        picture += edge * (shade + 0.3 * _clouds(rng, 1.2) - picture)
    return _expose(picture, rng, grain=rng.uniform(0.5, 5))


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Wood, cloth or bricks: waves with a wandering phase."""
    picture = np.float32(0.4) * _clouds(rng, rng.uniform(0.8, 1.6))
    wander = _clouds(rng, 2.0) * np.float32(rng.uniform(0, 6))
    for _ in range(rng.integers(1, 4)):
        wave = np.sin(_ramp(rng) * np.float32(rng.uniform(20, 250)) + wander)
        picture += np.float32(rng.uniform(0.3, 1)) * (np.sign(wave) if rng.random() < 0.4 else wave)
    return _expose(picture, rng, grain=rng.uniform(0, 6))


def _gradient(rng: np.random.Generator) -> np.ndarray:
    """Twilight or a lamp beside the field."""
    ramp = _ramp(rng) if rng.random() < 0.5 else -_distance(rng)
    return _expose(np.sign(ramp) * np.abs(ramp) ** np.float32(rng.uniform(0.7, 1.6)), rng, grain=rng.uniform(0, 3))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    """Saturated columns or rows of a failed readout."""
    profile = np.full(SIDE, rng.uniform(0, 60), dtype=np.float32)
    for _ in range(rng.integers(6, 60)):
        first, width = rng.integers(SIDE), int(rng.geometric(1 / 25))
        profile[first : first + width] = 255 if rng.random() < 0.7 else rng.uniform(80, 255)
    picture = profile + _grain(rng, rng.uniform(0.5, 10))
    return picture if rng.random() < 0.6 else picture.T


def _overexposed(rng: np.random.Generator) -> np.ndarray:
    """Huge haloes of saturated stars on a bright sky."""
    picture = np.full((_COARSE, _COARSE), rng.uniform(60, 230), dtype=np.float32)
    for _ in range(rng.integers(3, 25)):
        picture += np.float32(rng.uniform(50, 600)) * np.exp(-_distance(rng) / np.float32(rng.uniform(0.015, 0.09)))
    return _enlarged(picture) + _grain(rng, rng.uniform(0.5, 12))


def _blank(rng: np.random.Generator) -> np.ndarray:
    """A lit shutter: one grey level with little noise."""
    return np.float32(rng.uniform(70, 254)) + _grain(rng, rng.uniform(0.2, 1.5))


KINDS: dict[str, tuple[float, Callable[[np.random.Generator], np.ndarray]]] = {
    "photograph": (0.45, _photograph),
    "texture": (0.2, _texture),
    "gradient": (0.1, _gradient),
    "stripes": (0.1, _stripes),
    "overexposed": (0.1, _overexposed),
    "blank": (0.05, _blank),
}
"""Kinds of frames that are no star field: share of each, and grey levels (1000, 1000) before rounding."""


def _expose(picture: np.ndarray, rng: np.random.Generator, grain: float) -> np.ndarray:
    """Grey levels (1000, 1000) of a coarse picture, stretched so that a random level leaves one pixel in five above."""
    dark, bright = np.quantile(picture[::5, ::5], [0.01, 0.8])
    # The level that 80 % of the pixels do not exceed is 44 to 241 in 9 of 10 published frames without stars.
    top = rng.uniform(40, 245)
    low = rng.uniform(0, 0.7) * top
    levels = np.float32(low) + (picture - np.float32(dark)) * np.float32((top - low) / max(bright - dark, 1e-6))
    return _enlarged(levels) + _grain(rng, grain)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _clouds(rng: np.random.Generator, slope: float) -> np.ndarray:
    """Gaussian field (500, 500) whose amplitude falls as frequency^-slope, as in natural images; deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(_COARSE)[:, None], np.fft.rfftfreq(_COARSE)[None, :]).astype(np.float32)
    frequency[0, 0] = np.inf
    spectrum = fft.rfft2(rng.standard_normal((_COARSE, _COARSE), dtype=np.float32)) * frequency ** np.float32(-slope)
    field = fft.irfft2(spectrum, s=(_COARSE, _COARSE))
    return field / field.std()


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """Linear ramp (500, 500) in a random direction, within -1 to 1."""
    angle, position = rng.uniform(0, 2 * np.pi), np.linspace(-0.7, 0.7, _COARSE, dtype=np.float32)
    return np.float32(np.cos(angle)) * position[None, :] + np.float32(np.sin(angle)) * position[:, None]


def _distance(rng: np.random.Generator, flattening: float = 1.0) -> np.ndarray:
    """Distance from a random place (500, 500) in sides of the image; lines of equal distance are ellipses."""
    centre, angle = rng.uniform(0, 1, 2).astype(np.float32), rng.uniform(0, np.pi)
    position = np.linspace(0, 1, _COARSE, dtype=np.float32)
    y, x = (position - centre[0])[:, None], (position - centre[1])[None, :]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.hypot(x * cos + y * sin, (y * cos - x * sin) * np.float32(flattening))


def _grain(rng: np.random.Generator, deviation: float) -> np.ndarray:
    return np.float32(deviation) * rng.standard_normal((SIDE, SIDE), dtype=np.float32)

"""Star fields of the simulator: small blobs on a dark sky, as one telescope exposure shows them.

How bright, wide and numerous the blobs are follows from the score: the best fields are well exposed, fainter ones lose
the wide bright blobs, longer exposures drown in sky and saturated stars. The numbers reproduce the medians of the blob
statistics published for 5858 of the real images.
"""

from dataclasses import dataclass

import numpy as np

SIDE = 1000
"""Side of an image, pixels."""

# Profile of a star of width 1, fitted to stars of a real image: radius of the rounded core, scale of the tail, pixels.
_CORE, _TAIL = 2.2, 0.9
_INVISIBLE = 0.3  # grey level below which a blob is not drawn
_SATURATION = 250.0  # grey level at which a star stops to grow
_BRIGHT = 5.0  # grey level from which a blob counts as bright
_BLOBS = (30, 120)  # range of their number
_MARGIN = 26  # pixels around the image, which a blob at its edge reaches
_NOISE_POWER = 0.17  # score times noise variance, from the frames in which noise hides everything but a few stars


@dataclass(frozen=True)
class Exposure:
    """What decides how a field of stars looks.

    background : sky level, grey levels. noise : standard deviation of the noise per pixel, grey levels.
    blobs : number of stars and galaxies. bright_blobs : how many of them peak above 5 levels. brightest : peak of the
    brightest one if nothing saturated, grey levels. width : scale of the radii; 1 is that of a real image of the set.
    """

    background: float
    noise: float
    blobs: int
    bright_blobs: float
    brightest: float
    width: float


# Columns: score, blobs, bright blobs, brightest, width. First the exposures that are too short for the best score, then
# those that are too long.
_SHORT = np.array(
    [
        [1.10, 71, 22.5, 220, 1.04],
        [1.18, 71, 22.5, 270, 1.03],
        [1.32, 65, 22.0, 480, 0.94],
        [1.55, 61, 21.5, 820, 0.90],
        [1.95, 60, 21.0, 900, 0.93],
        [2.50, 60, 21.0, 1020, 0.97],
        [3.10, 60, 20.5, 1130, 1.00],
        [3.90, 60, 20.5, 1310, 1.03],
        [5.00, 60, 20.5, 1530, 1.06],
    ]
)
_LONG = np.array(
    [
        [0.10, 80, 27, 9800, 0.90],
        [0.35, 80, 27, 6000, 0.91],
        [0.65, 80, 27, 3900, 0.94],
        [0.95, 80, 27, 2800, 0.97],
        [1.17, 80, 26, 2000, 1.00],
        [1.55, 80, 26, 1540, 1.03],
        [1.95, 80, 25, 1190, 1.06],
        [2.50, 80, 24, 860, 1.09],
        [3.10, 80, 24, 690, 1.12],
        [5.00, 80, 24, 550, 1.15],
    ]
)
_LONG_SHARE = 0.2  # of the fields on a black sky with a score that both can have
_SCATTER = np.array([0.2, 0.1, 0.1, 0.02])  # relative, among fields with the same score


def draw_exposure(score: float, background: int, rng: np.random.Generator) -> Exposure:
    """An exposure of a field with this score, at least 0.1, and a background of 0 to 3 grey levels."""
    is_long = background > 0 or score < _SHORT[0, 0] or rng.random() < _LONG_SHARE
    table = _LONG if is_long else _SHORT
    typical = np.array([np.interp(score, table[:, 0], column) for column in table.T[1:]])
    blobs, bright_blobs, brightest, width = typical * np.exp(_SCATTER * rng.standard_normal(len(typical)))
    return Exposure(
        background=background + (rng.uniform(-0.2, 0.2) if background else 0.0),
        noise=_field_noise(score, background, rng),
        blobs=int(np.clip(blobs, *_BLOBS)),
        bright_blobs=bright_blobs,
        brightest=brightest,
        width=width,
    )


def draw_noise_exposure(score: float, rng: np.random.Generator) -> Exposure:
    """An exposure in which the noise hides all but a few stars; the score falls with the variance of the noise."""
    return Exposure(
        background=0.0,
        noise=np.sqrt(_NOISE_POWER / score) * np.exp(0.05 * rng.standard_normal()),
        blobs=int(rng.integers(*_BLOBS)),
        bright_blobs=rng.uniform(18, 30),
        brightest=np.exp(rng.uniform(np.log(300), np.log(3000))),
        width=rng.uniform(0.9, 1.1),
    )


def render(exposure: Exposure, rng: np.random.Generator) -> np.ndarray:
    """Image of an exposure, uint8 (1000, 1000)."""
    sky = np.zeros((SIDE + 2 * _MARGIN, SIDE + 2 * _MARGIN), dtype=np.float32)
    _add_blobs(sky, exposure, rng)
    sky = _folded(_folded(sky).T).T
    if exposure.noise:
        sky += np.float32(exposure.noise) * rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    if exposure.background:
        sky += np.float32(exposure.background)
    return np.clip(sky + np.float32(0.5), 0, 255).astype(np.uint8)


def _folded(sky: np.ndarray) -> np.ndarray:
    """`sky` without the margins above and below it; what lies in one comes in at the other edge.

    So edges are as bright as the rest, as they are in real images, where stars outside the frame reach into it.
    """
    sky[_MARGIN : 2 * _MARGIN] += sky[-_MARGIN:]
    sky[-2 * _MARGIN : -_MARGIN] += sky[:_MARGIN]
    return sky[_MARGIN:-_MARGIN]


def _field_noise(score: float, background: int, rng: np.random.Generator) -> float:
    """Standard deviation of the noise, grey levels; 0 where it would not reach the next level anywhere."""
    if rng.random() > (0.4 if background else 0.2):
        return 0.0
    least = 0.1
    most = np.clip(np.sqrt(_NOISE_POWER / score), least, 0.45)
    return float(least * (most / least) ** (rng.random() ** 3))


def _add_blobs(sky: np.ndarray, exposure: Exposure, rng: np.random.Generator) -> None:
    """Add stars and galaxies at random places to `sky`, the image with its margin."""
    number = exposure.blobs
    peaks = _peaks(exposure, rng)
    galaxies = (rng.random(number) < 0.1) & (peaks < 60)
    widths = exposure.width * np.where(galaxies, rng.uniform(1.3, 2.2, number), 1.0)
    axis_ratios = np.where(galaxies, rng.uniform(0.5, 1.0, number), rng.uniform(0.9, 1.0, number))
    angles = rng.uniform(0, np.pi, number)
    centres = rng.uniform(_MARGIN, _MARGIN + SIDE, (number, 2))
    reaches = np.minimum(widths * (_CORE + _TAIL * np.log(peaks / _INVISIBLE)), _MARGIN - 1)
    for peak, width, axis_ratio, angle, centre, reach in zip(
        peaks, widths, axis_ratios, angles, centres, reaches, strict=True
    ):
        first, last = np.floor(centre - reach).astype(int), np.ceil(centre + reach).astype(int)
        y, x = (np.arange(first[axis], last[axis], dtype=np.float32) - np.float32(centre[axis]) for axis in (0, 1))
        sky[first[0] : last[0], first[1] : last[1]] += _blob(y, x, peak, width, axis_ratio, angle)


def _peaks(exposure: Exposure, rng: np.random.Generator) -> np.ndarray:
    """Peaks of the blobs, grey levels, brightest first: a power of their rank, as in a real image of the set.

    Ranks scatter by less than one, because fields differ less than independent draws would make them.
    """
    rank = np.arange(exposure.blobs) + rng.uniform(0.75, 1.25, exposure.blobs)
    slope = np.log(exposure.brightest / _BRIGHT) / np.log(exposure.bright_blobs)
    return np.maximum(exposure.brightest * rank**-slope, rng.uniform(0.55, 1.2, exposure.blobs))  # all of them show


def _blob(y: np.ndarray, x: np.ndarray, peak: float, width: float, axis_ratio: float, angle: float) -> np.ndarray:
    """Grey levels of a blob at rows `y` and columns `x` from its centre: a rounded core with an exponential tail."""
    y, x = y[:, None], x[None, :]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = x * cos + y * sin, (y * cos - x * sin) / np.float32(axis_ratio)
    core, tail = np.float32(_CORE * width), np.float32(_TAIL * width)
    levels = np.float32(peak) * np.exp((core - np.sqrt(along**2 + across**2 + core**2)) / tail)
    if peak > _SATURATION:
        # Charge of full pixels spills along their columns, which draws the saturated disk out to a diamond.
        radius = np.sqrt((core + tail * np.log(peak / _SATURATION)) ** 2 - core**2)
        diamond = np.abs(y) / (1 + 1.6 * radius) + np.abs(x) / (0.7 + radius)
        spill = _SATURATION / (1 + np.exp(np.minimum(10 * (diamond - 1), 30)))
        levels = np.maximum(np.minimum(levels, _SATURATION), spill)
    return levels

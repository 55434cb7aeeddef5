"""How generated images compare with real ones: fluxes against labels, diversity, checkerboards, memorisation.

Images are float arrays (N, C, S, S) as networks take them. The distance of two images is the root of their mean squared
difference over channels and pixels.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.spatial import cKDTree

from galaxies.neighbours import nearest

RESAMPLES = 1000
"""Bootstrap samples behind an interval."""
_AT_ONCE = 50  # resamples, for memory
_NOTHING = 1e-9  # share of the variance of ranks, below which they do not vary
_PEAK = 0.05  # cycles per pixel around the frequencies of a pattern of two pixels
_FINE = 0.25  # cycles per pixel: waves shorter than four pixels


def aperture_mask(size: int, radius: float) -> np.ndarray:
    """Pixels (S, S) whose centres lie within `radius` px of the centre of the image."""
    offset = np.arange(size) - (size - 1) / 2
    return np.hypot(offset[:, None], offset) <= radius


def aperture_sums(blocks: Iterable[np.ndarray], radius: float) -> np.ndarray:
    """Sums (N, C) float64 of linear images (B, C, S, S) in the central circle of `radius` px; no sky is subtracted."""
    return np.concatenate([block[..., aperture_mask(block.shape[-1], radius)].sum(axis=-1) for block in blocks])


def rank_correlations(
    values: np.ndarray, labels: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's rho (R, B, K) of values (N, B) with labels (N, K), and the partial one with all other labels fixed.

    counts : (R, N), how often each image is in each of R samples; one sample with every image once if not given.
    The partial one is the partial correlation of the ranks. NaN where something does not vary.
    """
    counts = np.ones((1, len(values))) if counts is None else counts
    middle = (counts.sum(axis=1, keepdims=True) + 1) / 2
    ranks = np.stack([_ranks(column, counts) - middle for column in np.hstack([values, labels]).T], axis=1)
    products = np.einsum("rin,rjn->rij", ranks * counts[:, None], ranks, optimize=True)
    deviation = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = products / (deviation[:, :, None] * deviation[:, None])
    bands, count = values.shape[1], labels.shape[1]
    partial = np.empty((len(counts), bands, count))
    for band in range(bands):
        for label in range(count):
            others = [bands + number for number in range(count) if number != label]
            partial[:, band, label] = _partial(rho, [band, bands + label], others)
    return rho[:, :bands, bands:], partial


def _ranks(column: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean ranks (R, N) of the elements of a column (N,) in samples that hold them `counts` (R, N) times."""
    distinct, group = np.unique(column, return_inverse=True)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(len(distinct)))
    size = np.add.reduceat(counts[:, order], first, axis=1)
    return (np.cumsum(size, axis=1) - size + (size + 1) / 2)[:, group]


def _partial(rho: np.ndarray, pair: list[int], fixed: list[int]) -> np.ndarray:
    """Correlation (R,) of two variables that is left when linear fits to the fixed ones are taken from both."""
    defined = np.isfinite(rho[:, pair + fixed][:, :, pair + fixed]).all(axis=(1, 2))
    rho = np.where(defined[:, None, None], rho, 0.0)
    between, shared = rho[:, pair][:, :, pair], rho[:, fixed][:, :, pair]
    rest = between - shared.transpose(0, 2, 1) @ np.linalg.pinv(rho[:, fixed][:, :, fixed], hermitian=True) @ shared
    variance = rest[:, 0, 0] * rest[:, 1, 1]
    known = defined & (rest[:, 0, 0] > _NOTHING) & (rest[:, 1, 1] > _NOTHING)
    return np.where(known, rest[:, 0, 1] / np.sqrt(np.where(known, variance, 1.0)), np.nan)


def bootstrap_correlations(values: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """95 % intervals (2, 2, B, K) of `rank_correlations`: low and high, plain and partial; images are resampled."""
    rng = np.random.default_rng(seed)
    share = np.full(len(values), 1 / len(values))
    draws = []
    for _ in range(RESAMPLES // _AT_ONCE):
        counts = rng.multinomial(len(values), share, _AT_ONCE).astype(np.float64)
        draws.append(np.stack(rank_correlations(values, labels, counts), axis=1))
    return np.percentile(np.concatenate(draws), [2.5, 97.5], axis=0)  # NaN if a resample has none


def like_pairs(labels: np.ndarray) -> np.ndarray:
    """For each row of labels (N, K), N > 1, the other row with the most similar labels, in standard deviations."""
    scaled = labels / labels.std(axis=0)
    nearest = cKDTree(scaled).query(scaled, k=2)[1]
    itself = np.arange(len(labels))
    return np.where(nearest[:, 0] == itself, nearest[:, 1], nearest[:, 0])


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distances (N,) of images (N, C, S, S) to those at the same position."""
    difference = np.subtract(first, second, dtype=np.float64).reshape(len(first), -1)
    return np.sqrt(np.mean(difference**2, axis=1))


def mean_distance(images: np.ndarray) -> float:
    """Mean distance between any two of the images (N, C, S, S), N > 1."""
    first, second = np.triu_indices(len(images), k=1)
    return float(distances(images[first], images[second]).mean())


def diversity(generated: np.ndarray, real: np.ndarray, pairs: np.ndarray) -> float:
    """Mean distance of generated images to those at `pairs`, over that of the real images with the same labels.

    generated, real, pairs : images (N, C, S, S), (N, C, S, S) and positions (N,) of `like_pairs`. 0 if labels decide
    the whole image, so that the noise does nothing (mode collapse); 1 if images of like labels are as different as real
    ones, whose own noise is part of that.
    """
    return float(distances(generated, generated[pairs]).mean() / distances(real, real[pairs]).mean())


def nearest_distances(
    images: np.ndarray, ids: np.ndarray, others: Iterator[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Distance (N,) of each image (N, C, S, S) to the nearest among `others`, save the one with its own id.

    others : blocks of ids (B,) and images (B, C, S, S). ids : (N,), -1 for an image that none of the others can be.
    """
    return nearest(images, ids, others, count=1)[0][:, 0]


def power_spectra(images: np.ndarray) -> np.ndarray:
    """Power spectra (C, S, S) of images (N, C, S, S), summed over the images; without their mean, in a Hann window."""
    window = np.hanning(images.shape[-1] + 2)[1:-1]
    power = np.zeros(images.shape[1:])
    for image in images.astype(np.float64, copy=False):
        centred = image - image.mean(axis=(1, 2), keepdims=True)
        power += np.abs(np.fft.fft2(centred * (window[:, None] * window))) ** 2
    return power


def checkerboard_index(power: np.ndarray) -> np.ndarray:
    """How strongly patterns of two pixels stand out (C,), from `power_spectra`.

    Mean power within 0.05 cycles/px of the frequencies (1/2, 0), (0, 1/2) and (1/2, 1/2), where a pattern that repeats
    every two pixels is, over that of all other waves shorter than four pixels in x or y: 1 for white noise, less for
    smooth images, NaN without any structure. A checkerboard of amplitude a in noise of deviation s adds (S a / s)**2 /
    (number of these frequencies). Source of the effect: Odena, Dumoulin & Olah 2016, Distill 1, e3.
    """
    frequency = np.abs(np.fft.fftfreq(power.shape[-1]))
    high, low = frequency >= 0.5 - _PEAK - 1e-9, frequency <= _PEAK + 1e-9
    peak = (high[:, None] & (high | low)) | (low[:, None] & high)
    fine = (frequency[:, None] > _FINE) | (frequency > _FINE)
    rest = power[:, fine & ~peak].mean(axis=1)
    return np.divide(power[:, peak].mean(axis=1), rest, out=np.full(len(rest), np.nan), where=rest > 0)

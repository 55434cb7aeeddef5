"""What is measured on star fields: their blobs, and how much several of them differ."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

VISIBLE = 16
"""Grey levels above the median of an image from which a pixel counts as part of a blob: the sky of real images has 0 to
3 levels, with noise."""


class Blobs(NamedTuple):
    """count : blobs of an image. size : their median size in pixels, NaN without any. covered : share of the pixels
    that are part of one. brightest : row and column of the centre of the blob with the most light, NaN without any."""

    count: int
    size: float
    covered: float
    brightest: tuple[float, float]


def blob_pixels(image: np.ndarray) -> np.ndarray:
    """Which pixels (S, S) of an image are part of blobs."""
    return image > np.median(image) + VISIBLE


def blobs_of(image: np.ndarray) -> Blobs:
    """Connected regions of visible pixels, which may touch at corners, of an image uint8 (S, S)."""
    bright = blob_pixels(image)
    labels, count = ndimage.label(bright, structure=np.ones((3, 3)))
    if not count:
        return Blobs(0, np.nan, 0.0, (np.nan, np.nan))
    sizes = np.bincount(labels.ravel())[1:]
    light = np.bincount(labels.ravel(), weights=image.ravel())[1:]
    y, x = ndimage.center_of_mass(bright, labels, 1 + int(light.argmax()))
    return Blobs(count, float(np.median(sizes)), float(bright.mean()), (float(y), float(x)))


class Diversity(NamedTuple):
    """How much images differ: means over all pairs.

    l1, l2 : absolute and root mean squared difference in grey levels. overlap : pixels that are part of blobs in both,
    over those in either; 1 for the same blobs, NaN without any. spread : root mean squared distance in pixels of the
    brightest blobs from their mean place; NaN without any. stripes : mean of `stripes_of` the images.
    """

    l1: float
    l2: float
    overlap: float
    spread: float
    stripes: float


def stripes_of(image: np.ndarray) -> float:
    """Share of the variance of an image (S, S) that is in the means of its rows and columns, 0 to 1.

    About 2 / S for pixels without order, 1 for stripes alone; NaN for a constant image.
    """
    variance = image.var(dtype=np.float64)
    means = [image.mean(axis=axis, dtype=np.float64).var() for axis in (0, 1)]
    return float(sum(means) / variance) if variance else float("nan")


def diversity_of(images: np.ndarray) -> Diversity:
    """Diversity of images uint8 (M, S, S), M > 1."""
    pixels, masks = images.astype(np.float32), np.stack([blob_pixels(image) for image in images])
    l1, l2, overlap = [], [], []
    for first in range(len(pixels)):
        for second in range(first):
            difference = pixels[first] - pixels[second]
            l1.append(np.abs(difference).mean(dtype=np.float64))
            l2.append(np.sqrt(np.square(difference).mean(dtype=np.float64)))
            if either := np.count_nonzero(masks[first] | masks[second]):
                overlap.append(np.count_nonzero(masks[first] & masks[second]) / either)
    places = np.array([blobs_of(image).brightest for image in images])
    places = places[np.isfinite(places).all(axis=1)]
    spread = np.sqrt(np.square(places - places.mean(axis=0)).sum(axis=1).mean()) if len(places) > 1 else np.nan
    stripes = np.array([stripes_of(image) for image in images])
    return Diversity(
        l1=float(np.mean(l1)),
        l2=float(np.mean(l2)),
        overlap=float(np.mean(overlap)) if overlap else np.nan,
        spread=float(spread),
        stripes=float(np.nanmean(stripes)) if np.isfinite(stripes).any() else np.nan,
    )

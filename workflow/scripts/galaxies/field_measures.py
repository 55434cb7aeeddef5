"""What is measured on star fields: their light above the sky, their blobs, and how much several of them differ."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

VISIBLE = 16
"""Grey levels above the median of an image of 1000 px beyond which a pixel counts as part of a blob: the sky of real
images has 0 to 3 levels, with noise."""
PLACE = 8
"""Side in pixels of what counts as one place of such an image: more than a blob, as seen in a figure of it."""
LIT = 0.5
"""The same of smaller images, whose pixels are means over many: what differs from the sky when rounded to 8 bits."""
BRIGHTEST = 0.01
"""Share of the pixels of an image whose light is its concentration."""


def light_above_sky(image: np.ndarray) -> np.ndarray:
    """Grey levels (S, S) above the median of an image, which most pixels of a star field are near to; 0 below it."""
    image = image.astype(np.float64)
    return np.clip(image - np.median(image), 0, None)


class FieldMeasures(NamedTuple):
    """sky : median grey level of an image. flux : mean light above it, in grey levels. lit : share of the pixels that
    are LIT. concentration : share of that light that the brightest hundredth of the pixels has, near 1 of stars on a
    dark sky, 0.01 of a blank image. blobs : connected regions of lit pixels."""

    sky: float
    flux: float
    lit: float
    concentration: float
    blobs: int


def field_measures(image: np.ndarray) -> FieldMeasures:
    """Measures of one image (S, S) in grey levels."""
    light, blobs = light_above_sky(image), blobs_of(image, LIT)
    brightest = np.sort(light, axis=None)[-max(1, round(light.size * BRIGHTEST)) :]
    total = light.sum()
    return FieldMeasures(
        sky=float(np.median(image)),
        flux=float(light.mean()),
        lit=blobs.covered,
        concentration=float(brightest.sum() / total) if total else BRIGHTEST,
        blobs=blobs.count,
    )


class Blobs(NamedTuple):
    """count : blobs of an image. size : their median size in pixels, NaN without any. covered : share of the pixels
    that are part of one. brightest : row and column of the centre of the blob with the most light, NaN without any."""

    count: int
    size: float
    covered: float
    brightest: tuple[float, float]


def blobs_of(image: np.ndarray, above: float = VISIBLE) -> Blobs:
    """Connected regions of the pixels of an image (S, S) that are so many grey levels `above` its median.

    The pixels of a region may touch at corners.
    """
    bright = image > np.median(image) + above
    labels, count = ndimage.label(bright, structure=np.ones((3, 3)))
    if not count:
        return Blobs(0, np.nan, 0.0, (np.nan, np.nan))
    sizes = np.bincount(labels.ravel())[1:]
    light = np.bincount(labels.ravel(), weights=image.ravel())[1:]
    y, x = ndimage.center_of_mass(bright, labels, 1 + int(light.argmax()))
    return Blobs(count, float(np.median(sizes)), float(bright.mean()), (float(y), float(x)))


class Diversity(NamedTuple):
    """How much images differ: means over all pairs.

    l1, l2 : absolute and root mean squared difference in grey levels, which also grow with brightness. shared_places :
    see there. spread : root mean squared distance in pixels of the brightest blobs from their mean place; NaN without
    any. stripes : mean of `stripes_of` the images that are not of one level.
    """

    l1: float
    l2: float
    shared_places: float
    spread: float
    stripes: float


def stripes_of(image: np.ndarray) -> float:
    """Share of the variance of an image (S, S) that is in the means of its rows and columns, 0 to 1.

    About 2 / S for pixels without order, 1 for stripes alone; NaN for a constant image.
    """
    variance = image.var(dtype=np.float64)
    means = [image.mean(axis=axis, dtype=np.float64).var() for axis in (0, 1)]
    return float(sum(means) / variance) if variance else float("nan")


def lit_places(image: np.ndarray) -> np.ndarray:
    """Which places of an image (S, S), squares of PLACE px, have a visible pixel: bool, one after another.

    Visible is what differs from the median by more than VISIBLE grey levels, brighter or darker.
    """
    visible = np.abs(image.astype(np.float64) - np.median(image)) > VISIBLE
    visible = np.pad(visible, [(0, -side % PLACE) for side in image.shape])
    rows, columns = (side // PLACE for side in visible.shape)
    return visible.reshape(rows, PLACE, columns, PLACE).any(axis=(1, 3)).ravel()


def shared_places(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the `lit_places` of two images (phi coefficient).

    1 for images that are lit in the same places, about 0 for independent ones, however bright or crowded. An image
    that is lit everywhere, or nowhere, shares all with another like it and nothing with others.
    """
    if any(places.all() or not places.any() for places in (first, second)):
        return float(np.array_equal(first, second))
    return float(np.corrcoef(first, second)[0, 1])


def diversity_of(images: np.ndarray) -> Diversity:
    """Diversity of images uint8 (M, S, S), M > 1."""
    pixels, places = images.astype(np.float32), [lit_places(image) for image in images]
    l1, l2, shared = [], [], []
    for first in range(len(pixels)):
        for second in range(first):
            difference = pixels[first] - pixels[second]
            l1.append(np.abs(difference).mean(dtype=np.float64))
            l2.append(np.sqrt(np.square(difference).mean(dtype=np.float64)))
            shared.append(shared_places(places[first], places[second]))
    brightest = np.array([blobs_of(image).brightest for image in images])
    brightest = brightest[np.isfinite(brightest).all(axis=1)]
    distances = np.square(brightest - brightest.mean(axis=0)).sum(axis=1) if len(brightest) > 1 else np.array(np.nan)
    stripes = np.array([stripes_of(image) for image in images])
    return Diversity(
        l1=float(np.mean(l1)),
        l2=float(np.mean(l2)),
        shared_places=float(np.mean(shared)),
        spread=float(np.sqrt(distances.mean())),
        stripes=float(np.nanmean(stripes)) if np.isfinite(stripes).any() else np.nan,
    )

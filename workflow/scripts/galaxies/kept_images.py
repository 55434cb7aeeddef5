"""The file of images that a generator made and its own score discriminator liked, and what is measured on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import h5py
import numpy as np
from scipy import ndimage

from galaxies.files import reading

DIVERSITY = ("all_different", "noise_only", "latent_only")
"""Sets of images that differ in latent values and noise, in the noise alone, in the latent values alone."""


class Kept:
    """A file of draw_images.py, open for reading.

    images : uint8 (K, S, S), kept. own_score : float32 (K,), their scores in 0..8 by the score discriminator of the
    same model. drawn_scores : float32 (D,) of all images that were drawn. threshold : what the kept exceed. wanted :
    images that were to be kept. seed : of the training. generator_steps : steps that the generator was trained for.

    Raises DataError if the file is damaged or none of draw_images.py.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        with reading(self.path):
            self._file = h5py.File(self.path, "r")
            self.images: h5py.Dataset = self._file["images"]
            self.own_score: np.ndarray = self._file["own_score"][:]
            self.drawn_scores: np.ndarray = self._file["drawn_scores"][:]
            attributes = self._file.attrs
            self.threshold, self.wanted = float(attributes["threshold"]), int(attributes["wanted"])
            self.seed, self.generator_steps = int(attributes["seed"]), int(attributes["generator_steps"])
            self.simulated = bool(attributes["simulated"])
            if self.images.ndim != 3 or self.images.dtype != np.uint8 or len(self.images) != len(self.own_score):
                raise ValueError("its arrays do not belong together")
            if not (np.isfinite(self.drawn_scores).all() and (self.own_score > self.threshold).all()):
                raise ValueError("its scores are not those of kept images")

    def __len__(self) -> int:
        return len(self.own_score)

    @property
    def acceptance(self) -> float:
        """Share of the drawn images whose score exceeds the threshold."""
        return float((self.drawn_scores > self.threshold).mean())

    def read(self, row: int) -> np.ndarray:
        """A kept image, uint8 (S, S)."""
        with reading(self.path):
            return self.images[row]

    def all_images(self) -> Iterator[np.ndarray]:
        """The kept images one by one, uint8 (S, S)."""
        for row in range(len(self)):
            yield self.read(row)

    def different(self, name: str) -> np.ndarray:
        """The set of images called `name` in `DIVERSITY`, uint8 (M, S, S)."""
        with reading(self.path):
            return self._file[name][:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


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
    """How much images differ: means over all pairs. l1, l2 : absolute and root mean squared difference in grey levels.
    overlap : pixels that are part of blobs in both, over those in either; 1 for the same blobs, NaN without any.
    spread : root mean squared distance in pixels of the brightest blobs from their mean place; NaN without any."""

    l1: float
    l2: float
    overlap: float
    spread: float


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
    return Diversity(np.mean(l1), np.mean(l2), np.mean(overlap) if overlap else np.nan, float(spread))

"""The file of images that a trained generator makes, and the real images beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from galaxies.data.store import View
from galaxies.errors import DataError
from galaxies.files import reading

EXAMPLES = 16
"""Images per example condition."""


class Generated:
    """A file of generate.py, open for reading. Images are as networks see them: float32, from 8-bit views in [0, 1],
    from others as these have them.

    Of a generator with labels, row i is made from the labels of the real image `ids[i]`, and:
    ids, split : (N,) int64, str. labels : (N, K) float32, physical. predicted_real, predicted_generated : (N, K)
    float32, what the predictor sees in the real and in the generated image, NaN without a predictor. examples : float32
    (M, 16, C, S, S), of which those at the same position have the same noise, for example_conditions (M, K).
    columns : names of the K labels.
    Of one without, K and M are 0, ids are -1 and split is empty; progress : float32 (T, P, C, S, S), images of the same
    noise after progress_steps (T,) steps of the training; T is 0 if it kept none.
    trained_on : sets of the split that the generator was trained on.
    view_sha256 : of the pixels of the view that it was trained on.

    Raises DataError if the file is damaged or none of generate.py.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        with reading(self.path):
            self._file = h5py.File(self.path, "r")
            self.pixels: h5py.Dataset = self._file["generated"]
            self.ids: np.ndarray = self._file["ids"][:]
            self.split: np.ndarray = self._file["split"].asstr()[:]
            self.labels: np.ndarray = self._file["labels"][:]
            self.predicted_real: np.ndarray = self._file["predicted_real"][:]
            self.predicted_generated: np.ndarray = self._file["predicted_generated"][:]
            self.examples: np.ndarray = self._file["examples"][:]
            self.example_conditions: np.ndarray = self._file["example_conditions"][:]
            self.progress, self.progress_steps = self._read_progress()
            attributes = self._file.attrs
            self.columns = list(attributes["columns"])
            self.trained_on = list(attributes["trained_on"])
            self.saw_validation, self.simulated = bool(attributes["saw_validation"]), bool(attributes["simulated"])
            self.seed, self.view_sha256 = int(attributes["seed"]), str(attributes["view_sha256"])
            self._check_shapes()

    def _read_progress(self) -> tuple[np.ndarray, np.ndarray]:
        """Images of the same noise and the steps after which they were made; generators with labels keep none."""
        if "progress" not in self._file:
            return np.empty((0, 0, *self.pixels.shape[1:]), dtype=np.float32), np.empty(0, dtype=np.int64)
        return as_networks_see(self._file["progress"][:]), self._file["progress_steps"][:]

    def _check_shapes(self) -> None:
        """Raise ValueError unless all arrays belong together and are finite."""
        count, columns = len(self.ids), len(self.columns)
        labels = (self.labels, self.predicted_real, self.predicted_generated)
        if any(array.shape != (count, columns) for array in labels) or {len(self.split), len(self.pixels)} != {count}:
            raise ValueError("its arrays have different lengths")
        if self.examples.shape[2:] != self.pixels.shape[1:] or len(self.examples) != len(self.example_conditions):
            raise ValueError("its examples have another shape than its images")
        if self.progress.shape[2:] != self.pixels.shape[1:] or len(self.progress) != len(self.progress_steps):
            raise ValueError("its images of the training have another shape than its images")
        if not (np.isfinite(self.examples).all() and np.isfinite(self.labels).all()):
            raise ValueError("it has values that are not finite")

    def blocks(self) -> Iterator[np.ndarray]:
        """The N generated images in order, a few at a time."""
        step = self.pixels.chunks[0]
        for first in range(0, len(self.ids), step):
            with reading(self.path):
                block = as_networks_see(self.pixels[first : first + step])
                if not np.isfinite(block).all():
                    raise ValueError(f"images {first} to {first + len(block) - 1} have values that are not finite")
            yield block

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Generated images of any rows, float32 (len(rows), C, S, S)."""
        wanted, place = np.unique(rows, return_inverse=True)
        with reading(self.path):
            return as_networks_see(self.pixels[wanted])[place]

    def expect_view(self, view: View) -> None:
        """Raise DataError unless `view` has the images that the generator was trained on."""
        if self.view_sha256 != view.attributes["pixels_sha256"]:
            raise DataError(
                f"{self.path}: made by a generator of other images than those of {view.path}",
                "compare generators of one view, and run the same command again if the view was made anew",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def as_networks_see(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a view as networks take them and as generators make them: 8-bit ones in [0, 1], float32."""
    return pixels.astype(np.float32) / 255 if pixels.dtype == np.uint8 else pixels


def as_stored(images: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Generated images, as networks see them, as a view of this dtype would store them, float32.

    Of 8-bit views clipped to [0, 1] and rounded to the 256 levels that real images have; otherwise as they are.
    """
    if dtype != np.uint8:
        return images
    return as_networks_see(np.round(255 * np.clip(images, 0, 1)).astype(np.uint8))


def real_blocks(view: View, ids: np.ndarray) -> Iterator[np.ndarray]:
    """Real images of `ids` in that order as networks take them, float32 (B, C, S, S), a few at a time."""
    rows = view.rows(ids)
    for first in range(0, len(rows), view.block):
        yield as_networks_see(view.read(rows[first : first + view.block]))


def real_blocks_with_ids(view: View, ids: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids and real images as of `real_blocks`, more at a time: products of large matrices are twice as fast."""
    step = 8 * view.block
    for first in range(0, len(ids), step):
        part = ids[first : first + step]
        yield part, as_networks_see(view.read(view.rows(part)))


def nearest_labels(labels: np.ndarray, condition: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` rows of labels (N, K) nearest to `condition` (K,), nearest first.

    Distances are Euclidean, each label in its standard deviations. Raises DataError for fewer rows.
    """
    if len(labels) < count:
        raise DataError(f"{len(labels)} images in the split, a figure shows {count}", "use a larger data set")
    distance = (((labels - condition) / labels.std(axis=0)) ** 2).sum(axis=1)
    return np.argsort(distance, kind="stable")[:count]

"""The file of images that a trained generator makes for the labels of real ones, and the real images beside it."""

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
    """A file of generate.py, open for reading; row i is made from the labels of the real image `ids[i]`.

    ids, split : (N,) int64, str. labels : (N, K) float32, physical. predicted_real, predicted_generated : (N, K)
    float32, what the predictor sees in the real and in the generated image, NaN without a predictor. examples : float32
    (M, 16, C, S, S), of which those at the same position have the same noise, for example_conditions (M, K).
    columns : names of the K labels. trained_on : sets of the split that the generator was trained on.
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
            attributes = self._file.attrs
            self.columns = list(attributes["columns"])
            self.trained_on = list(attributes["trained_on"])
            self.saw_validation, self.simulated = bool(attributes["saw_validation"]), bool(attributes["simulated"])
            self.seed, self.view_sha256 = int(attributes["seed"]), str(attributes["view_sha256"])
            self._check_shapes()

    def _check_shapes(self) -> None:
        """Raise ValueError unless all arrays belong together and are finite."""
        count, columns = len(self.ids), len(self.columns)
        labels = (self.labels, self.predicted_real, self.predicted_generated)
        if any(array.shape != (count, columns) for array in labels) or {len(self.split), len(self.pixels)} != {count}:
            raise ValueError("its arrays have different lengths")
        if self.examples.shape[2:] != self.pixels.shape[1:] or len(self.examples) != len(self.example_conditions):
            raise ValueError("its examples have another shape than its images")
        if not (np.isfinite(self.examples).all() and np.isfinite(self.labels).all()):
            raise ValueError("it has values that are not finite")

    def blocks(self) -> Iterator[np.ndarray]:
        """The N generated images in order, a few at a time."""
        step = self.pixels.chunks[0]
        for first in range(0, len(self.ids), step):
            with reading(self.path):
                block = self.pixels[first : first + step]
                if not np.isfinite(block).all():
                    raise ValueError(f"images {first} to {first + len(block) - 1} have values that are not finite")
            yield block

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Generated images of any rows, float32 (len(rows), C, S, S)."""
        wanted, place = np.unique(rows, return_inverse=True)
        with reading(self.path):
            return self.pixels[wanted][place]

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


def real_blocks(view: View, ids: np.ndarray) -> Iterator[np.ndarray]:
    """Real images of `ids` in that order as networks take them, float32 (B, C, S, S), a few at a time."""
    rows = view.rows(ids)
    for first in range(0, len(rows), view.block):
        yield as_networks_see(view.read(rows[first : first + view.block]))


def nearest_labels(labels: np.ndarray, condition: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` rows of labels (N, K) nearest to `condition` (K,), nearest first.

    Distances are Euclidean, each label in its standard deviations. Raises DataError for fewer rows.
    """
    if len(labels) < count:
        raise DataError(f"{len(labels)} images in the split, a figure shows {count}", "use a larger data set")
    distance = (((labels - condition) / labels.std(axis=0)) ** 2).sum(axis=1)
    return np.argsort(distance, kind="stable")[:count]

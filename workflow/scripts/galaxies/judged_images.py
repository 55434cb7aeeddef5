"""What a judge says of images: the file of judge.py, and the samples that are drawn from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from galaxies.errors import DataError
from galaxies.files import reading

_BLOCK = 1000  # rows at a time, for memory


class Judged:
    """A file of judge.py, open for reading; row i is that of image i of the file of images that was judged.

    logits : (N, K) float32 of the K `classes`. ids : (N,) int64, -1 for images of no object. features : h5py data set
    float32 (N, F), read on access. view : name of the view whose scale the images have. judge_sha256 : of the judge's
    model file. source_sha256 : of the file of generated images, or of the pixels of the view of the real ones.

    Raises DataError if the file is damaged or none of judge.py.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        with reading(self.path):
            self._file = h5py.File(self.path, "r")
            self.logits: np.ndarray = self._file["logits"][:]
            self.ids: np.ndarray = self._file["ids"][:]
            self.features: h5py.Dataset = self._file["features"]
            attributes = self._file.attrs
            self.classes = list(attributes["classes"])
            self.view, self.simulated = str(attributes["view"]), bool(attributes["simulated"])
            self.judge_sha256, self.source_sha256 = (str(attributes[f"{of}_sha256"]) for of in ("judge", "source"))
            count = len(self.ids)
            if self.logits.shape != (count, len(self.classes)) or len(self.features) != count or not count:
                raise ValueError("its arrays have different lengths, or none")
            if not np.isfinite(self.logits).all():
                raise ValueError("it has logits that are not finite")

    def __len__(self) -> int:
        return len(self.ids)

    def read_features(self, rows: np.ndarray) -> np.ndarray:
        """Features float32 (len(rows), F) of any rows."""
        order = np.argsort(rows, kind="stable")
        result = np.empty((len(rows), self.features.shape[1]), dtype=np.float32)
        for group in np.split(order, np.flatnonzero(np.diff(rows[order] // _BLOCK)) + 1):
            if group.size:
                first, last = rows[group[0]], rows[group[-1]]
                with reading(self.path):
                    result[group] = self.features[first : last + 1][rows[group] - first]
        if not np.isfinite(result).all():
            raise DataError(
                f"{self.path}: has features that are not finite", "delete it and run the same command again"
            )
        return result

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids and features of all images in order, a few at a time."""
        for first in range(0, len(self), _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, len(self)))
            yield self.ids[rows], self.read_features(rows)

    def expect_judge(self, other: "Judged") -> None:
        """Raise DataError unless the same judge saw both at the same scale."""
        if (self.judge_sha256, self.classes, self.view) != (other.judge_sha256, other.classes, other.view):
            raise DataError(
                f"{self.path}: judged by another judge, or as another view, than {other.path}",
                "run the same command again; the workflow judges anew what is out of date",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def consecutive_samples(count: int, size: int, repeats: int) -> list[np.ndarray]:
    """Rows of at most `repeats` disjoint samples of `size` of `count` generated images, which are in no order.

    One sample of all images if there are fewer.
    """
    size = min(size, count)
    return [np.arange(number * size, (number + 1) * size) for number in range(min(repeats, count // size))]


def random_samples(count: int, size: int, repeats: int, seed: int) -> list[np.ndarray]:
    """Rows, ascending, of `repeats` random samples of `size` of `count` real images, without replacement.

    The samples are disjoint if there are enough images; one sample of all images if there are no more than `size`.
    """
    draw = np.random.default_rng(seed)
    if count <= size:
        return [np.arange(count)]
    if size * repeats <= count:
        return [np.sort(part) for part in draw.permutation(count)[: size * repeats].reshape(repeats, size)]
    return [np.sort(draw.permutation(count)[:size]) for _ in range(repeats)]


def disjoint_pairs(count: int, size: int, repeats: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows, ascending, of `repeats` random pairs of disjoint samples of `size`, or of half of all `count` if fewer."""
    size, draw = pair_size(count, size), np.random.default_rng(seed)
    orders = [draw.permutation(count) for _ in range(repeats)]
    return [(np.sort(order[:size]), np.sort(order[size : 2 * size])) for order in orders]


def pair_size(count: int, size: int) -> int:
    """Size of two disjoint samples of `count` images: `size` if there are enough."""
    return min(size, count // 2)

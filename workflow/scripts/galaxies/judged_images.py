"""What judges say of images: the file of judge.py, and the samples that are drawn from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from galaxies.errors import DataError
from galaxies.files import reading

_BLOCK = 1000  # rows at a time, for memory
_SEED = 1  # of samples of generated images; not that of real ones, from whose labels the same rows may be made


class Judged:
    """A file of judge.py, open for reading; row i is that of image i of the file of images that was judged.

    logits : (J, N, K) float32 of J judges, trainings of one classifier, for the K `classes`. features : h5py data set
    float32 (N, F) of the first judge, read on access. ids : (N,) int64, -1 for images of no object. view : name of the
    view whose scale the images have. judge_sha256 : of the model files of all judges. source_sha256 : of the file of
    generated images, or of the pixels of the view of the real ones.

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
            judges, shape = len(self.logits), self.logits.shape[1:]
            if shape != (count, len(self.classes)) or len(self.features) != count or not (count and judges):
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
        """Raise DataError unless the same judges saw both at the same scale."""
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
    """Rows, ascending, of at most `repeats` disjoint samples of `size` of `count` generated images.

    Consecutive parts of a random order, the same each time, since images may be ordered, say by the objects whose
    labels they are made from. One sample of all images if there are fewer.
    """
    size = min(size, count)
    order = np.random.default_rng(_SEED).permutation(count)
    return [np.sort(order[number * size : (number + 1) * size]) for number in range(min(repeats, count // size))]


def drawn_with_replacement(count: int, size: int, repeats: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of `repeats` samples of `size` of `count` real images, each row drawn anew: there may be fewer than `size`.

    What a generator would give that makes the real images, all as often.
    """
    draw = np.random.default_rng(seed)
    for _ in range(repeats):
        yield draw.integers(count, size=size)


def disjoint_pairs(count: int, size: int, repeats: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows, ascending, of `repeats` random pairs of disjoint samples of `size`, or of half of all `count` if fewer."""
    size, draw = pair_size(count, size), np.random.default_rng(seed)
    orders = [draw.permutation(count) for _ in range(repeats)]
    return [(np.sort(order[:size]), np.sort(order[size : 2 * size])) for order in orders]


def pair_size(count: int, size: int) -> int:
    """Size of two disjoint samples of `count` images: `size` if there are enough."""
    return min(size, count // 2)

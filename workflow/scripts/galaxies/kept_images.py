"""The file of images that a generator made and its own score discriminator liked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from galaxies.files import reading

DIVERSITY = ("all_different", "noise_only", "latent_only")
"""Sets of images that differ in latent values and noise, in the noise alone, in the latent values alone."""


class Kept:
    """A file of draw_images.py, open for reading.

    images : uint8 (K, S, S), kept. own_score : float32 (K,), their scores by the score discriminator of the same
    model, not clipped. drawn_scores : float32 (D,) of all images that were drawn. threshold : what the kept exceed.
    seed : of the training. generator_steps : steps of the generator's training.

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
            self.threshold = float(attributes["threshold"])
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

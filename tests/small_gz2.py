"""Tiny synthetic samples of Galaxy Zoo 2 in the published layout."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

# The decision tree once more, as (answers, parent column): tests must not take it from the code under test.
GZ2_TREE = [
    (3, None),
    (2, "Class1.2"),
    (2, "Class2.2"),
    (2, "Class2.2"),
    (4, "Class2.2"),
    (2, None),
    (3, "Class1.1"),
    (7, "Class6.1"),
    (3, "Class2.1"),
    (3, "Class4.1"),
    (6, "Class4.1"),
]


@dataclass(frozen=True)
class GZ2Sample:
    """`folder` holds `images` (a folder of JPEG files) and `solutions` (a CSV) of the galaxies `ids`."""

    folder: Path
    images: Path
    solutions: Path
    ids: list[int]

    def image(self, index: int) -> Path:
        return self.images / f"{self.ids[index]}.jpg"


def gz2_fractions(ids: list[int], seed: int = 0) -> pd.DataFrame:
    """Random cumulative vote fractions that obey the decision tree, rounded like the published ones."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(index=pd.Index(ids, name="GalaxyID"))
    for number, (answers, parent) in enumerate(GZ2_TREE, start=1):
        total = 1.0 if parent is None else table[parent].to_numpy()[:, None]
        fractions = rng.dirichlet(np.ones(answers), len(ids)) * total
        for i in range(answers):
            table[f"Class{number}.{i + 1}"] = fractions[:, i].round(6)
    return table


def write_gz2(folder: Path, count: int = 6, seed: int = 0, frame: int = 424) -> GZ2Sample:
    """Write `count` smooth blobs as JPEG files and their solutions, in the published layout."""
    rng = np.random.default_rng(seed)
    ids = sorted(int(i) for i in rng.choice(np.arange(100_000, 999_999), count, replace=False))
    images = folder / "images_training_rev1"
    images.mkdir(parents=True)
    y, x = np.mgrid[:frame, :frame] - (frame - 1) / 2
    for galaxy in ids:
        blob = np.exp(-(x**2 + (y / rng.uniform(0.3, 1)) ** 2) / (2 * rng.uniform(10, 40) ** 2))
        pixels = blob[..., None] * rng.uniform(60, 240, 3)
        Image.fromarray(pixels.astype(np.uint8)).save(images / f"{galaxy}.jpg", quality=90)
    solutions = folder / "training_solutions_rev1.csv"
    gz2_fractions(ids, seed).to_csv(solutions)
    return GZ2Sample(folder, images, solutions, ids)

"""Small packed views and splits, written here by the documented layout and not by the code under test."""

import hashlib
from pathlib import Path

import h5py
import numpy as np


def write_view(path: Path, count: int = 64, size: int = 70, columns: int = 37, seed: int = 0) -> np.ndarray:
    """Write a view of random images with ids 100, 101, ...; return the images uint8 (count, 3, size, size)."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=images, chunks=(min(count, 16), 3, size, size))
        file["ids"] = 100 + np.arange(count, dtype=np.int64)
        file["labels"] = rng.random((count, columns), dtype=np.float32)
        file["labels"].attrs["columns"] = [f"target{i}" for i in range(columns)]
        file.attrs.update(
            {"dataset": "gz2_kaggle", "view": f"full_{size}", "source": "simulated", "simulated": True, "crop": 0}
        )
        file.attrs.update({"channels": ["R", "G", "B"], "dtype": "uint8", "block": 16})
        file.attrs.update({"size": size, "units": "8-bit sRGB-like display values, 0..255", "versions": "{}"})
        file.attrs.update({"format": "galaxies-view", "format_version": 2})
        file.attrs.update({"catalogue_sha256": f"{seed:064d}", "pixels_sha256": hashlib.sha256(images).hexdigest()})
    return images


def write_split(path: Path, train: int, validation: int, test: int) -> None:
    """Write a split of the galaxies of `write_view` in the order of their ids."""
    names = ["train"] * train + ["validation"] * validation + ["test"] * test
    rows = [f"{100 + i},{name}" for i, name in enumerate(names)]
    path.write_text("\n".join(["object_id,split", *rows]) + "\n")

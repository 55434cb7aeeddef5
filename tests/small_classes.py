"""Small packed views of three kinds of blobs with one-hot classes."""

import hashlib
from pathlib import Path

import h5py
import numpy as np

CLASSES = ["round", "flat", "double"]
INPUTS = {"size": 16, "resized": 20, "crop": [24, 32], "test_crop": 28, "frame": 32}


def write_classes(path: Path, count: int = 96, size: int = 32, seed: int = 0, **columns: float) -> np.ndarray:
    """Write a view with ids 100, 101, ... and classes in turn, and further labels; return the class of each image.

    A blob is round, flat at any angle, or double, and each kind has a colour.
    """
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 32 - 16
    images = np.empty((count, 3, size, size), dtype=np.uint8)
    for image, kind, angle in zip(images, kinds, rng.uniform(0, np.pi, count), strict=True):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        widths = {0: (3, 3), 1: (6, 1.5), 2: (2, 2)}[kind]
        shift = 5 if kind == 2 else 0
        light = sum(np.exp(-(((along - s) / widths[0]) ** 2) - (across / widths[1]) ** 2) for s in {shift, -shift})
        colour = np.roll([1, 0.7, 0.4], kind)[:, None, None]
        image[:] = np.clip(180 * colour * light + rng.normal(20, 5, (3, size, size)), 0, 255)
    labels = np.column_stack([np.eye(3)[kinds], *(np.full(count, value) for value in columns.values())])
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=images, chunks=(min(count, 16), 3, size, size))
        file["ids"] = 100 + np.arange(count, dtype=np.int64)
        file["labels"] = labels.astype(np.float32)
        file["labels"].attrs["columns"] = [*CLASSES, *columns]
        file.attrs.update({"dataset": "blobs", "view": f"full_{size}", "source": "simulated", "simulated": True})
        file.attrs.update({"crop": 0, "channels": ["R", "G", "B"], "dtype": "uint8", "block": 16, "size": size})
        file.attrs.update({"units": "8 bit", "versions": "{}", "format": "galaxies-view", "format_version": 2})
        file.attrs.update({"catalogue_sha256": f"{seed:064d}", "pixels_sha256": hashlib.sha256(images).hexdigest()})
    return kinds

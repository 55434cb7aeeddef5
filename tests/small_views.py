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


def write_galaxies(path: Path, count: int = 96, size: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Write a view of blobs in noise, float32 (count, 3, size, size), with the labels of galaxies.

    The brightness of a blob is its mass; `bright` is 1 where the mass is above 9. Returns images and labels (count, 3).
    """
    rng = np.random.default_rng(seed)
    mass, redshift = rng.uniform(8, 10, count), rng.uniform(0, 1, count)
    labels = np.stack([redshift, mass, mass > 9], axis=1).astype(np.float32)
    offset = np.arange(size) - (size - 1) / 2
    blob = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * (size / 8) ** 2))
    images = (mass[:, None, None, None] - 8) * blob + 0.1 * rng.standard_normal((count, 3, size, size))
    images = images.astype(np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=images, chunks=(min(count, 16), 3, size, size))
        file["ids"] = 100 + np.arange(count, dtype=np.int64)
        file["labels"] = labels
        file["labels"].attrs["columns"] = ["redshift", "log_stellar_mass", "bright"]
        file.attrs.update({"dataset": "hsc_cosmos", "view": f"full_{size}", "source": "simulated", "simulated": True})
        file.attrs.update({"crop": 0, "channels": ["g", "i", "y"], "dtype": "float32", "block": 16, "size": size})
        file.attrs.update({"units": "as stored", "versions": "{}", "format": "galaxies-view", "format_version": 2})
        file.attrs.update({"catalogue_sha256": f"{seed:064d}", "pixels_sha256": hashlib.sha256(images).hexdigest()})
    return images, labels


def write_fields(path: Path, scored: int = 48, labelled: int = 24, size: int = 10, seed: int = 0) -> None:
    """Write a view of pooled star fields, float32 (N, 1, size, size), of which some have a score and some a label.

    The score, 0 to 6, is a tenth of the mean grey level; a labelled image is a galaxy (1) if it is dark on its left.
    Sets of the split beside it, `split.csv`: scored_train, scored_validation (8) and labeled_train.
    """
    rng = np.random.default_rng(seed)
    count = scored + labelled
    pixels = rng.uniform(0, 60, (count, 1, 1, 1)) * rng.uniform(0.5, 1.5, (count, 1, size, size))
    galaxy = rng.random(count) < 0.8
    pixels[~galaxy, :, :, : size // 2] += 100
    labels = np.full((count, 3), np.nan, dtype=np.float32)
    labels[:scored, 0] = np.clip(pixels[:scored].mean(axis=(1, 2, 3)) / 10, 0, 8)
    labels[scored:, 1] = galaxy[scored:]
    pixels = pixels.astype(np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=pixels, chunks=(min(count, 16), 1, size, size))
        file["ids"] = 100 + np.arange(count, dtype=np.int64)
        file["labels"] = labels
        file["labels"].attrs["columns"] = ["score", "galaxy", "hidden_score"]
        file.attrs.update({"dataset": "cil_cosmology", "view": f"pooled_{size}", "source": "simulated", "crop": 0})
        file.attrs.update({"simulated": True, "channels": ["grey"], "dtype": "float32", "block": 16, "size": size})
        file.attrs.update({"units": "grey levels, 0..255", "versions": "{}", "format": "galaxies-view"})
        file.attrs.update({"format_version": 2, "catalogue_sha256": f"{seed:064d}"})
        file.attrs["pixels_sha256"] = hashlib.sha256(pixels).hexdigest()
    sets = ["scored_train"] * (scored - 8) + ["scored_validation"] * 8 + ["labeled_train"] * labelled
    rows = [f"{100 + i},{name}" for i, name in enumerate(sets)]
    (path.parent / "split.csv").write_text("\n".join(["object_id,split", *rows]) + "\n")


def write_split(path: Path, train: int, validation: int, test: int) -> None:
    """Write a split of the galaxies of `write_view` in the order of their ids."""
    names = ["train"] * train + ["validation"] * validation + ["test"] * test
    rows = [f"{100 + i},{name}" for i, name in enumerate(names)]
    path.write_text("\n".join(["object_id,split", *rows]) + "\n")

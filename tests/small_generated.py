"""A small view of three bands, and a file of generated images for it, written here by the documented layouts."""

import hashlib
from pathlib import Path

import h5py
import numpy as np

LABELS = ["redshift", "log_stellar_mass", "dwarf"]
IDS = 100 + np.arange(48, dtype=np.int64)


def small_labels(seed: int = 0) -> np.ndarray:
    """Labels (48, 3) float32; redshift and mass depend on one another."""
    rng = np.random.default_rng(seed)
    redshift = rng.uniform(0.02, 0.4, len(IDS))
    mass = 8 + 2.5 * redshift + rng.normal(0, 0.4, len(IDS))
    return np.stack([redshift, mass, redshift < 0.15], axis=1).astype(np.float32)


def galaxies(brightness: np.ndarray, size: int = 24, seed: int = 0, noise: float = 0.02) -> np.ndarray:
    """Images float32 (N, 3, size, size): a round blob of the given brightness (N,) on a noisy sky."""
    rng = np.random.default_rng(seed)
    offset = np.arange(size) - (size - 1) / 2
    blob = np.exp(-(offset[:, None] ** 2 + offset**2) / 18)
    sky = rng.normal(-1, noise, (len(brightness), 3, size, size))
    return (sky + brightness[:, None, None, None] * blob).astype(np.float32)


def write_view(path: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    """Write a view of HSC cut-outs with these pixels (48, 3, S, S) and labels (48, 3)."""
    with h5py.File(path, "w") as file:
        file.create_dataset("pixels", data=pixels, chunks=(16, *pixels.shape[1:]))
        file["ids"], file["labels"] = IDS, labels
        file["labels"].attrs["columns"] = LABELS
        size = pixels.shape[-1]
        file.attrs.update({"dataset": "hsc_cosmos", "view": f"full_{size}", "source": "simulated", "simulated": True})
        file.attrs.update({"channels": ["g", "i", "y"], "dtype": "float32", "block": 16, "crop": 0, "size": size})
        file.attrs.update({"units": "logarithm-like", "versions": "{}", "catalogue_sha256": "0" * 64})
        file.attrs.update({"format": "galaxies-view", "format_version": 2})
        file.attrs["pixels_sha256"] = hashlib.sha256(pixels).hexdigest()


def write_generated(
    path: Path, view: Path, pixels: np.ndarray, labels: np.ndarray, error: float = 0.0, seed: int = 0
) -> None:
    """Write generated images with redshift and mass of `labels`; the predictor misses real ones by `error`.

    It misses generated ones by twice as much. The first 36 images are the training set. There are two example
    conditions, of low and of high mass.
    """
    conditions = np.array([[0.14, 8.2], [0.14, 8.9]], dtype=np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("generated", data=pixels, chunks=(16, *pixels.shape[1:]))
        file["ids"], file["split"] = IDS, ["train"] * 36 + ["validation"] * 12
        file["labels"] = labels[:, :2]
        file["predicted_real"], file["predicted_generated"] = labels[:, :2] + error, labels[:, :2] - 2 * error
        file["examples"] = np.stack([pixels[:16], pixels[16:32]])
        file["example_conditions"] = conditions
        with h5py.File(view) as real:
            file.attrs["view_sha256"] = real.attrs["pixels_sha256"]
        file.attrs.update({"columns": LABELS[:2], "seed": seed, "saw_validation": False, "trained_on": ["train"]})
        file.attrs.update({"source": "simulated", "simulated": True, "model_sha256": "0" * 64})

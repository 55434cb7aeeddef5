"""Small files of judged images and of generators without labels, written here by the documented layouts."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.files import sha256

CLASSES = ["round_smooth", "edge_on", "spiral"]


def logits_of(classes: list[int] | np.ndarray) -> np.ndarray:
    """Logits (N, 3) that are highest for the given classes."""
    return np.eye(len(CLASSES), dtype=np.float32)[np.asarray(classes)]


def write_judged(
    path: Path, logits: np.ndarray, features: np.ndarray, ids: np.ndarray | None = None, **attributes: object
) -> Path:
    """Write a judgement of one judge, logits (N, K), or of several (J, N, K); without ids, that of generated images."""
    facts = {"classes": CLASSES, "view": "crop256_32", "simulated": True, "judge_sha256": "judge", "source_sha256": "0"}
    with h5py.File(path, "w") as file:
        file["logits"] = logits.astype(np.float32).reshape(-1, *logits.shape[-2:])
        file["features"] = features.astype(np.float32)
        file["ids"] = np.full(len(features), -1) if ids is None else ids
        file.attrs.update(facts | attributes)
    return path


def write_unlabelled(path: Path, view: Path, pixels: np.ndarray, progress: int = 3) -> Path:
    """Write 8-bit images (N, C, S, S) of a generator without labels, and as many epochs of progress as asked."""
    count, shape = len(pixels), pixels.shape[1:]
    with h5py.File(path, "w") as file:
        file.create_dataset("generated", data=pixels, chunks=(min(16, count), *shape))
        file["ids"], file["split"] = np.full(count, -1), [""] * count
        for name in ("labels", "predicted_real", "predicted_generated"):
            file[name] = np.empty((count, 0), dtype=np.float32)
        file["examples"] = np.empty((0, 16, *shape), dtype=np.float32)
        file["example_conditions"] = np.empty((0, 0), dtype=np.float32)
        file["progress"] = np.broadcast_to(pixels[:6], (progress, *pixels[:6].shape))
        file["progress_steps"] = 2 ** np.arange(progress)
        with h5py.File(view) as real:
            file.attrs["view_sha256"] = real.attrs["pixels_sha256"]
        file.attrs.update({"columns": np.array([], dtype="S1"), "seed": 0, "saw_validation": False})
        file.attrs.update({"trained_on": ["train"], "source": "simulated", "simulated": True, "model_sha256": "0"})
    return path


def training(experiment: str, seed: int = 0, **more: object) -> dict:
    """What scripts are told of a training."""
    return {"experiment": experiment, "label": experiment.upper(), "seed": seed, "differences": ["steps 2"]} | more


def digest(path: Path) -> str:
    """SHA-256 of a file, as judgements name what they are of."""
    return sha256(path)


def read(path: Path) -> pd.DataFrame:
    """A table that a script wrote."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])

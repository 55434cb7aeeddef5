"""Collect what the classifiers of an augmentation experiment predicted for the validation images."""

import logging
import pickle
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from galaxies.classification_metrics import SMALLEST, log_loss
from galaxies.data.splits import ids_of
from galaxies.data.store import View
from galaxies.errors import DataError
from galaxies.files import atomic, reading
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.evaluate_classifiers")

# What torch.load and a look into its result raise for files that are damaged or hold something else.
UNREADABLE = (
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)
TRAIN_AGAIN = "delete the model and run the same command again; the rule `train` makes it"


def main(
    models: list[Path],
    histories: list[Path],
    view: Path,
    split: Path,
    predictions: Path,
    *,
    trainings: list[dict],
    target: str,
) -> None:
    """Write the probabilities of all trainings, after every epoch, to one HDF5 file; one model is in memory at a time.

    models, histories : one file per training, in the order of `trainings` ({experiment, arm, size, seed} each).
    view : packed images with the 0/1 label column `target`. split : table object_id,split.
    predictions : `probability` float32 (T, E, N) of class 1, `train_loss` float64 (T, E) in nats, `arm`, `size` str
    (T,), `seed`, `real_images` int64 (T,), `positive_rate` float64 (T,), `ids` int64 (N,), `target` uint8 (N,);
    attributes `source`, `simulated`, `target`, `view_sha256`.

    Raises DataError for a model without such a record, or one of other images, epochs or seed than the rest.
    """
    ids, truth, attributes = read_target(view, split, target)
    whole = len(ids_of(split, "train"))
    with atomic(predictions) as temporary, h5py.File(temporary, "w") as file:
        train_loss, positive_rate = [], []
        for row, (model, history, training) in enumerate(zip(models, histories, trainings, strict=True)):
            probability, rate = read_record(model, training["seed"], len(ids))
            train_loss.append(read_history(history, model, probability, truth))
            positive_rate.append(rate)
            if row == 0:
                shape = (len(trainings), *probability.shape)
                stored = file.create_dataset("probability", shape, np.float32, chunks=(1, *probability.shape))
            if probability.shape != stored.shape[1:]:
                raise DataError(
                    f"{model}: {len(probability)} epochs, expected {stored.shape[1]} as in {models[0]}",
                    "all arms train for the same number of epochs; make them equal in the configuration",
                )
            stored[row] = probability
        sizes = [training["size"] for training in trainings]
        file["train_loss"], file["positive_rate"] = np.stack(train_loss), np.array(positive_rate)
        file.create_dataset("arm", data=[training["arm"] for training in trainings], dtype=h5py.string_dtype())
        file.create_dataset("size", data=list(map(str, sizes)), dtype=h5py.string_dtype())
        file["seed"] = np.array([training["seed"] for training in trainings], dtype=np.int64)
        file["real_images"] = np.array([whole if size == "all" else size for size in sizes], dtype=np.int64)
        file["ids"], file["target"] = ids, truth
        file.attrs.update({key: attributes[key] for key in ("source", "simulated")})
        file.attrs.update({"target": target, "view_sha256": str(attributes["pixels_sha256"])})
    logger.info("%s: %d trainings, %d images", predictions, len(trainings), len(ids))


def read_target(view: Path, split: Path, target: str) -> tuple[np.ndarray, np.ndarray, dict]:
    """Ids int64 (N,) and 0/1 labels uint8 (N,) of the validation images, and the attributes of the view."""
    with View(view) as opened:
        rows = opened.rows(ids_of(split, "validation"))
        if target not in opened.columns:
            raise DataError(f"{view}: no label column {target!r}; there are: {', '.join(opened.columns)}")
        values = opened.labels[rows, opened.columns.index(target)]
        if not np.isin(values, (0, 1)).all():
            raise DataError(f"{view}: label column {target!r} has values other than 0 and 1 in validation images")
        return opened.ids[rows], values.astype(np.uint8), opened.attributes


def read_record(path: Path, seed: int, images: int) -> tuple[np.ndarray, float]:
    """Probabilities float32 (E, N) and the share of class 1 in the training images, from a classifier's model file."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        record, found_seed = content["networks"]["record"], content["seed"]
        probability, rate = record["probability"].numpy(), float(record["positive_rate"])
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise DataError(f"{path}: not a classifier of this workflow, or damaged ({error})", TRAIN_AGAIN) from error
    if found_seed != seed:
        raise DataError(f"{path}: trained with seed {found_seed}, expected {seed}", TRAIN_AGAIN)
    if probability.ndim != 2 or probability.shape[1] != images:
        raise DataError(
            f"{path}: probabilities are {probability.shape}, expected (epochs, {images}) for the validation images",
            "it was trained with another split; " + TRAIN_AGAIN,
        )
    if not ((probability >= 0) & (probability <= 1)).all() or not 0 <= rate <= 1:
        raise DataError(f"{path}: recorded probabilities lie outside [0, 1]", TRAIN_AGAIN)
    return probability, rate


def read_history(path: Path, model: Path, probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Training loss (E,) of a history, which must be that of the recorded probabilities (E, N).

    Epochs with a saturated probability, whose loss float32 cannot hold, are not compared.
    """
    with reading(path):
        table = pd.read_csv(path)[["loss", "val_loss"]].astype(np.float64)
    hint = f"{path} and {model} are of different trainings or images; delete both and run the same command again"
    if len(table) != len(probability):
        raise DataError(f"{path}: {len(table)} epochs, expected {len(probability)} as in {model}", hint)
    inside = ((probability > SMALLEST) & (probability < 1 - SMALLEST)).all(axis=1)
    recorded, logged = log_loss(probability, truth), table["val_loss"].to_numpy()
    wrong = inside & ~np.isclose(recorded, logged, rtol=0.01)  # 1 %: half precision rounds the two differently
    if wrong.any():
        epoch = int(np.argmax(wrong))
        found, expected = logged[epoch], recorded[epoch]
        raise DataError(f"{path}: val_loss {found:.4f} in epoch {epoch + 1}, its model recorded {expected:.4f}", hint)
    return table["loss"].to_numpy()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

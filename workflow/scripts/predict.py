"""Predict the labels of all images of a split with a trained regression."""

import logging
from pathlib import Path

import h5py
import numpy as np

from galaxies.compute import machine_of
from galaxies.data.device import Images
from galaxies.data.names import SPLIT_CODES
from galaxies.data.rows import split_rows
from galaxies.errors import DataError
from galaxies.files import atomic, sha256
from galaxies.methods.regression import load_network, predict
from galaxies.scripting import run_script
from galaxies.trained_models import TRAIN_AGAIN, read_model

logger = logging.getLogger("galaxies.predict")


def main(
    view: Path, split: Path, model: Path, predictions: Path, *, experiment: dict, compute: dict, threads: int
) -> None:
    """Write the predictions for training, validation and test images, clean and in evaluation mode, to HDF5.

    view : packed images and labels. split : table object_id,split. model : from train.py.
    predictions : data sets `ids` int64 (N,), `split` int8 (N,) with the codes 0 train, 1 validation, 2 test,
    `predictions` and `labels` float32 (N, K), training images first; attributes `columns`, `source`,
    `simulated`, `model_sha256` and `view_sha256`, the digest of the pixels.
    experiment : settings of the experiment that the model must come from. compute : as in train.py.
    """
    trained = _read_model(model, experiment)
    machine = machine_of(compute, threads)
    rows = [split_rows(view, split, part) for part in SPLIT_CODES]
    images = Images(view, np.concatenate(rows), machine)
    if (images.columns, images.size) != (trained["columns"], trained["size"]):
        raise DataError(
            f"{model}: predicts {len(trained['columns'])} columns from images of {trained['size']} px; "
            f"{view} has {len(images.columns)} columns and images of {images.size} px, or columns of other names",
            "use the view that the model was trained on",
        )
    network = load_network(trained, machine)
    predicted = predict(network, images, machine)
    with atomic(predictions) as temporary, h5py.File(temporary, "w") as file:
        file["ids"] = images.ids
        file["split"] = np.repeat(np.array(list(SPLIT_CODES.values()), dtype=np.int8), [len(part) for part in rows])
        file["predictions"] = predicted.cpu().numpy()
        file["labels"] = images.labels.cpu().numpy()
        file.attrs["columns"] = images.columns
        file.attrs["source"] = str(images.attributes["source"])
        file.attrs["simulated"] = bool(images.attributes["simulated"])
        file.attrs["model_sha256"] = sha256(model)
        file.attrs["view_sha256"] = str(images.attributes["pixels_sha256"])
    logger.info("%s: predictions for %d images", predictions, len(images))


def _read_model(path: Path, experiment: dict) -> dict:
    """Content of a model file; DataError if it is damaged or of another architecture than the experiment's."""
    trained = read_model(path, experiment["method"])
    found, wanted = (settings["network"]["architecture"] for settings in (trained["settings"], experiment))
    if found != wanted:
        raise DataError(f"{path}: a model of architecture {found!r}; the experiment has {wanted!r}", TRAIN_AGAIN)
    return trained


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

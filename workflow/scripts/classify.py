"""Classify the test images with a trained classifier of several classes."""

import logging
from pathlib import Path

import h5py
import numpy as np
from torch.nn.functional import log_softmax

from galaxies.compute import machine_of
from galaxies.data.device import Images
from galaxies.data.rows import split_rows
from galaxies.errors import DataError
from galaxies.files import atomic, sha256
from galaxies.methods.multiclass_classification import classify, load_classifier, targets_of
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.classify")


def main(view: Path, split: Path, model: Path, predictions: Path, *, compute: dict, threads: int) -> None:
    """Write what the classifier says of the images of the set `test`, in evaluation mode, to HDF5.

    view : packed images and labels. split : table object_id,split. model : from train.py.
    predictions : data sets `ids` int64 (N,), `true_class` int64 (N,), `log_probabilities` float64 (N, K), natural;
    attributes `classes`, `source`, `simulated`, `model_sha256` and `view_sha256`, the digest of the pixels.
    compute : as in train.py.
    """
    machine = machine_of(compute, threads)
    classifier = load_classifier(model, machine)
    images = Images(view, split_rows(view, split, "test"), machine)
    if images.shape[1] != classifier.channels:
        raise DataError(
            f"{model}: classifies images of {classifier.channels} channels, those of {view} have {images.shape[1]}",
            "use the view that the model was trained on",
        )
    targets = targets_of(images, classifier.classes)
    name = str(images.attributes["view"])
    logits = classify(classifier.network, classifier.inputs, images, name, machine)
    with atomic(predictions) as temporary, h5py.File(temporary, "w") as file:
        file["ids"] = images.ids
        file["true_class"] = targets.cpu().numpy().astype(np.int64)
        file["log_probabilities"] = log_softmax(logits.double(), dim=1).cpu().numpy()
        file.attrs["classes"] = classifier.classes
        file.attrs["source"] = str(images.attributes["source"])
        file.attrs["simulated"] = bool(images.attributes["simulated"])
        file.attrs["model_sha256"] = sha256(model)
        file.attrs["view_sha256"] = str(images.attributes["pixels_sha256"])
    accuracy = (logits.argmax(dim=1) == targets).double().mean().item()
    logger.info("%s: %d test images, accuracy %.4f", predictions, len(images), accuracy)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

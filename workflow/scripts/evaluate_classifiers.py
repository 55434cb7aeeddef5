"""Collect what the classifiers of an augmentation experiment predicted for the validation images."""

import logging
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.augmentation_predictions import WHOLE
from galaxies.classification_metrics import log_loss
from galaxies.data.splits import ids_of
from galaxies.data.store import View
from galaxies.errors import DataError
from galaxies.files import atomic, reading
from galaxies.scripting import run_script
from galaxies.trained_models import TRAIN_AGAIN, read_model

logger = logging.getLogger("galaxies.evaluate_classifiers")


def main(
    models: list[Path],
    histories: list[Path],
    view: Path,
    split: Path,
    predictions: Path,
    *,
    trainings: list[dict],
    study: dict,
) -> None:
    """Write the log-odds of all trainings, after every epoch, to one HDF5 file; one model is in memory at a time.

    models, histories : one file per training, in the order of `trainings` ({experiment, arm, size, seed} each).
    view : packed images with the 0/1 label column `target` of the study. split : table object_id,split.
    study : `target`, the sets `train_on` and `validate_on` of the classifiers, and `arms`, a list of {arm,
        real_images, generator_trained_on}: whether the classifier is trained on real images, and the sets of the split
        that its generator was trained on, none without one.
    predictions : `logit` float32 (T, E, N), log-odds of class 1; `train_loss` float64 (T, E) in nats; `arm`, `size` str
    (T,); `seed` int64 (T,); `classifier_images`, `generator_images` int64 (T,), numbers of real images that the
    classifier and its generator were trained on; `positive_rate` float64 (T,), `ids` int64 (N,), `target` uint8 (N,);
    attributes `source`, `simulated`, `target`, `view_sha256`.

    Raises DataError for a model without such a record, or one of other images, epochs or seed than the rest.
    """
    ids, truth, attributes = read_target(view, split, study)
    counts = images_of(trainings, study, split)
    with atomic(predictions) as temporary, h5py.File(temporary, "w") as file:
        train_loss, positive_rate = [], []
        for row, (model, history, training) in enumerate(zip(models, histories, trainings, strict=True)):
            logit, rate = read_record(model, training["seed"], ids)
            train_loss.append(read_history(history, model, logit, truth))
            positive_rate.append(rate)
            if row == 0:
                shape = (len(trainings), *logit.shape)
                stored = file.create_dataset("logit", shape, np.float32, chunks=(1, *logit.shape))
            if logit.shape != stored.shape[1:]:
                raise DataError(
                    f"{model}: {len(logit)} epochs, expected {stored.shape[1]} as in {models[0]}",
                    "all arms train for the same number of epochs; make them equal in the configuration",
                )
            stored[row] = logit
        file["train_loss"], file["positive_rate"] = np.stack(train_loss), np.array(positive_rate)
        file.create_dataset("arm", data=[training["arm"] for training in trainings], dtype=h5py.string_dtype())
        file.create_dataset("size", data=[str(training["size"]) for training in trainings], dtype=h5py.string_dtype())
        file["seed"] = np.array([training["seed"] for training in trainings], dtype=np.int64)
        file["classifier_images"], file["generator_images"] = np.array(counts, dtype=np.int64).T
        file["ids"], file["target"] = ids, truth
        file.attrs.update({key: attributes[key] for key in ("source", "simulated")})
        file.attrs.update({"target": study["target"], "view_sha256": str(attributes["pixels_sha256"])})
    logger.info("%s: %d trainings, %d images", predictions, len(trainings), len(ids))


def images_of(trainings: list[dict], study: dict, split: Path) -> list[tuple[int, int]]:
    """Numbers of real images that each training's classifier and its generator were trained on.

    With fewer than all, the generator has the same images as the classifier.
    """
    arms = study["arms"]
    described = {arm["arm"]: arm for arm in arms}
    used = {*study["train_on"], *(name for arm in arms for name in arm["generator_trained_on"])}
    images = {name: len(ids_of(split, name)) for name in used}
    counts = []
    for training in trainings:
        arm, size = described[training["arm"]], training["size"]
        of_generator = [images[name] if size == WHOLE else size for name in arm["generator_trained_on"]]
        of_classifier = sum(images[name] for name in study["train_on"]) if size == WHOLE else size
        counts.append((of_classifier if arm["real_images"] else 0, sum(of_generator)))
    return counts


def read_target(view: Path, split: Path, study: dict) -> tuple[np.ndarray, np.ndarray, dict]:
    """Ids int64 (N,) and 0/1 labels uint8 (N,) of the validation images, and the attributes of the view."""
    with View(view) as opened:
        rows = opened.rows(ids_of(split, study["validate_on"]))
        target = study["target"]
        if target not in opened.columns:
            raise DataError(f"{view}: no label column {target!r}; there are: {', '.join(opened.columns)}")
        values = opened.labels[rows, opened.columns.index(target)]
        if not np.isin(values, (0, 1)).all():
            raise DataError(f"{view}: label column {target!r} has values other than 0 and 1 in validation images")
        return opened.ids[rows], values.astype(np.uint8), opened.attributes


def read_record(path: Path, seed: int, ids: np.ndarray) -> tuple[np.ndarray, float]:
    """Log-odds float32 (E, N) and the share of class 1 in the training images, from a classifier's model file."""
    content = read_model(path, "classification")
    try:
        record, found_seed = content["networks"]["record"], content["seed"]
        logit, rate, found_ids = record["logit"].numpy(), float(record["positive_rate"]), record["ids"].numpy()
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: has no record of its epochs, or a damaged one ({error})", TRAIN_AGAIN) from error
    if found_seed != seed:
        raise DataError(f"{path}: trained with seed {found_seed}, expected {seed}", TRAIN_AGAIN)
    if logit.ndim != 2 or logit.shape[1] != len(ids) or not np.array_equal(found_ids, ids):
        raise DataError(
            f"{path}: recorded logits are {logit.shape}, expected (epochs, {len(ids)}) for these validation images",
            "it was trained with another split; " + TRAIN_AGAIN,
        )
    if not np.isfinite(logit).all():
        raise DataError(f"{path}: recorded logits are not finite", TRAIN_AGAIN)
    if not 0 <= rate <= 1:
        raise DataError(f"{path}: recorded share of class 1 is {rate}, outside [0, 1]", TRAIN_AGAIN)
    return logit, rate


def read_history(path: Path, model: Path, logit: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Training loss (E,) of a history, whose validation loss must be that of the recorded logits (E, N)."""
    with reading(path):
        table = pd.read_csv(path)[["loss", "val_loss"]].astype(np.float64)
    hint = f"{path} and {model} are of different trainings or images; delete both and run the same command again"
    if len(table) != len(logit):
        raise DataError(f"{path}: {len(table)} epochs, expected {len(logit)} as in {model}", hint)
    recorded, logged = log_loss(logit, truth), table["val_loss"].to_numpy()
    wrong = ~np.isclose(recorded, logged, rtol=1e-4, atol=1e-6)  # the history's is a sum in float32
    if wrong.any():
        epoch = int(np.argmax(wrong))
        found, expected = logged[epoch], recorded[epoch]
        raise DataError(f"{path}: val_loss {found:.4f} in epoch {epoch + 1}, its model recorded {expected:.4f}", hint)
    return table["loss"].to_numpy()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Predict the scores of all images with a trained network."""

import logging
from pathlib import Path

import torch

from galaxies.compute import machine_of
from galaxies.data.catalogue import read_catalogue
from galaxies.data.device import Images
from galaxies.data.names import ID
from galaxies.data.store import View
from galaxies.inference import EVALUATION_BATCH
from galaxies.registry import named_module
from galaxies.score_predictions import images_to_score, write_predictions
from galaxies.scripting import run_script
from galaxies.trained_models import read_model

logger = logging.getLogger("galaxies.predict_scores")


def main(
    view: Path, split: Path, catalogue: Path, model: Path, predictions: Path, *, compute: dict, threads: int
) -> None:
    """Write object_id,set,predicted of all scored and query images, clipped to the range of the scores.

    view : images like those that it was trained on. split : table object_id,split. model : from train.py, of a method
    that has `load_scorer`. compute : as in train.py.
    """
    machine = machine_of(compute, threads)
    scorer = named_module("methods", read_model(model)["settings"]["method"]).load_scorer(model, machine)
    wanted = images_to_score(read_catalogue(catalogue), split)
    with View(view) as packed:
        rows = packed.rows(wanted[ID].to_numpy())
    images = Images(view, rows, machine)
    scores = [scorer.score(batch.images[:, 0]) for batch in images.batches(torch.arange(len(rows)), EVALUATION_BATCH)]
    write_predictions(predictions, wanted, torch.cat(scores).double().numpy())
    logger.info("%s: scores of %d images", predictions, len(wanted))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

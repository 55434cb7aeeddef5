"""Predict the scores of all images from the discriminator of a trained GAN."""

import logging
from pathlib import Path

from galaxies.compute import machine_of
from galaxies.data.catalogue import read_catalogue
from galaxies.data.device import Images
from galaxies.data.names import ID
from galaxies.data.store import View
from galaxies.discriminator_scores import calibrated_scores, literal_scores
from galaxies.gan_training import to_signed
from galaxies.inference import infer
from galaxies.methods.dcgan import load_discriminator
from galaxies.score_predictions import images_to_score, rows_of_sets, write_predictions
from galaxies.scripting import run_script
from galaxies.true_scores import scores_of

logger = logging.getLogger("galaxies.predict_discriminator_scores")


def main(
    view: Path,
    split: Path,
    catalogue: Path,
    model: Path,
    predictions: Path,
    *,
    experiment: dict,
    compute: dict,
    threads: int,
) -> None:
    """Write object_id,set,predicted of all scored and query images, clipped to the range of the scores.

    view : images like those that the GAN was trained on. split : table object_id,split. catalogue : has the scores.
    model : from train.py, of method dcgan; batch normalisation takes the statistics of its training, so that no score
    depends on other images.
    experiment : map, "literal" or "calibrated", and for the latter train_on, sets whose scores it is fitted to.
    compute : as in train.py.
    """
    machine = machine_of(compute, threads)
    objects = read_catalogue(catalogue)
    wanted = images_to_score(objects, split)
    train = rows_of_sets(wanted, split, experiment["train_on"])
    scores = scores_of(objects, wanted[ID].to_numpy()[train])
    discriminator = load_discriminator(model, machine)
    with View(view) as packed:
        rows = packed.rows(wanted[ID].to_numpy())
    images = Images(view, rows, machine)
    logits = infer(discriminator, lambda pixels: discriminator(to_signed(pixels)), images, machine)[:, 0]
    logits = logits.double().cpu().numpy()
    literal = experiment["map"] == "literal"
    predicted = literal_scores(logits) if literal else calibrated_scores(logits, train, scores)
    write_predictions(predictions, wanted, predicted)
    logger.info("%s: scores of %d images, log-odds %.3g to %.3g", predictions, len(wanted), logits.min(), logits.max())


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

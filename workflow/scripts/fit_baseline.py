"""Fit a baseline to histograms of grey levels, and predict the scores of all images with it."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.baselines import fit, predict, save
from galaxies.data.catalogue import read_catalogue
from galaxies.data.names import ID
from galaxies.data.store import View
from galaxies.errors import DataError
from galaxies.files import write_text
from galaxies.score_predictions import images_to_score, rows_of_sets, write_predictions
from galaxies.scripting import run_script
from galaxies.true_scores import scores_of

logger = logging.getLogger("galaxies.fit_baseline")


def main(
    view: Path,
    split: Path,
    catalogue: Path,
    model: Path,
    predictions: Path,
    search: Path,
    *,
    experiment: dict,
    seed: int,
    threads: int,
) -> None:
    """Write the model, its predictions and how its parameter was chosen.

    view : features of the images, such as histogram_10. split : table object_id,split. catalogue : has the scores.
    model : for `galaxies.baselines.load`. predictions : CSV object_id,set,predicted of all scored and query images.
    search : CSV parameter,value,mae_mean,mae_std,folds,chosen, a row for each value of the grid.
    experiment : train_on, names of sets of the split, and the settings of `galaxies.baselines.fit`.
    """
    objects = read_catalogue(catalogue)
    images = images_to_score(objects, split)
    train = rows_of_sets(images, split, experiment["train_on"])
    scores = scores_of(objects, images[ID].to_numpy()[train])
    with View(view) as packed:
        if len(packed.shape) != 2:
            raise DataError(f"{view}: images, expected features", "give the experiment a view such as histogram_10")
        packed.check_pixels()
        features = packed.read(packed.rows(images[ID].to_numpy()))
    fitted = fit(features[train], scores, experiment, seed, threads)
    predicted = predict(fitted, features)
    save(fitted, model)
    write_predictions(predictions, images, predicted)
    write_text(search, pd.DataFrame(fitted.search).to_csv(index=False))
    best = next(row for row in fitted.search if row["chosen"])
    error = np.abs(predicted[train] - scores).mean()
    logger.info("%s: %s %g, fitted to %d images", model, best["parameter"], best["value"], len(train))
    logger.info("Mean absolute error %.4f cross-validated, %.4f on the images fitted to", best["mae_mean"], error)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

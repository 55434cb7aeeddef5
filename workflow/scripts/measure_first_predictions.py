"""What networks that score images say before their training: are first predictions of the size of the scores?"""

import logging
from pathlib import Path

import pandas as pd
import torch

from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.data.rows import split_rows
from galaxies.files import write_text
from galaxies.methods.score_regression import PIXEL_SCALES, SCORE, build_scorer, predict
from galaxies.scripting import run_script
from galaxies.training import seed_everything

logger = logging.getLogger("galaxies.measure_first_predictions")

IMAGES = 64  # of the training set, those with the lowest ids


def main(
    views: list[Path],
    split: Path,
    table: Path,
    per_seed: Path,
    *,
    experiments: list[dict],
    seeds: list[int],
    threads: int = 1,
) -> None:
    """Write a row per experiment and pixel scale, of the networks that the trainings with `seeds` begin with.

    views : images of each of `experiments`, {experiment, label, network, train_on, differences}, of score_regression.
    split : table object_id,split. table : prediction_mean, prediction_std (ddof 0) and prediction_largest, the largest
    absolute value, of all images and seeds, not clipped; score_mean and score_largest, of the true scores of the same
    images. Networks whose biases are zero say 255 times as much for raw pixels as for those in [0, 1].
    per_seed : prediction_largest of each network.
    Source: intergalactic_vae_cnn, which found them far too large with normal weights and not with Xavier's.
    """
    machine = Compute.choose("cpu", threads=threads)
    rows, of_seeds = [], []
    for view, experiment in zip(views, experiments, strict=True):
        settings = experiment["network"]
        images = Images(view, split_rows(view, split, *experiment["train_on"])[:IMAGES], machine)
        scores = images.labels_of([SCORE])
        for scale in PIXEL_SCALES:
            predicted = []
            for seed in seeds:
                seed_everything(seed)  # as the training does before it builds the network
                network = machine.place(build_scorer(settings, images.size, images.shape[1]))
                predicted.append(predict(network, images, scale, machine))
            values = torch.stack(predicted).double()
            identity = {"experiment": experiment["experiment"], "pixel_scale": scale, "images": len(images)}
            of_seeds += [
                {**identity, "seed": seed, "prediction_largest": largest}
                for seed, largest in zip(seeds, values.abs().amax(dim=1).tolist(), strict=True)
            ]
            row = {"experiment": experiment["experiment"], "label": experiment["label"], "pixel_scale": scale}
            row |= {"weights_std": settings["weights_std"], "n_seeds": len(seeds), "images": len(images)}
            row |= {
                "prediction_mean": values.mean().item(),
                "prediction_std": values.std(correction=0).item(),
                "prediction_largest": values.abs().max().item(),
                "score_mean": scores.mean().item(),
                "score_largest": scores.max().item(),
                "data": "simulated" if images.attributes["simulated"] else "real",
                "differences": "; ".join(experiment["differences"]),
            }
            rows.append(row)
    write_text(table, pd.DataFrame(rows).to_csv(index=False))
    write_text(per_seed, pd.DataFrame(of_seeds).assign(data=rows[0]["data"]).to_csv(index=False))
    logger.info("%s: first predictions of %d networks", table, len(rows) * len(seeds))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

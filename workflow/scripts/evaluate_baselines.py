"""Errors of three predictions that need no network."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.datasets.gz2_kaggle.files import find
from galaxies.datasets.gz2_kaggle.images import open_images
from galaxies.files import atomic
from galaxies.metrics import rmse
from galaxies.scripting import run_script

CLUSTERS = 16


def main(folder: Path, view: Path, split: Path, baselines: Path, *, settings: dict) -> None:
    """Write baseline, split, rmse. folder, settings : of gz2_kaggle, as in prepare_catalogue.py.

    train_mean predicts the mean of each column over the training galaxies, all_zeros predicts 0, central_pixel the
    mean over the training galaxies whose central pixel has a similar colour (k-means). The exact recipe of the
    challenge's central-pixel benchmark is not published; this is our reading of its description.
    """
    table = read_split(split)
    ids = table[ID].to_numpy()
    with View(view) as packed:
        labels = packed.labels[packed.rows(ids)]
    with open_images(find(folder, settings), settings) as images:
        colours = np.stack([central_colour(np.asarray(images.load(galaxy))) for galaxy in ids])
    split_of_row = table["split"].to_numpy()
    train = split_of_row == "train"
    clusters = min(CLUSTERS, len(np.unique(colours[train], axis=0)))
    groups = KMeans(n_clusters=clusters, n_init=10, random_state=0).fit(colours[train])
    means = np.stack([labels[train][groups.labels_ == group].mean(axis=0) for group in range(clusters)])
    predictions = {
        "train_mean": np.broadcast_to(labels[train].mean(axis=0), labels.shape),
        "all_zeros": np.zeros_like(labels),
        "central_pixel": means[groups.predict(colours)],
    }
    records = [
        {"baseline": name, "split": part, "rmse": rmse(values[split_of_row == part], labels[split_of_row == part])}
        for name, values in predictions.items()
        for part in ("train", "validation", "test")
    ]
    with atomic(baselines) as temporary:
        pd.DataFrame(records).to_csv(temporary, index=False)


def central_colour(image: np.ndarray) -> np.ndarray:
    """Colour (3,) in 0..255 at the centre of an image (S, S, 3): of one pixel, or the mean of four if S is even."""
    low, high = (len(image) - 1) // 2, len(image) // 2 + 1
    return image[low:high, low:high].mean(axis=(0, 1), dtype=np.float64)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

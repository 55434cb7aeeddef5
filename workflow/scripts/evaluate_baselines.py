"""Errors of three predictions that need no network."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.files import atomic
from galaxies.metrics import rmse
from galaxies.scripting import run_script

CLUSTERS = 16


def main(view: Path, split: Path, baselines: Path) -> None:
    """Write baseline, split, rmse.

    train_mean predicts the mean of each column over the training galaxies, all_zeros predicts 0, central_pixel the
    mean over the training galaxies whose central pixel has a similar colour (k-means). The exact recipe of the
    challenge's central-pixel benchmark is not published; this is our reading of its description.
    """
    table = read_split(split)
    with View(view) as images:
        rows = images.rows(table["GalaxyID"].to_numpy())
        labels = images.labels[rows]
        colours = central_colour(images, rows)
    split_of_row = table["split"].to_numpy()
    train = split_of_row == "train"
    clusters = min(CLUSTERS, int(train.sum()))
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


def central_colour(view: View, rows: np.ndarray, block: int = 1024) -> np.ndarray:
    """Mean colour (N, 3) in 0..255 of the pixel, or 2 x 2 pixels, at the centre of each image."""
    low, high = (view.shape[-1] - 1) // 2, view.shape[-1] // 2 + 1
    blocks = [view.read(rows[i : i + block])[:, :, low:high, low:high] for i in range(0, len(rows), block)]
    return np.concatenate([images.mean(axis=(2, 3), dtype=np.float64) for images in blocks])


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

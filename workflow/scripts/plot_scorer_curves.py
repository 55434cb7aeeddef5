"""How regressions of scores were trained: errors in each epoch, and the epoch whose weights are kept."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.comparison import origin_text
from galaxies.data.catalogue import Catalogue, read_catalogue
from galaxies.data.splits import ids_of
from galaxies.files import reading
from galaxies.plots import MUTED, TRAIN, VALIDATION, new_figure, save_figure, seeds_with_mean, stamp
from galaxies.scripting import run_script
from galaxies.true_scores import scores_of

CURVES = {"mae": ("training images, while the weights move", TRAIN), "val_mae": ("validation images", VALIDATION)}


def main(
    histories: list[Path],
    split: Path,
    catalogue: Path,
    provenance: Path,
    png: Path,
    pdf: Path,
    *,
    trainings: list[dict],
    notes: list[str],
) -> None:
    """A panel per experiment, all with the same axes.

    histories : from train.py, in the order of `trainings`, each {experiment, label, seed, train_on, validate_on}.
    split : table object_id,split. catalogue : has the scores. provenance : of the data set. notes : how they differ
    from the published ones.
    """
    with reading(provenance):
        simulated = json.loads(provenance.read_text(encoding="utf-8"))["simulated"]
    objects = read_catalogue(catalogue)
    curves: dict[str, list[pd.DataFrame]] = {}
    facts = {}
    for path, training in zip(histories, trainings, strict=True):
        with reading(path):
            curves.setdefault(training["experiment"], []).append(pd.read_csv(path))
        facts[training["experiment"]] = training
    figure, axes = new_figure(1, len(curves), 1.2 + 3.2 * len(curves), 3.1, sharey=True, sharex=True)
    for axis, (name, tables) in zip(axes[0], curves.items(), strict=True):
        draw(axis, tables)
        error = error_of_median(objects, split, facts[name])
        axis.axhline(error, color=MUTED, linewidth=0.9, linestyle=":", label="constant: the median training score")
        axis.set_title(facts[name]["label"], fontsize=8.5)
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].set_ylabel("Mean absolute error of the score")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=7.5)
    validated = " and ".join(dict.fromkeys(training["validate_on"] for training in trainings))
    note = (
        f"Validation images: the set {validated}. Circles: epoch with the lowest validation error, whose weights are "
        "kept; these images chose it, so that their error there is optimistic."
    )
    many = len(histories) > len(curves)
    interval = " and its 95 % interval" if len(histories) > 2 * len(curves) else ""
    note += f" Thin lines: trainings; thick: their mean{interval}." if many else " One training each."
    stamp(figure, f"{origin_text(simulated, notes)} {note}", grow=True)
    save_figure(figure, png, pdf)


def draw(axis: Axes, tables: list[pd.DataFrame]) -> None:
    """Curves of one experiment, and a circle at the lowest validation error of each training."""
    epochs = tables[0]["epoch"].to_numpy()
    for quantity, (label, colour) in CURVES.items():
        values = np.stack([table[quantity] for table in tables])
        seeds_with_mean(axis, epochs, values, colour, label, marker=None)
    best = [table.loc[table["val_mae"].idxmin()] for table in tables]
    axis.plot(
        [row["epoch"] for row in best],
        [row["val_mae"] for row in best],
        "o",
        color=VALIDATION,
        markerfacecolor="white",
        markersize=5,
        label="kept epoch",
    )


def error_of_median(objects: Catalogue, split: Path, training: dict) -> float:
    """Mean absolute error on the validation set of the median score of the training sets."""
    train = np.concatenate([scores_of(objects, ids_of(split, name)) for name in training["train_on"]])
    return float(np.abs(scores_of(objects, ids_of(split, training["validate_on"])) - np.median(train)).mean())


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Loss and RMSE per epoch of one experiment, training and validation, beside the published final values."""

import json
from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from galaxies.plots import PUBLISHED, TRAIN, VALIDATION, new_figure, origin_note, save_figure, seeds_with_mean, stamp
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script

PANELS = (("loss", "Mean squared error", "mse"), ("rmse", "RMSE", "rmse"))
DASHED = (0, (4, 3))
FIRST_EPOCH = {"marker": "D", "markersize": 4, "markerfacecolor": "none", "linestyle": "none"}


def main(
    history: Path,
    provenance: Path,
    reported: Path,
    png: Path,
    pdf: Path,
    *,
    paper: str,
    title: str,
    reported_as: str | None = None,
    differences: list[str],
) -> None:
    """Two panels as in the paper; thin lines are seeds, thick lines their mean, bands its 95 % interval."""
    table = pd.read_csv(history)
    published = read_reported(reported, paper)
    figure, axes = new_figure(1, 2, 7.0, 3.2)
    for axis, (column, label, metric) in zip(axes[0], PANELS, strict=True):
        for prefix, split, colour in (("", "train", TRAIN), ("val_", "validation", VALIDATION)):
            curves = table.pivot(index="seed", columns="epoch", values=prefix + column)
            name = "training (augmented, dropout on)" if split == "train" else split
            seeds_with_mean(axis, curves.columns.to_numpy(), curves.to_numpy(), colour, name)
            first, last = published_ends(published, reported_as, split, metric)
            axis.axhline(last, color=colour, linewidth=1, linestyle=DASHED)
            axis.plot(1, first, **FIRST_EPOCH, color=colour)
        axis.plot([], [], color=PUBLISHED, linewidth=1, linestyle=DASHED, label="published, last epoch")
        if reported_as and reported_value(published, reported_as, "train", f"{metric}_epoch_1")[1]:
            axis.plot(
                [], [], "D", markersize=4, markerfacecolor="none", color=PUBLISHED, label="published, first epoch"
            )
        axis.set(xlabel="Epoch", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=7.5)
    figure.suptitle(title, fontsize=9)
    stamp(figure, origin_note(json.loads(provenance.read_text())["simulated"], differences))
    save_figure(figure, png, pdf)


def published_ends(published: pd.DataFrame, experiment: str | None, split: str, metric: str) -> tuple[float, float]:
    """Published values of the first and the last epoch; NaN where the paper gives none."""
    first, _ = reported_value(published, experiment, split, f"{metric}_epoch_1")
    last, section = reported_value(published, experiment, split, f"{metric}_final_epoch")
    if not section:
        last, _ = reported_value(published, experiment, split, f"{metric}_epoch_20")
    return first, last


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

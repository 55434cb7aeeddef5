"""Loss and RMSE per epoch of one experiment, training and validation, beside the published final values."""

import json
from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from galaxies.plots import PUBLISHED, TRAIN, VALIDATION, new_figure, origin_note, save_figure, seeds_with_mean, stamp
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script

PANELS = (
    ("loss", "Mean squared error", "mse_final_epoch"),
    ("rmse", "RMSE (vote fraction)", "rmse_final_epoch"),
)


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
            value, _ = reported_value(published, reported_as, split, metric)
            if value == value:
                axis.axhline(value, color=colour, linewidth=1, linestyle=(0, (4, 3)))
        axis.plot([], [], color=PUBLISHED, linewidth=1, linestyle=(0, (4, 3)), label="published, last epoch")
        axis.set(xlabel="Epoch", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].legend()
    figure.suptitle(title, fontsize=9)
    stamp(figure, origin_note(json.loads(provenance.read_text())["simulated"], differences))
    save_figure(figure, png, pdf)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

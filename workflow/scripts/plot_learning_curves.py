"""Loss and RMSE per epoch of one experiment, training and validation, beside the published values."""

import json
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.comparison import origin_note, same_quantity
from galaxies.files import reading
from galaxies.plots import MUTED, TRAIN, VALIDATION, new_figure, save_figure, seeds_with_mean, stamp
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script

PANELS = (("loss", "Mean squared error", "mse"), ("rmse", "RMSE", "rmse"))
SPLITS = (("", "train", "training (augmented, dropout on)", TRAIN), ("val_", "validation", "validation", VALIDATION))
DASHES = {"train": (0, (5, 3)), "validation": (0, (1.5, 1.5))}
EVENTS = {"epoch_of_sharp_drop": "published: validation error drops", "plateau_epoch": "published: training levels off"}


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
    """Two panels as in the paper; thin lines are seeds, thick lines their mean, bands its 95 % interval.

    Published values are drawn only where the targets are the paper's.
    """
    with reading(history):
        table = pd.read_csv(history)[["seed", "epoch", "loss", "rmse", "val_loss", "val_rmse"]]
    with reading(provenance):
        origin = json.loads(provenance.read_text())
    published = read_reported(reported, paper)
    published = published[published["experiment"] == (reported_as if same_quantity(origin) else None)]
    figure, axes = new_figure(1, 2, 7.0, 3.5)
    for axis, (column, label, metric) in zip(axes[0], PANELS, strict=True):
        shown = []
        for prefix, split, name, colour in SPLITS:
            curves = table.pivot(index="seed", columns="epoch", values=prefix + column)
            seeds_with_mean(axis, curves.columns.to_numpy(), curves.to_numpy(), colour, name)
            shown += [*curves.mean(), *draw_published(axis, published, reported_as, split, metric, colour)]
            draw_events(axis, published, reported_as, split, table["epoch"].max())
        axis.set(xlabel="Epoch", ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        margin = 0.1 * (max(shown) - min(shown))  # the wide bands of few seeds may run off the axis
        axis.set_ylim(max(0, min(shown) - margin), max(shown) + margin)
        if table["epoch"].max() == 1:
            axis.set_xlim(0.5, 1.5)
    axes[0, 0].set_title(title, loc="left", fontsize=8.5)
    handles = {name: handle for axis in axes[0] for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=3, fontsize=7)
    stamp(figure, origin_note(origin, differences))
    save_figure(figure, png, pdf)


def draw_published(
    axis: Axes, published: pd.DataFrame, experiment: str | None, split: str, metric: str, colour: str
) -> list[float]:
    """Draw the published value of the last epoch as a line, of the first as a diamond; return those that there are."""
    values = []
    last, section = reported_value(published, experiment, split, f"{metric}_final_epoch")
    if not section:
        last, section = reported_value(published, experiment, split, f"{metric}_epoch_20")
    if section:
        style = {"color": colour, "linewidth": 1, "linestyle": DASHES[split]}
        axis.axhline(last, label=f"published, last epoch, {split}", **style)
        values.append(last)
    first, section = reported_value(published, experiment, split, f"{metric}_epoch_1")
    if section:
        style = {"marker": "D", "markersize": 4, "markerfacecolor": "none", "linestyle": "none"}
        axis.plot(1, first, color=colour, label=f"published, first epoch, {split}", **style)
        values.append(first)
    return values


def draw_events(axis: Axes, published: pd.DataFrame, experiment: str | None, split: str, epochs: int) -> None:
    """Mark the epochs that the paper's text names, if the training reaches them."""
    for event, text in EVENTS.items():
        epoch, section = reported_value(published, experiment, split, event)
        if section and epoch <= epochs:
            axis.axvline(epoch, color=MUTED, linewidth=0.8, linestyle="-.", label=text)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

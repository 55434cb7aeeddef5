"""How the training of one GAN went, over all seeds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.comparison import origin_text
from galaxies.display import words
from galaxies.files import reading
from galaxies.plots import MODEL_COLOURS, TRAIN, new_figure, save_figure, seeds_with_mean, stamp
from galaxies.scripting import run_script

TOGETHER = "probability"  # quantities whose names end so share a panel
COLUMNS = (3, 4)  # of panels, the first if both fit as well


def main(histories: list[Path], provenance: Path, png: Path, pdf: Path, *, title: str, differences: list[str]) -> None:
    """A panel per quantity of the histories; probabilities, which are what the discriminator says, share one.

    histories : from train.py, one per seed; a column `steps`, the steps of each epoch, gives the axis. provenance : of
    the data set. Thin lines are seeds, thick ones their mean, bands its 95 % interval.
    """
    tables = []
    for path in histories:
        with reading(path):
            tables.append(pd.read_csv(path).set_index("epoch"))
    with reading(provenance):
        simulated = json.loads(provenance.read_text())["simulated"]
    steps = tables[0]["steps"].cumsum().to_numpy() if "steps" in tables[0] else None
    panels: dict[str, list[str]] = {}
    for column in tables[0].columns.drop("steps", errors="ignore"):
        panels.setdefault(TOGETHER if column.endswith(TOGETHER) else column, []).append(column)
    columns = min(COLUMNS, key=lambda number: -len(panels) % number)  # that leave the fewest gaps
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(rows, columns, 0.4 + 2.4 * columns, 0.5 + 1.75 * rows)
    for axis, (panel, quantities) in zip(axes.ravel(), panels.items(), strict=False):
        draw(axis, tables[0].index.to_numpy() if steps is None else steps, tables, quantities)
        axis.set_title("probability of being real" if panel == TOGETHER else words(panel), fontsize=8.5)
    for axis in axes.ravel()[len(panels) :]:
        axis.set_visible(False)
    for axis in axes.ravel()[max(0, len(panels) - columns) : len(panels)]:
        axis.set_xlabel("Epoch" if steps is None else "Step")
    figure.suptitle(title, fontsize=10)
    lines = "Thin lines: trainings; thick: their mean" + (" and its 95 % interval." if len(tables) > 2 else ".")
    stamp(figure, f"{origin_text(simulated, differences)} {lines if len(tables) > 1 else 'One training.'}", grow=True)
    save_figure(figure, png, pdf)


def draw(axis: Axes, x: np.ndarray, tables: list[pd.DataFrame], columns: list[str]) -> None:
    """Curves of some columns in one panel."""
    shown = []
    for column, colour in zip(columns, MODEL_COLOURS if len(columns) > 1 else (TRAIN,), strict=False):
        values = np.stack([table[column].to_numpy() for table in tables])
        seeds_with_mean(axis, x, values, colour, words(column).removesuffix(f" {TOGETHER}"), marker=None)
        shown += [values.min(), values.max()]
    margin = 0.08 * (max(shown) - min(shown)) or 0.1  # bands of few seeds may run off the axis
    axis.set_ylim(min(shown) - margin, max(shown) + margin)
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axis.tick_params(labelsize=7.5)
    if len(columns) > 1:
        axis.set_ylim(-0.02, 1.02)
        axis.legend(fontsize=6)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Confusion matrix of each morphology classifier on the test images."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from galaxies.comparison import origin_text
from galaxies.files import reading
from galaxies.plots import new_figure, save_figure, stamp
from galaxies.scripting import run_script

SIDE = 3.6  # inches of a panel
DARK = 0.55  # share above which white text is easier to read


def main(metrics: Path, confusion_table: Path, png: Path, pdf: Path) -> None:
    """One panel per classifier: percent of the images of each true class (rows) by predicted class, mean over seeds."""
    with reading(metrics):
        values = pd.read_csv(metrics)
    with reading(confusion_table):
        table = pd.read_csv(confusion_table)
    names = list(dict.fromkeys(table["experiment"]))
    figure, axes = new_figure(1, len(names), SIDE * len(names) + 1.4, SIDE + 1.0)
    for axis, name in zip(axes[0], names, strict=True):
        _panel(axis, table[table["experiment"] == name], values[values["experiment"] == name].set_index("metric"))
    axes[0, 0].set_ylabel("true class (test images)")
    stamp(figure, _note(values))
    save_figure(figure, png, pdf)


def _panel(axis: Axes, table: pd.DataFrame, metrics: pd.DataFrame) -> None:
    classes = list(dict.fromkeys(table["true_class"]))
    share, images = (
        table.pivot(index="true_class", columns="predicted_class", values=column).loc[classes, classes].to_numpy()
        for column in ("share_mean", "images_mean")
    )
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(share):
        if np.isfinite(value):
            style = {"ha": "center", "va": "center", "fontsize": 8, "color": "white" if value > DARK else "black"}
            axis.text(column, row, f"{100 * value:.1f}", **style)
    labels = [name.replace("_", " ") for name in classes]
    counted = [f"{label} ({count:.0f})" for label, count in zip(labels, images.sum(axis=1), strict=True)]
    axis.set_xticks(range(len(classes)), labels, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(classes)), counted)
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("predicted class")
    axis.set_title(_title(metrics.loc["accuracy_overall"]), fontsize=8)


def _title(accuracy: pd.Series) -> str:
    text = f"{accuracy['label']}: accuracy {accuracy['mean']:.1f} %"
    if np.isfinite(accuracy["ci95_low"]):
        text += f" ({accuracy['ci95_low']:.1f} to {accuracy['ci95_high']:.1f} %)"
    return text + (f"\npublished {accuracy['published']:.2f} %" if np.isfinite(accuracy["published"]) else "")


def _note(metrics: pd.DataFrame) -> str:
    seeds = metrics["n_seeds"].max()
    over = f"mean over {seeds} seeds; by the accuracy its 95 % interval over seeds" if seeds > 1 else "one seed"
    text = f"Percent of the images of each true class, {over}. "
    simulated = (metrics["data"] == "simulated").any()
    notes = [note.removeprefix("no: ") for note in metrics["comparable"].dropna().unique() if note != "yes"]
    reasons = dict.fromkeys(reason for note in notes for reason in note.split("; ") if reason != "simulated data")
    return text + origin_text(simulated, list(reasons))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

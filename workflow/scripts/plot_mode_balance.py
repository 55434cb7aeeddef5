"""Into which classes judges sort real images and those of each generator."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from galaxies.comparison import origin_text
from galaxies.display import accuracy_text, words
from galaxies.files import reading
from galaxies.plots import MODEL_COLOURS, MUTED, new_figure, save_figure, stamp
from galaxies.scripting import run_script

GROUP = 0.84  # width of the bars of a class, of the distance between classes
LINE = 16  # characters
JUDGES = 0.5  # width of the band of the judges, of that of a bar
NUMBERS = ("seed", "mean", "std", "ci95_low", "ci95_high", "std_judges")  # that may be unknown
POINT = {
    "marker": "o",
    "linestyle": "",
    "color": "black",
    "markersize": 2.2,
    "markerfacecolor": "white",
    "markeredgewidth": 0.6,
}
INTERVAL_SEEDS = 3  # fewer give an interval that is wider than the axis


def main(table: Path, metrics: Path, png: Path, pdf: Path, *, judge: str, differences: list[str]) -> None:
    """Grouped bars, a group per class (morpho_gan, figure 3).

    table : from tabulate_mode_balance.py. metrics : from tabulate_classifier.py, with the experiment `judge`.
    differences : of the settings from the published, for the note.
    """
    with reading(table):
        content = pd.read_csv(table, keep_default_na=False, na_values={name: [""] for name in NUMBERS})
        counts = content[content["quantity"] == "count"]
        classes = list(dict.fromkeys(counts["class"]))
        experiments = list(dict.fromkeys(counts["experiment"]))
        simulated = content["data"].iloc[0] == "simulated"
    images = int(counts.loc[counts["experiment"] != "real", "images"].max())
    figure, ((axis,),) = new_figure(1, 1, 7.2, 3.2)
    for number, experiment in enumerate(experiments):
        colour = MUTED if experiment == "real" else MODEL_COLOURS[(number - 1) % len(MODEL_COLOURS)]
        mine = counts[counts["experiment"] == experiment]
        width = GROUP / len(experiments)
        x = np.arange(len(classes)) + (number - (len(experiments) - 1) / 2) * width
        draw_bars(axis, x, width, mine, classes, images, colour)
    axis.set_xticks(np.arange(len(classes)), [wrapped(name) for name in classes])
    axis.grid(axis="x", visible=False)
    axis.set(ylabel=f"Images among {images}", xlabel="Class as judged", ylim=(0, None))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=len(experiments))
    marks = marks_of(counts)
    axis.legend(handles=marks, ncols=len(marks), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=7)
    stamp(
        figure,
        f"{origin_text(simulated, differences)} {explanation(counts, images)} {accuracy_text(metrics, judge)}",
        grow=True,
    )
    save_figure(figure, png, pdf)


def marks_of(counts: pd.DataFrame) -> list[Artist]:
    """What is drawn on the bars, for the legend."""
    seeds = counts[counts["experiment"] != "real"].groupby("experiment")["seed"].nunique().max()
    whiskers = "95 % interval over trainings" if seeds >= INTERVAL_SEEDS else "deviation over samples"
    marks = [Line2D([], [], marker="|", linestyle="", color="black", markersize=9, label=whiskers)]
    if counts["n_judges"].iloc[0] > 1:
        marks.append(Patch(color="black", alpha=0.3, linewidth=0, label="deviation over judges"))
    if seeds > 1:
        marks.append(Line2D([], [], **POINT, label="one training"))
    return marks


def draw_bars(
    axis: Axes, x: np.ndarray, width: float, table: pd.DataFrame, classes: list[str], images: int, colour: str
) -> None:
    """Bars of one model or of the real images, per `images` images, with what is known of their scatter."""
    scale = images / table["images"].iloc[0]
    by_seed = table[table["over"] == "samples"].pivot(index="seed", columns="class", values=["mean", "std"])[
        [(value, name) for value in ("mean", "std") for name in classes]
    ]
    means, deviations = by_seed["mean"].to_numpy() * scale, by_seed["std"].to_numpy() * scale
    heights = means.mean(axis=0)
    axis.bar(x, heights, 0.92 * width, color=colour, alpha=0.75, linewidth=0, label=table["label"].iloc[0])
    summary = table[table["over"] == ("seeds" if "seeds" in set(table["over"]) else "samples")]  # real ones have none
    summary = summary.set_index("class").reindex(classes)
    draw_judges(axis, x, heights, summary["std_judges"].to_numpy() * scale, width)
    if len(means) >= INTERVAL_SEEDS:
        low, high = (summary[key].to_numpy() * scale for key in ("ci95_low", "ci95_high"))
        reach = np.stack([np.minimum(heights - low, heights), high - heights])  # a count is not below zero
    else:
        reach = np.tile(np.sqrt((deviations**2).mean(axis=0)), (2, 1))
    axis.errorbar(x, heights, reach, fmt="none", ecolor="black", elinewidth=0.9, capsize=2)
    if len(means) > 1:
        offsets = np.linspace(-0.2, 0.2, len(means))[:, None] * width
        axis.plot((x + offsets).ravel(), means.ravel(), **POINT)


def draw_judges(axis: Axes, x: np.ndarray, heights: np.ndarray, deviations: np.ndarray, width: float) -> None:
    """Bands around the heights of bars, as high as judges scatter; none for one judge, whose deviations are NaN."""
    low = np.maximum(heights - deviations, 0)
    axis.bar(x, heights + deviations - low, JUDGES * width, low, color="black", alpha=0.3, linewidth=0)


def explanation(counts: pd.DataFrame, images: int) -> str:
    """What bars, bands, whiskers and points are."""
    generated = counts[counts["experiment"] != "real"]
    seeds, samples = generated.groupby("experiment")["seed"].nunique().max(), int(generated["n"].iloc[0])
    judges = int(counts["n_judges"].iloc[0])
    text = f"Bars: mean of {samples} samples of {images} images"
    text += f" of each of {seeds} trainings" if seeds > 1 else " of one training"
    text += f", as {judges} judges see them (trainings of one classifier)" if judges > 1 else ", as one judge sees them"
    text += "; points: trainings." if seeds > 1 else "."
    deviation = "standard deviation over samples"
    interval = "95 % interval over trainings, of real images " if seeds >= INTERVAL_SEEDS else ""
    text += f" Whiskers: {interval}{deviation}."
    if seeds >= INTERVAL_SEEDS and generated.loc[generated["over"] == "seeds", "ci95_low"].isna().any():
        text += " Where all trainings have the same number there is none."
    bands = " Shaded bands: standard deviation over judges, which no whisker contains."
    text += bands if judges > 1 else " How another training of the judge would differ is not known."
    return text + f" Real images: samples of {images}, drawn with replacement."


def wrapped(name: str) -> str:
    """The name of a class in short lines."""
    return "\n".join(textwrap.wrap(words(name), LINE))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

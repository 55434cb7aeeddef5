"""Distances of every generator to real images in the features of a judge, a panel per metric."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.comparison import origin_text
from galaxies.display import accuracy_text
from galaxies.files import reading
from galaxies.plots import MUTED, SEEDS_AS_POINTS, VALIDATION, new_figure, save_figure, seeds_as_points, stamp
from galaxies.scripting import run_script

PANELS = {
    "frechet": "Fréchet distance\n(lower is better)",
    "kernel": "kernel distance\n(lower is better)",
    "precision": "precision\n(higher is better)",
    "recall": "recall\n(higher is better)",
    "density": "density\n(real images: about 1)",
    "coverage": "coverage\n(higher is better)",
}
SHARE = (0, 1)
BOUNDS = {"frechet": (0, np.inf), "kernel": (-np.inf, np.inf), "density": (0, np.inf)}  # the others are shares


def main(
    table: Path,
    per_seed: Path,
    metrics: Path,
    png: Path,
    pdf: Path,
    *,
    judge: str,
    neighbours: int,
    differences: list[str],
) -> None:
    """A row per generator in each panel, with a point per seed, see `seeds_as_points`.

    table, per_seed : from tabulate_judgement.py. metrics : from tabulate_classifier.py, with the experiment `judge`.
    neighbours : k of the last four metrics.
    """
    with reading(table):
        summary = pd.read_csv(table)
    with reading(per_seed):
        seeds = pd.read_csv(per_seed)
    experiments = list(dict.fromkeys(summary["experiment"]))
    labels = summary.drop_duplicates("experiment").set_index("experiment")["label"]
    figure, axes = new_figure(2, 3, 7.2, 1.4 + 0.5 * len(experiments), sharey=True)
    for axis, (metric, title) in zip(axes.ravel(), PANELS.items(), strict=True):
        floor = summary.loc[summary["metric"] == metric, "real"].iloc[0]
        values = seeds[seeds["metric"] == metric]
        of_generators = [values.loc[values["experiment"] == name, "value"].to_numpy() for name in experiments]
        draw(axis, of_generators, floor, BOUNDS.get(metric, SHARE))
        axis.set_title(title, fontsize=8)
        axis.set_xlim(*limits(metric, np.append(values["value"].to_numpy(), floor)))
    axes[0, 0].set_yticks(range(1, len(experiments) + 1), [labels[name] for name in experiments])
    axes[0, 0].set_ylim(len(experiments) + 0.6, 0.4)
    stamp(
        figure,
        f"{origin_text(summary['data'].iloc[0] == 'simulated', differences)} {explanation(summary, neighbours)} "
        f"{accuracy_text(metrics, judge)}",
        grow=True,
    )
    save_figure(figure, png, pdf)


def draw(axis: Axes, rows: list[np.ndarray], floor: float, bounds: tuple[float, float]) -> None:
    """One metric, whose values lie within `bounds`: a row of seeds per generator, and what real images have."""
    axis.axvline(floor, color=MUTED, linewidth=1, linestyle="--")
    for y, values in enumerate(rows, start=1):
        seeds_as_points(axis, y, values, VALIDATION, bounds)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="both", labelsize=7.5)
    axis.xaxis.get_offset_text().set_fontsize(7)
    axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def limits(metric: str, values: np.ndarray) -> tuple[float, float]:
    """Ends of the axis; the wide intervals of few seeds may run off it."""
    if metric not in BOUNDS:
        return -0.03, 1.03
    low, high = min(0, values.min()), values.max()
    return low - 0.05 * (high - low), high + 0.1 * (high - low)


def explanation(table: pd.DataFrame, neighbours: int) -> str:
    """What is compared, and how far it can be trusted."""
    first = table.iloc[0]
    text = f"{SEEDS_AS_POINTS} Each point is the mean of {first['n_samples']} samples. "
    text += (
        f"All samples have {first['images']} images, with {first['features']} features of the judge; values of other "
    )
    text += (
        "numbers of images or another judge do not compare, the Fréchet distance least: it is biased upwards for few "
    )
    text += f"images. Dashed: two disjoint samples of real images. Last four panels: {neighbours} nearest neighbours."
    return text


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

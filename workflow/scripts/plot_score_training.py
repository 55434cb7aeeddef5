"""How the discriminators and the generators of two_in_one were trained."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from galaxies.comparison import origin_text
from galaxies.files import reading
from galaxies.plots import MODEL_COLOURS, MUTED, legend_columns, new_figure, save_figure, seeds_with_mean, stamp
from galaxies.scripting import run_script

PANELS = {
    "score_mae": ("error of the scores of training images", "mean absolute error [score]"),
    "val_score_mae": ("error of the scores of validation images", "mean absolute error [score]"),
    "label_loss": ("loss of the labels", "cross-entropy [nats]"),
    "generated_score": ("own score of generated images", "score"),
    "generator_loss": ("loss of the generator", ""),
    "sample_distance": ("difference of generated images", "mean difference [grey levels]"),
}
STYLES = ("-", (0, (4, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))  # a curve below one like it shows through its gaps
FEW = 10  # points of a curve that are marked
OF_DISTANCE = "sample_distance"  # which falls by orders of magnitude; images that are all one have none
OF_GENERATOR = ("generated_score", "generator_loss", OF_DISTANCE)
WIDE = 100  # values beyond it, such as a first loss or what `signed_loss` reaches, would flatten all others


def main(
    histories: list[Path], provenance: Path, png: Path, pdf: Path, *, trainings: list[dict], notes: list[str]
) -> None:
    """A panel per quantity, a colour per experiment; those of the generator begin with its first step.

    histories : from train.py, in the order of `trainings`, each {experiment, label, seed, discriminator_steps,
    compare_scores}. provenance : of the data set. notes : how they differ from the published ones. Thin lines are
    seeds, thick ones their mean, bands its 95 % interval.
    """
    with reading(provenance):
        simulated = json.loads(provenance.read_text(encoding="utf-8"))["simulated"]
    curves: dict[str, list[pd.DataFrame]] = {}
    facts = {}
    for path, training in zip(histories, trainings, strict=True):
        with reading(path):
            curves.setdefault(training["experiment"], []).append(pd.read_csv(path))
        facts[training["experiment"]] = training
    looks = dict(zip(curves, zip(itertools.cycle(MODEL_COLOURS), itertools.cycle(STYLES), strict=False), strict=False))
    figure, axes = new_figure(2, 3, 9.6, 5.4)
    for axis, (quantity, (title, unit)) in zip(axes.ravel(), PANELS.items(), strict=True):
        for name, tables in curves.items():
            if quantity not in OF_GENERATOR and not facts[name]["compare_scores"]:
                continue
            start = facts[name]["discriminator_steps"] if quantity in OF_GENERATOR else 0
            draw(axis, tables, quantity, start, *looks[name], facts[name]["label"])
        if quantity == "label_loss":
            axis.axhline(math.log(2), color=MUTED, linewidth=0.8, linestyle=":")
            axis.annotate(
                "ln 2: nothing learned",
                (0.5, math.log(2)),
                xycoords=("axes fraction", "data"),
                ha="center",
                va="bottom",
                fontsize=7,
                color=MUTED,
            )
        if quantity not in OF_GENERATOR:
            for start in {facts[name]["discriminator_steps"] for name in curves if starts(facts[name], curves[name])}:
                axis.axvline(start, color=MUTED, linewidth=0.8, linestyle="--")
        if quantity == OF_DISTANCE and axis.lines and axis.dataLim.y1 > 0:
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
        elif quantity in OF_GENERATOR and axis.lines and max(map(abs, axis.dataLim.intervaly)) > WIDE:
            axis.set_yscale("symlog", linthresh=1)
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_title(title, fontsize=8.5)
        axis.set_ylabel(unit, fontsize=7.5)
        axis.set_xlim(left=0)
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axis.set_xlabel("Step of the generator" if quantity in OF_GENERATOR else "Step", fontsize=8)
        axis.tick_params(which="both", labelsize=7.5)
    for axis in axes[0, :2]:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    legend = {label: line for axis in axes[:, 0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    columns = legend_columns(len(legend), 4)
    figure.legend(legend.values(), legend.keys(), loc="outside upper center", ncols=columns, fontsize=7.5)
    many = len(histories) > len(curves)
    note = (
        "Vertical: where generators begin. Discriminators of variants of the generator alone are left out. Errors of "
        "training images are means over an epoch, of scores that are not clipped."
    )
    note += " Thin lines: trainings; thick: their mean and its 95 % interval." if many else " One training each."
    stamp(figure, f"{origin_text(simulated, notes)} {note}", grow=True)
    save_figure(figure, png, pdf)


def starts(training: dict, tables: list[pd.DataFrame]) -> bool:
    """Whether a generator begins within the training, and not with it."""
    return 0 < training["discriminator_steps"] < tables[0]["steps"].sum()


def draw(axis: Axes, tables: list[pd.DataFrame], quantity: str, start: int, colour: str, style, label: str) -> None:
    """Curves of one experiment in one panel, over the steps from `start` on; epochs without a value are left out."""
    steps, values = tables[0]["steps"].cumsum().to_numpy(), np.stack([table[quantity] for table in tables])
    seen = np.isfinite(values).all(axis=0)
    marker = "o" if seen.sum() < FEW else None
    if seen.any():
        seeds_with_mean(axis, steps[seen] - start, values[:, seen], colour, label, marker=marker, linestyle=style)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""The bound of autoencoders and its two terms against the steps of their training."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, SymmetricalLogLocator

from galaxies.comparison import origin_text
from galaxies.files import reading, write_text
from galaxies.plots import (
    MODEL_COLOURS,
    MUTED,
    PUBLISHED,
    legend_columns,
    new_figure,
    save_figure,
    seeds_with_mean,
    stamp,
)
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script
from galaxies.stats import summarise

PANELS = {
    "negative_bound": "negative lower bound (loss)",
    "kl_divergence": "KL divergence",
    "log_likelihood": "log-likelihood",
}
HELD_OUT = "val_"


def main(
    histories: list[Path],
    provenance: Path,
    reported: Path,
    png: Path,
    pdf: Path,
    table: Path,
    *,
    trainings: list[dict],
    paper: str,
    notes: list[str],
) -> None:
    """A panel per quantity, a colour per experiment: solid the held-out images, dashed those that are trained on.

    histories : from train.py, of method vae, in the order of `trainings`, each {experiment, label, seed, reported_as};
    only such as have the same held-out images and pixels. provenance : of the data set. reported : published values, of
    `paper`: where the bound is said to have converged. table : means over seeds with their 95 % intervals, a row per
    epoch; `tenth` marks the rows nearest to ten even distances, which the paper reports. notes : what differs from it.
    """
    with reading(provenance):
        simulated = json.loads(provenance.read_text(encoding="utf-8"))["simulated"]
    curves: dict[str, list[pd.DataFrame]] = {}
    facts = {training["experiment"]: training for training in trainings}
    for path, training in zip(histories, trainings, strict=True):
        with reading(path):
            curves.setdefault(training["experiment"], []).append(pd.read_csv(path))
    tables = [tabulated(facts[name], runs) for name, runs in curves.items()]
    write_text(table, pd.concat(tables).to_csv(index=False))
    published = read_reported(reported, paper)
    figure, axes = new_figure(1, 3, 9.2, 3.4)
    for axis, (quantity, title) in zip(axes[0], PANELS.items(), strict=True):
        for number, (name, runs) in enumerate(curves.items()):
            colour = MODEL_COLOURS[number % len(MODEL_COLOURS)]
            steps = runs[0]["steps"].cumsum().to_numpy()
            held_out = np.stack([run[HELD_OUT + quantity] for run in runs])
            seeds_with_mean(axis, steps, held_out, colour, facts[name]["label"], marker=None)
            seen = np.mean([run[quantity] for run in runs], axis=0)
            axis.plot(steps, seen, color=colour, linewidth=0.8, linestyle="--", alpha=0.8)
        axis.set_title(title, fontsize=8.5)
        axis.set_xlabel("Iteration")
        axis.tick_params(labelsize=7.5)
    reference = trainings[0]["reported_as"]
    value, source = reported_value(published, reference, "training", "iterations_to_convergence")
    within = source and value <= 1.05 * axes[0, 0].get_xlim()[1]
    for axis in axes[0] if within else ():
        axis.axvline(value, color=PUBLISHED, linewidth=0.8, linestyle=":")
    for axis in axes[0, :2]:
        axis.set_yscale("log")
    axes[0, 2].set_yscale("symlog", linthresh=1)  # log-likelihoods are negative
    low, high = axes[0, 2].dataLim.intervaly
    axes[0, 2].set_ylim(1.2 * low, high / 1.2)
    subs = (1, 2, 5)
    locators = LogLocator(subs=subs), LogLocator(subs=subs), SymmetricalLogLocator(base=10, linthresh=1, subs=subs)
    for axis, locator in zip(axes[0], locators, strict=True):
        axis.yaxis.set(major_locator=locator, major_formatter="{x:g}", minor_locator=NullLocator())
    axes[0, 0].set_ylabel("nats per image")
    handles = [*axes[0, 0].get_legend_handles_labels()[0], *kinds(within)]
    figure.legend(handles=handles, loc="outside upper center", ncols=legend_columns(len(handles), 4), fontsize=7.5)
    note = "Curves of training images are means over an epoch, of other kinds where the pool is other."
    if len(histories) > len(curves):
        many = len(histories) > 2 * len(curves)
        note += f" Thin lines: trainings; thick: their mean{' and its 95 % interval' if many else ''}."
    else:
        note += " One training each."
    if source:
        note += f" The paper ({section(source)}) says that the bound converges around {value:.0f} iterations, "
        note += "which are passes over the images in its code; here they are steps."
    stamp(figure, f"{origin_text(simulated, notes)} {note}", grow=True)
    save_figure(figure, png, pdf)


def kinds(published: bool) -> list[Line2D]:
    """What the kinds of lines stand for; the dotted one where there is a published value."""
    styles = {"held-out images": (MUTED, "-", 1.8), "training images": (MUTED, "--", 0.8)}
    if published:
        styles["published convergence"] = PUBLISHED, ":", 0.8
    return [
        Line2D([], [], color=colour, linestyle=style, linewidth=width, label=label)
        for label, (colour, style, width) in styles.items()
    ]


def section(source: str) -> str:
    """Where a paper says something, without the remarks on the value that the table of published values has there."""
    return re.sub(r" \(.*\)$", "", source.removeprefix("paper: "))


def tabulated(training: dict, runs: list[pd.DataFrame]) -> pd.DataFrame:
    """A row per epoch: the steps so far, and mean and interval over seeds of each quantity."""
    steps = runs[0]["steps"].cumsum().to_numpy()
    tenths = [np.abs(steps - steps[-1] * part / 10).argmin() for part in range(1, 11)]
    columns: dict[str, object] = {"experiment": training["experiment"], "label": training["label"], "iteration": steps}
    columns["tenth"] = np.isin(np.arange(len(steps)), tenths)
    for quantity in (prefix + name for prefix in ("", HELD_OUT) for name in PANELS):
        summaries = [summarise(values) for values in np.stack([run[quantity] for run in runs], axis=1)]
        for key, ending in (("mean", ""), ("ci95_low", "_ci95_low"), ("ci95_high", "_ci95_high")):
            columns[quantity + ending] = [getattr(summary, key) for summary in summaries]
    return pd.DataFrame(columns).assign(n_seeds=len(runs))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Difference of every arm to the baseline, with its uncertainty."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from galaxies.augmentation_figures import arm_label, draw_interval, note_of, padded
from galaxies.augmentation_predictions import WHOLE, few_images_first
from galaxies.files import reading
from galaxies.plots import MUTED, PUBLISHED, SUBSET_COLOURS, TRAIN, new_figure, save_figure, stamp
from galaxies.scripting import run_script

PANELS = (
    ("log_loss_selected", "Log-loss, early stopping", "difference [nats]"),
    ("log_loss_final", "Log-loss, last epoch", "difference [nats]"),
    ("roc_auc_selected", "ROC AUC, early stopping", "difference"),
)
STEP = 0.15  # between the sizes of an arm, in inches
GAP = 0.22  # between the last line of an arm and the first of the next, beside a step
REACH = 1.6  # how far intervals may stretch the axis beyond the single seeds


def main(effects: Path, summary: Path, png: Path, pdf: Path, *, study: dict, differences: list[str]) -> None:
    """One block of lines per arm, one line per size of the real training set.

    Discs are mean differences, hollow where the generator saw the validation images; ticks are seeds; thick bars are
    the 95 % interval over seeds, thin ones that over seeds and images; numbers are adjusted p-values.

    study : `baseline` and `arms`, a list of {arm, label, leaked}. differences : of the settings from the published.
    """
    with reading(effects):
        table = pd.read_csv(effects, dtype={"size": str})
    with reading(summary):
        trainings = pd.read_csv(summary, dtype={"size": str})
    labels = {arm["arm"]: arm for arm in study["arms"]}
    arms = [arm for arm in labels if arm in set(table["arm"])]
    sizes = sorted(trainings["size"].unique(), key=few_images_first, reverse=True)
    colours = dict(zip(sizes, (TRAIN, *SUBSET_COLOURS, MUTED), strict=False))
    lines = place_lines(table, arms, sizes)
    top, bottom = 0.2, min(lines.values(), default=0) - 0.2
    figure, axes = new_figure(1, len(PANELS), 7.2, 1.4 + top - bottom, sharey=True)
    for axis, (metric, title, unit) in zip(axes[0], PANELS, strict=True):
        chosen = table[table["metric"] == metric]
        seeds = {key: seed_differences(trainings, metric, *key, study["baseline"]) for key in lines}
        draw_panel(axis, chosen.set_index(["arm", "size"]), seeds, lines, colours)
        better = ("← better", "left") if chosen["lower_is_better"].all() else ("→ better", "right")
        axis.set_title(f"{title}\n", fontsize=8, loc="left")
        x = 0.0 if better[1] == "left" else 1.0
        axis.text(x, 1.01, better[0], transform=axis.transAxes, ha=better[1], va="bottom", fontsize=7, color=MUTED)
        axis.text(1.03, 1.01, "adj. p", transform=axis.transAxes, fontsize=6, va="bottom", color=MUTED)
        axis.set_xlabel(unit, fontsize=8)
        axis.set_ylim(bottom, top)
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="x", labelsize=7)
        axis.tick_params(axis="y", length=0)
    middles = [np.mean([y for (name, _), y in lines.items() if name == arm]) for arm in arms]
    axes[0, 0].set_yticks(middles, [arm_label(labels[arm], 26) for arm in arms], fontsize=7.2)
    counts = trainings.groupby("size")[["classifier_images", "generator_images"]].max()
    images = counts["classifier_images"].where(counts["classifier_images"] > 0, counts["generator_images"])
    names = {size: f"{'all ' if size == WHOLE else ''}{images[size]} real images" for size in sizes}
    handles = [Line2D([], [], color=colours[size], marker="o", markersize=4, label=names[size]) for size in sizes]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    note = small_print(table, labels, study)
    stamp(figure, note_of(is_simulated(trainings), list(labels.values()), note, differences=differences))
    save_figure(figure, png, pdf)


def place_lines(differences: pd.DataFrame, arms: list[str], sizes: list[str]) -> dict[tuple[str, str], float]:
    """Height of each line in inches, from 0 downwards: arms one below the other, the sizes of each close together."""
    present = set(zip(differences["arm"], differences["size"], strict=True))
    lines, height = {}, 0.0
    for arm in arms:
        for size in (size for size in sizes if (arm, size) in present):
            lines[arm, size] = height
            height -= STEP
        height -= GAP
    return lines


def seed_differences(trainings: pd.DataFrame, metric: str, arm: str, size: str, baseline: str) -> np.ndarray:
    """Values of an arm minus those of the baseline, one per seed."""
    of_size = trainings[trainings["size"] == size].pivot(index="seed", columns="arm", values=metric)
    return (of_size[arm] - of_size[baseline]).to_numpy()


def draw_panel(axis: Axes, effects: pd.DataFrame, seeds: dict, lines: dict, colours: dict) -> None:
    """Draw the lines of one metric; effects is indexed by arm and size."""
    core = np.concatenate([[0.0], *seeds.values()])
    core = core[np.isfinite(core)]
    widest = REACH * np.abs(core).max() or 1.0
    ends = np.clip(effects[["ci95_both_low", "ci95_both_high"]].to_numpy(), -widest, widest)
    limits = padded(np.concatenate([core, ends.ravel()]))
    axis.axvline(0, color=PUBLISHED, linewidth=0.8)
    for (arm, size), y in lines.items():
        row, colour = effects.loc[(arm, size)], colours[size]
        style = {"upright": False, "color": colour}
        draw_interval(axis, y, (row["ci95_both_low"], row["ci95_both_high"]), limits, linewidth=0.8, **style)
        draw_interval(axis, y, (row["ci95_seeds_low"], row["ci95_seeds_high"]), limits, linewidth=2.2, **style)
        values = seeds[arm, size]
        axis.plot(values, np.full(len(values), y), "|", color=PUBLISHED, markersize=4, markeredgewidth=0.5, alpha=0.6)
        face = "white" if row["generator_saw_validation"] else colour
        mean = {"markersize": 4.5, "markerfacecolor": face, "markeredgecolor": colour, "zorder": 4}
        axis.plot(row["difference_mean"], y, "o", **mean)
        text = "" if np.isnan(row["p_value_adjusted"]) else f"{row['p_value_adjusted']:.2g}"
        weight = "bold" if row["p_value_adjusted"] <= 0.05 else "normal"
        place = {"transform": axis.get_yaxis_transform(), "va": "center_baseline"}
        axis.text(1.03, y, text, fontsize=5.5, fontweight=weight, **place)
    axis.set_xlim(limits)


def small_print(table: pd.DataFrame, labels: dict, study: dict) -> str:
    """What the signs mean, and how small a p-value can be."""
    seeds, smallest = table["n_seeds"].max(), table["smallest_p_value"].min()
    return (
        f"Difference to “{labels[study['baseline']]['label']}” of the same size, paired by seed. Thick bars: 95 % "
        "interval over seeds; thin bars: over seeds and validation images; arrows: it goes on. Ticks: single seeds. "
        f"p: sign-flip test over the {seeds} seeds alone, for these validation images, adjusted for the arms of a size "
        f"(smallest possible p: {smallest:.2g}). At all real images, nothing covers another training set."
    )


def is_simulated(trainings: pd.DataFrame) -> bool:
    return bool((trainings["data"] == "simulated").any())


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

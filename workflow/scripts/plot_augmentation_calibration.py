"""How often a galaxy is of class 1 where a classifier says so with a given probability."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from galaxies.augmentation_figures import arm_label, note_of, panel_grid
from galaxies.augmentation_predictions import WHOLE
from galaxies.files import reading
from galaxies.plots import MUTED, TRAIN, VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script

KINDS = {"final": ("last epoch", VALIDATION), "selected": ("early stopping", TRAIN)}


def main(calibration: Path, summary: Path, png: Path, pdf: Path, *, study: dict) -> None:
    """One panel per arm with all real images: share of class 1 against predicted probability, counts, and the error.

    study : `target`, the name of class 1, and `arms`, a list of {arm, label, leaked}.
    """
    with reading(calibration):
        bins = pd.read_csv(calibration, dtype={"size": str})
        bins = bins[bins["size"] == WHOLE]
    with reading(summary):
        trainings = pd.read_csv(summary, dtype={"size": str})
        trainings = trainings[trainings["size"] == WHOLE]
    arms = [arm for arm in study["arms"] if arm["arm"] in set(bins["arm"])]
    rows, columns = panel_grid(len(arms), 4)
    figure, axes = new_figure(rows, columns, 7.2, 0.6 + 1.75 * rows, sharey=True)
    highest = min(1.0, 1.05 * bins[["mean_probability", "positive_share"]].to_numpy().max())
    for axis, arm in zip(axes.ravel(), arms, strict=False):
        draw_arm(axis, bins[bins["arm"] == arm["arm"]], trainings[trainings["arm"] == arm["arm"]])
        axis.set_title(arm_label(arm, 30), loc="left", fontsize=7.2)
        axis.set(xlim=(0, highest), ylim=(0, highest))
        axis.tick_params(labelsize=7)
    for axis in axes.ravel()[len(arms) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("Predicted probability", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"Share of “{study['target']}”", fontsize=8)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=3)
    stamp(figure, note_of(bool((trainings["data"] == "simulated").any()), arms, small_print(bins)))
    save_figure(figure, png, pdf)


def draw_arm(axis: Axes, bins: pd.DataFrame, trainings: pd.DataFrame) -> None:
    """Reliability curves of one arm, and its mean calibration errors."""
    axis.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--", label="perfect calibration")
    for position, (kind, (name, colour)) in enumerate(KINDS.items()):
        rows = bins[bins["kind"] == kind]
        share = rows["positive_share"]
        errors = [share - rows["ci95_low"], rows["ci95_high"] - share]
        style = {"color": colour, "linewidth": 1, "elinewidth": 0.7, "marker": "o", "markersize": 2.5}
        axis.errorbar(rows["mean_probability"], share, yerr=errors, label=name, **style)
        error = trainings[f"calibration_error_{kind}"].mean()
        place = {"transform": axis.transAxes, "va": "top", "fontsize": 6.5, "color": colour}
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.3}
        axis.text(0.04, 0.98 - 0.085 * position, f"error {error:.3f}", bbox=box, zorder=5, **place)


def small_print(bins: pd.DataFrame) -> str:
    """What the points are."""
    low, high = bins["count"].min(), bins["count"].max()
    count = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"Each point: {count} predictions, those of all seeds in bins of equal counts; bars: 95 % interval over "
        "validation images. Error: mean over bins and seeds of the absolute distance from the diagonal."
    )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

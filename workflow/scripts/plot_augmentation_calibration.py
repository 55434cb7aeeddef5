"""How often a galaxy is of class 1 where a classifier says so with a given probability."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.augmentation_figures import arm_label, draw_interval, note_of, panel_grid
from galaxies.augmentation_predictions import WHOLE
from galaxies.files import reading
from galaxies.plots import MUTED, TRAIN, VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script

KINDS = {"final": ("last epoch", VALIDATION), "selected": ("early stopping", TRAIN)}

HEADROOM = 0.22  # share of the height that is kept for the text


def main(calibration: Path, summary: Path, png: Path, pdf: Path, *, study: dict, differences: list[str]) -> None:
    """One panel per arm with all real images: share of class 1 against predicted probability, and the errors.

    study : `target`, the name of class 1, and `arms`, a list of {arm, label, leaked}. differences : of the settings
        from the published.
    """
    with reading(calibration):
        bins = pd.read_csv(calibration, dtype={"size": str})
        bins = bins[bins["size"] == WHOLE]
    with reading(summary):
        trainings = pd.read_csv(summary, dtype={"size": str})
        trainings = trainings[trainings["size"] == WHOLE]
    arms = [arm for arm in study["arms"] if arm["arm"] in set(bins["arm"])]
    rows, columns = panel_grid(len(arms), 4)
    figure, axes = new_figure(rows, columns, 7.2, 0.7 + 1.9 * rows, sharey=True)
    highest = min(1.0, 1.05 * bins[["mean_probability", "positive_share"]].to_numpy().max())
    for axis, arm in zip(axes.ravel(), arms, strict=False):
        draw_arm(axis, bins[bins["arm"] == arm["arm"]], trainings[trainings["arm"] == arm["arm"]], highest)
        axis.set_title(arm_label(arm, 30), loc="left", fontsize=7.2)
        axis.tick_params(labelsize=7)
    for axis in axes.ravel()[len(arms) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("Predicted probability", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"Share of “{study['target']}”", fontsize=8)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    simulated = bool((trainings["data"] == "simulated").any())
    stamp(figure, note_of(simulated, arms, small_print(bins), differences=differences))
    save_figure(figure, png, pdf)


def draw_arm(axis: Axes, bins: pd.DataFrame, trainings: pd.DataFrame, highest: float) -> None:
    """Reliability curves of one arm up to `highest`, and above them its mean calibration errors with their noise."""
    limits = (0.0, highest)
    axis.plot(limits, limits, color=MUTED, linewidth=0.8, linestyle="--", label="perfect calibration")
    for position, (kind, (name, colour)) in enumerate(KINDS.items()):
        points = bins[bins["kind"] == kind]
        style = {"color": colour, "linewidth": 1, "marker": "o", "markersize": 2.5}
        axis.plot(points["mean_probability"], points["positive_share"], label=name, **style)
        for point in points.itertuples():
            ends = (point.ci95_low, point.ci95_high)
            draw_interval(axis, point.mean_probability, ends, limits, upright=True, color=colour, linewidth=0.7)
        error, noise = (trainings[f"calibration_{part}_{kind}"].mean() for part in ("error", "noise"))
        place = {"transform": axis.transAxes, "va": "top", "fontsize": 6.5, "color": colour}
        axis.text(0.03, 0.99 - 0.085 * position, f"error {error:.3f} (noise {noise:.3f})", **place)
    margin = 0.03 * highest  # points at 0 and at the highest are whole
    axis.set(xlim=(-margin, highest + margin), ylim=(-margin, highest / (1 - HEADROOM)))
    ticks = MaxNLocator(5).tick_values(0, highest)
    axis.set_yticks(ticks[(ticks >= 0) & (ticks <= highest)])


def small_print(bins: pd.DataFrame) -> str:
    """What the points are."""
    low, high = round(bins["count"].min()), round(bins["count"].max())
    count = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"Each point: a bin of {count} images in each seed, mean over seeds; bars: 95 % interval over validation "
        "images, arrows: it goes on. Error: absolute distance from the diagonal, mean over bins and seeds; noise: the "
        "error that a perfectly calibrated classifier with these probabilities would have on as many images."
    )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

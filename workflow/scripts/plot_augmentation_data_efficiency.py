"""How the classifiers improve with the number of real images, arm by arm."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from galaxies.augmentation_figures import arm_label, draw_interval, note_of, padded
from galaxies.files import reading
from galaxies.plots import MUTED, SUBSET_COLOURS, TEST, TRAIN, VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script
from galaxies.stats import summarise

PANELS = (("log_loss_selected", "Log-loss, early stopping [nats]"), ("roc_auc_selected", "ROC AUC, early stopping"))
COLOURS = (TRAIN, VALIDATION, TEST, *SUBSET_COLOURS)
DODGE = 0.05  # between neighbouring arms, as a share of the number of images
REACH = 0.5  # how far intervals may stretch the axis beyond the single seeds, as a share of their range


def main(summary: Path, png: Path, pdf: Path, *, study: dict) -> None:
    """One column of panels per kind of arm, the baseline in grey in each; bars are 95 % intervals over seeds.

    Two seeds have no bar: it would be nine times as long as their distance.

    study : `baseline` and `arms`, a list of {arm, label, leaked, generator, real_images}.
    """
    with reading(summary):
        trainings = with_real_images(pd.read_csv(summary, dtype={"size": str}))
    arms = [arm for arm in study["arms"] if arm["arm"] in set(trainings["arm"])]
    baseline = next(arm for arm in arms if arm["arm"] == study["baseline"])
    kinds = {name: members for name, members in kinds_of(arms, baseline).items() if members} or {"": []}
    header = 0.35 + 0.15 * max(1 + len(members) for members in kinds.values())  # inches, for the legends
    heights = [header, 2.1, 2.1]
    figure, axes = new_figure(3, len(kinds), 7.2, sum(heights) + 0.5, sharey="row", height_ratios=heights)
    for row, (metric, title) in zip(axes[1:], PANELS, strict=True):
        limits = limits_of(trainings, metric)
        for axis, members in zip(row, kinds.values(), strict=True):
            if metric.startswith("log_loss"):
                draw_prior(axis, trainings)
            for position, arm in enumerate([baseline, *members]):
                colour = MUTED if arm is baseline else COLOURS[(position - 1) % len(COLOURS)]
                shift = 1 + DODGE * (position - len(members) / 2)
                draw_arm(axis, trainings[trainings["arm"] == arm["arm"]], metric, arm, shift, colour, limits)
            axis.set_ylim(limits)
            show_sizes(axis, np.unique(trainings["real_images"]), np.unique(trainings["classifier_images"]))
        row[0].set_ylabel(title, fontsize=8)
    for axis, panel, name in zip(axes[0], axes[1], kinds, strict=True):
        axis.set_axis_off()
        style = {"title_fontproperties": {"size": 8, "weight": "bold"}, "alignment": "left", "borderaxespad": 0}
        axis.legend(*panel.get_legend_handles_labels(), loc="upper left", title=name, fontsize=7, **style)
    for axis in axes[-1]:
        axis.set_xlabel("Real images", fontsize=8)
    simulated = bool((trainings["data"] == "simulated").any())
    note = "Small dots: single seeds. Bars: 95 % interval over seeds, from three on. Arms stand side by side."
    alone = trainings.loc[trainings["classifier_images"] == 0, "generator_images"]
    if len(alone):
        note += f" Arms without real images stand at the number that their generator saw (up to {alone.max()})."
    stamp(figure, note_of(simulated, arms, note))
    save_figure(figure, png, pdf)


def with_real_images(trainings: pd.DataFrame) -> pd.DataFrame:
    """Trainings with `real_images`: those of the classifier itself, or if it had none, of its generator."""
    own = trainings["classifier_images"]
    return trainings.assign(real_images=own.where(own > 0, trainings["generator_images"]))


def kinds_of(arms: list[dict], baseline: dict) -> dict[str, list[dict]]:
    """The arms other than the baseline by what their classifiers see."""
    others = [arm for arm in arms if arm is not baseline]
    return {
        "Real images, augmented": [arm for arm in others if arm["generator"] is None],
        "Real and generated images": [arm for arm in others if arm["generator"] and arm["real_images"]],
        "Generated images only": [arm for arm in others if arm["generator"] and not arm["real_images"]],
    }


def limits_of(trainings: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Limits that show every seed, and intervals as far as they stay near."""
    values = trainings[metric].dropna()
    if metric.startswith("log_loss"):
        values = pd.concat([values, trainings["prior_log_loss"]])
    groups = [rows.dropna() for _, rows in trainings.groupby(["arm", "size"])[metric]]
    means = [summarise(rows) for rows in groups if len(rows) > 2]
    reach = REACH * (values.max() - values.min())
    ends = np.array([end for mean in means for end in (mean.ci95_low, mean.ci95_high)])
    return padded(np.concatenate([values, np.clip(ends, values.min() - reach, values.max() + reach)]))


def show_sizes(axis: Axes, sizes: np.ndarray, of_classifiers: np.ndarray) -> None:
    """A logarithmic axis over all sizes, with a tick at each number of real images of a classifier, if any."""
    ticks = of_classifiers[of_classifiers > 0] if of_classifiers.any() else sizes
    axis.set_xscale("log")
    axis.set_xlim(sizes.min() * 0.75, sizes.max() * 1.33)
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticklabels(list(map(str, ticks)))
    axis.tick_params(labelsize=7)


def draw_prior(axis: Axes, trainings: pd.DataFrame) -> None:
    """The log-loss of a constant prediction, at each number of real images."""
    prior = trainings.groupby("real_images")["prior_log_loss"].mean()
    x = np.concatenate([[prior.index[0] * 0.75], prior.index, [prior.index[-1] * 1.33]])
    y = np.concatenate([prior.iloc[:1], prior, prior.iloc[-1:]])
    axis.plot(x, y, color="black", linewidth=0.9, linestyle="--")
    place = {"xy": (x[-1], y[-1]), "xytext": (-2, 2), "textcoords": "offset points", "ha": "right", "va": "bottom"}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    axis.annotate("constant prior", fontsize=6.5, zorder=5, bbox=box, **place)


def draw_arm(
    axis: Axes, rows: pd.DataFrame, metric: str, arm: dict, shift: float, colour: str, limits: tuple[float, float]
) -> None:
    """Mean and interval of one arm at each size, joined by a line; hollow where the generator saw the images."""
    values = {images * shift: group.dropna() for images, group in rows.groupby("real_images")[metric]}
    results = {x: summarise(group) for x, group in values.items() if len(group)}
    face = "white" if arm["leaked"] else colour
    style = {"color": colour, "markersize": 4, "markerfacecolor": face, "linewidth": 1.2, "zorder": 3}
    axis.plot(list(results), [r.mean for r in results.values()], marker="o", label=arm_label(arm, 34), **style)
    for x, result in results.items():
        axis.plot(np.full(result.n, x), values[x], ".", color=colour, markersize=2.5, alpha=0.6)
        if result.n > 2:
            ends = (result.ci95_low, result.ci95_high)
            draw_interval(axis, x, ends, limits, upright=True, color=colour, linewidth=0.9)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

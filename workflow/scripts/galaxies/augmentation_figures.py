"""What the figures of an augmentation experiment share."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.augmentation_predictions import Predictions
from galaxies.classification_metrics import prior_log_loss
from galaxies.comparison import origin_text
from galaxies.plots import MUTED, TRAIN, VALIDATION, seeds_with_mean

LEAK_MARK = "†"
THIN_LINES = "Thin lines are seeds, thick ones their mean, whose range the axis shows."


def arm_label(arm: dict, width: int) -> str:
    """Name of an arm for a figure, in lines of up to `width` characters."""
    return "\n".join(textwrap.wrap(arm["label"], width)) + (f" {LEAK_MARK}" if arm["leaked"] else "")


def note_of(simulated: bool, arms: list[dict], *sentences: str, differences: Sequence[str] = ()) -> str:
    """Small print of a figure: what the data are, what the sign at some arms means, and more sentences.

    differences : of the settings from the published ones, where the figure shows published values.
    """
    data = origin_text(simulated, differences)
    leak = f"{LEAK_MARK} The generator saw the validation images." if any(arm["leaked"] for arm in arms) else ""
    return " ".join(filter(None, [data, leak, *sentences]))


def panel_grid(panels: int, columns: int) -> tuple[int, int]:
    """Rows and columns of a grid for a number of panels."""
    columns = min(columns, panels)
    return -(-panels // columns), columns


def learning_curves(axis: Axes, found: Predictions, rows: np.ndarray) -> np.ndarray:
    """Draw training and validation log-loss of some trainings and the prior's; return the mean curves (2, E)."""
    train, validation = found.train_loss[rows], np.stack([found.validation_loss(row) for row in rows])
    epochs = np.arange(1, train.shape[1] + 1)
    marker = "o" if len(epochs) <= 20 else None
    seeds_with_mean(axis, epochs, train, TRAIN, "training", marker)
    seeds_with_mean(axis, epochs, validation, VALIDATION, "validation", marker)
    axis.axhline(prior_of(found, rows), color=MUTED, linewidth=1, linestyle="--", label="constant prior")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axis.set_xlim(epochs[0] - 0.02 * len(epochs), epochs[-1] + 0.02 * len(epochs))
    return np.stack([train.mean(axis=0), validation.mean(axis=0)])


def prior_of(found: Predictions, rows: np.ndarray) -> float:
    """Log-loss of always predicting the share of class 1 in the training images, mean over trainings."""
    rates = found.trainings["positive_rate"].to_numpy()[rows]
    return float(np.mean([prior_log_loss(rate, found.target) for rate in rates]))


def mark_exit(axis: Axes, curve: np.ndarray, colour: str) -> None:
    """Say where a curve (E,) from epoch 1 leaves the axis at its top, and what it ends at."""
    highest = axis.get_ylim()[1]
    if not curve[-1] > highest:
        return
    epoch = 1 + np.flatnonzero(curve <= highest).max(initial=-1) + 0.5  # the last one below, and half a step
    axis.annotate(
        f"ends at {curve[-1]:.2f}",
        xy=(min(max(epoch, 1), len(curve)), 1),
        xycoords=axis.get_xaxis_transform(),
        xytext=(0.98, 0.78),  # on the lower side of a curve that rises
        textcoords="axes fraction",
        ha="right",
        va="top",
        fontsize=6.5,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
    )


def padded(values: np.ndarray, share: float = 0.06) -> tuple[float, float]:
    """Limits of an axis that shows all finite values with a margin."""
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    margin = share * (values.max() - values.min()) or 0.05 * abs(values.max()) or 0.05
    return values.min() - margin, values.max() + margin


def draw_interval(
    axis: Axes, at: float, ends: tuple[float, float], limits: tuple[float, float], upright: bool, **style
) -> None:
    """A bar across the other axis at `at`; where it leaves the limits of the axis, an arrowhead says so."""
    if not np.isfinite(ends).all():
        return
    place = (lambda along, across: (across, along)) if upright else (lambda along, across: (along, across))
    axis.plot(*place(np.clip(ends, *limits), [at, at]), solid_capstyle="butt", **style)
    inset = 0.012 * (limits[1] - limits[0])
    low_head, high_head = ("v", "^") if upright else ("<", ">")
    arrow = {"markersize": 3, "color": style["color"], "linestyle": "none"}
    if ends[0] < limits[0]:
        axis.plot(*place([limits[0] + inset], [at]), marker=low_head, **arrow)
    if ends[1] > limits[1]:
        axis.plot(*place([limits[1] - inset], [at]), marker=high_head, **arrow)

"""Training and validation log-loss per epoch of every arm with all real images."""

from pathlib import Path

import numpy as np

from galaxies.augmentation_figures import (
    THIN_LINES,
    arm_label,
    learning_curves,
    mark_exit,
    note_of,
    panel_grid,
    prior_of,
)
from galaxies.augmentation_predictions import WHOLE, read_predictions
from galaxies.plots import VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script

HIGHEST = 1.6  # times the prior: where the axis ends at the latest; what a curve above it ends at is written
NOTE = "The training curve is measured with dropout on, on the images that the arm trains on: augmented or generated."


def main(predictions: Path, png: Path, pdf: Path, *, study: dict) -> None:
    """One panel per arm, all with the same axes; thin lines are seeds, thick ones their mean, bands its interval.

    study : `arms`, a list of {arm, label, leaked}.
    """
    found = read_predictions(predictions)
    arms = [arm for arm in study["arms"] if len(found.rows(arm["arm"], WHOLE))]
    rows, columns = panel_grid(len(arms), 4)
    figure, axes = new_figure(rows, columns, 7.2, 0.5 + 1.65 * rows, sharey=True)
    means = []
    for axis, arm in zip(axes.ravel(), arms, strict=False):
        means.append(learning_curves(axis, found, found.rows(arm["arm"], WHOLE)))
        axis.set_title(arm_label(arm, 30), loc="left", fontsize=7.2)
        axis.tick_params(labelsize=7)
    prior = prior_of(found, np.concatenate([found.rows(arm["arm"], WHOLE) for arm in arms]))
    shown = [prior, *np.ravel(means)]
    low, high = min(shown), min(max(shown), HIGHEST * prior)
    axes[0, 0].set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    for axis, (_, validation) in zip(axes.ravel(), means, strict=False):
        mark_exit(axis, validation, VALIDATION)
    for axis in axes.ravel()[len(arms) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("Epoch", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("Log-loss [nats]", fontsize=8)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=3)
    stamp(figure, note_of(found.simulated, arms, THIN_LINES, NOTE))
    save_figure(figure, png, pdf)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

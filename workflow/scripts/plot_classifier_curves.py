"""Learning curves of one arm of an augmentation experiment, with those that the authors' notebooks recorded."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from galaxies.augmentation_figures import LEAK_MARK, THIN_LINES, learning_curves, mark_exit, note_of, padded
from galaxies.augmentation_predictions import WHOLE, Predictions, read_predictions
from galaxies.classification_metrics import prior_log_loss
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, reading
from galaxies.plots import PUBLISHED, VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script

RECORDED = {"train_loss": ("training", ":"), "val_loss": ("validation", "-")}
HIGHEST = 2.0  # times the prior: where the axis ends at the latest


def main(
    predictions: Path,
    recorded_curves: Path,
    png: Path,
    pdf: Path,
    csv: Path,
    *,
    study: dict,
    arm: str,
    recorded: list[str],
    recorded_as: str,
    title: str,
    notes: list[str],
    differences: list[str],
) -> None:
    """Draw the curves of the trainings with all real images, and write them: seed, epoch, train_loss, val_loss, prior.

    recorded_curves : repo, commit, notebook, experiment, epoch, train_loss, val_loss. recorded : names of experiments
        in it to draw over ours, which the legend calls `recorded_as`. notes : sentences for the small print.
        differences : of our settings from the published. What sets the recorded runs apart is said in `reported_as` of
        the arm.
    """
    found = read_predictions(predictions)
    settings = next((one for one in study["arms"] if one["arm"] == arm), None)
    rows = found.rows(arm, WHOLE)
    if settings is None or not len(rows):
        raise ConfigError(f"the augmentation experiment has no arm {arm!r} with all real images; {png.name} shows it")
    with atomic(csv) as temporary:
        curves_table(found, rows).to_csv(temporary, index=False)
    runs = read_recorded(recorded_curves, recorded)
    figure, axes = new_figure(1, 1, 5.4, 4.0)
    axis = axes[0, 0]
    means = learning_curves(axis, found, rows)
    drawn = draw_recorded(axis, runs, found.train_loss.shape[1], recorded_as)
    prior = prior_log_loss(float(found.trainings["positive_rate"].to_numpy()[rows].mean()), found.target)
    shown = np.concatenate([means.ravel(), drawn, [prior]])
    axis.set_ylim(padded(np.minimum(shown, HIGHEST * prior)))
    mark_exit(axis, means[1], VALIDATION)
    axis.set(xlabel="Epoch", ylabel="Log-loss [nats]")
    axis.set_title(title + (f" {LEAK_MARK}" if settings["leaked"] else ""), loc="left")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=7)
    if found.simulated:
        notes = ["The recorded curves are of real images; only ours are simulated.", *notes]
    notes = [THIN_LINES, *notes, *caveats_of(settings["reported_as"])]
    stamp(figure, note_of(found.simulated, [settings], *notes, differences=differences))
    save_figure(figure, png, pdf)


def curves_table(found: Predictions, rows: np.ndarray) -> pd.DataFrame:
    """Losses per epoch of some trainings, and the log-loss of a constant prior, in nats."""
    parts = []
    for row in rows:
        training = found.trainings.loc[row]
        losses = {"train_loss": found.train_loss[row], "val_loss": found.validation_loss(row)}
        part = pd.DataFrame({"seed": training["seed"], "epoch": np.arange(1, found.train_loss.shape[1] + 1), **losses})
        parts.append(part.assign(prior=prior_log_loss(training["positive_rate"], found.target)))
    return pd.concat(parts, ignore_index=True)


def read_recorded(path: Path, names: list[str]) -> pd.DataFrame:
    """Recorded curves of the named experiments; DataError if the file lacks one."""
    with reading(path):
        table = pd.read_csv(path)[["experiment", "epoch", "train_loss", "val_loss"]]
    missing = set(names) - set(table["experiment"])
    if missing:
        raise DataError(f"{path}: no curves of {', '.join(sorted(missing))}; there are: {set(table['experiment'])}")
    return table[table["experiment"].isin(names)]


def caveats_of(reported_as: dict[str, str]) -> list[str]:
    """A sentence on recorded runs that are of something else, if there are any."""
    apart = [f"{name.replace('_', ' ')} ({caveat})" for name, caveat in reported_as.items() if caveat]
    return [f"Recorded runs that are not comparable: {', '.join(apart)}."] if apart else []


def draw_recorded(axis: Axes, runs: pd.DataFrame, epochs: int, recorded_as: str) -> np.ndarray:
    """Draw the recorded curves up to our last epoch and return the values that are drawn."""
    runs = runs[runs["epoch"] <= epochs]
    count = runs["experiment"].nunique()
    for column, (name, line) in RECORDED.items():
        label = f"{name}, {recorded_as}" + (f" ({count} runs)" if count > 1 else "")
        for position, (_, run) in enumerate(runs.groupby("experiment", sort=False)):
            style = {"color": PUBLISHED, "linestyle": line, "linewidth": 0.8, "alpha": 0.7}
            axis.plot(run["epoch"], run[column], label=label if position == 0 else None, **style)
    return runs[["train_loss", "val_loss"]].to_numpy().ravel()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

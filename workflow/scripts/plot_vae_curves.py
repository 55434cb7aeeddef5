"""The bound of autoencoders and its two terms against the steps of their training."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import origin_text
from galaxies.files import reading, write_text
from galaxies.plots import MODEL_COLOURS, new_figure, save_figure, seeds_with_mean, stamp
from galaxies.scripting import run_script
from galaxies.stats import summarise

PANELS = {
    "negative_bound": "negative lower bound (loss)",
    "kl_divergence": "KL divergence",
    "log_likelihood": "log-likelihood",
}
HELD_OUT = "val_"


def main(histories: list[Path], provenance: Path, png: Path, pdf: Path, table: Path, *, trainings: list[dict]) -> None:
    """A panel per quantity, a colour per experiment: the training images, and dashed the held-out ones.

    histories : from train.py, of method vae, in the order of `trainings`, each {experiment, label, seed, differences};
    only such as can be compared. provenance : of the data set. table : means over seeds with their 95 % intervals.
    """
    with reading(provenance):
        simulated = json.loads(provenance.read_text(encoding="utf-8"))["simulated"]
    curves: dict[str, list[pd.DataFrame]] = {}
    for path, training in zip(histories, trainings, strict=True):
        with reading(path):
            curves.setdefault(training["label"], []).append(pd.read_csv(path))
    write_text(table, pd.concat([tabulated(label, tables) for label, tables in curves.items()]).to_csv(index=False))
    figure, axes = new_figure(1, 3, 9.2, 3.2)
    for axis, (quantity, title) in zip(axes[0], PANELS.items(), strict=True):
        for colour, (label, tables) in zip(MODEL_COLOURS, curves.items(), strict=False):
            steps = tables[0]["steps"].cumsum().to_numpy()
            seeds_with_mean(axis, steps, np.stack([t[quantity] for t in tables]), colour, label, marker=None)
            held_out = np.mean([t[HELD_OUT + quantity] for t in tables], axis=0)
            axis.plot(steps, held_out, color=colour, linewidth=1.2, linestyle="--")
        axis.set_title(title, fontsize=8.5)
        axis.set_xlabel("Iteration")
        axis.tick_params(labelsize=7.5)
    axes[0, 0].set_yscale("log")
    axes[0, 2].set_yscale("symlog", linthresh=1)
    axes[0, 0].set_ylabel("nats per image")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=7.5)
    many = len(histories) > len(curves)
    note = "Solid: training images, means over an epoch; dashed: held-out images."
    note += " Thin lines: trainings; thick: their mean and its 95 % interval." if many else " One training each."
    stamp(figure, f"{origin_text(simulated, trainings[0]['differences'])} {note}", grow=True)
    save_figure(figure, png, pdf)


def tabulated(label: str, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """A row per epoch: the steps so far, and mean and interval over seeds of each quantity."""
    columns: dict[str, object] = {"label": label, "iteration": tables[0]["steps"].cumsum()}
    for quantity in (prefix + name for prefix in ("", HELD_OUT) for name in PANELS):
        summaries = [summarise(values) for values in np.stack([t[quantity] for t in tables], axis=1)]
        for key, ending in (("mean", ""), ("ci95_low", "_ci95_low"), ("ci95_high", "_ci95_high")):
            columns[quantity + ending] = [getattr(summary, key) for summary in summaries]
    return pd.DataFrame(columns).assign(n_seeds=len(tables))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Test RMSE of every network with its interval, the baselines and the published values."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import origin_note, same_quantity
from galaxies.files import reading
from galaxies.plots import PUBLISHED, TEST, VALIDATION, new_figure, save_figure, stamp
from galaxies.scripting import run_script

BASELINES = {"train_mean": "-", "central_pixel": "--", "all_zeros": ":"}


def main(table: Path, provenance: Path, png: Path, pdf: Path) -> None:
    """One line per network; dots are means over seeds, bars 95 % intervals, diamonds the published values.

    The axis spans the means, the baselines and the published values; the wide intervals of two seeds may run off it.
    Published values are drawn only where the targets are the paper's.
    """
    with reading(provenance):
        origin = json.loads(provenance.read_text())
    with reading(table):
        results = pd.read_csv(table)
        networks = results[results["parameters"].notna()]
    names = list(dict.fromkeys(networks["experiment"]))
    y = np.arange(len(names))[::-1]
    figure, axes = new_figure(1, 1, 7.0, 1.4 + 0.5 * len(names))
    axis = axes[0, 0]
    shown = []
    for split, colour, offset in (("validation", VALIDATION, 0.14), ("test", TEST, -0.14)):
        rows = networks[networks["split"] == split].set_index("experiment").loc[names]
        errors = np.stack([rows["rmse_mean"] - rows["ci95_low"], rows["ci95_high"] - rows["rmse_mean"]])
        style = {"fmt": "o", "color": colour, "markersize": 4, "capsize": 2.5, "linewidth": 1}
        axis.errorbar(rows["rmse_mean"], y + offset, xerr=np.nan_to_num(errors), label=f"{split}, this run", **style)
        shown.append(rows["rmse_mean"])
        if same_quantity(origin) and rows["published"].notna().any():
            style = {"marker": "D", "s": 18, "facecolors": "none", "edgecolors": colour}
            axis.scatter(rows["published"], y + offset, label=f"{split}, published", **style)
            shown.append(rows["published"])
    test = results[results["split"] == "test"].set_index("experiment")["rmse_mean"]
    for name, line in BASELINES.items():
        label = f"{name.replace('_', ' ')}, test"
        axis.axvline(test[name], color=PUBLISHED, linewidth=0.8, linestyle=line, label=label)
    values = pd.concat([*shown, test[list(BASELINES)]]).dropna()
    margin = 0.08 * (values.max() - values.min())
    descriptions = networks.drop_duplicates("experiment").set_index("experiment").loc[names, "description"]
    labels = [f"{name}\n{text.replace('; ', chr(10))}" for name, text in zip(names, descriptions, strict=True)]
    axis.set_yticks(y, labels, fontsize=6.5)
    axis.tick_params(axis="y", length=0)
    axis.set(xlabel="RMSE", ylim=(-0.6, len(names) - 0.4), xlim=(values.min() - margin, values.max() + margin))
    axis.grid(axis="y", visible=False)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    changed = (
        ["settings, see the column `comparable` of table_rmse.csv"] if (networks["comparable"] != "yes").any() else []
    )
    stamp(figure, origin_note(origin, changed))
    save_figure(figure, png, pdf)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Test RMSE of every network with its interval, the baselines and the published values."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.plots import MUTED, PUBLISHED, TEST, VALIDATION, new_figure, origin_note, save_figure, stamp
from galaxies.scripting import run_script

BASELINES = {"train_mean": "train mean", "all_zeros": "all zeros", "central_pixel": "central pixel"}


def main(table: Path, png: Path, pdf: Path) -> None:
    """One line per network; dots are means over seeds, bars 95 % intervals, diamonds the published values."""
    results = pd.read_csv(table)
    networks = results[results["parameters"].notna()]
    names = list(dict.fromkeys(networks["experiment"]))
    y = np.arange(len(names))[::-1]
    figure, axes = new_figure(1, 1, 7.0, 1.7 + 0.5 * len(names))
    axis = axes[0, 0]
    for split, colour, offset in (("validation", VALIDATION, 0.14), ("test", TEST, -0.14)):
        rows = networks[networks["split"] == split].set_index("experiment").loc[names]
        errors = np.stack([rows["rmse_mean"] - rows["ci95_low"], rows["ci95_high"] - rows["rmse_mean"]])
        style = {"fmt": "o", "color": colour, "markersize": 4, "capsize": 2.5, "linewidth": 1}
        axis.errorbar(rows["rmse_mean"], y + offset, xerr=np.nan_to_num(errors), label=f"{split}, this run", **style)
        if rows["published"].notna().any():
            style = {"marker": "D", "s": 18, "facecolors": "none", "edgecolors": colour}
            axis.scatter(rows["published"], y + offset, label=f"{split}, published", **style)
    test = results[(results["split"] == "test") & results["experiment"].isin(list(BASELINES))]
    for row in test.itertuples():
        axis.axvline(row.rmse_mean, color=PUBLISHED, linewidth=0.8, linestyle=":")
        axis.annotate(
            BASELINES[row.experiment],
            (row.rmse_mean, 1.01),
            xycoords=("data", "axes fraction"),
            rotation=35,
            fontsize=7,
        )
    descriptions = networks.drop_duplicates("experiment").set_index("experiment").loc[names, "description"]
    labels = [f"{name}\n{text.replace('; ', chr(10))}" for name, text in zip(names, descriptions, strict=True)]
    axis.set_yticks(y, labels, fontsize=6.5)
    axis.tick_params(axis="y", length=0)
    axis.set(xlabel="RMSE", ylim=(-0.6, len(names) - 0.4))
    axis.grid(axis="y", visible=False)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=MUTED)
    changed = ["see the column `comparable` of table_rmse.csv"] if (networks["comparable"] != "yes").any() else []
    stamp(figure, origin_note(results["data"].iloc[0] == "simulated", changed))
    save_figure(figure, png, pdf)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

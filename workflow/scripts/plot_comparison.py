"""Published values and those of a run, a panel per paper."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from galaxies.files import reading
from galaxies.plots import MUTED, PUBLISHED, TEST, TRAIN, VALIDATION, fix_margins, new_figure, save_figure, stamp
from galaxies.scripting import run_script
from galaxies.verdicts import NOT_COMPARABLE, NOT_REPRODUCED, REPRODUCED

COLOURS = {REPRODUCED: TEST, NOT_REPRODUCED: VALIDATION, NOT_COMPARABLE: MUTED}
ROW, GAP = 0.165, 4  # height of a row in inches, and rows between panels
WIDTH = 8.0
COLUMNS = {
    "published": 1.13,
    "run": 1.3,
    "verdict": 1.34,
}  # where their texts end, the last begins, in widths of an axis
MARGINS = {"left": 3.4, "right": 1.85, "top": 0.6, "bottom": 0.8}  # inches


def main(table: Path, metrics: Path, png: Path, pdf: Path, *, papers: list[str]) -> None:
    """One line per published value: the run's over the published one.

    table : from compare_published.py. metrics : from collect_metrics.py, with the values of the seeds. papers : of the
    run, each of which has a panel if it states a value. Black marks are published values; dots are seeds, hollow ones
    of simulated data; lines are 95 % intervals of the mean over seeds.
    """
    with reading(table), reading(metrics):
        rows = pd.read_csv(table)
        seeds = pd.read_csv(metrics)
    panels = {paper: found for paper in papers if len(found := rows[rows["paper"] == paper])}
    heights = [len(found) + 1.5 for found in panels.values()]
    gaps = ROW * GAP * (len(panels) - 1)
    height = ROW * sum(heights) + gaps + MARGINS["top"] + MARGINS["bottom"]
    figure, axes = new_figure(len(panels), 1, WIDTH, height, gridspec_kw={"height_ratios": heights})
    fix_margins(figure, **MARGINS, hspace=GAP * len(heights) / sum(heights))
    for axis, (paper, found) in zip(axes[:, 0], panels.items(), strict=True):
        draw(axis, found.reset_index(drop=True), seeds)
        axis.set_title(paper, loc="left", fontweight="bold")
    axes[-1, 0].set_xlabel("value of the run over the published value", fontsize=7)
    figure.legend(handles=handles(), loc="upper center", ncols=4, fontsize=7)
    counts = rows[rows["paper"].isin(panels)]["verdict"].value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in COLOURS)
    simulated = (rows["data"] == "simulated").any()
    data = "Values of simulated data are not judged. " if simulated else ""
    stamp(figure, f"{data}Published values of these papers: {said}; comparison.csv says why.")
    save_figure(figure, png, pdf)


def handles() -> list[Line2D]:
    """What the marks stand for."""
    dot = {"linestyle": "", "marker": "o", "markersize": 3.5, "color": TRAIN}
    return [
        Line2D([], [], color=PUBLISHED, linestyle="", marker="|", markersize=9, markeredgewidth=2, label="published"),
        Line2D([], [], **dot, label="run, real data (one dot per seed)"),
        Line2D([], [], **dot, markerfacecolor="white", label="run, simulated data"),
        Line2D([], [], color=TRAIN, linewidth=1, label="95 % interval of the mean"),
    ]


def draw(axis: Axes, rows: pd.DataFrame, seeds: pd.DataFrame) -> None:
    """One panel; rows from the top."""
    y = np.arange(len(rows))[::-1]
    shown = [1.0]
    for height, row in zip(y, rows.itertuples(), strict=True):
        axis.plot(1, height, "|", color=PUBLISHED, markersize=9, markeredgewidth=2, zorder=3)
        values = seeds.loc[seeds["metric"] == row.ours, "value"].dropna().to_numpy() / row.published
        face = "white" if row.data == "simulated" else TRAIN
        axis.plot(
            values, np.full(len(values), height), "o", color=TRAIN, markerfacecolor=face, markersize=3.5, zorder=4
        )
        if not np.isnan(row.ci95_low):
            axis.plot(np.array([row.ci95_low, row.ci95_high]) / row.published, [height] * 2, color=TRAIN, linewidth=1)
        shown += list(values)
        beside = axis.get_yaxis_transform()
        said = "" if np.isnan(row.mean) else f"{row.mean:.4g}"
        style = {"transform": beside, "va": "center", "fontsize": 6}
        axis.text(COLUMNS["published"], height, f"{row.published:g}", ha="right", **style)
        axis.text(COLUMNS["run"], height, said, ha="right", **style)
        axis.text(COLUMNS["verdict"], height, row.verdict, ha="left", color=COLOURS[row.verdict], **style)
    for name, place in COLUMNS.items():
        ha = "left" if name == "verdict" else "right"
        axis.text(place, len(rows) - 0.1, name, transform=axis.get_yaxis_transform(), ha=ha, fontsize=6, color=MUTED)
    axis.set_yticks(y, [label(row) for row in rows.itertuples()], fontsize=6)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=7, which="both")
    axis.set_xscale("log")
    positive = [value for value in shown if value > 0]
    axis.set(ylim=(-0.7, len(rows) - 0.3), xlim=(min(0.5, *positive) / 1.2, max(2, *positive) * 1.2))
    ticks = [
        tick
        for tick in (0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100)
        if axis.get_xlim()[0] < tick < axis.get_xlim()[1]
    ]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    axis.grid(axis="y", visible=False)


def label(row) -> str:
    """What a published value is of."""
    return ", ".join(f"{part}".replace("_", " ") for part in (row.experiment, row.dataset_split, row.metric))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Published values and those of a run, a panel per paper."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from galaxies.files import reading
from galaxies.plots import MUTED, PUBLISHED, TEST, TRAIN, VALIDATION, fix_margins, new_figure, save_figure, stamp
from galaxies.scripting import run_script
from galaxies.verdicts import AS_CONFIGURED, NOT_COMPARABLE, NOT_REPRODUCED, REPRODUCED

COLOURS = {REPRODUCED: TEST, NOT_REPRODUCED: VALIDATION, AS_CONFIGURED: MUTED, NOT_COMPARABLE: MUTED}
ROW, GAP = 0.14, 3.6  # height of a row in inches, and rows between panels
WIDTH = 8.0
MARGINS = {"left": 3.45, "right": 2.75, "top": 0.6, "bottom": 0.7}  # inches
AXIS = WIDTH - MARGINS["left"] - MARGINS["right"]  # its width in inches
COLUMNS = {"published": (0.42, "right"), "run": (0.9, "right"), "unit": (1.0, "left"), "verdict": (2.02, "left")}
"""Where texts end or begin, in inches to the right of an axis."""
SOURCE = "paper: "  # how the sections of the papers begin in the table


def main(table: Path, metrics: Path, png: Path, pdf: Path, *, papers: list[str]) -> None:
    """One line per published value: the run's over the published one.

    table : from compare_published.py. metrics : from collect_metrics.py, with the values of the seeds. papers : of the
    run, each of which has a panel if it states a value, in the order of the table. Black marks are published values;
    dots are seeds, hollow ones of simulated data; lines are 95 % intervals of the mean over seeds.
    """
    with reading(table), reading(metrics):
        rows = pd.read_csv(table)
        seeds = pd.read_csv(metrics)
    # In the order of the table, which is that of the claims, whatever the order of the run's settings.
    panels = {paper: found for paper, found in rows.groupby("paper", sort=False) if paper in papers}
    heights = [len(found) + 1.5 for found in panels.values()]
    gaps = ROW * GAP * (len(panels) - 1)
    height = ROW * sum(heights) + gaps + MARGINS["top"] + MARGINS["bottom"]
    figure, axes = new_figure(len(panels), 1, WIDTH, height, gridspec_kw={"height_ratios": heights})
    fix_margins(figure, **MARGINS, hspace=GAP * len(heights) / sum(heights))
    for axis, (paper, found) in zip(axes[:, 0], panels.items(), strict=True):
        draw(axis, found.reset_index(drop=True), seeds)
        axis.set_title(paper, loc="left", x=-(MARGINS["left"] - 0.1) / AXIS, fontweight="bold")
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
    columns = {name: (1 + place / AXIS, ha) for name, (place, ha) in COLUMNS.items()}
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
        texts = {"published": f"{row.published:g}", "run": said, "unit": row.units, "verdict": row.verdict}
        for name, (place, ha) in columns.items():
            colour = COLOURS[row.verdict] if name == "verdict" else "black"
            axis.text(place, height, texts[name], ha=ha, va="center", fontsize=6, color=colour, transform=beside)
    for name, (place, ha) in columns.items():
        axis.text(place, len(rows) - 0.1, name, transform=axis.get_yaxis_transform(), ha=ha, fontsize=6, color=MUTED)
    axis.set_yticks(y, labels(rows), fontsize=6)
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


def labels(rows: pd.DataFrame) -> list[str]:
    """What the published values are of, with the section of the paper where two would read alike."""
    texts = [
        ", ".join(f"{part}".replace("_", " ") for part in (row.experiment, row.dataset_split, row.metric))
        for row in rows.itertuples()
    ]
    sections = [source.removeprefix(SOURCE) for source in rows["source_section"]]
    return [
        f"{text}, {section}" if texts.count(text) > 1 else text for text, section in zip(texts, sections, strict=True)
    ]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

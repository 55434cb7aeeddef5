"""Published values of a paper and those of a run."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from galaxies.files import reading
from galaxies.plots import (
    FRAME,
    MUTED,
    PAGE,
    PUBLISHED,
    SMALL,
    TEST,
    TRAIN,
    VALIDATION,
    fix_margins,
    new_figure,
    save_figure,
    stamp,
)
from galaxies.scripting import run_script
from galaxies.stats import FEWEST_SEEDS, interval_over_seeds
from galaxies.verdicts import AS_CONFIGURED, NOT_COMPARABLE, NOT_REPRODUCED, REPRODUCED

COLOURS = {REPRODUCED: TEST, NOT_REPRODUCED: VALIDATION, AS_CONFIGURED: MUTED, NOT_COMPARABLE: MUTED}
HEADING, LINE, SPACE = 0.19, 0.105, 0.05  # heights of a heading, a line of a label and what is between, in inches
WIDTH = PAGE[0]
MARGINS = {"left": 2.45, "right": 2.9, "top": 0.75, "bottom": 0.7}  # inches
AXIS = WIDTH - MARGINS["left"] - MARGINS["right"]  # its width in inches
EDGE = 0.1  # inches from the edge of the figure to labels
LABEL_WIDTH = 42  # characters in a line
COLUMNS = {"published": (0.55, "right"), "run": (1.0, "right"), "unit": (1.07, "left"), "verdict": (2.1, "left")}
"""Where texts end or begin, in inches to the right of an axis."""
SOURCE = "paper: "  # how the sections of the papers begin in the table


def main(table: Path, metrics: Path, png: Path, pdf: Path, *, paper: str, title: str) -> None:
    """A line per published value of a paper: the run's over the published one.

    table : from compare_published.py. metrics : from collect_metrics.py, with the values of the seeds. title : of the
    figure. Black marks are published values; dots are seeds, hollow ones of simulated data; lines are 95 % intervals of
    the mean over seeds. Settings, which a run has as configured, are text alone; so is what has no logarithm.
    """
    with reading(table), reading(metrics):
        rows = pd.read_csv(table)
        seeds = pd.read_csv(metrics)
    rows = rows[rows["paper"] == paper]
    lines = layout(rows)
    inches = sum(height for height, _, _ in lines)
    figure, axes = new_figure(1, 1, WIDTH, inches + MARGINS["top"] + MARGINS["bottom"])
    fix_margins(figure, **MARGINS)
    draw(axes[0, 0], lines, seeds)
    place = {"x": EDGE / WIDTH, "y": 1 - EDGE / figure.get_figheight(), "ha": "left", "va": "top"}
    figure.suptitle(title, fontsize=9, fontweight="bold", **place)
    anchor = (0.5, 1 - 0.27 / figure.get_figheight())
    figure.legend(handles=handles(rows), loc="upper center", bbox_to_anchor=anchor, ncols=4, fontsize=SMALL)
    counts = rows["verdict"].value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in COLOURS)
    data = "Values of simulated data are not judged. " if (rows["data"] == "simulated").any() else ""
    stamp(figure, f"{data}Published values: {said}. comparison.csv says why.")
    save_figure(figure, png, pdf)


def layout(rows: pd.DataFrame) -> list[tuple[float, str, object]]:
    """What is drawn from the top: height in inches, text, and the row of the table; None for a heading."""
    lines: list[tuple[float, str, object]] = []
    for experiment, found in rows.groupby("experiment", sort=False):
        lines.append((HEADING, spaced(experiment), None))
        for text, row in zip(labels(found), found.itertuples(), strict=True):
            wrapped = textwrap.wrap(text, LABEL_WIDTH)
            lines.append((SPACE + LINE * len(wrapped), "\n".join(wrapped), row))
    return lines


def handles(rows: pd.DataFrame) -> list[Line2D]:
    """What the marks stand for."""
    dot = {"linestyle": "", "marker": "o", "markersize": 3.5, "color": TRAIN}
    kinds = {"real": TRAIN, "simulated": "white"}
    dots = [
        Line2D([], [], **dot, markerfacecolor=face, label=f"run, {kind} data (a dot per seed)")
        for kind, face in kinds.items()
        if (rows["data"] == kind).any()
    ]
    return [
        Line2D([], [], color=PUBLISHED, linestyle="", marker="|", markersize=9, markeredgewidth=2, label="published"),
        *dots,
        Line2D([], [], color=TRAIN, linewidth=1, label=f"95 % interval of the mean of {FEWEST_SEEDS} seeds or more"),
    ]


def draw(axis: Axes, lines: list[tuple[float, str, object]], seeds: pd.DataFrame) -> None:
    """All lines from the top; y in inches."""
    total = sum(height for height, _, _ in lines)
    beside = axis.get_yaxis_transform()
    columns = {name: (1 + place / AXIS, ha) for name, (place, ha) in COLUMNS.items()}
    left, right = (EDGE - MARGINS["left"]) / AXIS, 1 + (MARGINS["right"] - EDGE) / AXIS
    style = {"va": "center", "fontsize": SMALL, "transform": beside}
    for name, (place, ha) in columns.items():
        axis.text(place, -0.08, name, ha=ha, color=MUTED, **style)
    shown, y = [1.0], 0.0
    for height, text, row in lines:
        middle = y + height / 2
        if row is None:
            axis.text(left, middle + 0.02, text, fontweight="bold", **style)
        else:
            axis.text(left + 0.1 / AXIS, middle, text, linespacing=1.1, **style)
            axis.plot([left, right], [y + height] * 2, color=FRAME, linewidth=0.3, transform=beside, clip_on=False)
            said = "" if np.isnan(row.mean) else f"{row.mean:.4g}"
            texts = {"published": f"{row.published:g}", "run": said, "unit": row.units, "verdict": row.verdict}
            for name, (place, ha) in columns.items():
                colour = COLOURS[row.verdict] if name == "verdict" else "black"
                axis.text(place, middle, texts[name], ha=ha, color=colour, **style)
            if row.verdict != AS_CONFIGURED:
                shown += draw_values(axis, middle, row, seeds.loc[seeds["metric"] == row.ours, "value"].dropna())
        y += height
    axis.set_ylim(total, 0)
    axis.set_yticks([])
    axis.grid(axis="y", visible=False)
    limit(axis, [value for value in shown if value > 0])
    axis.set_xlabel("value of the run over the published value", fontsize=SMALL)


def draw_values(axis: Axes, y: float, row, values: pd.Series) -> list[float]:
    """Marks of a published value and of the seeds; returns the places of these."""
    axis.plot(1, y, "|", color=PUBLISHED, markersize=9, markeredgewidth=2, zorder=3)
    ratios = values.to_numpy() / row.published
    axis.plot(np.clip(interval_over_seeds(ratios), 1e-9, None), [y, y], color=TRAIN, linewidth=1)
    face = "white" if row.data == "simulated" else TRAIN
    axis.plot(ratios, [y] * len(ratios), "o", color=TRAIN, markerfacecolor=face, markersize=3.5, zorder=4)
    return list(ratios)


def limit(axis: Axes, shown: list[float]) -> None:
    """A logarithmic axis around the positive values, with ticks that do not meet."""
    low, high = min(0.5, *shown) / 1.2, max(2, *shown) * 1.2
    decades = np.log10(high / low)
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    subs = (1, 2, 5) if decades < 1.3 else (1, 3) if decades < 2 else (1,)
    axis.xaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.tick_params(axis="x", labelsize=SMALL)


def labels(rows: pd.DataFrame) -> list[str]:
    """What the published values of an experiment are of, with the section of the paper where two would read alike."""
    texts = [f"{spaced(row.dataset_split)}, {spaced(row.metric)}" for row in rows.itertuples()]
    sections = [source.removeprefix(SOURCE) for source in rows["source_section"]]
    return [
        f"{text}, {section}" if texts.count(text) > 1 else text for text, section in zip(texts, sections, strict=True)
    ]


def spaced(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""All generators of a run, a panel per quantity."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter

from galaxies.files import reading
from galaxies.plots import MODEL_COLOURS, MUTED, PUBLISHED, new_page_of_rows, save_figure, stamp
from galaxies.scripting import run_script


def main(table: Path, png: Path, pdf: Path, *, quantities: dict) -> None:
    """A row of panels per group of quantities, with a line per generator that has one of them.

    table : from summarise_generators.py. quantities : by name as in config/metrics.yaml. Dots are means over seeds,
    bars 95 % intervals, with an arrow where they go on beyond the axis, dashed lines real images, colours papers. A
    generator without a value has no dot.
    """
    with reading(table):
        rows = pd.read_csv(table)
    found = rows[rows["mean"].notna()]
    papers = list(dict.fromkeys(rows["paper"]))
    colours = {paper: MODEL_COLOURS[number % len(MODEL_COLOURS)] for number, paper in enumerate(papers)}
    groups: dict[str, list[str]] = {}
    for name, quantity in quantities.items():
        if (found["quantity"] == name).any():
            groups.setdefault(quantity["group"], []).append(name)
    members = {
        group: found[found["quantity"].isin(names)].drop_duplicates(["paper", "experiment"])[["paper", "experiment"]]
        for group, names in groups.items()
    }
    names_of = labels(found)
    figure, panels = new_page_of_rows(
        [len(names) for names in groups.values()],
        [(0 if number else 0.3) + 0.82 + 0.16 * len(members[group]) for number, group in enumerate(groups)],
        8.0,
    )
    for (group, names), axes in zip(groups.items(), panels, strict=True):
        order = [tuple(row) for row in members[group].itertuples(index=False)]
        for axis, name in zip(axes, names, strict=True):
            draw(axis, found[found["quantity"] == name], order, quantities[name], colours)
        axes[0].set_yticks(range(len(order)), [names_of[generator] for generator in order], fontsize=6)
        for tick, (paper, _) in zip(axes[0].get_yticklabels(), order, strict=True):
            tick.set_color(colours[paper])
    marks = [Line2D([], [], color=colour, marker="o", markersize=3.5, label=name) for name, colour in colours.items()]
    panels[0][0].figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), fontsize=7)
    simulated = "Simulated data. " if (rows["data"] == "simulated").all() else ""
    stamp(
        figure,
        f"{simulated}Bars: 95 % intervals of means over seeds; arrows: they go on beyond the axis. "
        "Dashed: real images. generators.csv says why a generator has no value.",
    )
    save_figure(figure, png, pdf)


def draw(axis: Axes, rows: pd.DataFrame, order: list[tuple], quantity: dict, colours: dict) -> None:
    """One quantity of all generators of a group, the first on top."""
    place = {generator: y for y, generator in enumerate(order)}
    for value in rows["real"].dropna().unique()[:1]:
        axis.axvline(value, color=PUBLISHED, linewidth=0.8, linestyle="--")
    values = np.concatenate([rows["mean"], rows["real"].dropna()])
    if quantity["scale"] == "log" and (values > 0).all():
        axis.set_xscale("log")
        axis.set_xlim(values.min() / 2, values.max() * 2)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 3) if values.max() < 50 * values.min() else (1,), numticks=4))
        axis.xaxis.set_major_formatter(EngFormatter(sep="") if values.max() > 9999 else StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.2 * np.ptp(values) or 0.2 * abs(values[0]) or 0.1
        axis.set_xlim(values.min() - margin, values.max() + margin)
        axis.locator_params(axis="x", nbins=3)
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # without zeros that meet the next number
    for row in rows.itertuples():
        y, colour = place[row.paper, row.experiment], colours[row.paper]
        axis.plot(row.mean, y, "o", color=colour, markersize=3.5)
        draw_interval(axis, row.ci95_low, row.ci95_high, y, colour)
    axis.set_title(quantity["title"], fontsize=6.5)
    better = {"none": ""}.get(quantity["better"], f"\n{quantity['better']} is better")
    axis.set_xlabel(f"{quantity['unit']}{better}", fontsize=5.5, color=MUTED)
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.set_yticks(range(len(order)), [""] * len(order))
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=5.5)
    axis.grid(axis="y", visible=False)


def draw_interval(axis: Axes, low: float, high: float, y: float, colour: str) -> None:
    """A bar within the axis, with the head of an arrow where it goes on beyond: limits are those of the means.

    Of two or three seeds an interval can be as wide as a hundred means.
    """
    left, right = axis.get_xlim()
    axis.plot([max(low, left), min(high, right)], [y, y], color=colour, linewidth=1)
    for end, marker, beyond in ((left, "<", low < left), (right, ">", high > right)):
        if beyond:
            axis.plot(end, y, marker, color=colour, markersize=3.5, markeredgewidth=0, clip_on=False, zorder=3)


def labels(rows: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Label by paper and experiment, with the paper where another has a generator of the same label."""
    generators = rows.drop_duplicates(["paper", "experiment"])
    papers = generators.groupby("label")["paper"].nunique()
    return {
        (row.paper, row.experiment): f"{row.label} ({row.paper})" if papers[row.label] > 1 else row.label
        for row in generators.itertuples()
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""All generators of a run, a panel per quantity."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from galaxies.files import reading
from galaxies.plots import (
    MODEL_COLOURS,
    MUTED,
    PAGE,
    PUBLISHED,
    SEEDS_AS_POINTS,
    SMALL,
    legend_columns,
    new_page_of_rows,
    save_figure,
    seeds_as_points,
    stamp,
)
from galaxies.scripting import run_script
from galaxies.stats import interval_over_seeds

ROW = 0.15  # height of a generator in inches, less where they would not fit on a page
MARGINS = {"left": 1.65, "right": 0.12, "top": 0.55, "bottom": 0.75}  # inches
GAP = 0.66  # inches between rows of panels, for unit and title
CHARACTER = 0.055  # width of a small character in inches
BETTER = {"lower": "\u00a0\u2190", "higher": "\u00a0\u2192", "none": ""}  # on the line of the last word


def main(table: Path, per_seed: Path, png: Path, pdf: Path, *, quantities: dict) -> None:
    """A row of panels per group of quantities, with a line per generator that has one of them.

    table, per_seed : from summarise_generators.py. quantities : by name as in config/metrics.yaml. Marks are those of
    `seeds_as_points`, dashed lines real images, colours papers. A generator without a value has no mark.
    """
    with reading(table), reading(per_seed):
        rows = pd.read_csv(table)
        seeds = pd.read_csv(per_seed)
    found = rows[rows["mean"].notna()]
    papers = list(dict.fromkeys(rows["paper"]))
    colours = {paper: MODEL_COLOURS[number % len(MODEL_COLOURS)] for number, paper in enumerate(papers)}
    groups: dict[str, list[str]] = {}
    for name, quantity in quantities.items():
        if (found["quantity"] == name).any():
            groups.setdefault(quantity["group"], []).append(name)
    members = {group: generators_of(found[found["quantity"].isin(names)]) for group, names in groups.items()}
    names_of = labels(found)
    width, height = PAGE
    around = MARGINS["top"] + MARGINS["bottom"] + GAP * (len(groups) - 1)
    row = min(ROW, (height - around) / sum(map(len, members.values())))
    heights = [row * len(order) for order in members.values()]
    figure, panels = new_page_of_rows([len(names) for names in groups.values()], heights, width, **MARGINS, gap=GAP)
    for (group, names), axes in zip(groups.items(), panels, strict=True):
        order = members[group]
        characters = int((width - MARGINS["left"]) / len(names) / CHARACTER) - 1
        for axis, name in zip(axes, names, strict=True):
            reals = found[found["quantity"] == name].set_index(["paper", "experiment"])["real"].dropna().to_dict()
            of_quantity = seeds[seeds["quantity"] == name].groupby(["paper", "experiment"])["value"]
            values = {generator: of_one.to_numpy() for generator, of_one in of_quantity}
            draw(axis, [(values.get(g), reals.get(g), colours[g[0]]) for g in order], quantities[name])
            title = quantities[name]["title"] + BETTER[quantities[name]["better"]]
            axis.set_title(textwrap.fill(title, characters), fontsize=SMALL, pad=4)
            unit = textwrap.fill(quantities[name]["unit"], characters)
            axis.set_xlabel(unit, fontsize=SMALL, color=MUTED, labelpad=2)
        axes[0].set_yticks(range(len(order)), [names_of[generator] for generator in order], fontsize=SMALL)
    marks = [Line2D([], [], color=colour, marker="o", markersize=3.5, label=name) for name, colour in colours.items()]
    columns = legend_columns(len(marks), 4)
    figure.legend(handles=marks, loc="upper center", ncols=columns, fontsize=SMALL)
    simulated = "Simulated data. " if (rows["data"] == "simulated").all() else ""
    stamp(
        figure,
        f"{simulated}{SEEDS_AS_POINTS} Dashed: real images. Arrows: where better values are. generators.csv says why a "
        "generator has no value.",
    )
    save_figure(figure, png, pdf)


def generators_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Paper and experiment of the generators, in the order of the rows."""
    return list(dict.fromkeys(zip(rows["paper"], rows["experiment"], strict=True)))


def draw(axis: Axes, generators: list[tuple], quantity: dict) -> None:
    """One quantity of all generators of a group, the first on top: values of seeds, that of real images, colour."""
    bounds = tuple(quantity["range"])
    points, ends = [], []
    for y, (values, real, colour) in enumerate(generators):
        if real is not None:
            axis.plot([real, real], [y - 0.5, y + 0.5], color=PUBLISHED, linewidth=0.8, linestyle="--")
            points.append(real)
        if values is not None:
            seeds_as_points(axis, y, values, colour, bounds, size=6)
            points += list(values)
            ends += interval_over_seeds(values, bounds)
    limit(axis, np.array(points), np.array(ends), quantity["scale"])
    axis.set_ylim(len(generators) - 0.5, -0.5)
    axis.set_yticks(range(len(generators)), [""] * len(generators))
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=SMALL, pad=2)
    axis.grid(axis="y", visible=False)


def limit(axis: Axes, points: np.ndarray, ends: np.ndarray, scale: str) -> None:
    """Scale and ticks of an axis with all points and ends of intervals; no logarithm of points that have none."""
    values = np.concatenate([points, ends[np.isfinite(ends)]])
    if scale == "log" and (points > 0).all():
        low, high = values[values > 0].min(), values.max()
        axis.set_xscale("log")
        axis.set_xlim(low / 1.5, high * 1.5)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 3) if high < 30 * low else (1,), numticks=4))
        axis.xaxis.set_major_formatter(EngFormatter(sep="") if high > 9999 else StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.1 * np.ptp(values) or 0.2 * abs(values[0]) or 0.1
        axis.set_xlim(values.min() - margin, values.max() + margin)
        axis.xaxis.set_major_locator(MaxNLocator(2, min_n_ticks=2))
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # without zeros that meet the next number


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

"""Style of all figures and the panels that several of them share."""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxies.files import atomic
from galaxies.stats import FEWEST_SEEDS, interval_over_seeds, summarise

# Okabe & Ito's colours, which stay apart for colour-blind readers.
TRAIN = "#0072B2"
VALIDATION = "#D55E00"
TEST = "#009E73"
PUBLISHED = "#000000"
MUTED = "#6E6E6E"
FRAME = "#B0B0B0"
SUBSET_COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442")
MODEL_COLOURS = (TRAIN, VALIDATION, TEST, *SUBSET_COLOURS)

PAGE = (7.2, 9.5)  # width and height in inches that a figure may have
SMALL = 6.5  # pt, of the smallest text
NOTE_LINE = 0.11  # inches

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 200,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
}


def new_figure(rows: int, columns: int, width: float, height: float, **options) -> tuple[Figure, np.ndarray]:
    """Figure in the common style with rows x columns axes, always as a 2-d array; width and height in inches."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **options)


def new_page(rows: int, columns: int, panels: int, width: float) -> tuple[Figure, list[Axes], list[Axes]]:
    """Figure in the common style with a grid of rows x columns axes for images above a row of `panels` axes.

    Returns the figure, the axes of the grid row by row, and those of the panels; the width is in inches, the height
    follows from the rows.
    """
    plt.rcParams.update(STYLE)
    heights = [rows * width / columns, 2.2] if rows else [2.2]
    figure = plt.figure(figsize=(width, sum(heights) + 0.6), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    grid = list(parts[0].subplots(rows, columns, squeeze=False).ravel()) if rows else []
    return figure, grid, list(parts[-1].subplots(1, panels, squeeze=False).ravel()) if panels else []


def new_page_of_rows(
    panels: list[int],
    heights: list[float],
    width: float,
    *,
    left: float,
    right: float,
    top: float,
    bottom: float,
    gap: float,
) -> tuple[Figure, list[list[Axes]]]:
    """Figure in the common style with rows of axes side by side: `panels` of them in each row, of `heights` inches.

    left, right, top, bottom : margins in inches. gap : between the rows, in inches.
    """
    plt.rcParams.update(STYLE)
    height = top + sum(heights) + gap * (len(heights) - 1) + bottom
    figure = plt.figure(figsize=(width, height))
    rows, upper = [], height - top
    for count, inches in zip(panels, heights, strict=True):
        place = {"top": upper / height, "bottom": (upper - inches) / height}
        grid = figure.add_gridspec(1, count, left=left / width, right=1 - right / width, wspace=0.22, **place)
        rows.append(list(grid.subplots(squeeze=False).ravel()))
        upper -= inches + gap
    return figure, rows


def fix_margins(figure: Figure, left: float, right: float, top: float, bottom: float, **gaps: float) -> None:
    """Give the axes margins in inches, for texts beside them that the automatic layout would not make room for."""
    width, height = figure.get_size_inches()
    figure.set_layout_engine(None)
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, **gaps)


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write the figure once per path (format by suffix), whole or not at all, with no date in the file."""
    for path in paths:
        metadata = {"CreationDate": None} if Path(path).suffix == ".pdf" else {"Software": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)


def stamp(figure: Figure, note: str, grow: bool = False) -> None:
    """Write `note` below the axes, wrapped to the width of the figure; `grow` makes room for it, however long."""
    lines = textwrap.wrap(note, int(figure.get_figwidth() * 21))
    if grow:
        figure.set_figheight(figure.get_figheight() + NOTE_LINE * len(lines))
    figure.supxlabel("\n".join(lines), fontsize=SMALL, color=MUTED, x=0.01, ha="left")


def legend_columns(count: int, most: int) -> int:
    """Columns of a legend of `count` names, at most `most`, that leave no gap but in its last column."""
    return -(-count // -(-count // most))


def image_grid(axes: np.ndarray, images: np.ndarray) -> None:
    """Draw images (rows, columns, H, W, 3) uint8 into axes (rows, columns), pixel by pixel and without ticks."""
    for axis, image in zip(axes.ravel(), images.reshape(-1, *images.shape[2:]), strict=True):
        image_panel(axis, image)


def label_row(axis: Axes, text: str, width: int = 17) -> None:
    """Name a row of images at its first panel, in lines of `width` characters at most."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width)]
    axis.set_ylabel("\n".join(lines), fontsize=6)


def image_panel(axis: Axes, image: np.ndarray) -> None:
    """Draw one image (H, W, 3) uint8, pixel by pixel and without ticks."""
    axis.imshow(image, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(False)


SEEDS_AS_POINTS = f"Points: seeds; of {FEWEST_SEEDS} or more, a bar at their mean and a line, its 95 % interval."


def seeds_as_points(
    axis: Axes,
    y: float,
    values: np.ndarray,
    colour: str,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    size: float = 12,
) -> None:
    """Points in a row at `y`, one per seed, and what `SEEDS_AS_POINTS` says.

    bounds : of the quantity, beyond which no interval goes. size : height of the bar in points.
    """
    axis.plot(interval_over_seeds(values, bounds), [y, y], color=colour, linewidth=1, alpha=0.6)
    if len(values) >= FEWEST_SEEDS:
        axis.plot(np.mean(values), y, "|", color=colour, markersize=size, markeredgewidth=1.8)
    axis.plot(values, np.full(len(values), y), "o", color=colour, markersize=3)


def seeds_with_mean(
    axis: Axes, x: np.ndarray, values: np.ndarray, colour: str, label: str, marker: str | None = "o", linestyle="-"
) -> None:
    """Curves (seeds, points): one thin line per seed, their mean thick, its 95 % interval as a band.

    No band for two seeds: it would be nine times as wide as their distance, and the two lines say all there is.
    """
    for curve in values:
        axis.plot(x, curve, color=colour, linewidth=0.6, alpha=0.5)
    axis.plot(
        x,
        values.mean(axis=0),
        color=colour,
        linewidth=1.8,
        linestyle=linestyle,
        marker=marker,
        markersize=2.5,
        label=label,
    )
    if len(values) >= FEWEST_SEEDS:
        bands = [summarise(column) for column in values.T]
        low, high = [b.ci95_low for b in bands], [b.ci95_high for b in bands]
        axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)

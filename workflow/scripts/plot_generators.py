"""Generators side by side: images of one condition, and how diverse and how free of checkerboards they are."""

import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from galaxies.comparison import origin_text
from galaxies.data.store import View
from galaxies.display import condition_text, pictures, stretch_text
from galaxies.errors import ConfigError
from galaxies.files import reading
from galaxies.generated_images import Generated, as_networks_see, nearest_labels
from galaxies.plots import (
    MUTED,
    SEEDS_AS_POINTS,
    STYLE,
    VALIDATION,
    image_panel,
    save_figure,
    seeds_as_points,
    stamp,
)
from galaxies.scripting import run_script

CONDITIONS, SAMPLES = 2, 4  # example conditions at most, and images of each
PANELS = {"diversity": "diversity\n(real = 1)", "checkerboard": "checkerboard\nindex"}
IMAGE = 0.5  # inches
GAP = 0.15  # between blocks, of the width of an image


def main(
    view: Path, generated: list[Path], per_seed: Path, png: Path, *, trainings: list[dict], notes: list[str]
) -> None:
    """One row per generator below a row of real images, and a point per seed, see `seeds_as_points`.

    generated : from generate.py, of the first seed of each generator, in the order of `trainings`, {experiment, label}.
    per_seed : from compare_generators.py. notes : how they differ from the published ones, named below.
    Raises ConfigError if the files have no example condition.
    """
    with reading(per_seed):
        table = pd.read_csv(per_seed)
        table = table[table["part"] == "all"]
    with View(view) as packed:
        rows = [
            (
                "simulated galaxies" if packed.attributes["simulated"] else "real galaxies",
                real_examples(packed, generated[0]),
            )
        ]
        for path, training in zip(generated, trainings, strict=True):
            with Generated(path) as made:
                made.expect_view(packed)
                rows.append((training["label"], made.examples[:CONDITIONS, :SAMPLES]))
    plt.rcParams.update(STYLE)
    blocks = len(rows[0][1])
    figure = plt.figure(figsize=(7.2, IMAGE * len(rows) + 1.0), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0.02, hspace=0)
    panel = (5.7 / IMAGE - blocks * (SAMPLES + GAP)) / len(PANELS) - GAP
    widths = [*([*[1] * SAMPLES, GAP] * blocks), *([panel, GAP] * len(PANELS))][:-1]
    grid = figure.add_gridspec(len(rows), len(widths), width_ratios=widths)
    for y, (name, images) in enumerate(rows):
        for number, image in enumerate(pictures(images.reshape(-1, *images.shape[2:]), packed.channels)):
            x = number + number // SAMPLES
            axis = figure.add_subplot(grid[y, x])
            image_panel(axis, image)
            if x == 0:
                lines = "\n".join(textwrap.wrap(name, 18))
                axis.set_ylabel(lines, rotation=0, ha="right", va="center", fontsize=7)
            if y == 0 and number % SAMPLES == 0:
                title = condition_text(made.columns, made.example_conditions[number // SAMPLES]).replace(", ", ",\n")
                place = {"transform": axis.transAxes, "va": "bottom", "fontsize": 7.5}
                axis.text(0, 1.06, title, **place).set_in_layout(False)  # a title would widen the column
    for number, (quantity, text) in enumerate(PANELS.items()):
        axis = figure.add_subplot(grid[:, blocks * (SAMPLES + 1) + 2 * number])
        draw_numbers(axis, table[table["quantity"] == quantity], [training["experiment"] for training in trainings])
        axis.set_title(text, fontsize=7.5)
    dashed = "the simulated galaxies" if made.simulated else "real galaxies"
    points = f"{SEEDS_AS_POINTS} Dashed: {dashed}."
    origin = origin_text(made.simulated, notes)
    stamp(figure, f"{origin} {stretch_text(packed.channels)} Images of seed {made.seed}. {points}")
    save_figure(figure, png)


def real_examples(view: View, generated: Path) -> np.ndarray:
    """Real images (M, SAMPLES, C, S, S) that are nearest to the example conditions of a file of generated ones."""
    with Generated(generated) as made:
        if not len(made.examples):
            raise ConfigError(f"{generated}: no example condition", "set example_conditions of the paper")
        nearest = [nearest_labels(made.labels, c, SAMPLES) for c in made.example_conditions[:CONDITIONS]]
        return np.stack([as_networks_see(view.read(view.rows(made.ids[rows]))) for rows in nearest])


def draw_numbers(axis: Axes, table: pd.DataFrame, experiments: list[str]) -> None:
    """One quantity: a row per generator below the row of the real images."""
    reference = table["real"].iloc[0]
    axis.axvline(reference, color=MUTED, linewidth=0.9, linestyle="--")
    axis.plot(reference, 0, "o", color=MUTED, markersize=4)
    for y, experiment in enumerate(experiments, start=1):
        values = table.loc[table["experiment"] == experiment, "value"].to_numpy()
        seeds_as_points(axis, y, values, VALIDATION, bounds=(0, np.inf))
    shown = np.append(table["value"].to_numpy(), reference)
    # The wide intervals of few seeds may run off the axis.
    axis.set(ylim=(len(experiments) + 0.5, -0.5), yticks=[], xlim=(0, 1.1 * np.nanmax(shown)))
    axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axis.tick_params(axis="x", labelsize=7)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

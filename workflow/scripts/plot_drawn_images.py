"""Images of all generators below real ones, and how much they differ."""

import textwrap
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from galaxies.comparison import origin_text
from galaxies.field_pictures import FRAME, in_colour, reduced
from galaxies.files import reading
from galaxies.kept_images import DIVERSITY, Kept
from galaxies.plots import PAGE, image_panel, new_figure, save_figure, stamp
from galaxies.scripting import run_script

ROW = 1.45  # inches at most
REAL = "real_images"  # in the table of diversity
MOST, LABEL = 6, 1.3  # images in a row at most; width of its name in inches
FACTOR = 3  # pixels of an image along one of the figure


def main(kept: list[Path], good: Path, diversity: Path, png: Path, *, trainings: list[dict], notes: list[str]) -> None:
    """A row of training images with good scores, and one of images of each generator, as they were drawn.

    kept : from draw_images.py, of one seed of each experiment, in the order of `trainings`, each {experiment, label,
    seed}. good : from sample_good_images.py. diversity : from measure_generated.py. notes : how the trainings differ
    from the published ones.
    """
    with reading(diversity):
        table = pd.read_csv(diversity)
    alike = table[table["different"] == DIVERSITY[0]].set_index("experiment")
    with reading(good), h5py.File(good) as file:
        real, threshold = file["images"][:MOST], float(file.attrs["threshold"])
    height = min(ROW, PAGE[1] / (1 + len(kept)))
    shown = min(MOST, int((PAGE[0] - LABEL) / height))
    figure, axes = new_figure(1 + len(kept), shown, LABEL + shown * height, (1 + len(kept)) * height)
    draw_row(axes[0], real)
    for path, training, row in zip(kept, trainings, axes[1:], strict=True):
        with Kept(path) as images:
            simulated = images.simulated
            draw_row(row, images.different(DIVERSITY[0])[:shown])
            facts = [f"{images.generator_steps} steps", likeness(alike.loc[training["experiment"]])]
            name_row(row[0], training["label"], *facts)
    name_row(axes[0, 0], f"training images, score > {threshold:g}", likeness(alike.loc[REAL]))
    note = (
        "Square root of the grey levels; a pixel is the brightest of 3 x 3. Drawn at random, whether kept or not. "
        "Shared places: correlation of the squares of 8 px that are lit in two images (1: the same places, 0: "
        f"independent ones); mean over pairs and seeds. Images of seed {trainings[0]['seed']}."
    )
    stamp(figure, f"{origin_text(simulated, notes)} {note}", grow=True)
    save_figure(figure, png)


def likeness(row: pd.Series) -> str:
    """How much images of one kind have in common, in a few characters."""
    return f"shared places {round(row['shared_places'], 2) + 0.0:.2f}"  # no -0.00


def name_row(axis: Axes, label: str, *facts: str) -> None:
    """Name the images of a row, left of its first axis."""
    lines = [*textwrap.wrap(label, 22), *facts]
    axis.set_ylabel("\n".join(lines), rotation=0, ha="right", va="center", fontsize=6.5)


def draw_row(axes: np.ndarray, images: np.ndarray) -> None:
    """Images (M, S, S) side by side."""
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.grid(False)
    for axis, image in zip(axes, images, strict=False):
        small = reduced(image, FACTOR).astype(np.float64)
        image_panel(axis, in_colour((255 * np.sqrt(small / 255)).astype(np.uint8)))
        axis.spines[:].set(visible=True, color=FRAME, linewidth=0.5)  # a white image would be lost on the page


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

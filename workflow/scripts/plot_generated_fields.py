"""Images of all generators below real ones, and how much they differ."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.comparison import origin_text
from galaxies.field_pictures import FRAME, in_colour, reduced
from galaxies.files import reading
from galaxies.kept_images import DIVERSITY, Kept
from galaxies.plots import image_panel, new_figure, save_figure, stamp
from galaxies.scripting import run_script

SHOWN = 4  # images of each
REAL = "real_images"  # in the table of diversity
FACTOR = 3  # pixels of an image along one of the figure


def main(kept: list[Path], good: Path, diversity: Path, png: Path, *, trainings: list[dict]) -> None:
    """A row of training images with good scores, and one of images of each generator, as they were drawn.

    kept : from draw_images.py, of one seed of each experiment, in the order of `trainings`, each {experiment, label,
    seed, differences}. good : from sample_good_images.py. diversity : from measure_generated.py.
    """
    with reading(diversity):
        table = pd.read_csv(diversity)
    alike = table[table["different"] == DIVERSITY[0]].set_index("experiment")
    with reading(good), h5py.File(good) as file:
        real, threshold = file["images"][:SHOWN], float(file.attrs["threshold"])
    figure, axes = new_figure(1 + len(kept), SHOWN, 6.6, 1.62 * (1 + len(kept)))
    draw_row(axes[0], real)
    for path, training, row in zip(kept, trainings, axes[1:], strict=True):
        with Kept(path) as images:
            simulated = images.simulated
            draw_row(row, images.different(DIVERSITY[0])[:SHOWN])
            facts = f"{images.generator_steps} steps, {likeness(alike.loc[training['experiment']])}"
            row[0].set_ylabel(f"{training['label']}\n{facts}", fontsize=6.5)
    axes[0, 0].set_ylabel(f"training images, score > {threshold:g}\n{likeness(alike.loc[REAL])}", fontsize=6.5)
    note = (
        "Square root of the grey levels; a pixel is the brightest of 3 x 3. Drawn at random, whether kept or not. "
        "Shared places: correlation of the squares of 8 px that are lit in two images (1: the same places, 0: "
        f"independent ones); mean over pairs and seeds. Images of seed {trainings[0]['seed']}."
    )
    stamp(figure, f"{origin_text(simulated, trainings[0]['differences'])} {note}", grow=True)
    save_figure(figure, png)


def likeness(row: pd.Series) -> str:
    """How much images of one kind have in common, in a few characters."""
    return f"shared places {round(row['shared_places'], 2) + 0.0:.2f}"  # no -0.00


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

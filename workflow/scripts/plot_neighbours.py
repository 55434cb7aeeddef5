"""Generated images, each beside the training images that are nearest to it."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import SubFigure

from galaxies.comparison import origin_text
from galaxies.data.store import View
from galaxies.display import true_pictures, true_stretch_text
from galaxies.errors import DataError
from galaxies.generated_images import Generated, as_networks_see
from galaxies.neighbours import Neighbours, read_neighbours
from galaxies.plots import STYLE, image_panel, save_figure, stamp
from galaxies.scripting import run_script

IMAGE = 0.58  # inches
SPACES = {"pixels": "pixels", "features": "features of the judge"}


def main(
    view: Path,
    generated: list[Path],
    found: list[Path],
    real: Path,
    pixels: Path,
    features: Path,
    *,
    trainings: list[dict],
    shown: int,
    differences: list[str],
) -> None:
    """A block per generator, a row per generated image: it, then its nearest training images, nearest first.

    Half of the `shown` rows are images as they come, below them those of the other images that are nearest to a
    training image (morpho_gan, figure 4, has rows of the first kind); fewer rows where fewer images were compared.
    Below each image its distance over the median of the distances of training images to the nearest other one.

    found, generated : from find_neighbours.py and generate.py, in the order of `trainings`, {label, seed}. real : from
    find_neighbours.py, of training images. pixels, features : figures, by what the distance is taken of.
    """
    reference = read_neighbours(real)
    shown = min([shown, *(len(read_neighbours(path).rows) for path in found)])
    for space, png in zip(SPACES, (pixels, features), strict=True):
        plt.rcParams.update(STYLE)
        columns = 1 + reference.distances[space].shape[1]
        size = (0.5 + IMAGE * columns * len(found), 0.75 + (IMAGE + 0.13) * shown)
        figure = plt.figure(figsize=size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.012, h_pad=0.02, wspace=0, hspace=0)
        blocks = np.atleast_1d(figure.subfigures(1, len(found), wspace=0.02))
        with View(view) as packed:
            for block, path, neighbours, training in zip(blocks, generated, found, trainings, strict=True):
                own = read_neighbours(neighbours)
                draw(block, packed, path, own, space, shown, float(np.median(reference.distances[space][:, 0])))
                block.suptitle(training["label"], fontsize=9)
            note = f"{origin_text(reference.simulated, differences)} {true_stretch_text(packed.channels)}"
        seeds = sorted({training["seed"] for training in trainings})
        compared = f"{len(own.rows)} generated with {reference.training_images} training images"
        stamp(figure, f"{note} {explanation(space, compared)} Seed {', '.join(map(str, seeds))}.", grow=True)
        save_figure(figure, png)


def draw(
    block: SubFigure, view: View, generated: Path, found: Neighbours, space: str, shown: int, reference: float
) -> None:
    """The rows of one generator."""
    distances, ids = found.distances[space], found.ids[space]
    chosen = rows_shown(distances[:, 0], shown)
    with Generated(generated) as made:
        made.expect_view(view)
        if len(made.pixels) <= found.rows.max():
            raise DataError(f"{generated}: other images than those whose neighbours were sought", "run it again")
        own = true_pictures(made.read(found.rows[chosen]), view.channels)
    near = as_networks_see(view.read(view.rows(ids[chosen].ravel())))
    near = true_pictures(near, view.channels).reshape(*ids[chosen].shape, *own.shape[1:])
    axes = block.subplots(shown, 1 + ids.shape[1], squeeze=False)
    for number, (row, line) in enumerate(zip(axes, chosen, strict=True)):
        image_panel(row[0], own[number])
        for axis, picture, distance in zip(row[1:], near[number], distances[line], strict=True):
            image_panel(axis, picture)
            axis.set_xlabel(f"{distance / reference:.2f}" if reference else "", fontsize=5.5, labelpad=1)
    random = shown - shown // 2
    for number, text in ((0, "as they come"), (random, "nearest to training")):
        if number < shown:
            axes[number, 0].set_ylabel(text, fontsize=6, loc="top").set_in_layout(False)
    axes[0, 0].set_title("generated", fontsize=7)
    axes[0, 1].set_title("nearest training images", fontsize=7, loc="left").set_in_layout(False)


def rows_shown(nearest: np.ndarray, shown: int) -> np.ndarray:
    """The first rows, and as many or one fewer of the others with the smallest distance (Q,) to a training image."""
    first = np.arange(shown - shown // 2)
    rest = np.argsort(np.delete(nearest, first), kind="stable")[: shown // 2] + len(first)
    return np.concatenate([first, rest])


def explanation(space: str, compared: str) -> str:
    """What distances are of and what the numbers say."""
    text = (
        f"Distance by {SPACES[space]}, of {compared}; the number is the distance over the median distance of training "
    )
    text += "images to the nearest other one. "
    return text + "Upper half: images as they come; lower half: the nearest of the others."


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

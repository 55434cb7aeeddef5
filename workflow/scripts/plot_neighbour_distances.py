"""How near generated images are to training images, beside how near these are to one another."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from galaxies.comparison import origin_text
from galaxies.neighbours import NEAR, SPACES, Neighbours, isolation, read_neighbours
from galaxies.plots import MODEL_COLOURS, PUBLISHED, new_figure, save_figure, stamp
from galaxies.scripting import run_script

SHOWN = 0.95  # share of the training images whose distances the axis is made for
NAMES = {"pixels": "pixels", "features": "features of the judge"}


def main(real: Path, found: list[Path], png: Path, pdf: Path, *, trainings: list[dict], differences: list[str]) -> None:
    """Cumulative distributions, on a logarithmic scale so that few near copies show.

    real, found : from find_neighbours.py, of training images and of generated ones, the latter in the order of
    `trainings`, {experiment, label, seed}.
    """
    reference = read_neighbours(real)
    labels = {training["experiment"]: training["label"] for training in trainings}
    colours = dict(zip(labels, MODEL_COLOURS * len(labels), strict=False))
    figure, axes = new_figure(2, 2, 7.2, 4.7)
    for column, space in enumerate(SPACES):
        scale = float(np.median(reference.distances[space][:, 0]))
        for path, training in zip(found, trainings, strict=True):
            own, name = read_neighbours(path).distances[space], training["experiment"]
            label = labels.pop(name, None) if column == 0 else None
            draw(axes[:, column], own, scale, color=colours[name], label=label, linewidth=1.1)
        label = f"{'simulated' if reference.simulated else 'real'} galaxies" if column == 0 else None
        draw(axes[:, column], reference.distances[space], scale, color=PUBLISHED, label=label, linewidth=1.8)
        axes[0, column].set_xlim(0, 1.3 * np.quantile(reference.distances[space][:, 0], SHOWN) / (scale or 1))
        axes[0, column].set_title(f"by {NAMES[space]}", fontsize=9)
        axes[0, column].set_xlabel("distance to the nearest training image\n(median of training images = 1)")
        axes[1, column].set(xlabel="distance to nearest over second nearest", xlim=(0, 1.02))
    for axis in axes.ravel():
        axis.axhline(NEAR, color=PUBLISHED, linewidth=0.7, linestyle=":")
        axis.set(yscale="log", ylim=(0.7 / len(reference.rows), 1.2), ylabel="share of images below")
    figure.legend(loc="outside upper center", ncols=len(colours) + 1)
    stamp(figure, f"{origin_text(reference.simulated, differences)} {explanation(reference)}", grow=True)
    save_figure(figure, png, pdf)


def explanation(reference: Neighbours) -> str:
    """What lines are and where copies would be."""
    training = f"{reference.training_images} training images"
    text = (
        f"Lines: trainings; {len(reference.rows)} images or fewer of each, compared with {training}, a training image "
    )
    text += "with the others. Copies would lie to the left of the black line, most clearly in the lower panels; images "
    text += "smoother than real ones lie to its left in the upper ones. Dotted: the nearest 1 % of training images."
    return text


def draw(axes: np.ndarray, distances: np.ndarray, scale: float, **style) -> None:
    """Both quantities of some images, from their distances (Q, k)."""
    cumulative(axes[0], distances[:, 0] / scale if scale else distances[:, 0], **style)
    cumulative(axes[1], isolation(distances), **{**style, "label": None})


def cumulative(axis: Axes, values: np.ndarray, **style) -> None:
    """Share of the values at or below each of them."""
    axis.step(np.sort(values), np.arange(1, len(values) + 1) / len(values), where="post", **style)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Augmented galaxies: the network's input, and random draws of it as training sees them."""

from pathlib import Path

import h5py
import numpy as np

from galaxies.files import reading
from galaxies.plots import image_grid, new_figure, save_figure, stamp
from galaxies.scripting import run_script

GALAXIES = 4


def main(examples: Path, png: Path) -> None:
    """One row per galaxy: input on the left, draws to its right."""
    with reading(examples), h5py.File(examples) as file:
        inputs, augmented, ids = file["input"][:GALAXIES], file["augmented"][:GALAXIES], file["ids"][:GALAXIES]
        simulated = file.attrs["simulated"]
    images = np.concatenate([inputs[:, None], augmented], axis=1)
    rows, columns = images.shape[:2]
    figure, axes = new_figure(rows, columns, 7.0, 7.0 * rows / columns + 0.35)
    image_grid(axes, images)
    axes[0, 0].set_title("input", fontsize=8, pad=3)
    axes[0, 1].set_title("augmented draws", fontsize=8, pad=3, loc="left")
    for axis, galaxy in zip(axes[:, 0], ids, strict=True):
        axis.set_ylabel(str(galaxy), fontsize=7)
    origin = "Simulated galaxies" if simulated else "Real images"
    size = images.shape[2]
    stamp(
        figure, f"{origin}; {size} x {size} pixels, transformed pixels beyond the edge repeat the nearest edge pixel."
    )
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

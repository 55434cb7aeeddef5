"""Galaxies as they come: the whole frame, not augmented."""

from pathlib import Path

import h5py

from galaxies.files import reading
from galaxies.plots import image_grid, new_figure, save_figure, stamp
from galaxies.scripting import run_script


def main(examples: Path, png: Path) -> None:
    """Two rows of four galaxies of the training split, with their ids."""
    with reading(examples), h5py.File(examples) as file:
        images, ids, attributes = file["original"][:], file["ids"][:], dict(file.attrs)
    rows = len(images) // 4
    figure, axes = new_figure(rows, 4, 7.0, 1.8 * rows + 0.35)
    image_grid(axes, images[: 4 * rows].reshape(rows, 4, *images.shape[1:]))
    for axis, galaxy in zip(axes.ravel(), ids, strict=False):
        axis.set_title(str(galaxy), fontsize=7, pad=2)
    origin = "Simulated galaxies" if attributes["simulated"] else "Real images"
    stamp(figure, f"{origin}; whole frame, {attributes['frame']} x {attributes['frame']} pixels.")
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Cropped galaxies: the whole frame with the crop marked, and the crop as the network sees it."""

from pathlib import Path

import h5py
from matplotlib.patches import Rectangle

from galaxies.files import reading
from galaxies.plots import VALIDATION, image_grid, new_figure, save_figure, stamp
from galaxies.scripting import run_script

GALAXIES = 5


def main(examples: Path, png: Path) -> None:
    """Upper row: whole frames, the crop as a square. Lower row: the crops at the size of the network's input."""
    with reading(examples), h5py.File(examples) as file:
        original, cropped, ids = file["original"][:GALAXIES], file["cropped"][:GALAXIES], file["ids"][:GALAXIES]
        attributes = dict(file.attrs)
    figure, axes = new_figure(2, len(original), 7.0, 3.1)
    image_grid(axes[0], original[None])
    image_grid(axes[1], cropped[None])
    frame, crop = attributes["frame"], attributes["crop"]
    corner = (frame - crop) / 2 - 0.5
    for axis, galaxy in zip(axes[0], ids, strict=True):
        axis.add_patch(Rectangle((corner, corner), crop, crop, fill=False, edgecolor=VALIDATION, linewidth=1))
        axis.set_title(str(galaxy), fontsize=7, pad=2)
    axes[0, 0].set_ylabel(f"whole frame, {frame} px", fontsize=7)
    axes[1, 0].set_ylabel(f"crop {crop} px at {cropped.shape[1]} px", fontsize=7)
    stamp(figure, "Simulated galaxies." if attributes["simulated"] else "Real images.")
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

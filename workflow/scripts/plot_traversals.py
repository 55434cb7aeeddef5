"""What the most informative dimensions of an autoencoder's codes do to an image."""

from pathlib import Path

from galaxies.comparison import origin_text
from galaxies.examined_vae import Examined
from galaxies.field_pictures import PEAK_NOTE, peak_panel
from galaxies.plots import label_row, new_figure, save_figure, stamp
from galaxies.scripting import run_script


def main(examined: Path, png: Path, *, label: str, differences: list[str]) -> None:
    """A row per dimension, from -3 to 3 deviations of the prior; all other dimensions are 0.

    examined : from examine_vae.py.
    """
    file = Examined(examined)
    images = file.traversals[:, :, 0]
    figure, axes = new_figure(*images.shape[:2], 6.6, 0.98 * len(images))
    for line, row, dimension in zip(axes, images, file.dimensions, strict=True):
        for axis, image in zip(line, row, strict=True):
            peak_panel(axis, image)
        label_row(line[0], f"{dimension}: {file.activity[dimension]:.2g} nats")
    for axis, step in zip(axes[0], file.steps, strict=True):
        axis.set_title(f"{step:+g}" if step else "0", fontsize=7.5)
    figure.suptitle(label, fontsize=9)
    note = (
        f"{PEAK_NOTE} On the left the number of the dimension and its mean divergence for held-out images; those with "
        f"the largest are shown. Above, its value in deviations of the prior. Seed {file.seed}."
    )
    stamp(figure, f"{origin_text(file.simulated, differences)} {note}", grow=True)
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

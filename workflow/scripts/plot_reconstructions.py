"""Held-out images, and what autoencoders make of them."""

from pathlib import Path

import numpy as np

from galaxies.comparison import origin_text
from galaxies.examined_vae import Examined
from galaxies.field_pictures import PEAK_NOTE, peak_panel
from galaxies.plots import label_row, new_figure, save_figure, stamp
from galaxies.scripting import run_script


def main(examined: list[Path], png: Path, *, trainings: list[dict], notes: list[str]) -> None:
    """A row of images, and a row of reconstructions for each autoencoder, with its mean bound on all held-out images.

    examined : from examine_vae.py, of autoencoders of one view with the same held-out images, of one seed each, in the
    order of `trainings`, each {experiment, label, seed}. notes : what differs from the published settings.
    """
    files = [Examined(path) for path in examined]
    originals = files[0].shown[:, 0]
    figure, axes = new_figure(1 + len(files), len(originals), 7.2, 0.95 * (1 + len(files)))
    for axis, image in zip(axes[0], originals, strict=True):
        peak_panel(axis, image)
    label_row(axes[0, 0], "held-out images")
    for line, file, training in zip(axes[1:], files, trainings, strict=True):
        for axis, image, original in zip(line, file.reconstructed[:, 0], originals, strict=True):
            peak_panel(axis, image)
            axis.set_title(f"r = {correlation(image, original):+z.2f}", fontsize=5.5, pad=1.5)
        label_row(line[0], f"{training['label']}\n{file.negative_bound('held_out').mean():.4g} nats")
    note = (
        f"{PEAK_NOTE} Decoded from the means of the codes. r: correlation of the pixels with those of the image above. "
        f"nats: mean negative bound of all held-out images. Seed {trainings[0]['seed']}."
    )
    stamp(figure, f"{origin_text(files[0].simulated, notes)} {note}", grow=True)
    save_figure(figure, png)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, of the pixels of two images; NaN if one has no contrast."""
    a, b = (image.astype(np.float64).ravel() - image.mean(dtype=np.float64) for image in (first, second))
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm else float("nan")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

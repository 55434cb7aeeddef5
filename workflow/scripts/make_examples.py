"""A few training galaxies as the figures show them: whole, augmented, cropped."""

from pathlib import Path

import h5py
import numpy as np
import torch

from galaxies.data.augmentation import Augmentation
from galaxies.data.projections import crop_and_resize
from galaxies.data.splits import ids_of
from galaxies.data.store import View
from galaxies.datasets.gz2_kaggle.files import find
from galaxies.datasets.gz2_kaggle.images import open_images
from galaxies.files import atomic
from galaxies.scripting import run_script

GALAXIES, DRAWS = 8, 5


def main(
    folder: Path,
    view: Path,
    split: Path,
    examples: Path,
    *,
    augmentation: dict,
    crop: int,
    size: int,
    settings: dict,
    seed: int,
) -> None:
    """Write HDF5 arrays, all uint8 and channel-last, of the first galaxies of the training split.

    original (G, frame, frame, 3); input (G, S, S, 3), the whole frame at the size of `view`; augmented (G, D, S, S, 3),
    random draws from `input` with the training's augmentation; cropped (G, size, size, 3), the centre crop of `crop`
    pixels. Attributes say crop, frame and whether the images are simulated. folder, settings : of gz2_kaggle, as in
    prepare_catalogue.py.
    """
    ids = ids_of(split, "train")[:GALAXIES]
    with open_images(find(folder, settings), settings) as images:
        loaded = [images.load(galaxy) for galaxy in ids]
    with View(view) as packed:
        inputs = packed.read(packed.rows(ids))
        simulated = bool(packed.attributes["simulated"])
    with atomic(examples) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({"crop": crop, "frame": settings["frame"], "simulated": simulated})
        file["ids"] = ids
        file["original"] = np.stack(loaded)
        file["input"] = inputs.transpose(0, 2, 3, 1)
        file["augmented"] = draw_augmented(inputs, augmentation, seed)
        file["cropped"] = np.stack([crop_and_resize(image, crop, size) for image in loaded])


def draw_augmented(images: np.ndarray, augmentation: dict, seed: int) -> np.ndarray:
    """Random draws (G, DRAWS, S, S, 3) uint8 of images (G, 3, S, S) uint8."""
    generator = torch.Generator().manual_seed(seed)
    augment = Augmentation(**augmentation)
    batch = torch.from_numpy(images).float() / 255
    draws = torch.stack([augment(batch, generator) for _ in range(DRAWS)], dim=1)
    return (draws * 255).round().clamp(0, 255).byte().permute(0, 1, 3, 4, 2).numpy()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

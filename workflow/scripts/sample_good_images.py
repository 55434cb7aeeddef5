"""Some training images with good scores, as they are on disk: what generated images are compared with."""

import json
from pathlib import Path

import h5py
import numpy as np

from galaxies.data.catalogue import read_catalogue
from galaxies.files import atomic, reading
from galaxies.registry import named_module
from galaxies.scripting import run_script
from galaxies.true_scores import good_images

COUNT = 100
SEED = 0  # of their choice


def main(
    split: Path,
    catalogue: Path,
    provenance: Path,
    images: Path,
    *,
    train_on: list[str],
    folder: Path,
    layout: str,
    settings: dict,
) -> None:
    """Write images of the training set above the 20th percentile of the scores, drawn at random, to HDF5.

    train_on : sets of the split. provenance : of the data set. folder, layout, settings : of its images, as in
    pack_view.py. images : `images` uint8 (M, S, S), `ids` int64 (M,), `scores` float64 (M,); attributes `threshold`,
    the score that all exceed, and `simulated`. M is 100, or as many as there are.
    """
    with reading(provenance):
        simulated = bool(json.loads(provenance.read_text(encoding="utf-8"))["simulated"])
    good, threshold, scores = good_images(read_catalogue(catalogue), split, train_on)
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(good))[:COUNT])
    files = named_module(f"datasets.{layout}", "files").find(folder, settings)
    with named_module(f"datasets.{layout}", "images").open_images(files, settings) as source:
        pixels = np.stack([np.asarray(source.load(image)) for image in good[chosen]])
    with atomic(images) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("images", data=pixels, chunks=(1, *pixels.shape[1:]), compression="gzip", fletcher32=True)
        file["ids"], file["scores"] = good[chosen], scores[chosen]
        file.attrs.update({"threshold": threshold, "simulated": simulated})


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

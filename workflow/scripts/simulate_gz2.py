"""Simulate a stand-in for the Galaxy Zoo 2 images and votes: the published layout, with drawn galaxies."""

from pathlib import Path

from galaxies.data.simulate_gz2 import simulate_gz2
from galaxies.scripting import run_script


def main(images: Path, solutions: Path, *, number: int, seed: int, threads: int) -> None:
    """Write the folder `images` (images_training_rev1) and the table `solutions` with `number` galaxies."""
    simulate_gz2(images, solutions, number=number, seed=seed, threads=threads)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

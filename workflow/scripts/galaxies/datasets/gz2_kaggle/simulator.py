"""Simulated stand-in for the Galaxy Zoo 2 images and votes of the Kaggle "Galaxy Zoo - The Galaxy Challenge".

Picture and votes of image `i` depend on (seed, i) alone, so any number of processes writes the same files.
"""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import galsim
import numpy as np
import pandas as pd
from PIL import Image

from galaxies.data.images import SIMULATED
from galaxies.data.simulation import make_empty_folder, simulated_chunks
from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS
from galaxies.datasets.gz2_kaggle.files import ID_COLUMN, IMAGES, SOLUTIONS
from galaxies.datasets.gz2_kaggle.morphology import draw_galaxy
from galaxies.datasets.gz2_kaggle.rendering import encode_jpeg, render
from galaxies.datasets.gz2_kaggle.votes import answer_probabilities, cast_votes
from galaxies.errors import DataError
from galaxies.files import atomic

FIRST_ID = 100_000
CAPACITY = 900_000
"""Ids have six digits, as in the published files, so one seed has no more images than this."""


@dataclass(frozen=True)
class SimulatedGalaxy:
    """One image and its labels.

    image : uint8 (424, 424, 3), RGB. votes : float64 (37,), cumulative fractions in the order of
    `decision_tree.COLUMNS`. morphology : kind of the drawn object, a key of `morphology.KINDS`.
    """

    galaxy_id: int
    image: np.ndarray
    votes: np.ndarray
    morphology: str


def galaxy_id(seed: int, index: int) -> int:
    """Six-digit id of image `index` in [0, 900000): unique for a seed, and in no order, as the published ids."""
    rng = np.random.default_rng(seed)
    # An affine map modulo 900000 = 2^5 3^2 5^5 is one-to-one if its factor is coprime to 30.
    factor = next(f for f in iter(lambda: int(rng.integers(1, CAPACITY)), 0) if math.gcd(f, CAPACITY) == 1)
    return FIRST_ID + (factor * index + int(rng.integers(CAPACITY))) % CAPACITY


def simulate_galaxy(seed: int, index: int) -> SimulatedGalaxy:
    """Image `index` of the simulated survey `seed` with its votes."""
    morphology, votes, pixels = (
        np.random.default_rng(child) for child in np.random.SeedSequence((seed, index)).spawn(3)
    )
    galaxy = draw_galaxy(morphology)
    return SimulatedGalaxy(
        galaxy_id=galaxy_id(seed, index),
        image=render(galaxy, pixels),
        votes=cast_votes(answer_probabilities(galaxy, votes), votes),
        morphology=galaxy.kind,
    )


def simulate(folder: Path, *, images: int, seed: int, threads: int) -> None:
    """Write `images` simulated galaxies into `folder` in the published layout.

    These are the folder images_training_rev1 with `<GalaxyID>.jpg` and the table training_solutions_rev1.csv, which is
    sorted by id and written last, whole or not at all. `threads` processes share the work.
    Raises DataError for a number that is not in [1, 900000], a negative seed, less than one thread, or a folder that
    holds files already.
    """
    if not 1 <= images <= CAPACITY:
        raise DataError(f"number of simulated images is {images}, expected 1 to {CAPACITY}", "six-digit ids are unique")
    if seed < 0:
        raise DataError(f"seed of the simulation is {seed}, expected 0 or more")
    make_empty_folder(folder)
    pictures = folder / IMAGES
    pictures.mkdir()
    rows: dict[int, np.ndarray] = {}
    for votes in simulated_chunks(functools.partial(_write_chunk, pictures, seed), images, threads):
        rows.update(votes)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).sort_index().rename_axis(ID_COLUMN)
    with atomic(folder / f"{SOLUTIONS}.csv") as temporary:
        table.to_csv(temporary, float_format="%.9g")


def _write_chunk(folder: Path, seed: int, indices: range) -> dict[int, np.ndarray]:
    galsim.set_omp_threads(1)
    votes = {}
    for index in indices:
        galaxy = simulate_galaxy(seed, index)
        picture = Image.fromarray(galaxy.image)
        (folder / f"{galaxy.galaxy_id}.jpg").write_bytes(encode_jpeg(picture, comment=SIMULATED))
        votes[galaxy.galaxy_id] = galaxy.votes
    return votes

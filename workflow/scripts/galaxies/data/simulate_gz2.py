"""Simulated stand-in for the Galaxy Zoo 2 images and votes of the Kaggle "Galaxy Zoo - The Galaxy Challenge".

Picture and votes of image `i` depend on (seed, i) alone, so any number of processes writes the same files.
"""

import logging
import math
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import galsim
import numpy as np
import pandas as pd
from PIL import Image

from galaxies.data.gz2 import COLUMNS
from galaxies.data.gz2_morphology import draw_galaxy
from galaxies.data.gz2_rendering import encode_jpeg, render
from galaxies.data.gz2_votes import answer_probabilities, cast_votes
from galaxies.data.images import SIMULATED
from galaxies.errors import DataError
from galaxies.files import atomic

logger = logging.getLogger(__name__)

FIRST_ID = 100_000
CAPACITY = 900_000
"""Ids have six digits, as in the published files, so one seed has no more images than this."""

_CHUNK = 16  # images per task: long enough to hide the cost of a task, short enough for progress lines
_REPORT_EVERY = 10.0  # seconds


@dataclass(frozen=True)
class SimulatedGalaxy:
    """One image and its labels.

    image : uint8 (424, 424, 3), RGB. votes : float64 (37,), cumulative fractions in the order of
    `galaxies.data.gz2.COLUMNS`. morphology : kind of the drawn object, a key of `gz2_morphology.KINDS`.
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


def simulate_gz2(images: Path, solutions: Path, *, number: int, seed: int, threads: int) -> None:
    """Write `number` simulated galaxies: the folder `images` with `<GalaxyID>.jpg`, and the table `solutions`.

    `threads` processes share the work. The table, sorted by id, is written last, whole or not at all.
    Raises DataError for a number that is not in [1, 900000], a negative seed, less than one thread, or a folder that
    holds files already.
    """
    if not 1 <= number <= CAPACITY:
        raise DataError(f"number of simulated images is {number}, expected 1 to {CAPACITY}", "six-digit ids are unique")
    if seed < 0:
        raise DataError(f"seed of the simulation is {seed}, expected 0 or more")
    if threads < 1:
        raise DataError(f"number of threads is {threads}, expected 1 or more")
    images.mkdir(parents=True, exist_ok=True)
    if any(images.iterdir()):
        raise DataError(f"{images}: the folder for the simulated images is not empty", "remove it or name another one")
    rows: dict[int, np.ndarray] = {}
    start = reported = time.monotonic()
    for chunk in _simulate_chunks(images, number, seed, threads):
        rows.update(chunk)
        now = time.monotonic()
        if now - reported >= _REPORT_EVERY or len(rows) == number:
            rate = len(rows) / (now - start)
            left = (number - len(rows)) / rate
            logger.info("Simulated %d of %d galaxies, %.1f images/s, %.0f s left", len(rows), number, rate, left)
            reported = now
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).sort_index().rename_axis("GalaxyID")
    with atomic(solutions) as temporary:
        table.to_csv(temporary, float_format="%.9g")


def _simulate_chunks(images: Path, number: int, seed: int, threads: int) -> Iterator[dict[int, np.ndarray]]:
    """Id -> votes of each finished chunk of images, in no fixed order."""
    chunks = (range(first, min(first + _CHUNK, number)) for first in range(0, number, _CHUNK))
    if threads == 1:
        yield from (_write_chunk(images, seed, chunk) for chunk in chunks)
        return
    # Fresh interpreters: a forked one would inherit the locks of the parent's numerical threads.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(threads, mp_context=context, initializer=_one_thread) as pool:
            pending: set[Future] = set()
            for chunk in chunks:
                pending.add(pool.submit(_write_chunk, images, seed, chunk))
                if len(pending) >= 3 * threads:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
    except BrokenProcessPool as error:
        raise DataError(
            "a simulating process was killed, most likely for lack of memory", "give the job more memory or fewer cores"
        ) from error


def _one_thread() -> None:
    galsim.set_omp_threads(1)


def _write_chunk(images: Path, seed: int, indices: range) -> dict[int, np.ndarray]:
    votes = {}
    for index in indices:
        galaxy = simulate_galaxy(seed, index)
        picture = Image.fromarray(galaxy.image)
        (images / f"{galaxy.galaxy_id}.jpg").write_bytes(encode_jpeg(picture, comment=SIMULATED))
        votes[galaxy.galaxy_id] = galaxy.votes
    return votes

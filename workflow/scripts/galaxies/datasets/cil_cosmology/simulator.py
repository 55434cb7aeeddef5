"""Simulated stand-in for the cosmology images of the ETH course competition, in the published layout.

Image `i` of a set and its score depend on (seed, set, i) alone, so any number of processes writes the same files.
"""

import math
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galaxies.data.images import SIMULATED
from galaxies.data.simulation import make_empty_folder, simulated_chunks
from galaxies.datasets.cil_cosmology.fields import draw_exposure, draw_noise_exposure, render
from galaxies.datasets.cil_cosmology.files import QUERY_TRUTH
from galaxies.datasets.cil_cosmology.pictures import render_picture
from galaxies.datasets.cil_cosmology.scores import Frame, draw_frame, draw_labeled_score, draw_score
from galaxies.errors import DataError
from galaxies.files import atomic

FIRST_ID, LAST_ID = 1_002_900, 9_999_837
"""Smallest and largest id of the published images."""

# Folder of each set -> table of its labels or scores. Nobody published the scores of the query images.
_TABLES = {"labeled": "labeled.csv", "scored": "scored.csv", "query": QUERY_TRUTH}
_SETS = tuple(_TABLES)

CAPACITY = (LAST_ID - FIRST_ID + 1) // len(_SETS)
"""One set has no more images than this, so that ids are unique over all sets."""

_LABELED_PER_JUNK = 6  # of six labelled images one shows no star field, as in the published table: 200 of 1200


def simulate(folder: Path, *, labeled: int, scored: int, query: int, seed: int, threads: int) -> None:
    """Write simulated images and tables to `folder`, which is made if it is missing.

    The layout is the published one: `labeled/<Id>.png`, `scored/<Id>.png`, `query/<Id>.png`, and `labeled.csv` and
    `scored.csv` with the columns Id and Actual, in no order. `query_truth.csv` has the scores of the query images,
    which the published data keep secret. `labeled`, `scored` and `query` are numbers of images; `threads` processes
    share the work. The tables are written last, each whole or not at all.

    Raises
    ------
    DataError
        A number is negative or too large, all are 0, the seed is negative, there is less than one thread, or the
        folder holds files already.
    """
    folder = Path(folder)
    numbers = {"labeled": labeled, "scored": scored, "query": query}
    _check(numbers, seed, threads)
    make_empty_folder(folder)
    for name in numbers:
        (folder / name).mkdir()
    rows: dict[tuple[str, int], tuple[int, str]] = {}
    for chunk in simulated_chunks(partial(_write_images, folder, seed, numbers), sum(numbers.values()), threads):
        rows.update(chunk)
    for name, number in numbers.items():
        if name == "query" and not number:
            continue  # the table of their scores is no part of the published layout
        # Shuffled, because junk is spread evenly over the indices of the labelled images, and a reader may not know.
        places = _generator(seed, name, 0, "rows").permutation(number)
        table = pd.DataFrame([rows[name, index] for index in places], columns=["Id", "Actual"])
        with atomic(folder / _TABLES[name]) as temporary:
            table.to_csv(temporary, index=False)


def image_id(seed: int, name: str, index: int) -> int:
    """Seven-digit id of image `index` of the set `name`: unique for a seed, and in no order, as the published ids."""
    size = LAST_ID - FIRST_ID + 1
    rng = np.random.default_rng(seed)
    # An affine map modulo `size` is one-to-one if its factor is coprime to it.
    factor = next(f for f in iter(lambda: int(rng.integers(1, size)), 0) if math.gcd(f, size) == 1)
    return FIRST_ID + (factor * (len(_SETS) * index + _SETS.index(name)) + int(rng.integers(size))) % size


def simulated_score(seed: int, name: str, index: int) -> float:
    """Score of image `index` of the set `name`, 0.000059 to 6.25; in `labeled` five of six are those of star fields."""
    rng = _generator(seed, name, index, "score")
    if name != "labeled":
        return draw_score(rng)
    return draw_labeled_score(_is_galaxy(seed, index), rng)


def simulate_image(seed: int, name: str, index: int) -> np.ndarray:
    """Image `index` of the set `name`, uint8 (1000, 1000)."""
    score, rng = simulated_score(seed, name, index), _generator(seed, name, index, "image")
    frame = draw_frame(score, rng)
    if frame is Frame.PICTURE:
        return render_picture(rng)
    return render(
        draw_noise_exposure(score, rng) if frame is Frame.NOISE else draw_exposure(score, frame.value, rng), rng
    )


def _check(numbers: dict[str, int], seed: int, threads: int) -> None:
    for name, number in numbers.items():
        if not 0 <= number <= CAPACITY:
            raise DataError(
                f"number of simulated images of the set {name!r} is {number}, expected 0 to {CAPACITY}",
                "ids have seven digits and are unique",
            )
    if not any(numbers.values()):
        raise DataError("all three sets have 0 images, expected at least one image to simulate")
    if seed < 0:
        raise DataError(f"seed of the simulation is {seed}, expected 0 or more")
    if threads < 1:
        raise DataError(f"number of threads is {threads}, expected 1 or more")


def _write_images(
    folder: Path, seed: int, numbers: dict[str, int], positions: range
) -> dict[tuple[str, int], tuple[int, str]]:
    """Write images by their positions in the sequence of all sets: (set, index) -> id and entry of the table."""
    rows = {}
    for name, index in _images_at(numbers, positions):
        identity = image_id(seed, name, index)
        _write_png(folder / name / f"{identity}.png", simulate_image(seed, name, index))
        rows[name, index] = identity, _entry(seed, name, index)
    return rows


def _images_at(numbers: dict[str, int], positions: range) -> list[tuple[str, int]]:
    first, images = 0, []
    for name, number in numbers.items():
        images += [(name, position - first) for position in positions if first <= position < first + number]
        first += number
    return images


def _entry(seed: int, name: str, index: int) -> str:
    if name == "labeled":
        return "1.0" if _is_galaxy(seed, index) else "0.0"
    return f"{simulated_score(seed, name, index):.12f}"  # so many decimals that no two scores are equal


def _is_galaxy(seed: int, index: int) -> bool:
    block, place = divmod(index, _LABELED_PER_JUNK)
    return place != _generator(seed, "labeled", block, "label").integers(_LABELED_PER_JUNK)


def _generator(seed: int, name: str, index: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng((seed, _SETS.index(name), index, ("score", "image", "label", "rows").index(purpose)))


def _write_png(path: Path, image: np.ndarray) -> None:
    comment = PngInfo()
    comment.add_text("Comment", SIMULATED.decode())
    # Run lengths alone pack a dark field as well as a full search does, and a noisy one five times faster.
    Image.fromarray(image).save(path, "PNG", pnginfo=comment, compress_level=6, compress_type=zlib.Z_RLE)

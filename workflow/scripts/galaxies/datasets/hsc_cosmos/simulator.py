"""Simulated stand-in for the data set `hsc_cosmos`: the published files, with drawn galaxies.

Image, identifier and catalogue rows of galaxy `i` depend on (seed, i) alone, so any number of processes writes the
same files.
"""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import galsim
import numpy as np
import pandas as pd

from galaxies.data.simulation import make_empty_folder, simulated_chunks
from galaxies.datasets.hsc_cosmos.files import CATALOGUE, IDS, IMAGES
from galaxies.datasets.hsc_cosmos.population import draw_field_galaxy, draw_target
from galaxies.datasets.hsc_cosmos.rendering import render
from galaxies.datasets.hsc_cosmos.survey import BANDS, SIDE, stretch
from galaxies.errors import DataError
from galaxies.files import atomic

FIRST_ID, LAST_ID = 43158176442374224, 43159155694917496
"""Smallest and largest of the published identifiers."""
CAPACITY = 100_000
"""One seed has no more images than this."""

# Rows of the catalogue that have no image, per image. Published: 2000 selected identifiers, 1866 of them with images.
_WITHOUT_IMAGE = 134 / 1866
_DUPLICATES = 0.04  # share of identifiers that a second object of the catalogue has too
_NOT_SELECTED = 0.5  # objects that failed the pre-selection; the published share is unknown
_FIELD_DEPTH = 25.0  # i magnitude of the faintest of them

_SHAPE = (len(BANDS), SIDE, SIDE)
_ID_STRIDE = (LAST_ID - FIRST_ID) // CAPACITY


@dataclass(frozen=True)
class SimulatedGalaxy:
    """One image with its labels.

    flux : float64 (3, 50, 50), g, i, y, counts per pixel. photo_z, log_mass : the labels. rows : the catalogue's rows
    of this galaxy and of objects near it, each with `order` in [0, 1), its place in the catalogue.
    """

    hsc_id: int
    flux: np.ndarray
    photo_z: float
    log_mass: float
    rows: list[dict]


def simulate_galaxy(seed: int, index: int) -> SimulatedGalaxy:
    """Galaxy `index`, from 0, of the simulated survey `seed`."""
    population, pixels, catalogue = (
        np.random.default_rng(child) for child in np.random.SeedSequence((seed, index)).spawn(3)
    )
    target = draw_target(population)
    # Room for the identifiers of this galaxy and of two others, in ascending order.
    ids = FIRST_ID + _ID_STRIDE * index + np.sort(catalogue.choice(_ID_STRIDE, 3, replace=False))
    return SimulatedGalaxy(
        hsc_id=int(ids[0]),
        flux=render(target.galaxy, pixels),
        photo_z=target.photo_z,
        log_mass=target.log_mass,
        rows=_catalogue_rows(ids, index, (target.photo_z, target.log_mass), catalogue),
    )


def _catalogue_rows(ids: np.ndarray, index: int, labels: tuple[float, float], rng: np.random.Generator) -> list[dict]:
    order = rng.random()
    rows = [_row(ids[0], labels, True, order)]
    if rng.random() < _DUPLICATES:
        # A second COSMOS object at the same place. A selected one comes later, because the first is kept.
        selected = rng.random() < 0.5
        after = order + (1 - order) * rng.random()
        rows.append(_row(ids[0], _field_labels(rng), selected, after if selected else order * rng.random()))
    # Exact shares for any number of images: a row more each time that the product passes a whole number.
    if int((index + 1) * _WITHOUT_IMAGE) > int(index * _WITHOUT_IMAGE):
        target = draw_target(rng)
        rows.append(_row(ids[1], (target.photo_z, target.log_mass), True, rng.random()))
    if int((index + 1) * _NOT_SELECTED) > int(index * _NOT_SELECTED):
        rows.append(_row(ids[2], _field_labels(rng), False, rng.random()))
    return rows


def _row(hsc_id: int, labels: tuple[float, float], selected: bool, order: float) -> dict:
    photo_z, log_mass = labels
    return {"HSC_id": int(hsc_id), "selected": selected, "photo_z": photo_z, "log_mass": log_mass, "order": order}


def _field_labels(rng: np.random.Generator) -> tuple[float, float]:
    _, redshift, mass = draw_field_galaxy(_FIELD_DEPTH, rng)
    return redshift, mass


def simulate(folder: Path, *, images: int, seed: int, threads: int) -> None:
    """Write `images` simulated galaxies into `folder`, which is made if it is missing, in the published layout.

    HSC_ids.npy : int64 (N,), strictly increasing, in the range of the published ones.
    images.small.npy : float32 (N, 3, 50, 50), bands g, i, y, in the order of HSC_ids.npy; values as
    `survey.stretch` makes them, log10 of counts per pixel (zero point 27 mag) where the sky does not dominate.
    2018_02_23-all_objects.csv : a row per COSMOS object with HSC_id (not unique), COSMOS_id (unique), selected,
    photo_z, log_mass (log10 solar masses), simulated (True). Of the selected HSC_ids 134 in 2000 have no image.

    `threads` processes share the work. No file has its name before all are written.

    Raises
    ------
    DataError
        `images` is not in [1, 100000], `seed` is negative, `threads` is less than 1, or `folder` is not empty.
    """
    _check(images, seed, threads)
    make_empty_folder(folder)
    rows: list[dict] = []
    ids = np.empty(images, dtype=np.int64)
    with (
        atomic(folder / CATALOGUE) as catalogue_file,
        atomic(folder / IDS) as ids_file,
        atomic(folder / IMAGES) as images_file,
    ):
        with images_file.open("wb") as file:
            # Not a memory map: on a full disk that ends the process without a message.
            header = {"descr": "<f4", "fortran_order": False, "shape": (images, *_SHAPE)}
            np.lib.format.write_array_header_1_0(file, header)
            first_image = file.tell()
            for chunk in simulated_chunks(functools.partial(_simulate_chunk, seed), images, threads):
                file.seek(first_image + chunk.indices.start * 4 * math.prod(_SHAPE))
                file.write(chunk.pictures.tobytes())
                ids[chunk.indices] = chunk.ids
                rows += chunk.rows
        np.save(ids_file, ids)
        _catalogue(rows).to_csv(catalogue_file, index=False, float_format="%.9g")


def _check(images: int, seed: int, threads: int) -> None:
    if not 1 <= images <= CAPACITY:
        raise DataError(
            f"number of simulated images is {images}, expected 1 to {CAPACITY}",
            "identifiers lie in the range of the published ones and are unique",
        )
    if seed < 0:
        raise DataError(f"seed of the simulation is {seed}, expected 0 or more")
    if threads < 1:
        raise DataError(f"number of threads is {threads}, expected 1 or more")


@dataclass(frozen=True)
class _Chunk:
    """Images `indices`: pictures float32 (n, 3, 50, 50), ids int64 (n,), rows of the catalogue."""

    indices: slice
    pictures: np.ndarray
    ids: np.ndarray
    rows: list[dict]


def _simulate_chunk(seed: int, indices: range) -> _Chunk:
    galsim.set_omp_threads(1)  # the processes share the cores already
    galaxies = [simulate_galaxy(seed, index) for index in indices]
    return _Chunk(
        indices=slice(indices.start, indices.stop),
        pictures=np.stack([stretch(galaxy.flux) for galaxy in galaxies]).astype("<f4"),
        ids=np.array([galaxy.hsc_id for galaxy in galaxies]),
        rows=[row for galaxy in galaxies for row in galaxy.rows],
    )


def _catalogue(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows).sort_values(["order", "HSC_id"], ignore_index=True)
    table["COSMOS_id"] = np.arange(1, len(table) + 1)
    table["simulated"] = True
    return table[["HSC_id", "COSMOS_id", "selected", "photo_z", "log_mass", "simulated"]]

"""Nearest neighbours among many images or feature vectors, and whether generated images are copies of them.

The distance of two images, or of two feature vectors, is the root of their mean squared difference over all values.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from scipy.special import betaincinv
from scipy.stats import hypergeom

from galaxies.files import reading

SPACES = ("pixels", "features")
"""What distances are taken of: the images as networks see them, or a judge's features."""
NEAR = 0.01
"""Share of the real images that are nearest to another one: what lies nearer than these counts as a near copy."""


class Neighbours(NamedTuple):
    """A file of find_neighbours.py.

    rows : int64 (Q,), rows of the images in their file. distances, ids : by space, float64 and int64 (Q, k), of the
    nearest training images, nearest first; for training images themselves, of the others. training_images : their
    number. view_sha256 : of the pixels of the view that they are from.
    """

    rows: np.ndarray
    distances: dict[str, np.ndarray]
    ids: dict[str, np.ndarray]
    training_images: int
    simulated: bool
    view_sha256: str


def read_neighbours(path: Path) -> Neighbours:
    """The content of a file of find_neighbours.py. Raises DataError if it is damaged or no such file."""
    with reading(path), h5py.File(path, "r") as file:
        distances, ids = ({space: file[space][name][:] for space in SPACES} for name in ("distances", "ids"))
        rows, attributes = file["rows"][:], file.attrs
        if any(len(values) != len(rows) for values in (*distances.values(), *ids.values())):
            raise ValueError("its arrays have different lengths")
        training_images, simulated = int(attributes["training_images"]), bool(attributes["simulated"])
        return Neighbours(rows, distances, ids, training_images, simulated, str(attributes["view_sha256"]))


def nearest(
    queries: np.ndarray, ids: np.ndarray, others: Iterable[tuple[np.ndarray, np.ndarray]], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distances float64 (N, count) and ids int64 of the nearest among `others`, nearest first.

    queries : images or features (N, ...). others : blocks of ids (B,) and images or features (B, ...). ids : (N,), a
    query's own id, which is left out among the others; -1 for one that none of them can be. Equal distances keep the
    order of `others`. Infinity and -1 where there are fewer than `count`.
    """
    flat = queries.reshape(len(queries), -1).astype(np.float64)
    squares = np.einsum("np,np->n", flat, flat)
    best = np.full((len(flat), count), np.inf)
    found = np.full((len(flat), count), -1, dtype=np.int64)
    for other_ids, block in others:
        other = block.reshape(len(block), -1).astype(np.float64)
        squared = squares[:, None] + np.einsum("np,np->n", other, other) - 2 * (flat @ other.T)
        squared[ids[:, None] == other_ids] = np.inf
        candidates = np.hstack([best, np.maximum(squared, 0)])
        names = np.hstack([found, np.broadcast_to(other_ids, squared.shape)])
        order = np.argsort(candidates, axis=1, kind="stable")[:, :count]
        best, found = (np.take_along_axis(values, order, axis=1) for values in (candidates, names))
    return np.sqrt(best / flat.shape[1]), np.where(np.isfinite(best), found, -1)


def isolation(distances: np.ndarray) -> np.ndarray:
    """Distance (N,) to the nearest neighbour over that to the second nearest, of distances (N, 2 or more).

    Near 0 for a copy; unlike a distance, it does not depend on how sharp or noisy an image is. 1 where both are 0.
    """
    first, second = distances[:, 0], distances[:, 1]
    return np.divide(first, second, out=np.ones(len(first)), where=second > 0)


class NearCopies(NamedTuple):
    """share : of generated images that are nearer to a training image than the nearest 1 % of real ones to another.
    ci95_low, ci95_high : exact interval of that share for this threshold (Clopper & Pearson 1934). p_value : one-sided,
    of so many or more."""

    share: float
    ci95_low: float
    ci95_high: float
    p_value: float


def near_copies(generated: np.ndarray, real: np.ndarray) -> NearCopies:
    """Whether more generated images are near copies than chance allows, from values (N,) and (M,) that are small for
    copies: the distance to the nearest training image, or `isolation`.

    If a generator draws from the distribution of the real images and knows nothing more of those that it was trained
    on, the values of generated images and those of real images, each of which is left out of the training images, are
    exchangeable, save that the latter have one image less to be near to. Then the number of generated values below the
    r-th smallest real one, r = 1 % of M, is negative hypergeometric, whatever the distribution; the p-value is exact
    for independent values. Equal values count as not nearer.
    """
    rank = max(1, int(NEAR * len(real)))
    count = int((generated < np.partition(real, rank - 1)[rank - 1]).sum())
    total = len(generated)
    low = betaincinv(count, total - count + 1, 0.025) if count else 0.0
    high = betaincinv(count + 1, total - count, 0.975) if count < total else 1.0
    # So many generated values are below the rank-th real one if fewer than `rank` real ones are among the first values.
    p_value = hypergeom.cdf(rank - 1, total + len(real), len(real), count + rank - 1)
    return NearCopies(count / total, float(low), float(high), float(p_value))

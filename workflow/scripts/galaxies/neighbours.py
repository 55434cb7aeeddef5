"""Nearest neighbours among many images or feature vectors, and whether generated images are copies of them.

The distance of two images, or of two feature vectors, is the root of their mean squared difference over all values.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from scipy.special import betaincinv
from scipy.stats import betabinom

from galaxies.files import reading

SPACES = ("pixels", "features")
"""What distances are taken of: the images as networks see them, or a judge's features."""
NEAR = 0.01
"""Share of the real images that are nearest to another one: what lies nearer than these counts as a near copy."""
LEVEL, POWER = 0.05, 0.8
"""Level of the test for copies, and the probability of finding a detectable share of them."""
ROUNDING = 1e-13  # of the squares that a squared distance is the difference of: what is smaller is 0


class Neighbours(NamedTuple):
    """A file of find_neighbours.py.

    rows, own_ids : int64 (Q,), rows of the images in their file and their ids, -1 for generated ones. distances, ids :
    by space, float64 and int64 (Q, k), of the nearest training images, nearest first; for training images themselves,
    of the others. training_images : their number. view_sha256 : of the pixels of the view that they are from.
    judge_sha256 : of the judge whose features were compared.
    """

    rows: np.ndarray
    own_ids: np.ndarray
    distances: dict[str, np.ndarray]
    ids: dict[str, np.ndarray]
    training_images: int
    simulated: bool
    view_sha256: str
    judge_sha256: str


def read_neighbours(path: Path) -> Neighbours:
    """The content of a file of find_neighbours.py. Raises DataError if it is damaged or no such file."""
    with reading(path), h5py.File(path, "r") as file:
        distances, ids = ({space: file[space][name][:] for space in SPACES} for name in ("distances", "ids"))
        rows, own_ids, attributes = file["rows"][:], file["own_ids"][:], file.attrs
        if any(len(values) != len(rows) for values in (own_ids, *distances.values(), *ids.values())):
            raise ValueError("its arrays have different lengths")
        training_images, simulated = int(attributes["training_images"]), bool(attributes["simulated"])
        digests = (str(attributes[f"{of}_sha256"]) for of in ("view", "judge"))
        return Neighbours(rows, own_ids, distances, ids, training_images, simulated, *digests)


def nearest(
    queries: np.ndarray, ids: np.ndarray, others: Iterable[tuple[np.ndarray, np.ndarray]], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distances float64 (N, count) and ids int64 of the nearest among `others`, nearest first.

    queries : images or features (N, ...). others : blocks of ids (B,) and images or features (B, ...). ids : (N,), a
    query's own id, which is left out among the others; -1 for one that none of them can be. Equal distances keep the
    order of `others`; those of equal images are 0. Infinity and -1 where there are fewer than `count`.
    """
    flat = queries.reshape(len(queries), -1).astype(np.float64)
    squares = np.einsum("np,np->n", flat, flat)
    best = np.full((len(flat), count), np.inf)
    found = np.full((len(flat), count), -1, dtype=np.int64)
    for other_ids, block in others:
        other = block.reshape(len(block), -1).astype(np.float64)
        sums = squares[:, None] + np.einsum("np,np->n", other, other)
        squared = sums - 2 * (flat @ other.T)
        squared[squared < ROUNDING * sums] = 0
        squared[ids[:, None] == other_ids] = np.inf
        candidates = np.hstack([best, squared])
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


def mutual_pairs(own_ids: np.ndarray, nearest_ids: np.ndarray) -> np.ndarray:
    """Names (N,) of images of ids (N,) that are all different, one name for two that are nearest to each other."""
    order = np.argsort(own_ids)
    place = order[np.searchsorted(own_ids, nearest_ids, sorter=order).clip(max=len(own_ids) - 1)]
    mutual = (own_ids[place] == nearest_ids) & (nearest_ids[place] == own_ids)
    return np.where(mutual, np.minimum(own_ids, nearest_ids), own_ids)


class NearCopies(NamedTuple):
    """share : of generated images that are nearer to a training image than the nearest 1 % of real ones to another.
    ci95_low, ci95_high : exact interval of that share for this threshold (Clopper & Pearson 1934). p_value : one-sided,
    of so many or more. detectable_share : smallest share of exact copies that the test finds at the level of 5 % with a
    probability of 80 %, NaN if it cannot find any. below_all_real : number of generated values below all real ones."""

    share: float
    ci95_low: float
    ci95_high: float
    p_value: float
    detectable_share: float
    below_all_real: int


def near_copies(generated: np.ndarray, real: np.ndarray, pairs: np.ndarray) -> NearCopies:
    """Whether more generated images are near copies than chance allows, from values (N,) and (M,) that are small for
    copies: the distance to the nearest training image, or `isolation`. pairs : (M,), of `mutual_pairs`.

    If a generator draws from the distribution of the real images and knows nothing more of those that it was trained
    on, the values of generated images and those of real images, each of which is left out of the training images, have
    the same distribution, save that the latter have one image less to be near to. Then the number of generated values
    below the r-th smallest real one, r = 1 % of M, is beta-binomial (negative hypergeometric) with parameters r and
    M - r + 1, whatever the distribution: exactly so for independent values.

    Real values are not independent. Two images that are nearest to each other share one distance, and the smallest
    distances are nearly all of such pairs. Here a pair is one value, the smaller one: of R values up to the threshold
    that are of k pairs or single images, k is the rank, among M k / R values. This is approximate: in simulations of 40
    to 6000 images of 2 to 20 dimensions, P(p < 0.05) was 0.03 to 0.055 for distances. For isolation, whose two values
    in a pair differ, the smaller one makes the test conservative: 0 to 0.04, with fewer near copies than expected for
    distances. The nearest pair is two images, more than 1 % of fewer than 200. Equal values count as not nearer.

    The detectable share is for this threshold, copies of value 0, and other images drawn anew with values as these
    have, so that the number below the threshold is binomial. It is 0 where those alone are enough.
    """
    _, member = np.unique(pairs, return_inverse=True)
    smallest = np.full(member.max() + 1, np.inf)
    np.minimum.at(smallest, member, real)
    values = smallest[member]
    rank = max(1, int(NEAR * len(real)))
    threshold = np.partition(values, rank - 1)[rank - 1]
    independent = int((smallest <= threshold).sum())
    effective = len(real) * independent / int((values <= threshold).sum())

    total, count = len(generated), int((generated < threshold).sum())
    low = betaincinv(count, total - count + 1, 0.025) if count else 0.0
    high = betaincinv(count + 1, total - count, 0.975) if count < total else 1.0
    chances = betabinom.pmf(np.arange(total + 1), total, independent, effective - independent + 1)
    p_values = np.minimum(np.cumsum(chances[::-1])[::-1], 1)  # by count
    detectable = detectable_share(p_values, count / total) if threshold > 0 else np.nan
    below_all = int((generated < real.min()).sum())
    return NearCopies(count / total, float(low), float(high), float(p_values[count]), detectable, below_all)


def detectable_share(p_values: np.ndarray, share: float) -> float:
    """Smallest share of copies of which a test finds some at LEVEL with a probability of POWER, NaN if there is none.

    p_values : (N + 1,), descending, by the number of N images that count. share : of the other images that do, too.
    """
    total, enough = len(p_values) - 1, int((p_values > LEVEL).sum())
    if enough > total:
        return float("nan")
    needed = betaincinv(enough, total - enough + 1, POWER)  # binomial of this probability: `enough` or more with POWER
    return max(0.0, float((needed - share) / (1 - share))) if share < 1 else 0.0

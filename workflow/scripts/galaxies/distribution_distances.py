"""How far a sample of generated images is from a sample of real ones, from their features (N, F) and (M, F)."""

from collections.abc import Iterator

import numpy as np

_BLOCK = 1000  # rows at a time, for memory


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Frechet distance of normal distributions with the means and covariances of the two samples.

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)); Heusel et al. 2017 (arXiv:1706.08500), here for any features. With
    Ci = Ai' Ai, the last trace is the sum of the singular values of A1 A2': this needs neither the root of a matrix
    nor that a covariance can be inverted, so nothing is added to it. Biased upwards, the more so the fewer images
    there are (Chong & Forsyth 2020, arXiv:1911.07023): only values of the same numbers of images compare.
    """
    first, second = (np.asarray(sample, dtype=np.float64) for sample in (first, second))
    shift = first.mean(axis=0) - second.mean(axis=0)
    roots = [
        np.linalg.qr(sample - sample.mean(axis=0), mode="r") / np.sqrt(len(sample) - 1) for sample in (first, second)
    ]
    traces = sum(float(np.einsum("ij,ij->", root, root)) for root in roots)
    common = float(np.linalg.norm(roots[0] @ roots[1].T, "nuc"))
    return float(shift @ shift) + traces - 2 * common


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy for the kernel (x.y / F + 1)^3.

    Binkowski et al. 2018 (arXiv:1801.01401), over all pairs and not over subsets. Below zero by chance where the
    distributions are alike.
    """
    first, second = (np.asarray(sample, dtype=np.float64) for sample in (first, second))
    within = [(kernel_sum(s, s) - own_kernels(s).sum()) / (len(s) * (len(s) - 1)) for s in (first, second)]
    return float(sum(within)) - 2 * kernel_sum(first, second) / (len(first) * len(second))


def kernel_sum(first: np.ndarray, second: np.ndarray) -> float:
    """Sum of the kernel over all pairs of rows."""
    return sum(float(((block @ second.T / second.shape[1] + 1) ** 3).sum()) for _, block in blocks(first))


def own_kernels(sample: np.ndarray) -> np.ndarray:
    """Kernel (N,) of each row with itself."""
    return (np.einsum("np,np->n", sample, sample) / sample.shape[1] + 1) ** 3


def neighbourhood_scores(real: np.ndarray, generated: np.ndarray, neighbours: int) -> dict[str, float]:
    """`precision`, `recall`, `density` and `coverage`, from balls around images that reach to their k-th neighbour.

    precision : share of generated images in the ball of any real one; recall : the reverse (Kynkaanniemi et al. 2019,
    arXiv:1904.06991). density : mean number of balls of real images around a generated one, over k; 1 is expected of a
    perfect generator, and more is possible; coverage : share of real images with a generated one in their ball (Naeem
    et al. 2020, arXiv:2002.09797). k = `neighbours` must be smaller than both numbers of images.
    """
    centre = np.mean(real, axis=0, dtype=np.float64)  # against cancellation in squared distances
    real, generated = (np.asarray(sample, dtype=np.float64) - centre for sample in (real, generated))
    reach_real, reach_generated = (squared_reach(sample, neighbours) for sample in (real, generated))
    balls = np.zeros(len(generated), dtype=np.int64)
    recalled, covered = 0, 0
    for first, block in blocks(real):
        squared = squared_distances(block, generated)
        inside = squared < reach_real[first : first + len(block), None]
        balls += inside.sum(axis=0)
        covered += int(inside.any(axis=1).sum())
        recalled += int((squared < reach_generated).any(axis=1).sum())
    return {
        "precision": float((balls > 0).mean()),
        "recall": recalled / len(real),
        "density": float(balls.mean() / neighbours),
        "coverage": covered / len(real),
    }


def squared_reach(sample: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance (N,) of each row to its k-th nearest other row."""
    reach = []
    for first, block in blocks(sample):
        squared = squared_distances(block, sample)
        rows = np.arange(len(block))
        squared[rows, first + rows] = np.inf
        reach.append(np.partition(squared, neighbours - 1, axis=1)[:, neighbours - 1])
    return np.concatenate(reach)


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (N, M) of rows."""
    squares = [np.einsum("np,np->n", sample, sample) for sample in (first, second)]
    return np.maximum(squares[0][:, None] + squares[1] - 2 * (first @ second.T), 0)


def blocks(sample: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """First row and rows of consecutive blocks."""
    for first in range(0, len(sample), _BLOCK):
        yield first, sample[first : first + _BLOCK]

"""Into which classes a judge sorts images, and how far that is from the classes of real ones."""

import numpy as np
from scipy.special import entr


def class_counts(seen: np.ndarray, classes: int) -> np.ndarray:
    """Number (J, K) of images that each judge sees in each of K `classes`.

    seen : (J, N) int, the class from 0 to K - 1 that each of J judges sees in each image.
    """
    return np.stack([np.bincount(of_judge, minlength=classes) for of_judge in seen])


def total_variation(first: np.ndarray, second: np.ndarray) -> float:
    """Half the sum of absolute differences of two histograms (K,), each divided by its sum: 0 to 1.

    The share of the images that would have to change their class.
    """
    return float(np.abs(shares(first) - shares(second)).sum() / 2)


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """Jensen-Shannon divergence of two histograms (K,) with logarithms of base 2: 0 to 1 bit (Lin 1991).

    The divergence itself, not its root.
    """
    first, second = shares(first), shares(second)
    return max(entropy((first + second) / 2) - (entropy(first) + entropy(second)) / 2, 0.0)


def entropy(histogram: np.ndarray) -> float:
    """Entropy of a histogram (K,) in bits: 0 if all images are of one class, log2(K) if the classes are as frequent."""
    return float(entr(shares(histogram)).sum() / np.log(2))


def shares(histogram: np.ndarray) -> np.ndarray:
    """A histogram (K,) divided by its sum."""
    return histogram / histogram.sum()

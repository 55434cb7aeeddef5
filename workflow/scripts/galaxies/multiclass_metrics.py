"""Measures of a classification into several classes.

All take log_probabilities (N, K), natural logarithms, and true_class (N,) 0 to K - 1; the predicted class is the most
probable one. NaN where a measure is undefined, as the accuracy of a class without objects.
"""

import numpy as np
from scipy.special import logsumexp

from galaxies.classification_metrics import calibration_error


def confusion(log_probabilities: np.ndarray, true_class: np.ndarray) -> np.ndarray:
    """Numbers of objects (K, K), int64, by true class (rows) and predicted class (columns)."""
    classes = log_probabilities.shape[1]
    pairs = true_class * classes + log_probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def accuracy(log_probabilities: np.ndarray, true_class: np.ndarray) -> float:
    """Share of objects whose predicted class is the true one."""
    return float((log_probabilities.argmax(axis=1) == true_class).mean())


def class_accuracies(log_probabilities: np.ndarray, true_class: np.ndarray) -> np.ndarray:
    """Accuracy (K,) of the objects of each true class, which is the recall of the class."""
    counts = confusion(log_probabilities, true_class)
    return _ratio(counts.diagonal(), counts.sum(axis=1))


def class_precisions(log_probabilities: np.ndarray, true_class: np.ndarray) -> np.ndarray:
    """Accuracy (K,) of the objects that are predicted to be of each class."""
    counts = confusion(log_probabilities, true_class)
    return _ratio(counts.diagonal(), counts.sum(axis=0))


def macro_f1(log_probabilities: np.ndarray, true_class: np.ndarray) -> float:
    """Mean over the classes that are true or predicted somewhere of 2 correct / (true + predicted objects)."""
    counts = confusion(log_probabilities, true_class)
    return float(np.nanmean(_ratio(2 * counts.diagonal(), counts.sum(axis=0) + counts.sum(axis=1))))


def log_loss(log_probabilities: np.ndarray, true_class: np.ndarray) -> float:
    """Mean negative logarithm of the probability of the true class, in nats."""
    return float(-log_probabilities[np.arange(len(true_class)), true_class].mean())


def confidence_error(log_probabilities: np.ndarray, true_class: np.ndarray) -> float:
    """Calibration error of the probability of the predicted class as that of being right, in bins of equal count."""
    ordered = np.sort(log_probabilities, axis=1)
    log_odds = ordered[:, -1] - logsumexp(ordered[:, :-1], axis=1)
    return float(calibration_error(log_odds, (log_probabilities.argmax(axis=1) == true_class).astype(int)))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below != 0)

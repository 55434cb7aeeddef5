"""Measures of prediction error."""

import numpy as np


def rmse(predictions: np.ndarray, truth: np.ndarray) -> float:
    """Root of the mean squared error over all galaxies and columns (the Galaxy Challenge's score).

    predictions, truth : (N, K), any unit, finite. Returns a value in the same unit; one mean over N x K values, not a
    mean of per-batch or per-column errors.
    """
    return float(np.sqrt(np.mean(np.square(np.asarray(predictions, np.float64) - np.asarray(truth, np.float64)))))

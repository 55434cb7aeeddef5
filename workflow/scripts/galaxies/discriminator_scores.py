"""Scores from the discriminator of a GAN, which learned to tell real images from generated ones (intergalactic_vae_cnn,
section V). Scores had a part in it alone where they chose which images count as real.

The paper takes scores from the output of the discriminator and does not say how. Two readings: `literal_scores` makes
a score of the probability of being real; `calibrated_scores` is a line through its log-odds, fitted to training scores.
"""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import QuantileRegressor

from galaxies.errors import DataError
from galaxies.score_range import HIGHEST, LOWEST


def literal_scores(logits: np.ndarray) -> np.ndarray:
    """Scores float64 (N,) of log-odds of being real (N,): the probability, stretched to the range of the scores."""
    return LOWEST + (HIGHEST - LOWEST) * expit(np.asarray(logits, dtype=np.float64))


def calibrated_scores(logits: np.ndarray, train: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores float64 (N,), not clipped, of log-odds (N,): the line of least absolute error on some of them.

    train : rows (M,) of the images that it is fitted to. scores : theirs (M,). Raises DataError for a log-odds that is
    not finite.
    """
    logits = np.asarray(logits, dtype=np.float64)[:, None]
    if bad := int((~np.isfinite(logits)).sum()):
        raise DataError(f"{bad} of {len(logits)} outputs of the discriminator are not finite", "train it again")
    return QuantileRegressor(quantile=0.5, alpha=0).fit(logits[train], scores).predict(logits)

"""Range of the scores of cosmology images (two_in_one, data), which predictions are clipped to."""

import numpy as np

LOWEST, HIGHEST = 0.0, 8.0


def clipped(scores: np.ndarray) -> np.ndarray:
    """Scores (N,) within their range, float64."""
    return np.clip(np.asarray(scores, dtype=np.float64), LOWEST, HIGHEST)

"""Range of the scores of cosmology images (two_in_one, data), which predictions are clipped to."""

LOWEST, HIGHEST = 0.0, 8.0

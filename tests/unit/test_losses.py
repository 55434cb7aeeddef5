"""Losses against NumPy."""

import numpy as np
import pytest
import torch

from galaxies.losses import mse


def test_mse_is_the_mean_over_galaxies_and_columns():
    rng = np.random.default_rng(0)
    predictions, targets = rng.random((7, 37), dtype=np.float32), rng.random((7, 37), dtype=np.float32)
    expected = ((predictions.astype(float) - targets) ** 2).sum() / (7 * 37)
    assert mse(torch.from_numpy(predictions), torch.from_numpy(targets)).item() == pytest.approx(expected, rel=1e-6)


def test_mse_is_taken_in_float32():
    predictions = torch.full((4, 3), 0.5, dtype=torch.bfloat16)
    targets = torch.full((4, 3), 0.5 + 1e-4)  # bfloat16 cannot tell the two apart
    assert mse(predictions, targets).item() == pytest.approx(1e-8, rel=1e-3)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="shape"):
        mse(torch.zeros(5, 1), torch.zeros(5))

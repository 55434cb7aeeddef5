"""Loss functions."""

from torch import Tensor


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean of the squared errors over galaxies and columns, a scalar.

    predictions, targets : (B, K), compared in float32 whatever the precision of the network. Its square root is the
    score of the Galaxy Zoo challenge on Kaggle.
    """
    if predictions.shape != targets.shape:  # broadcasting would silently average over pairs that do not belong together
        raise ValueError(f"predictions have shape {tuple(predictions.shape)}, targets {tuple(targets.shape)}")
    return (predictions.float() - targets.float()).square().mean()

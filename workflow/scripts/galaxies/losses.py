"""Loss functions."""

from torch import Tensor

from galaxies.errors import ConfigError


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean of the squared errors over galaxies and columns, a scalar.

    predictions, targets : (B, K), compared in float32 whatever the precision of the network. Its square root is the
    score of the Galaxy Zoo challenge on Kaggle.
    """
    if predictions.shape != targets.shape:  # broadcasting would silently average over pairs that do not belong together
        raise ValueError(f"predictions have shape {tuple(predictions.shape)}, targets {tuple(targets.shape)}")
    return (predictions.float() - targets.float()).square().mean()


def half_squared_error(predictions: Tensor, targets: Tensor) -> Tensor:
    """Half the sum of the squared errors over batch and labels, a scalar; a sum, as TensorFlow's `l2_loss`.

    predictions, targets : (B, K). Source: galaxy_cgan_augmentation, losses.
    """
    return (predictions.float() - targets.float()).square().sum() / 2


def predictor_hinge(error_real: Tensor, error_generated: Tensor, sign: str) -> Tensor:
    """Loss of the predictor of galaxy_cgan_augmentation from its errors on real and on generated images, scalars.

    sign : "code", max(0, real - generated): to be better on real images, as the authors' code has it. "paper",
    max(0, generated - real), as the paper prints it; minimised, it makes the predictor worse on real images.
    """
    if sign not in ("code", "paper"):
        raise ConfigError(f"hinge_sign is {sign!r}; it must be one of: code, paper")
    difference = error_real - error_generated
    return (difference if sign == "code" else -difference).clamp(min=0)


def target_score_loss(scores: Tensor, target: float, kind: str) -> Tensor:
    """Sum over a batch of how far the scores (B,) of generated images are from `target`, a scalar.

    kind : "abs", |target - score|, as the authors' code has it. "signed", target - score, as two_in_one prints it: it
    has no lower bound, so that the target has no effect on what a generator learns (two_in_one, losses).
    """
    if kind not in ("abs", "signed"):
        raise ConfigError(f"gen_score_loss is {kind!r}; it must be one of: abs, signed")
    difference = target - scores.float()
    return (difference.abs() if kind == "abs" else difference).sum()

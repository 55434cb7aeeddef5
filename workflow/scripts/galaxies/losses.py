"""Loss functions."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from galaxies.errors import ConfigError

FLOOR = 1e-9  # in the logarithms of `raw_log_likelihood`


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


def bernoulli_log_likelihood(logits: Tensor, pixels: Tensor) -> Tensor:
    """Log-likelihood (B,) of pixels (B, D) in [0, 1] under Bernoulli distributions of mean sigmoid(logits), in nats.

    The sum over pixels of x log y + (1 - x) log(1 - y). Source: intergalactic_vae_cnn, equation 2, in print without its
    minus signs and with a sum over the batch.
    """
    return -binary_cross_entropy_with_logits(logits.to(pixels.dtype), pixels, reduction="none").sum(dim=1)


def raw_log_likelihood(logits: Tensor, levels: Tensor) -> Tensor:
    """What the code of intergalactic_vae_cnn's authors takes for the log-likelihood (B,) of levels (B, D) in 0..255.

    The sum over pixels of x log(y + 1e-9) + (1 - x) log(1 - y + 1e-9), y = sigmoid(logits). No likelihood for levels
    above 1, which it rewards for y = 1 in proportion.
    """
    means = logits.to(levels.dtype).sigmoid()
    return (levels * (means + FLOOR).log() + (1 - levels) * (1 - means + FLOOR).log()).sum(dim=1)


def normal_divergence(mean: Tensor, log_std: Tensor) -> Tensor:
    """Divergence (B,) of normal distributions, of means and log deviations (B, Z), from the standard one, in nats.

    Kullback and Leibler's, summed over the Z dimensions. Source: intergalactic_vae_cnn, equation 3.
    """
    return -0.5 * (1 + 2 * log_std - mean.square() - (2 * log_std).exp()).sum(dim=1)

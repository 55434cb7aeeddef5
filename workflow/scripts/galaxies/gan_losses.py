"""Losses of GANs that are trained without labels, and the penalty on the gradient of their discriminator."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from galaxies.errors import ConfigError

KINDS = ("interpolated", "perturbed")
NORMS = ("l2", "rms")
PERTURBATIONS = ("batch_std", "unit_normal", "dragan_code")
PERTURBATION_SIZE = 0.5  # of the noise, in deviations of the batch: the largest that the code of DRAGAN has


def cross_entropy_as_real(logits: Tensor) -> Tensor:
    """Mean of -log sigmoid(logits), a scalar: the loss of taking images for real ones. logits : any shape."""
    return softplus(-logits).mean()


def cross_entropy_as_generated(logits: Tensor) -> Tensor:
    """Mean of -log(1 - sigmoid(logits)), a scalar: the loss of taking images for generated ones."""
    return softplus(logits).mean()


def score_distance(real: Tensor, generated: Tensor) -> Tensor:
    """|mean sigmoid(real) - mean sigmoid(generated)| of logits, a scalar. Source: morpho_gan, equation of L_G."""
    return (real.sigmoid().mean() - generated.sigmoid().mean()).abs()


def mean_difference(first: Tensor, second: Tensor) -> Tensor:
    """Difference of the means of two batches (B, ...) over all images and dimensions, a scalar.

    The f (reconstructed and generated images, by features or pixels) and g (codes and noise) of equation 3 of
    morpho_gan, as the code of Dist-GAN has them: differences of either sign cancel before they are squared. Features
    that end in batch normalisation have nearly the same mean for any images, so that f is small whatever they show.
    """
    return first.mean() - second.mean()


def latent_distance(f: Tensor, g: Tensor, latent_weight: float) -> Tensor:
    """(f - latent_weight * g)^2 of two `mean_difference`s. Source: morpho_gan, equation 3, second term."""
    return (f - latent_weight * g).square()


@dataclass(frozen=True)
class GradientPenalty:
    """weight * mean over images of (|gradient of the logit with respect to the image| - target)^2.

    kind : "interpolated", at random points between real and generated images (WGAN-GP; Dist-GAN), or "perturbed", at
    real images with noise (DRAGAN; morpho_gan). Both add to the loss that the discriminator minimises; the minus in
    morpho_gan's equation 4 would reward gradients far from the target.
    gp_norm : "l2" as in the equations, or "rms", over the values of an image, as in the code of Dist-GAN.
    perturbation : the noise of kind perturbed. "batch_std": normal, of half the deviation of the batch. "unit_normal":
    normal, of deviation 1, as morpho_gan prints it. "dragan_code": uniform between 0 and half the deviation of the
    batch, and then a random point on the way to there, as in the code of DRAGAN.
    """

    kind: str
    weight: float
    target: float = 1.0
    gp_norm: str = "l2"
    perturbation: str = "batch_std"

    def __post_init__(self):
        for key, options in (("kind", KINDS), ("gp_norm", NORMS), ("perturbation", PERTURBATIONS)):
            if getattr(self, key) not in options:
                raise ConfigError(f"penalty.{key} is {getattr(self, key)!r}; it must be one of: {', '.join(options)}")

    def points(self, real: Tensor, generated: Tensor, generator: torch.Generator) -> Tensor:
        """Images (B, C, S, S) at which the gradient is taken; `generator` lives on their device."""

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=real.device)

        def normal() -> Tensor:
            return torch.randn(real.shape, generator=generator, device=real.device)

        if self.kind == "interpolated":
            return torch.lerp(generated, real, uniform(len(real), 1, 1, 1))
        if self.perturbation == "unit_normal":
            return real + normal()
        size = PERTURBATION_SIZE * real.std(correction=0)
        if self.perturbation == "batch_std":
            return real + size * normal()
        return real + uniform(len(real), 1, 1, 1) * size * uniform(*real.shape)

    def __call__(
        self, discriminator: nn.Module, points: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """The penalty, a scalar, and the norm of the gradient at each of the `points`, (B,) without gradient.

        The discriminator sees the points alone, so that in training mode their own batch statistics count, of which
        each gradient takes account. Computed in float32.
        """
        points = points.detach().requires_grad_()
        with torch.autocast(points.device.type, enabled=False):
            logits = discriminator.forward(points, generator)  # not what is compiled, which has no second derivative
            (gradients,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
            norms = torch.linalg.vector_norm(gradients.flatten(1), dim=1)
            if self.gp_norm == "rms":
                norms = norms / math.sqrt(gradients[0].numel())
        return self.weight * (norms - self.target).square().mean(), norms.detach()

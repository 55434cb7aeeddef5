"""Dist-GAN, a GAN beside an autoencoder that keep each other's distances; with another penalty, Morpho-GAN."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images
from galaxies.errors import ConfigError
from galaxies.gan_losses import (
    GradientPenalty,
    cross_entropy_as_generated,
    cross_entropy_as_real,
    latent_distance,
    mean_difference,
    score_distance,
)
from galaxies.gan_training import (
    UnconditionalGAN,
    build_optimisers,
    device_generator,
    frozen,
    kept_statistics,
    load_unconditional_generator,
    to_signed,
)
from galaxies.registry import build_network, construct
from galaxies.training import Sums
from galaxies.unconditional_generators import UnconditionalGenerator

VALIDATES = False  # there are no labels whose prediction could be validated
BATCHES_PER_STEP = 3  # each of the three losses has real images of its own
SPACES = ("pixel", "feature")


@dataclass(frozen=True)
class Losses:
    """What the losses weigh, and where they look. Source: morpho_gan, equations 1 to 4; the code of Dist-GAN.

    ae_recon_space : where images and their reconstructions are compared: "pixel" (equation) or "feature" (code).
    dist_space : where reconstructed and generated images are: "feature" (code) or "pixel".
    distance_weight : of the latent distance beside the reconstruction (lambda 2). latent_weight : of the distance of
    codes in it (lambda 3); None takes sqrt(latent_dim / dimension of dist_space).
    encoder_only : the autoencoder's loss leaves the generator as it is (code), else it trains both (equation).
    real_weight, recon_weight : of real and of reconstructed images in the discriminator's loss: 1 and 1 (equation), or
    0.95 and 0.05 (code, in the first half of its training).
    """

    ae_recon_space: str = "pixel"
    dist_space: str = "feature"
    distance_weight: float = 1.0
    latent_weight: float | None = None
    encoder_only: bool = False
    real_weight: float = 1.0
    recon_weight: float = 1.0

    def __post_init__(self):
        for key in ("ae_recon_space", "dist_space"):
            if getattr(self, key) not in SPACES:
                raise ConfigError(f"losses.{key} is {getattr(self, key)!r}; it must be one of: {', '.join(SPACES)}")


class DistGAN(UnconditionalGAN):
    """A `galaxies.training.Method`: a step of the autoencoder, then of the discriminator, then of the generator.

    With E, G, D the encoder, generator and discriminator, z noise, F(x) the features of D or the pixels of x:
    - autoencoder: mean (F(x) - F(G(E(x))))^2 + distance_weight * `latent_distance` of F(G(E(x))), F(G(z)), E(x) and z.
      The mean over pixels is that of Dist-GAN's code; the equation has a sum, against which the second term vanishes.
      Gradients reach E through G and D, and G through G(E(x)) and G(z) unless encoder_only; D is frozen.
    - discriminator: cross-entropy of x and G(E(x)) as real and of G(z) as generated, each a batch with statistics of
      its own, + penalty. x, G(E(x)) and G(z) are constants: E and G have no part in it.
    - generator: `score_distance` of D(x) and D(G(z)). D is frozen, D(x) a constant; E has no part in it.

    Each loss has an optimiser of its own, so that the moments of G's gradients from two losses do not mix, as in the
    code of Dist-GAN. The running statistics of G, with which it generates, are those of G(z) alone.

    Its history has the three losses; `reconstruction_error`, the first term of the autoencoder's, and the mean sizes of
    the two parts of its second, `data_distance` |f| and `code_distance` latent_weight |g|; the mean output of
    the discriminator before its step as `real_probability`, `generated_probability` and `reconstructed_probability`;
    and `gradient_norm`, the mean norm at the points of the penalty.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        optimisers: dict[str, torch.optim.Optimizer],
        train: Images,
        *,
        losses: Losses,
        penalty: GradientPenalty,
        **general: Any,
    ):
        super().__init__(networks, optimisers, train, **general)
        self.encoder, self.losses, self.penalty = networks["encoder"], losses, penalty
        self.latent_weight = losses.latent_weight
        if self.latent_weight is None:
            pixels = math.prod(train.shape[1:])
            dimension = self.discriminator.feature_dim if losses.dist_space == "feature" else pixels
            self.latent_weight = math.sqrt(self.generator.latent_dim / dimension)

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step of each network, on a third of the images each."""
        draws = device_generator(generator, batch.images.device)
        steps = (self._autoencoder_step, self._discriminator_step, self._generator_step)
        sums: Sums = {"steps": 1}
        for step, images in zip(steps, batch.images.chunk(BATCHES_PER_STEP), strict=True):
            real = to_signed(images)
            sums |= step(real, self.noise(len(real), generator), draws)
        self.finish_step()
        return sums

    def _autoencoder_step(self, real: Tensor, noise: Tensor, draws: torch.Generator) -> Sums:
        losses, constant = self.losses, [self.discriminator]
        if losses.encoder_only:
            constant.append(self.generator)

        def seen(images: Tensor, space: str) -> Tensor:
            return images if space == "pixel" else self.discriminator.features(images, draws)

        with frozen(*constant), self.compute.autocast():
            codes = self.encoder(real)
            reconstructed = self._reconstruct(codes)
            copy = {space: seen(reconstructed, space) for space in {losses.ae_recon_space, losses.dist_space}}
            original = seen(real, losses.ae_recon_space)
            generated = seen(self.generator(noise), losses.dist_space)
        error = (original - copy[losses.ae_recon_space]).square().mean()
        f, g = mean_difference(copy[losses.dist_space], generated), mean_difference(codes, noise)
        loss = error + losses.distance_weight * latent_distance(f, g, self.latent_weight)
        self.update("autoencoder", loss)
        return {
            "autoencoder_loss": loss.detach(),
            "reconstruction_error": error.detach(),
            "data_distance": f.detach().abs(),
            "code_distance": self.latent_weight * g.detach().abs(),
        }

    def _discriminator_step(self, real: Tensor, noise: Tensor, draws: torch.Generator) -> Sums:
        with self.compute.autocast():
            with torch.no_grad():
                generated, reconstructed = self.generator(noise), self._reconstruct(self.encoder(real))
            logits = [self.discriminator(images, draws) for images in (real, generated, reconstructed)]
        of_real, of_generated, of_reconstructed = logits
        points = self.penalty.points(real, generated, draws)
        penalty, norms = self.penalty(self.discriminator, points, draws)
        loss = (
            self.losses.real_weight * cross_entropy_as_real(of_real)
            + cross_entropy_as_generated(of_generated)
            + self.losses.recon_weight * cross_entropy_as_real(of_reconstructed)
            + penalty
        )
        self.update("discriminator", loss)
        return {
            "discriminator_loss": loss.detach(),
            "real_probability": of_real.detach().sigmoid().mean(),
            "generated_probability": of_generated.detach().sigmoid().mean(),
            "reconstructed_probability": of_reconstructed.detach().sigmoid().mean(),
            "gradient_norm": norms.mean(),
        }

    def _generator_step(self, real: Tensor, noise: Tensor, draws: torch.Generator) -> Sums:
        with frozen(self.discriminator), self.compute.autocast():
            of_real = self.discriminator(real, draws)
            of_generated = self.discriminator(self.generator(noise), draws)
        loss = score_distance(of_real, of_generated)
        self.update("generator", loss)
        return {"generator_loss": loss.detach()}

    def _reconstruct(self, codes: Tensor) -> Tensor:
        with kept_statistics(self.generator):
            return self.generator(codes)


def build(
    experiment: dict[str, Any], train: Images, validation: None, compute: Compute, files: dict[str, Path]
) -> DistGAN:
    """The GAN that an experiment's settings describe, for the images of `train`.

    Raises ConfigError for unknown names or keys in the settings, or a size that the networks cannot have; DataError for
    images that are not 8-bit ones.
    """
    if not experiment.get("drop_last"):
        raise ConfigError("experiment: drop_last must be true: a step takes three whole batches")
    given = {"size": train.size, "channels": train.shape[1]}
    settings = experiment["networks"]
    generator, discriminator = (
        build_network(settings[name], f"networks.{name}", **given) for name in ("generator", "discriminator")
    )
    encoder = build_network(settings["encoder"], "networks.encoder", outputs=generator.latent_dim, **given)
    networks = {"generator": generator, "discriminator": discriminator, "encoder": encoder}
    for network in networks.values():
        compute.place(network)
    losses = construct(Losses, experiment["losses"], "losses")
    reconstructs = [encoder] if losses.encoder_only else [encoder, generator]
    trained = {"autoencoder": reconstructs, "discriminator": [discriminator], "generator": [generator]}
    return DistGAN(
        networks,
        build_optimisers(experiment["optimisers"], trained),
        train,
        losses=losses,
        penalty=construct(GradientPenalty, experiment["penalty"], "penalty"),
        compute=compute,
        **{key: experiment[key] for key in ("average_decay", "collapse_below")},
    )


def load_generator(path: Path, compute: Compute) -> UnconditionalGenerator:
    """The generator of a model file. Raises DataError if the file is no Dist-GAN, or damaged."""
    return load_unconditional_generator(path, "dist_gan", compute)

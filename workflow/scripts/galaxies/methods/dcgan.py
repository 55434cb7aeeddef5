"""DCGAN: a generator of images without labels. The method of the baseline of morpho_gan."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images
from galaxies.gan_losses import cross_entropy_as_generated, cross_entropy_as_real
from galaxies.gan_training import (
    UnconditionalGAN,
    build_optimisers,
    device_generator,
    frozen,
    load_unconditional_generator,
    to_signed,
)
from galaxies.registry import build_network
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums
from galaxies.unconditional_generators import UnconditionalGenerator

VALIDATES = False  # there are no labels whose prediction could be validated


class DCGAN(UnconditionalGAN):
    """A `galaxies.training.Method`: one step of the discriminator, then one of the generator, on the same images.

    The discriminator's loss is the cross-entropy on real plus that on generated images, each a batch with statistics of
    its own; the generator's is the cross-entropy of being taken for real, by the discriminator as it is then.

    Its history has both losses, and `real_probability` and `generated_probability`, the mean output of the
    discriminator before its step.
    """

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step of each network."""
        real = to_signed(batch.images)
        draws = device_generator(generator, real.device)
        with self.compute.autocast():
            generated = self.generator(self.noise(len(real), generator))
        sums = self._discriminator_step(real, generated.detach(), draws)
        sums |= self._generator_step(generated, draws)
        self.finish_step()
        return {**sums, "steps": 1}

    def _discriminator_step(self, real: Tensor, generated: Tensor, draws: torch.Generator) -> Sums:
        with self.compute.autocast():
            of_real, of_generated = (self.discriminator(images, draws) for images in (real, generated))
        loss = cross_entropy_as_real(of_real) + cross_entropy_as_generated(of_generated)
        self.update("discriminator", loss)
        return {
            "discriminator_loss": loss.detach(),
            "real_probability": of_real.detach().sigmoid().mean(),
            "generated_probability": of_generated.detach().sigmoid().mean(),
        }

    def _generator_step(self, generated: Tensor, draws: torch.Generator) -> Sums:
        with frozen(self.discriminator), self.compute.autocast():
            logits = self.discriminator(generated, draws)
        loss = cross_entropy_as_real(logits)
        self.update("generator", loss)
        return {"generator_loss": loss.detach()}


def build(
    experiment: dict[str, Any], train: Images, validation: None, compute: Compute, files: dict[str, Path]
) -> DCGAN:
    """The GAN that an experiment's settings describe, for the images of `train`.

    Raises ConfigError for unknown names or keys in the settings, or a size that the networks cannot have; DataError for
    images that are not 8-bit ones.
    """
    given = {"size": train.size, "channels": train.shape[1]}
    networks = {
        name: compute.place(build_network(experiment["networks"][name], f"networks.{name}", **given))
        for name in ("generator", "discriminator")
    }
    optimisers = build_optimisers(experiment["optimisers"], {name: [part] for name, part in networks.items()})
    general = {key: experiment[key] for key in ("average_decay", "collapse_below")}
    return DCGAN(networks, optimisers, train, compute=compute, **general)


def load_generator(path: Path, compute: Compute) -> UnconditionalGenerator:
    """The generator of a model file. Raises DataError if the file is no DCGAN, or damaged."""
    return load_unconditional_generator(path, "dcgan", compute)


def load_discriminator(path: Path, compute: Compute) -> nn.Module:
    """The discriminator of a model file, in evaluation mode. Raises DataError if the file is no DCGAN, or damaged."""
    content = read_model(path, "dcgan")
    networks = content["settings"]["networks"]
    network = build_network(
        networks["discriminator"], "networks.discriminator", size=content["size"], channels=content["channels"]
    )
    load_weights(network, content["networks"]["discriminator"], path)
    return compute.place(network).eval()

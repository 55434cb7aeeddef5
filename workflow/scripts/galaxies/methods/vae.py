"""A variational autoencoder of images: the generator of intergalactic_vae_cnn."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images, to_float, to_unit
from galaxies.errors import ConfigError
from galaxies.gan_training import device_generator
from galaxies.inference import EVALUATION_BATCH
from galaxies.losses import bernoulli_log_likelihood, normal_divergence, raw_log_likelihood
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums
from galaxies.unconditional_generators import (
    Preview,
    UnconditionalGenerator,
    fixed_images,
    mean_distance,
    shown_noise,
    to_8_bit,
)

STRETCHES = ("none", "per_image_max", "raw")
EVALUATION_SEED = 0  # of the noise that held-out images are evaluated with: the same each time, and for all trainings


class Bound(NamedTuple):
    """The terms of the evidence lower bound, (B,) each, in nats per image."""

    log_likelihood: Tensor
    divergence: Tensor


class VAE:
    """A `galaxies.training.Method`: one step on the negative evidence lower bound, its mean over the batch.

    Pixels in [0, 1] are taken for probabilities of a Bernoulli distribution (intergalactic_vae_cnn, equations 1 to 3).
    With stretch "raw" they are grey levels, and what takes the likelihood's place is `raw_log_likelihood`.
    Each image has noise of its own.

    Its history has `negative_bound`, `log_likelihood` and `kl_divergence`, means over the images of an epoch as they
    were seen, in nats; the same with `val_`, of the held-out images with noise that stays the same; the `steps`; and
    `sample_diversity`, the mean distance between images of fixed codes over that between training images.
    samples : images of fixed codes (M, C, S, S) uint8 after the last evaluation, None before.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        train: Images,
        validation: Images,
        *,
        stretch: str,
        compute: Compute,
    ):
        self.network, self.stretch, self.compute = network, stretch, compute
        self.validation, self.shape = validation, train.shape[1:]
        real = stretched(fixed_images(train), stretch).clamp(max=1)  # as what is decoded
        self.preview = Preview(shown_noise(network), self.shape, mean_distance(real), collapse_below=0)
        self.networks = {"vae": network, "preview": self.preview}
        self.optimisers = {"vae": optimiser}
        self.samples: np.ndarray | None = None
        network.train()

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step on the negative bound of a batch."""
        pixels = stretched(batch.images, self.stretch)
        noise = self.network.noise(len(pixels), device_generator(generator, pixels.device))
        with self.compute.autocast():
            bound = bound_of(self.network, pixels, noise, self.stretch)
        optimiser = self.optimisers["vae"]
        optimiser.zero_grad()
        (bound.divergence - bound.log_likelihood).mean().backward()
        optimiser.step()
        self.preview.step += 1
        return {**summed(bound), "images": len(pixels), "steps": 1}

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Means over the images so far in this epoch, and the number of steps."""
        means = [sums[name] / sums["images"] for name in Bound._fields]
        return {**_terms(*means), "steps": int(sums["steps"])}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """The bound of the held-out images; records images of fixed codes."""
        bounds = [bound for _, bound in bounds_of(self.network, self.validation, self.stretch, self.compute, check)]
        means = [torch.cat(parts).double().mean().item() for parts in zip(*bounds, strict=True)]
        metrics = {f"val_{name}": value for name, value in _terms(*means).items()}
        check()
        images = to_8_bit(decoded(self.network, self.preview.noise, self.shape, self.compute))
        self.samples = images.numpy()
        diversity = mean_distance(to_unit(images)) / self.preview.real_distance
        self.preview.record(images, diversity)  # last: an evaluation that `check` ends is done again
        return {**metrics, "sample_diversity": diversity}


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> VAE:
    """The autoencoder that an experiment's settings describe, for the images of `train`.

    Raises ConfigError for unknown names or keys in the settings, DataError for images whose range is not known.
    """
    if experiment["stretch"] not in STRETCHES:
        raise ConfigError(f"stretch is {experiment['stretch']!r}; it must be one of: {', '.join(STRETCHES)}")
    network = compute.place(build_network(experiment["network"], "network", size=train.size, channels=train.shape[1]))
    optimiser = construct(build_optimiser, experiment["optimiser"], "optimiser", parameters=network.parameters())
    return VAE(network, optimiser, train, validation, stretch=experiment["stretch"], compute=compute)


def load_generator(path: Path, compute: Compute) -> UnconditionalGenerator:
    """What generates of a model file. Raises DataError if the file is of another method, or damaged."""
    network, content = load_network(path, compute)
    shape = (content["channels"], content["size"], content["size"])
    return UnconditionalGenerator(
        network, lambda codes: decoded(network, codes, shape, compute), content["networks"]["preview"]
    )


def load_network(path: Path, compute: Compute) -> tuple[nn.Module, dict[str, Any]]:
    """The autoencoder of a model file, in evaluation mode on the device, and the content of the file.

    Raises DataError if the file is of another method, or damaged.
    """
    content = read_model(path, "vae")
    network = build_network(
        content["settings"]["network"], "network", size=content["size"], channels=content["channels"]
    )
    load_weights(network, content["networks"]["vae"], path)
    return compute.place(network).eval(), content


def stretched(images: Tensor, stretch: str) -> Tensor:
    """Levels (B, C, S, S) to pixels (B, D): in [0, 1], divided by 255 ("none") or by an image's brightest, or as they
    are ("raw")."""
    if stretch == "raw":
        return to_float(images).flatten(1)
    pixels = to_unit(images).flatten(1)
    if stretch == "per_image_max":
        brightest = pixels.amax(dim=1, keepdim=True)
        pixels = pixels / torch.where(brightest > 0, brightest, 1)
    return pixels


def bound_of(network: nn.Module, pixels: Tensor, noise: Tensor, stretch: str = "none") -> Bound:
    """The bound of pixels (B, D) at one draw of the codes, with noise (B, latent_dim). stretch : of the pixels."""
    logits, mean, log_std = network(pixels, noise)
    likelihood = raw_log_likelihood if stretch == "raw" else bernoulli_log_likelihood
    return Bound(likelihood(logits, pixels), normal_divergence(mean.float(), log_std.float()))


def summed(bound: Bound) -> Sums:
    """Sums over the images."""
    return {name: values.detach().sum() for name, values in bound._asdict().items()}


@torch.no_grad()
def bounds_of(
    network: nn.Module, images: Images, stretch: str, compute: Compute, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[Tensor, Bound]]:
    """Pixels (B, D) and bound of a few images after the other; the noise depends on their places alone.

    check : called before each batch; may raise.
    """
    draws = torch.Generator().manual_seed(EVALUATION_SEED)
    if not len(images):
        return
    for batch in images.batches(torch.arange(len(images)), EVALUATION_BATCH):
        check()
        pixels = stretched(batch.images, stretch)
        noise = network.noise(len(pixels), draws).to(compute.device)
        with compute.autocast():
            bound = bound_of(network, pixels, noise, stretch)
        yield pixels, bound


@torch.no_grad()
def decoded(network: nn.Module, codes: Tensor, shape: tuple[int, ...], compute: Compute) -> Tensor:
    """Means of the pixels of codes (B, latent_dim), images float32 (B, C, S, S) in [0, 1]."""
    with compute.autocast():
        logits = network.decode(codes.to(compute.device))
    return logits.float().sigmoid().unflatten(1, shape)


def _terms(log_likelihood: float, divergence: float) -> dict[str, float]:
    return {
        "negative_bound": divergence - log_likelihood,
        "log_likelihood": log_likelihood,
        "kl_divergence": divergence,
    }

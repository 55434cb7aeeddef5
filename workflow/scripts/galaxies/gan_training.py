"""What GANs share: frozen networks, networks and optimisers by name, and the generator of a model file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from galaxies.compute import Compute
from galaxies.data.device import Images, to_unit
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct
from galaxies.trained_models import load_weights, read_model
from galaxies.unconditional_generators import (
    Preview,
    UnconditionalGenerator,
    fixed_images,
    mean_distance,
    shown_noise,
    to_8_bit,
)


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """No gradients for the weights of `networks`: half of a backward pass through them is saved."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """Batch normalisation by the batch, as in training, that leaves the running statistics as they are."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum = momentum


def device_generator(generator: torch.Generator, device: torch.device) -> torch.Generator:
    """Generator on `device`, seeded by `generator` on the CPU: for noise of the size of images.

    Drawn on the CPU, such noise would keep a GPU waiting. It differs between kinds of device, of which CPUs use 32 bits
    of the seed: a few pairs among some hundred thousand steps may have the same noise.
    """
    seed = torch.randint(2**63 - 1, (), generator=generator).item()
    return torch.Generator(device).manual_seed(seed)


def to_signed(images: Tensor) -> Tensor:
    """8-bit images or grey levels 0..255 to float32 in [-1, 1], the range of tanh."""
    return to_unit(images).mul_(2).sub_(1)


class UnconditionalGAN:
    """Base of a `galaxies.training.Method` that trains a generator without labels; `training_step` is left to it.

    Its history has the means over the steps of an epoch of what the steps return, their number, and `sample_diversity`:
    the mean distance between images of fixed noise over that between real images, 0 for a generator that has collapsed.
    samples : images of fixed noise (M, C, S, S) uint8 after the last evaluation, None before.

    average_decay : decay per step of an average of the generator's weights and statistics, which then is what
    generates; None for none.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        optimisers: dict[str, torch.optim.Optimizer],
        train: Images,
        *,
        average_decay: float | None,
        collapse_below: float,
        compute: Compute,
    ):
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.optimisers, self.compute = optimisers, compute
        for network in networks.values():
            network.train()
        self.average = None
        if average_decay is not None:
            self.average = averaged(self.generator, average_decay)
            networks = {**networks, "average": self.average}
        real = fixed_images(train)
        self.preview = Preview(
            shown_noise(self.generator), real.shape[1:], mean_distance(to_unit(real)), collapse_below
        )
        self.networks = {**networks, "preview": self.preview}
        self.samples: np.ndarray | None = None

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (count, latent_dim) on the device."""
        return self.generator.noise(count, generator).to(self.compute.device, non_blocking=True)

    def update(self, name: str, loss: Tensor) -> None:
        """One step of an optimiser on its own parameters."""
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()

    def finish_step(self) -> None:
        """Count a step, and move the average of the generator's weights towards them, if there is one."""
        self.preview.step += 1
        if self.average is not None:
            self.average.update_parameters(self.generator)

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Means over the steps so far in this epoch, and their number."""
        means = {name: total / sums["steps"] for name, total in sums.items() if name != "steps"}
        return {**means, "steps": int(sums["steps"])}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Diversity of the generator's images of fixed noise. Raises TrainingError if it has collapsed."""
        check()
        images = self._shown(self.generator)
        diversity = mean_distance(images) / self.preview.real_distance
        if self.average is not None:
            images = self._shown(self.average.module)
        shown = to_8_bit(images)
        self.samples = shown.numpy()
        self.preview.record(shown, diversity)  # last: an evaluation that `check` ends is done again
        return {"sample_diversity": diversity}

    def _shown(self, generator: nn.Module) -> Tensor:
        mode = generator.training
        images = images_of(generator.eval(), self.preview.noise, self.compute)
        generator.train(mode)
        return images


@torch.no_grad()  # not inference_mode: a network may train on these images
def images_of(generator: nn.Module, noise: Tensor, compute: Compute) -> Tensor:
    """Images float32 (B, C, S, S) in [0, 1] of noise (B, latent_dim)."""
    with compute.autocast():
        images = generator(noise.to(compute.device, non_blocking=True))
    return (images + 1) / 2


def build_optimisers(
    settings: dict[str, Any], trained: dict[str, Sequence[nn.Module]]
) -> dict[str, torch.optim.Optimizer]:
    """Optimisers by name, each over the parameters of the networks that it trains."""
    return {
        name: construct(
            build_optimiser,
            settings[name],
            f"optimisers.{name}",
            parameters=[parameter for network in networks for parameter in network.parameters()],
        )
        for name, networks in trained.items()
    }


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of a network, in evaluation mode; its first update copies the network.

    Batch statistics are averaged, too. Its count of updates stays on the CPU, so that no update waits for the device.
    """
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    return average.requires_grad_(False).eval()


def load_unconditional_generator(path: Path, method: str, compute: Compute) -> UnconditionalGenerator:
    """What generates of a model file. Raises DataError if the file is of another method, or damaged."""
    content = read_model(path, method)
    settings, weights = content["settings"], content["networks"]
    network = build_network(
        settings["networks"]["generator"], "networks.generator", size=content["size"], channels=content["channels"]
    )
    if settings["average_decay"] is None:
        load_weights(network, weights["generator"], path)
    else:
        average = averaged(network, settings["average_decay"])
        load_weights(average, weights["average"], path)
        network = average.module
    compute.place(network).eval()
    return UnconditionalGenerator(network, lambda noise: images_of(network, noise, compute), weights["preview"])

"""A GAN whose generator takes labels, and whose discriminator predicts them. The method of galaxy_cgan_augmentation."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images, to_float
from galaxies.gan_training import frozen
from galaxies.inference import infer
from galaxies.losses import half_squared_error, predictor_hinge
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums


class Conditions(nn.Module):
    """Standardises labels; their mean and deviation over the training images are saved with the networks."""

    def __init__(self, mean: Tensor, deviation: Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, labels: Tensor) -> Tensor:
        """Labels (B, K) in their units to standardised ones."""
        return (labels - self.mean) / self.deviation

    def physical(self, conditions: Tensor) -> Tensor:
        """Standardised labels (B, K) to their units."""
        return conditions * self.deviation + self.mean


class ConditionalGAN:
    """A `galaxies.training.Method`: one step of the discriminator, then one of the generator, on the same images.

    The discriminator's loss is `predictor_hinge` + weight (binary cross-entropy on real + on generated images), the
    generator's `half_squared_error` of the predicted labels + weight x cross-entropy of being taken for real; cross-
    entropies are means over the batch, the others sums (galaxy_cgan_augmentation, losses).

    Its history has both losses, `real_probability` and `generated_probability` (mean output of the discriminator),
    and the predictor's RMSE on real, generated and validation images, in standard deviations of the labels.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        conditions: Conditions,
        optimisers: dict[str, torch.optim.Optimizer],
        *,
        columns: list[int],
        adversarial_weight: float,
        hinge_sign: str,
        validation: Images,
        validation_labels: Tensor,
        compute: Compute,
    ):
        self.generator, self.discriminator, self.conditions = generator, discriminator, conditions
        self.networks = {"generator": generator, "discriminator": discriminator, "conditions": conditions}
        self.optimisers = optimisers
        self.columns = columns
        self.adversarial_weight, self.hinge_sign = adversarial_weight, hinge_sign
        self.validation, self.validation_labels = validation, validation_labels
        self.compute = compute
        for network in self.networks.values():
            network.train()

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step of each network on the same images and the same noise."""
        real = to_float(batch.images)
        conditions = self.conditions(batch.labels[:, self.columns])
        noise = self.generator.noise(len(real), generator).to(real.device, non_blocking=True)
        with self.compute.autocast():
            generated = self.generator(noise, conditions).float()
        sums = self._discriminator_step(real, generated.detach(), conditions)
        sums |= self._generator_step(real, generated, conditions)
        return {**sums, "steps": 1, "labels": conditions.numel(), "images": len(real)}

    def _discriminator_step(self, real: Tensor, generated: Tensor, conditions: Tensor) -> Sums:
        count = len(real)
        with self.compute.autocast():
            logits, labels = self.discriminator(torch.cat([real, generated]), count)
        error_real = half_squared_error(labels[:count], conditions)
        error_generated = half_squared_error(labels[count:], conditions)
        adversarial = _cross_entropy(logits[:count], 1.0) + _cross_entropy(logits[count:], 0.0)
        loss = predictor_hinge(error_real, error_generated, self.hinge_sign) + self.adversarial_weight * adversarial
        self._update("discriminator", loss)
        probability = logits.detach().sigmoid()
        return {
            "discriminator_loss": loss.detach(),
            "error_real": error_real.detach(),
            "error_generated": error_generated.detach(),
            "real_probability": probability[:count].sum(),
            "generated_probability": probability[count:].sum(),
        }

    def _generator_step(self, real: Tensor, generated: Tensor, conditions: Tensor) -> Sums:
        count = len(real)
        with frozen(self.discriminator), self.compute.autocast():
            logits, labels = self.discriminator(torch.cat([real, generated]), count)
        adversarial = _cross_entropy(logits[count:], 1.0)
        loss = half_squared_error(labels[count:], conditions) + self.adversarial_weight * adversarial
        self._update("generator", loss)
        return {"generator_loss": loss.detach()}

    def _update(self, network: str, loss: Tensor) -> None:
        self.optimisers[network].zero_grad()
        loss.backward()
        self.optimisers[network].step()

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Mean losses per step, mean probabilities per image, and errors of the predictor, so far in this epoch."""
        return {
            **{name: sums[name] / sums["steps"] for name in ("discriminator_loss", "generator_loss")},
            **{name: sums[name] / sums["images"] for name in ("real_probability", "generated_probability")},
            "predictor_rmse": math.sqrt(2 * sums["error_real"] / sums["labels"]),
            "predictor_rmse_generated": math.sqrt(2 * sums["error_generated"] / sums["labels"]),
        }

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """RMSE of the predictor on the validation images, in evaluation mode."""
        wanted = self.conditions(self.validation_labels)
        error = half_squared_error(predict_labels(self.discriminator, self.validation, self.compute, check), wanted)
        return {"val_predictor_rmse": math.sqrt(2 * error.item() / wanted.numel())}


class ConditionalGenerator:
    """A trained generator, in evaluation mode on the device. columns : names of the labels that it takes."""

    def __init__(self, generator: nn.Module, conditions: Conditions, columns: list[str], compute: Compute):
        self.generator, self.conditions, self.columns, self.compute = generator, conditions, columns, compute

    @torch.no_grad()  # not inference_mode: a network may train on these images
    def generate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Images float32 (B, C, S, S) with `labels` (B, K) in their units; noise comes from `generator` on the CPU."""
        noise = self.generator.noise(len(labels), generator).to(labels.device, non_blocking=True)
        with self.compute.autocast():
            return self.generator(noise, self.conditions(labels)).float()


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> ConditionalGAN:
    """The GAN that an experiment's settings describe, for the images of `train`.

    Raises ConfigError for unknown names or keys in the settings, DataError for a label that is absent or missing.
    """
    columns = experiment["conditions"]
    conditions = Conditions(*train.label_statistics(columns)).to(compute.device)
    networks = {
        name: compute.place(_build_network(experiment, name, train.size, train.shape[1]))
        for name in ("generator", "discriminator")
    }
    optimisers = {
        name: construct(
            build_optimiser, experiment["optimisers"][name], f"optimisers.{name}", parameters=network.parameters()
        )
        for name, network in networks.items()
    }
    return ConditionalGAN(
        **networks,
        conditions=conditions,
        optimisers=optimisers,
        columns=[train.columns.index(name) for name in columns],
        adversarial_weight=experiment["adversarial_weight"],
        hinge_sign=experiment["hinge_sign"],
        validation=validation,
        validation_labels=validation.labels_of(columns),
        compute=compute,
    )


def load_generator(path: Path, compute: Compute) -> ConditionalGenerator:
    """The generator of a model file. Raises DataError if the file is no conditional GAN, or damaged."""
    content = read_model(path, "conditional_gan")
    settings = content["settings"]
    generator, conditions = _load(content, "generator", path), _load_conditions(content, path)
    return ConditionalGenerator(
        compute.place(generator).eval(), conditions.to(compute.device), settings["conditions"], compute
    )


def load_predictor(path: Path, compute: Compute) -> Callable[[Images], Tensor]:
    """The predictor of a model file: from images to their labels in their units, float32 (N, K)."""
    content = read_model(path, "conditional_gan")
    discriminator = compute.place(_load(content, "discriminator", path)).eval()
    conditions = _load_conditions(content, path).to(compute.device)
    return lambda images: conditions.physical(predict_labels(discriminator, images, compute))


def predict_labels(
    discriminator: nn.Module, images: Images, compute: Compute, check: Callable[[], None] = lambda: None
) -> Tensor:
    """Standardised labels (N, K) that the predictor sees in images, in evaluation mode; the mode is restored.

    check : called before each batch; may raise.
    """
    return infer(discriminator, lambda pixels: discriminator.predict(to_float(pixels)), images, compute, check)


def _build_network(settings: dict[str, Any], name: str, size: int, channels: int) -> nn.Module:
    given = {"conditions": len(settings["conditions"]), "size": size, "channels": channels}
    return build_network(settings["networks"][name], f"networks.{name}", **given)


def _load(content: dict[str, Any], name: str, path: Path) -> nn.Module:
    network = _build_network(content["settings"], name, content["size"], content["channels"])
    load_weights(network, content["networks"][name], path)
    return network


def _load_conditions(content: dict[str, Any], path: Path) -> Conditions:
    count = len(content["settings"]["conditions"])
    conditions = Conditions(torch.empty(count), torch.empty(count))
    load_weights(conditions, content["networks"]["conditions"], path)
    return conditions


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

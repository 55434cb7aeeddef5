"""Two discriminators that learn scores and labels of real images, and a generator that is trained to please both."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images, to_float
from galaxies.errors import DataError
from galaxies.gan_training import build_optimisers, frozen
from galaxies.inference import infer
from galaxies.losses import target_score_loss
from galaxies.models.pooled_cnn import pooled
from galaxies.network_scorers import NetworkScorer
from galaxies.registry import build_network
from galaxies.score_range import HIGHEST, LOWEST
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums

SCORE, LABEL = "score", "galaxy"
NETWORKS = ("score_discriminator", "label_discriminator", "generator")
GALAXY = 1  # class of the label discriminator that the generator is to be taken for
MICRO_BATCH = 8  # images that the generator makes at a time; gradients add up, so that it bounds the memory alone
SHOWN = 4  # images of fixed noise that show how a training goes
SHOWN_SEED = 0


class Pair(NamedTuple):
    """A batch of images with scores, and one of as many images with labels."""

    scored: Batch
    labelled: Batch


class Pairs:
    """Training images with scores, each beside one with a label; an epoch is a pass over the smaller of the two sets.

    Raises DataError if there are none with a score, or none with a label.
    """

    def __init__(self, images: Images):
        self.images = images
        self.scored, self.labelled = (_rows_with(images, column) for column in (SCORE, LABEL))

    def __len__(self) -> int:
        return min(len(self.scored), len(self.labelled))

    def order(self, generator: torch.Generator) -> Tensor:
        """Random pairs of rows, int64 (len, 2): with a score, with a label; none comes twice in an epoch."""
        sets = (self.scored, self.labelled)
        return torch.stack([rows[torch.randperm(len(rows), generator=generator)][: len(self)] for rows in sets], dim=1)

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Pair]:
        """Batches of pairs of rows in `order`, int64 (n, 2)."""
        scored, labelled = (self.images.batches(order[:, part], batch_size) for part in (0, 1))
        try:
            yield from map(Pair, scored, labelled)
        finally:
            scored.close()
            labelled.close()


class Schedule(nn.Module):
    """Finished steps, saved with the networks; on the CPU, so that no step waits for the device."""

    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.tensor(0))


class TwoInOne:
    """A `galaxies.training.Method`: a step of each discriminator on real images and, from the step
    `discriminator_steps` on, a step of the generator against both. They never see what it makes.

    Losses (two_in_one, losses): mean |score - predicted score|; cross-entropy of two classes; for the generator
    cross-entropy of being taken for a galaxy + `target_score_loss` of its scores, means over the batch. The gradients
    of each network are clipped to a norm of `clip_norm`.
    truncate_scores : learn scores cut to whole numbers, as the authors' code does.

    Its history has `score_mae`, `label_loss` and `label_accuracy` of the training images as they were seen;
    `generator_loss`, `generated_score` and `generated_galaxy_probability` of the generator's, NaN while it waits;
    `val_score_mae` of the clipped scores of the validation images; and `sample_distance`, the mean absolute difference
    in grey levels between images of fixed noise, NaN while the generator waits; `steps` are those of the epoch.
    samples : these images, uint8 (M, 1, S, S); None before there are any.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        optimisers: dict[str, torch.optim.Optimizer],
        columns: list[str],
        *,
        discriminator_steps: int,
        truncate_scores: bool,
        gen_score_loss: str,
        target_score: float,
        clip_norm: float,
        validation: Images,
        compute: Compute,
    ):
        self.score_discriminator, self.label_discriminator, self.generator = (networks[name] for name in NETWORKS)
        self.schedule = Schedule()
        self.networks = {**networks, "schedule": self.schedule}
        self.optimisers = optimisers
        self.score_column, self.label_column = (columns.index(name) for name in (SCORE, LABEL))
        self.discriminator_steps, self.truncate_scores = discriminator_steps, truncate_scores
        self.gen_score_loss, self.target_score = gen_score_loss, target_score
        self.clip_norm = clip_norm
        self.validation, self.size, self.compute = validation, validation.size, compute
        self.validation_scores = validation.labels_of([SCORE])[:, 0]
        self.samples: np.ndarray | None = None
        for network in self.networks.values():
            network.train()

    def training_step(self, batch: Pair, generator: torch.Generator) -> Sums:
        """One step of the networks that are trained now."""
        sums = self._score_step(batch.scored) | self._label_step(batch.labelled) | {"steps": 1}
        if int(self.schedule.steps) >= self.discriminator_steps:
            count = len(batch.scored.images)
            latents = self.generator.latents(count, generator)
            keys = self.generator.noise_keys(count, generator)
            sums |= self.generator_step(latents, keys) | {"generator_steps": 1}
        self.schedule.steps += 1
        return sums

    def _score_step(self, batch: Batch) -> Sums:
        scores = batch.labels[:, self.score_column]
        targets = scores.trunc() if self.truncate_scores else scores
        with self.compute.autocast():
            predicted = self.score_discriminator(to_float(batch.images))[:, 0]
        loss = (predicted - targets).abs().mean()
        self.optimisers["score_discriminator"].zero_grad()
        loss.backward()
        self._update("score_discriminator")
        return {"score_mae": (predicted.detach() - scores).abs().mean()}

    def _label_step(self, batch: Batch) -> Sums:
        classes = batch.labels[:, self.label_column].long()
        with self.compute.autocast():
            logits = self.label_discriminator(to_float(batch.images))
        loss = cross_entropy(logits, classes)
        self.optimisers["label_discriminator"].zero_grad()
        loss.backward()
        self._update("label_discriminator")
        correct = (logits.detach().argmax(dim=1) == classes).float().mean()
        return {"label_loss": loss.detach(), "label_accuracy": correct}

    def generator_step(self, latents: Tensor, keys: list[int]) -> Sums:
        """One step of the generator on images of `latents` (B, latent_dim) and noise of `keys`, a few at a time."""
        self.optimisers["generator"].zero_grad()
        sums = {"generator_loss": 0.0, "generated_score": 0.0, "generated_galaxy_probability": 0.0}
        with frozen(self.score_discriminator, self.label_discriminator):
            for first in range(0, len(latents), MICRO_BATCH):
                some = slice(first, first + MICRO_BATCH)
                scores, logits = self._judged(latents[some], keys[some])
                as_galaxy = cross_entropy(
                    logits, torch.full_like(logits[:, 0], GALAXY, dtype=torch.int64), reduction="sum"
                )
                loss = (as_galaxy + target_score_loss(scores, self.target_score, self.gen_score_loss)) / len(latents)
                loss.backward()
                probability = logits.detach().softmax(dim=1)[:, GALAXY]
                of_these = (loss, scores.sum() / len(latents), probability.sum() / len(latents))
                sums = {
                    name: total + value.detach() for (name, total), value in zip(sums.items(), of_these, strict=True)
                }
        self._update("generator")
        return sums

    def _judged(self, latents: Tensor, keys: list[int]) -> tuple[Tensor, Tensor]:
        """Scores (B,) and logits (B, 2) of generated images."""
        device = self.compute.device
        with self.compute.autocast():
            images = self.generator(latents.to(device, non_blocking=True), self.generator.noise(keys, device))
            maps = pooled(images, self.size)
            return self.score_discriminator(maps)[:, 0], self.label_discriminator(maps)

    def _update(self, name: str) -> None:
        clip_grad_norm_(self.networks[name].parameters(), self.clip_norm)
        self.optimisers[name].step()

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Means over the steps so far in this epoch, and their number; NaN for the generator if it had none."""
        steps, of_generator = sums["steps"], sums.get("generator_steps", 0)
        generated = ("generator_loss", "generated_score", "generated_galaxy_probability")
        return {
            **{name: sums[name] / steps for name in ("score_mae", "label_loss", "label_accuracy")},
            **{name: sums[name] / of_generator if of_generator else math.nan for name in generated},
            "steps": int(steps),
        }

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Error of the scores of the validation images, and how much images of fixed noise differ."""
        network = self.score_discriminator
        predicted = infer(network, lambda images: network(to_float(images)), self.validation, self.compute, check)
        error = (predicted[:, 0].clamp(LOWEST, HIGHEST) - self.validation_scores).abs().mean().item()
        distance = math.nan
        if int(self.schedule.steps) > self.discriminator_steps:
            check()
            draw = torch.Generator().manual_seed(SHOWN_SEED)
            latents = self.generator.latents(SHOWN, draw)
            images = images_of(self.generator, latents, self.generator.noise_keys(SHOWN, draw), self.compute)
            distance = torch.pdist(images.flatten(1), p=1).mean().item() / images[0].numel()
            self.samples = as_8_bit(images).cpu().numpy()
        return {"val_score_mae": error, "sample_distance": distance}


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> TwoInOne:
    """The three networks that an experiment's settings describe, for the maps of `train`.

    Raises ConfigError for unknown names or keys in the settings, DataError for a validation image without score.
    """
    networks = {name: compute.place(_build(experiment, name, train.size, train.shape[1])) for name in NETWORKS}
    optimisers = build_optimisers(experiment["optimisers"], {name: [part] for name, part in networks.items()})
    keys = ("discriminator_steps", "truncate_scores", "gen_score_loss", "target_score", "clip_norm")
    settings = {key: experiment[key] for key in keys}
    return TwoInOne(networks, optimisers, train.columns, validation=validation, compute=compute, **settings)


def training_data(train: Images, length: int) -> Pairs:
    """What an epoch of a training is made of."""
    return Pairs(train)


def load_scorer(path: Path, compute: Compute) -> NetworkScorer:
    """The score discriminator of a model file. Raises DataError if it is none, or damaged."""
    content = read_model(path, "two_in_one")
    settings = content["settings"]
    network = compute.place(_load(content, "score_discriminator", path)).eval()
    frame = settings["networks"]["generator"]["size"]

    def scores(pixels: Tensor) -> Tensor:
        return network(pooled(pixels, content["size"]))[:, 0]

    return NetworkScorer(scores, settings["view"], frame, compute)


def load_generator(path: Path, compute: Compute) -> nn.Module:
    """The generator of a model file. Raises DataError if it is none, damaged, or was never trained."""
    content = read_model(path, "two_in_one")
    if int(content["networks"]["schedule"]["steps"]) <= content["settings"]["discriminator_steps"]:
        raise DataError(f"{path}: its training ended before that of its generator began", "raise `steps`")
    return compute.place(_load(content, "generator", path)).eval()


@torch.no_grad()
def images_of(generator: nn.Module, latents: Tensor, keys: list[int], compute: Compute) -> Tensor:
    """Images float32 (B, 1, S, S) in 0..255 on the device."""
    with compute.autocast():
        return generator(latents.to(compute.device), generator.noise(keys, compute.device)).float()


def as_8_bit(images: Tensor) -> Tensor:
    """Grey levels to uint8, clipped to 0..255 and cut to whole levels, as the authors' code does."""
    return images.clamp(0, 255).to(torch.uint8)


def _build(experiment: dict[str, Any], name: str, size: int, channels: int) -> nn.Module:
    outputs = 1 if name == "score_discriminator" else 2
    given = {} if name == "generator" else {"size": size, "channels": channels, "outputs": outputs}
    return build_network(experiment["networks"][name], f"networks.{name}", **given)


def _load(content: dict[str, Any], name: str, path: Path) -> nn.Module:
    network = _build(content["settings"], name, content["size"], content["channels"])
    load_weights(network, content["networks"][name], path)
    return network


def _rows_with(images: Images, column: str) -> Tensor:
    """Rows of the images that have a label, int64 (n,)."""
    if column not in images.columns:
        raise DataError(f"{images.view}: no label {column!r}", f"this method learns from {SCORE} and {LABEL}")
    rows = images.labels[:, images.columns.index(column)].isfinite().nonzero()[:, 0].cpu()
    if not len(rows):
        raise DataError(
            f"{images.view}: no training image has a {column}",
            "name a set of scored and one of labelled images under train_on",
        )
    return rows

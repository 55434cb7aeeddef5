"""Regression of the scores of cosmology images by one network: the scorer of intergalactic_vae_cnn."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images, expect_levels
from galaxies.errors import ConfigError, TrainingError
from galaxies.inference import infer
from galaxies.network_scorers import NetworkScorer
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct
from galaxies.score_range import HIGHEST, LOWEST
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums

SCORE = "score"
PIXEL_SCALES = {"unit": 255.0, "raw": 1.0}
"""Name of a scale -> what grey levels 0..255 are divided by."""


class BestEpoch(nn.Module):
    """The weights of the epoch with the lowest error so far, the first of equals; saved with the networks.

    State: `network`; `error` and `epoch`, of these weights (infinite and 0 before the first); `epochs`, those recorded.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("error", torch.tensor(math.inf, dtype=torch.float64))
        self.register_buffer("epoch", torch.tensor(0))
        self.register_buffer("epochs", torch.tensor(0))

    def record(self, network: nn.Module, error: float) -> None:
        """Count an epoch that ended with `network` and `error`. Raises TrainingError for one that is not finite."""
        if not math.isfinite(error):
            raise TrainingError(f"the validation error is {error}", "lower the learning_rate; look at the images")
        self.epochs += 1
        if error < self.error:
            self.network.load_state_dict(network.state_dict())
            self.error.fill_(error)
            self.epoch.copy_(self.epochs)


class ScoreRegression:
    """A `galaxies.training.Method` that learns scores with the sum over a batch of |score - predicted score|.

    Its history has `mae` of the training images as they were seen, while the weights moved and without clipping; and
    `val_mae` of clipped scores of the validation images: mean absolute errors over all images. The network `best` has
    the weights of the epoch with the lowest `val_mae`, so that this error is optimistic.
    Source: intergalactic_vae_cnn, section IV; that it keeps the best epoch is not stated.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        pixel_scale: str,
        columns: list[str],
        validation: Images,
        compute: Compute,
    ):
        self.network, self.optimiser, self.pixel_scale = network, optimiser, pixel_scale
        self.score_column = columns.index(SCORE)
        self.validation, self.compute = validation, compute
        self.validation_scores = validation.labels_of([SCORE])[:, 0].double()
        network.train()
        self.best = BestEpoch(network)
        self.networks = {"scorer": network, "best": self.best}
        self.optimisers = {"scorer": optimiser}

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step on the summed absolute error of a batch."""
        with self.compute.autocast():
            predicted = self.network(scaled(batch.images, self.pixel_scale))[:, 0]
        loss = l1_loss(predicted, batch.labels[:, self.score_column], reduction="sum")
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"absolute_error": loss.detach(), "count": len(batch.images)}

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Mean absolute error so far in this epoch."""
        return {"mae": sums["absolute_error"] / sums["count"]}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Mean absolute error of the validation images. Raises TrainingError if it is not finite."""
        predicted = predict(self.network, self.validation, self.pixel_scale, self.compute, check).double()
        error = (predicted.clamp(LOWEST, HIGHEST) - self.validation_scores).abs().mean().item()
        self.best.record(self.network, error)  # last: an evaluation that `check` ends is done again
        return {"val_mae": error}


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> ScoreRegression:
    """The regression that an experiment's settings describe, for the size and the channels of the images of `train`.

    Raises ConfigError for unknown names or keys in the settings, DataError if an image has no score or no grey levels.
    """
    if experiment["pixel_scale"] not in PIXEL_SCALES:
        known = ", ".join(PIXEL_SCALES)
        raise ConfigError(f"pixel_scale is {experiment['pixel_scale']!r}; it must be one of: {known}")
    expect_levels(train)
    train.labels_of([SCORE])
    network = compute.place(build_scorer(experiment["network"], train.size, train.shape[1]))
    optimiser = construct(build_optimiser, experiment["optimiser"], "optimiser", parameters=network.parameters())
    return ScoreRegression(network, optimiser, experiment["pixel_scale"], train.columns, validation, compute)


def build_scorer(settings: dict[str, Any], size: int, channels: int) -> nn.Module:
    """The network that `settings` describe, with one output, for images of `size` px."""
    return build_network(settings, "network", outputs=1, size=size, channels=channels)


def load_scorer(path: Path, compute: Compute) -> NetworkScorer:
    """The network of the best epoch of a model file. Raises DataError if the file is of another method, or damaged."""
    content = read_model(path, "score_regression")
    settings = content["settings"]
    best = BestEpoch(build_scorer(settings["network"], content["size"], content["channels"]))
    load_weights(best, content["networks"]["best"], path)
    network, scale = compute.place(best.network).eval(), settings["pixel_scale"]
    return NetworkScorer(lambda pixels: network(scaled(pixels, scale))[:, 0], settings["view"], None, compute)


def predict(
    network: nn.Module, images: Images, pixel_scale: str, compute: Compute, check: Callable[[], None] = lambda: None
) -> Tensor:
    """Scores float32 (N,) on the device, not clipped, in evaluation mode; the mode is restored.

    check : called before each batch; may raise.
    """
    return infer(network, lambda pixels: network(scaled(pixels, pixel_scale)), images, compute, check)[:, 0]


def scaled(images: Tensor, pixel_scale: str) -> Tensor:
    """Grey levels 0..255 of any type to float32, in [0, 1] (unit) or as they are (raw)."""
    return images.float() / PIXEL_SCALES[pixel_scale]

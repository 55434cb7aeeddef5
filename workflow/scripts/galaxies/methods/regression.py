"""Regression of image labels: one network, mean squared error. The method of galaxy_zoo_cnn."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from galaxies.compute import Compute
from galaxies.data.augmentation import Augmentation
from galaxies.data.device import Batch, Images, expect_levels, to_unit
from galaxies.errors import DataError
from galaxies.inference import infer
from galaxies.losses import mse
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct
from galaxies.training import Sums


class Regression:
    """A `galaxies.training.Method` that fits labels in [0, 1].

    Its history has `loss` and `rmse` of the training images as they were seen: augmented, with dropout, while the
    weights moved; and `val_loss` and `val_rmse` of the clean validation images. A loss is the mean of the squared
    errors over all galaxies and columns, and the RMSE is its root, both global: never means over batches.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        augmentation: Augmentation,
        validation: Images,
        compute: Compute,
    ):
        self.network = network
        self.optimiser = optimiser
        self.augmentation = augmentation
        self.validation = validation
        self.compute = compute
        self.networks = {"regressor": network}
        self.optimisers = {"regressor": optimiser}
        network.train()

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step on the mean squared error of a batch."""
        images = self.augmentation(to_unit(batch.images), generator)
        with self.compute.autocast():
            predictions = self.network(images)
        loss = mse(predictions, batch.labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"squared_error": loss.detach() * batch.labels.numel(), "count": batch.labels.numel()}

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Loss and RMSE so far in this epoch."""
        loss = sums["squared_error"] / sums["count"]
        return {"loss": loss, "rmse": math.sqrt(loss)}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Loss and RMSE of the validation images in evaluation mode."""
        predictions = predict(self.network, self.validation, self.compute, check)
        loss = mse(predictions, self.validation.labels).item()
        return {"val_loss": loss, "val_rmse": math.sqrt(loss)}


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> Regression:
    """The regression that an experiment's settings describe, for the columns and the size of the images of `train`.

    files : `pretrained`, a file of published weights, for architectures that start from one.
    Raises ConfigError for unknown names or keys in the settings, DataError for a missing label or unbounded pixels.
    """
    for images in (train, validation):
        expect_levels(images)
        if missing := int(images.labels.isnan().any(dim=1).sum()):
            raise DataError(
                f"{images.view}: {missing} of {len(images)} images of a set lack a label, a regression needs them all",
                "split the data so that its sets have only objects with every label",
            )
    weights = {"weights": files["pretrained"]} if "pretrained" in files else {}
    settings = {**experiment["network"], **weights}
    network = compute.place(build_network(settings, "network", outputs=len(train.columns), size=train.size))
    optimiser = construct(build_optimiser, experiment["optimiser"], "optimiser", parameters=network.parameters())
    augmentation = construct(Augmentation, experiment.get("augmentation", {}), "augmentation")
    return Regression(network, optimiser, augmentation, validation, compute)


def load_network(model: dict[str, Any], compute: Compute) -> nn.Module:
    """The trained network of a model file, in evaluation mode on the device.

    model : content of `model.pt`, see `train.py`.
    """
    settings = dict(model["settings"]["network"])
    if "pretrained" in settings:
        settings["pretrained"] = "none"  # the trained weights follow; the file that they started from is not needed
    network = build_network(settings, "network", outputs=len(model["columns"]), size=model["size"])
    network.load_state_dict(model["networks"]["regressor"])
    return compute.place(network).eval()


def predict(network: nn.Module, images: Images, compute: Compute, check: Callable[[], None] = lambda: None) -> Tensor:
    """Predictions for clean images in evaluation mode, float32 (N, K) on the device; the mode is restored.

    check : called before each batch; may raise.
    """
    return infer(network, lambda pixels: network(to_unit(pixels)), images, compute, check)

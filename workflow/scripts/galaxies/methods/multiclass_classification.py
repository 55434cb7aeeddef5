"""A classifier of several classes, the method of morphology_classifier; trained, it also judges generated images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images, to_float
from galaxies.data.morphology_inputs import MorphologyInputs
from galaxies.errors import DataError
from galaxies.inference import infer
from galaxies.optimisers import StepDecay, build_optimiser
from galaxies.registry import build_network, construct
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums


class MulticlassClassification:
    """A `galaxies.training.Method` on the cross-entropy of one-hot classes.

    Its history has `loss` (nats) and `accuracy` of the training images as they were seen, changed at random while the
    weights moved; and of the validation images as they are `val_loss`, `val_accuracy` and `val_class_accuracy`, the
    mean of the accuracies of the classes that occur.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        decay: StepDecay | None,
        inputs: MorphologyInputs,
        *,
        view: str,
        columns: list[int],
        validation: Images,
        validation_targets: Tensor,
        compute: Compute,
    ):
        self.network, self.optimiser, self.decay, self.inputs = network, optimiser, decay, inputs
        self.networks = {"classifier": network, **({"decay": decay} if decay else {})}
        self.optimisers = {"classifier": optimiser}
        self.view, self.columns = view, columns
        self.validation, self.validation_targets = validation, validation_targets
        self.compute = compute
        network.train()

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step on the mean cross-entropy of a batch."""
        targets = batch.labels[:, self.columns].argmax(dim=1)
        images = self.inputs.augmented(to_float(batch.images), self.view, generator)
        with self.compute.autocast():
            logits = self.network(images)
        loss = cross_entropy(logits, targets)
        self.optimiser.zero_grad()
        loss.backward()
        if self.decay:
            self.decay.before_step(self.optimiser)
        self.optimiser.step()
        correct = (logits.detach().argmax(dim=1) == targets).sum()
        return {"cross_entropy": loss.detach() * len(targets), "correct": correct, "count": len(targets)}

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Mean cross-entropy and accuracy so far in this epoch."""
        return {"loss": sums["cross_entropy"] / sums["count"], "accuracy": sums["correct"] / sums["count"]}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Cross-entropy and accuracies of the validation images in evaluation mode."""
        logits = classify(self.network, self.inputs, self.validation, self.view, self.compute, check)
        correct = (logits.argmax(dim=1) == self.validation_targets).double()
        per_class = [correct[self.validation_targets == c].mean() for c in self.validation_targets.unique()]
        return {
            "val_loss": cross_entropy(logits, self.validation_targets).item(),
            "val_accuracy": correct.mean().item(),
            "val_class_accuracy": torch.stack(per_class).mean().item(),
        }


class Classifier:
    """A trained classifier in evaluation mode. classes : names of the K classes."""

    def __init__(
        self, network: nn.Module, inputs: MorphologyInputs, classes: list[str], channels: int, compute: Compute
    ):
        self.network, self.inputs, self.classes = network.eval(), inputs, classes
        self.channels, self.compute = channels, compute

    def describe(self, images: Tensor, view: str) -> tuple[Tensor, Tensor]:
        """Logits (B, K) and features (B, F), float32, without gradients.

        images : float (B, C, S, S) in [0, 1] on the device, as the `view` shows them, such as crop256_128: its name
        gives the scale, so that galaxies have the size that the classifier was trained on.
        Raises DataError for another number of channels, and what `MorphologyInputs.plain` raises.
        """
        if images.shape[1] != self.channels:
            raise DataError(f"images of {images.shape[1]} channels for a classifier of images of {self.channels}")
        with torch.no_grad(), self.compute.autocast():
            features = self.network.features(self.inputs.plain(images, view)).float()
            return self.network.head(features).float(), features


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> MulticlassClassification:
    """The classifier that an experiment's settings describe.

    Raises ConfigError for unknown names or keys in the settings, DataError unless every image is of exactly one class.
    """
    classes = classes_of(experiment, train.columns)
    inputs = construct(MorphologyInputs, experiment["inputs"], "inputs")
    network = compute.place(_network(experiment, len(classes), inputs, train.shape[1]))
    settings, decay = experiment["optimiser"], experiment.get("decay")
    optimiser = construct(build_optimiser, settings, "optimiser", parameters=network.parameters())
    if decay:
        decay = construct(StepDecay, decay, "decay", learning_rate=settings["learning_rate"])
    targets_of(train, classes)
    return MulticlassClassification(
        network,
        optimiser,
        decay,
        inputs,
        view=experiment["view"],
        columns=[train.columns.index(name) for name in classes],
        validation=validation,
        validation_targets=targets_of(validation, classes),
        compute=compute,
    )


def load_classifier(path: Path, compute: Compute) -> Classifier:
    """The trained classifier of a model file. Raises DataError if it is none."""
    content = read_model(path, "multiclass_classification")
    settings, channels = content["settings"], content["channels"]
    classes = classes_of(settings, content["columns"])
    inputs = construct(MorphologyInputs, settings["inputs"], "inputs")
    network = _network(settings, len(classes), inputs, channels)
    load_weights(network, content["networks"]["classifier"], path)
    return Classifier(compute.place(network), inputs, classes, channels, compute)


def classify(
    network: nn.Module,
    inputs: MorphologyInputs,
    images: Images,
    view: str,
    compute: Compute,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Logits, float32 (N, K), of images as they are, in evaluation mode; the mode is restored.

    check : called before each batch; may raise.
    """
    return infer(network, lambda pixels: network(inputs.plain(to_float(pixels), view)), images, compute, check)


def classes_of(experiment: dict[str, Any], columns: list[str]) -> list[str]:
    """Classes that an experiment tells apart: those it names, or all `columns` of the view."""
    return list(experiment.get("classes") or columns)


def targets_of(images: Images, classes: list[str]) -> Tensor:
    """Class (N,) 0 to K - 1 of each image, int64. Raises DataError unless one column is 1 and the others are 0."""
    labels = images.labels_of(classes)
    wrong = ((labels != 0) & (labels != 1)).any(dim=1) | (labels.sum(dim=1) != 1)
    if wrong.any():
        first = int(wrong.int().argmax())
        found = ", ".join(f"{name} {value:g}" for name, value in zip(classes, labels[first].tolist(), strict=True))
        raise DataError(
            f"{images.view}: {int(wrong.sum())} of {len(images)} images are not of exactly one class; object "
            f"{images.ids[first]} has {found}",
            "give the data set labels of kind five_classes or class, or name the class columns as `classes`",
        )
    return labels.argmax(dim=1)


def _network(experiment: dict[str, Any], outputs: int, inputs: MorphologyInputs, channels: int) -> nn.Module:
    settings = experiment["network"]
    return build_network(settings, "network", outputs=outputs, size=inputs.size, channels=channels)

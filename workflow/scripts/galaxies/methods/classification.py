"""A classifier of two classes, trained on real images, on generated ones, or on both. The method of the augmentation
experiment (galaxy_cgan_augmentation)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from galaxies.compute import Compute
from galaxies.data.augmentation import Augmentation
from galaxies.data.device import Batch, Images, to_float
from galaxies.errors import ConfigError, DataError
from galaxies.inference import infer
from galaxies.optimisers import build_optimiser
from galaxies.registry import build_network, construct, named_module
from galaxies.trained_models import load_weights, read_model
from galaxies.training import Sums


class Record(nn.Module):
    """What the classifier said of the validation images after each epoch; saved with its weights.

    logit : float32 (epochs, N), log-odds of class 1, NaN for epochs that are still to come. positive_rate : float64,
    share of class 1 among the real training images. ids : int64 (N,), of the validation images. finished : int64,
    number of epochs.
    """

    def __init__(self, epochs: int, ids: Tensor, positive_rate: float):
        super().__init__()
        self.register_buffer("logit", torch.full((epochs, len(ids)), float("nan")))
        self.register_buffer("ids", ids)
        self.register_buffer("positive_rate", torch.tensor(positive_rate, dtype=torch.float64))
        self.register_buffer("finished", torch.tensor(0))

    def add(self, logit: Tensor) -> None:
        """Note the log-odds (N,) after one more epoch."""
        self.logit[self.finished] = logit
        self.finished += 1


class Classification:
    """A `galaxies.training.Method` on the binary cross-entropy of a 0/1 label.

    A step takes a batch of real images, and with a generator `generated_per_real` times as many images, made anew
    from the labels of that batch and with its targets. The real images, their order and their augmentation are the
    same whatever is generated: the noise has a random stream of its own. The history has `loss` and `val_loss`, means
    over images in nats.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        augmentation: Augmentation,
        record: Record,
        *,
        target: int,
        real_images: bool,
        generator: Any | None,
        conditions: list[int],
        generated_per_real: float,
        validation: Images,
        validation_targets: Tensor,
        compute: Compute,
    ):
        self.network, self.optimiser, self.augmentation, self.record = network, optimiser, augmentation, record
        self.networks = {"classifier": network, "record": record}
        self.optimisers = {"classifier": optimiser}
        self.target, self.real_images = target, real_images
        self.generator, self.conditions, self.generated_per_real = generator, conditions, generated_per_real
        self.validation, self.validation_targets = validation, validation_targets
        self.compute = compute
        network.train()

    def training_step(self, batch: Batch, generator: torch.Generator) -> Sums:
        """One step on the mean cross-entropy of all images, real and generated."""
        images, targets = self.examples(batch, generator)
        with self.compute.autocast():
            logits = self.network(images).squeeze(1)
        loss = binary_cross_entropy_with_logits(logits, targets)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"cross_entropy": loss.detach() * len(targets), "count": len(targets)}

    def examples(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images (B, C, S, S) and targets (B,) of a step: the real ones of a batch, then those that are generated."""
        targets = batch.labels[:, self.target]
        real = self.augmentation(to_float(batch.images), generator)
        noise = torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        if self.generator is None:
            return real, targets
        number = max(1, round(self.generated_per_real * len(targets)))
        rows = torch.arange(number, device=targets.device) % len(targets)
        generated = self.generator.generate(batch.labels[rows][:, self.conditions], noise)
        if not self.real_images:
            return generated, targets[rows]
        return torch.cat([real, generated]), torch.cat([targets, targets[rows]])

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Mean cross-entropy so far in this epoch."""
        return {"loss": sums["cross_entropy"] / sums["count"]}

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Cross-entropy of the validation images in evaluation mode; their log-odds go to the record."""
        logits = classify(self.network, self.validation, self.compute, check)
        self.record.add(logits)
        return {"val_loss": binary_cross_entropy_with_logits(logits, self.validation_targets).item()}


def build(
    experiment: dict[str, Any], train: Images, validation: Images, compute: Compute, files: dict[str, Path]
) -> Classification:
    """The classifier that an experiment's settings describe.

    files : model files `generator`, whose generator makes images, and `initial`, a classifier to start from; both
    optional. Raises ConfigError for unknown names or keys in the settings, DataError for labels that are missing or
    not 0 and 1.
    """
    # The classifier comes first: its initial weights must not depend on whether there is a generator.
    network = build_network(experiment["network"], "network", outputs=1, size=train.size, channels=train.shape[1])
    if "initial" in files:
        content = read_model(files["initial"], "classification")
        load_weights(network, content["networks"]["classifier"], files["initial"])
    network = compute.place(network)
    optimiser = construct(build_optimiser, experiment["optimiser"], "optimiser", parameters=network.parameters())
    generator, conditions = _generator(files.get("generator"), train, compute)
    if generator is None and not experiment["real_images"]:
        raise ConfigError("real_images is false and there is no generator", "a training needs images of one kind")
    targets = _targets(train, experiment["target"])
    validation_targets = _targets(validation, experiment["target"])
    record = Record(experiment["epochs"], torch.from_numpy(validation.ids), targets.double().mean().item()).to(
        compute.device
    )
    return Classification(
        network,
        optimiser,
        construct(Augmentation, experiment.get("augmentation", {}), "augmentation"),
        record,
        target=train.columns.index(experiment["target"]),
        real_images=experiment["real_images"],
        generator=generator,
        conditions=conditions,
        generated_per_real=experiment["generated_per_real"],
        validation=validation,
        validation_targets=validation_targets,
        compute=compute,
    )


def classify(network: nn.Module, images: Images, compute: Compute, check: Callable[[], None] = lambda: None) -> Tensor:
    """Log-odds of class 1, float32 (N,), of clean images in evaluation mode; the mode is restored.

    check : called before each batch; may raise.
    """
    return infer(network, lambda pixels: network(to_float(pixels)).squeeze(1), images, compute, check)


def _generator(path: Path | None, train: Images, compute: Compute) -> tuple[Any | None, list[int]]:
    """A trained generator, and the positions of its conditions among the labels of the images."""
    if path is None:
        return None, []
    content = read_model(path)
    generator = named_module("methods", content["settings"]["method"]).load_generator(path, compute)
    if (content["size"], content["channels"]) != (train.size, train.shape[1]):
        raise DataError(
            f"{path}: makes images of {content['size']} px with {content['channels']} channels; {train.view} has "
            f"{train.size} px and {train.shape[1]}",
            "train generator and classifier on the same view",
        )
    train.labels_of(generator.columns)
    return generator, [train.columns.index(name) for name in generator.columns]


def _targets(images: Images, column: str) -> Tensor:
    """The 0/1 labels (N,) of a column. Raises DataError for other values, or if only one of the two occurs."""
    targets = images.labels_of([column])[:, 0]
    values = sorted(targets.unique().tolist())
    if values != [0.0, 1.0]:
        shown = ", ".join(f"{value:g}" for value in values[:5])
        raise DataError(
            f"{images.view}: {column} of a set of {len(images)} images has the values {shown}; expected 0 and 1",
            "choose another target, or larger sets",
        )
    return targets

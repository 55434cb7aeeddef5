"""Generate images: one for the labels of every image of a split, or as many as asked."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute, machine_of
from galaxies.data.device import WHITE, Batch, Images
from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.generated_images import EXAMPLES
from galaxies.registry import named_module
from galaxies.scripting import run_script
from galaxies.trained_models import TRAIN_AGAIN, read_model

logger = logging.getLogger("galaxies.generate")

BATCH = 250  # a matter of speed and memory
STREAM = 1  # of the random numbers of a seed: noise that no training and no preview has


def main(
    view: Path,
    split: Path,
    model: Path,
    generated: Path,
    *,
    example_conditions: list[dict],
    compute: dict,
    threads: int,
    samples: int | None = None,
) -> None:
    """Write the images of a trained generator to HDF5; the seed of the training decides the noise.

    With labels: one image for the labels of each image of the sets that the generator was trained and validated on.
    Without: `samples` images; those of generators with values in [0, 1] become levels 0..255, of the view's type.

    view : packed images and labels. split : table object_id,split. model : from train.py, of a method that can load a
    generator. example_conditions : physical labels by name, all that the generator takes. compute : as in train.py.
    generated : see `galaxies.generated_images.Generated`; further attributes are `source` and `model_sha256`.
    """
    machine = machine_of(compute, threads)
    content = read_model(model)
    with View(view) as packed:
        generator, predictor = load(model, content, packed, machine)
        if generator.columns:
            request = labels_of_split(packed, split, content["settings"], generator.columns, machine)
        else:
            request = labels_of_none(samples, machine)
        levels = not generator.columns and generator.bounded
        stored = packed.dtype if levels else np.float32
        attributes, block, image = packed.attributes, packed.block, packed.shape[1:]
    labels, count, seed = request.labels, len(request.labels), content["seed"]
    conditions = checked_conditions(example_conditions if generator.columns else [], generator.columns)
    room = "make room and run the same command again"
    with full_disk_as_data_error(generated, room), atomic(generated) as temporary, h5py.File(temporary, "w") as file:
        chunks = (min(block, count), *image)
        pixels = file.create_dataset("generated", (count, *image), stored, chunks=chunks, fletcher32=True)
        batches = made(generator, labels, seed, model)
        file["predicted_generated"] = write_images(pixels, batches, predictor, model, levels=levels)
        real = predictor(request.images) if predictor else torch.full_like(labels, np.nan)
        file["predicted_real"] = numbers(real)
        file["ids"], file["split"], file["labels"] = request.ids, request.sets, numbers(labels)
        file["example_conditions"] = conditions
        file["examples"] = examples(generator, conditions, image, seed, machine, model)
        if not generator.columns:
            file["progress"], file["progress_steps"] = generator.progress.astype(stored), generator.progress_steps
        trained_on, validated_on = content["settings"]["train_on"], content["settings"].get("validate_on")
        file.attrs.update({"columns": generator.columns, "seed": seed, "trained_on": trained_on})
        file.attrs.update({"saw_validation": validated_on in trained_on, "source": content["source"]})
        file.attrs["simulated"] = bool(attributes["simulated"])
        file.attrs["model_sha256"] = sha256(model)
        file.attrs["view_sha256"] = str(attributes["pixels_sha256"])
    logger.info("%s: %d images, %d example conditions", generated, count, len(conditions))


class Request(NamedTuple):
    """What is to be generated. labels : (N, K) on the device. ids, sets : of the real image with these labels, int64 -1
    and "" if there is none. images : these real images."""

    labels: Tensor
    ids: np.ndarray
    sets: list[str]
    images: Images | None


def labels_of_split(view: View, split: Path, settings: dict[str, Any], columns: list[str], machine: Compute) -> Request:
    """The labels of each image of the sets that a generator was trained and validated on."""
    table = read_split(split)
    table = table[table["split"].isin([*settings["train_on"], settings["validate_on"]])]
    images = Images(view.path, view.rows(table[ID].to_numpy()), machine)
    return Request(images.labels_of(columns), images.ids, table["split"].to_list(), images)


def labels_of_none(samples: int | None, machine: Compute) -> Request:
    """As many images as `samples` of a generator that takes no labels. Raises ConfigError if that is not given."""
    if samples is None:
        raise ConfigError("samples: not given, and the generator takes no labels", "say how many images to generate")
    labels = torch.empty((samples, 0), device=machine.device)
    return Request(labels, np.full(samples, -1, dtype=np.int64), [""] * samples, None)


class InMemory:
    """Images that a predictor is asked about, served as `galaxies.data.device.Images` are."""

    def __init__(self, content: Batch):
        self.content = content

    def __len__(self) -> int:
        return len(self.content.images)

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Batch]:
        """Batches in `order`: int64 indices."""
        for indices in order.to(self.content.images.device).split(batch_size):
            yield Batch(self.content.images[indices], self.content.labels[indices])


def load(path: Path, content: dict[str, Any], view: View, machine: Compute) -> tuple[Any, Callable | None]:
    """The generator of a model file, and its predictor if the method has one.

    Raises DataError if the method has no generator, or it makes images of another size than those of `view`.
    """
    method = content["settings"]["method"]
    methods = named_module("methods", method)
    if not hasattr(methods, "load_generator"):
        raise DataError(f"{path}: a model of method {method!r}, which generates nothing", "name another experiment")
    channels, size = view.shape[1], view.shape[-1]
    if (content["size"], content["channels"]) != (size, channels):
        raise DataError(
            f"{path}: makes images of {content['size']} px with {content['channels']} channels; {view.path} has "
            f"{size} px and {channels}",
            "use the view that the generator was trained on",
        )
    predictor = methods.load_predictor(path, machine) if hasattr(methods, "load_predictor") else None
    return methods.load_generator(path, machine), predictor


def checked_conditions(conditions: list[dict], columns: list[str]) -> np.ndarray:
    """Example conditions (M, K) float32 in the order of `columns`. Raises ConfigError unless each names just these."""
    for number, condition in enumerate(conditions):
        if set(condition) != set(columns):
            raise ConfigError(
                f"example_conditions[{number}]: has {', '.join(condition)}; the generator takes {', '.join(columns)}",
                "give a value for each label that the generator takes, and for no other",
            )
    values = [[condition[name] for name in columns] for condition in conditions]
    return np.array(values, dtype=np.float32).reshape(len(conditions), len(columns))


def made(generator: Any, labels: Tensor, seed: int, path: Path) -> Iterator[Batch]:
    """Batches of images with `labels` (N, K), in order. Raises DataError for values that are not finite."""
    state = np.random.SeedSequence([seed, STREAM]).generate_state(1, np.uint64)[0]
    noise = torch.Generator().manual_seed(int(state))
    for part in labels.split(BATCH):
        images = generator.generate(part, noise)
        if not images.isfinite().all():
            raise DataError(f"{path}: generates values that are not finite", "train with a smaller learning rate")
        yield Batch(images, part)


def write_images(
    pixels: h5py.Dataset, batches: Iterator[Batch], predictor: Callable | None, path: Path, *, levels: bool
) -> np.ndarray:
    """Write batches to `pixels` as they come; labels (N, K) that the predictor sees in them, NaN without one.

    levels : write values in [0, 1] as levels 0..255, rounded if the pixels are 8-bit; raises DataError for others.
    """
    predicted, first = [], 0
    for batch in batches:
        last = first + len(batch.images)
        images = batch.images
        if levels:
            if images.min() < 0 or images.max() > 1:
                raise DataError(f"{path}: generates values outside of [0, 1]", TRAIN_AGAIN)
            images = WHITE * images
            images = images.round().to(torch.uint8) if pixels.dtype == np.uint8 else images
        pixels[first:last] = numbers(images)
        predicted.append(numbers(predictor(InMemory(batch)) if predictor else torch.full_like(batch.labels, np.nan)))
        first = last
    return np.concatenate(predicted)


def numbers(tensor: Tensor) -> np.ndarray:
    """A tensor of any device as an array."""
    return tensor.cpu().numpy()


def examples(
    generator: Any, conditions: np.ndarray, shape: tuple[int, ...], seed: int, machine: Compute, path: Path
) -> np.ndarray:
    """Images (M, 16, C, S, S) for conditions (M, K); the noise is the same for each, so that they differ by labels."""
    result = np.empty((len(conditions), EXAMPLES, *shape), dtype=np.float32)
    for place, condition in zip(result, torch.from_numpy(conditions).to(machine.device), strict=True):
        (batch,) = made(generator, condition.repeat(EXAMPLES, 1), seed, path)
        place[:] = numbers(batch.images)
    return result


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

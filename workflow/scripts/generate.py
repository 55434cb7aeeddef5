"""Generate one image for the labels of every image of a split, and some for example conditions."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images
from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.generated_images import EXAMPLES
from galaxies.registry import construct, named_module
from galaxies.scripting import run_script
from galaxies.trained_models import read_model

logger = logging.getLogger("galaxies.generate")

BATCH = 250  # a matter of speed and memory


def main(
    view: Path,
    split: Path,
    model: Path,
    generated: Path,
    *,
    example_conditions: list[dict],
    compute: dict,
    threads: int,
) -> None:
    """Write the images of a trained generator to HDF5; the seed of the training decides the noise.

    One image for the labels of each image of the sets that it was trained and validated on.

    view : packed images and labels. split : table object_id,split. model : from train.py, of a method that can load a
    generator. example_conditions : physical labels by name, all that the generator takes. compute : as in train.py.
    generated : see `galaxies.generated_images.Generated`; further attributes are `source` and `model_sha256`.
    """
    settings = {key: value for key, value in compute.items() if key not in ("checkpoint_seconds", "log_seconds")}
    machine = construct(Compute.choose, settings, "compute", threads=threads)
    content = read_model(model)
    trained_on, validated_on = content["settings"]["train_on"], content["settings"]["validate_on"]
    table = read_split(split)
    table = table[table["split"].isin([*trained_on, validated_on])]
    with View(view) as packed:
        rows = packed.rows(table[ID].to_numpy())
        block = packed.block
    images = Images(view, rows, machine)
    generator, predictor = load(model, content, images, machine)
    labels = images.labels_of(generator.columns)
    conditions = checked_conditions(example_conditions, generator.columns)
    room = "make room and run the same command again"
    with full_disk_as_data_error(generated, room), atomic(generated) as temporary, h5py.File(temporary, "w") as file:
        shape, chunk = (len(images), *images.shape[1:]), (min(block, len(images)), *images.shape[1:])
        pixels = file.create_dataset("generated", shape, np.float32, chunks=chunk, fletcher32=True)
        file["predicted_generated"] = write_images(pixels, made(generator, labels, content["seed"], model), predictor)
        file["predicted_real"] = numbers(predictor(images) if predictor else torch.full_like(labels, np.nan))
        file["ids"], file["split"], file["labels"] = images.ids, table["split"].to_list(), numbers(labels)
        file["example_conditions"] = conditions
        file["examples"] = examples(generator, conditions, shape[1:], content["seed"], machine, model)
        file.attrs.update({"columns": generator.columns, "seed": content["seed"], "trained_on": trained_on})
        file.attrs.update({"saw_validation": validated_on in trained_on, "source": content["source"]})
        file.attrs["simulated"] = bool(images.attributes["simulated"])
        file.attrs["model_sha256"] = sha256(model)
        file.attrs["view_sha256"] = str(images.attributes["pixels_sha256"])
    logger.info("%s: %d images, %d example conditions", generated, len(images), len(conditions))


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


def load(path: Path, content: dict[str, Any], images: Images, machine: Compute) -> tuple[Any, Callable | None]:
    """The generator of a model file, and its predictor if the method has one.

    Raises DataError if the method has no generator, or it makes images of another size than `images`.
    """
    method = content["settings"]["method"]
    methods = named_module("methods", method)
    if not hasattr(methods, "load_generator"):
        raise DataError(f"{path}: a model of method {method!r}, which generates nothing", "name another experiment")
    if (content["size"], content["channels"]) != (images.size, images.shape[1]):
        raise DataError(
            f"{path}: makes images of {content['size']} px with {content['channels']} channels; {images.view} has "
            f"{images.size} px and {images.shape[1]}",
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
    noise = torch.Generator().manual_seed(seed)
    for part in labels.split(BATCH):
        images = generator.generate(part, noise)
        if not images.isfinite().all():
            raise DataError(f"{path}: generates values that are not finite", "train with a smaller learning rate")
        yield Batch(images, part)


def write_images(pixels: h5py.Dataset, batches: Iterator[Batch], predictor: Callable | None) -> np.ndarray:
    """Write batches to `pixels` as they come; labels (N, K) that the predictor sees in them, NaN without one."""
    predicted, first = [], 0
    for batch in batches:
        last = first + len(batch.images)
        pixels[first:last] = numbers(batch.images)
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

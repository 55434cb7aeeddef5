"""Draw images from a trained generator, and keep those that its own score discriminator likes."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute, machine_of
from galaxies.errors import ConfigError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.kept_images import DIVERSITY
from galaxies.methods.two_in_one import as_8_bit, images_of, load_generator, load_scorer
from galaxies.progress import duration
from galaxies.scripting import run_script
from galaxies.trained_models import read_model

logger = logging.getLogger("galaxies.draw_images")

BATCH = 16  # a matter of speed and memory alone
STREAM = 2**31  # of the random numbers of a seed, beyond those of the epochs of a training
LOG_SECONDS = 10


def main(
    model: Path,
    kept: Path,
    *,
    keep_above: float,
    wanted: int,
    most_draws: int,
    diverse: int,
    compute: dict,
    threads: int,
) -> None:
    """Write images of a trained generator to HDF5; the seed of the training decides them.

    Images are drawn until `wanted` of them have a score above `keep_above`, or `most_draws` are drawn (two_in_one,
    evaluation); their scores are those of the 8-bit images. diverse : images of each of the three sets that show how
    much images differ. model : from train.py, of method two_in_one. kept : see `galaxies.kept_images.Kept`.
    compute : as in train.py.
    """
    if most_draws < wanted:
        raise ConfigError(f"most_draws is {most_draws}, fewer than the {wanted} images wanted", "raise it")
    machine = machine_of(compute, threads)
    content = read_model(model, "two_in_one")
    generator, scorer = load_generator(model, machine), load_scorer(model, machine)
    random = torch.Generator().manual_seed(int(np.random.SeedSequence([content["seed"], STREAM]).generate_state(1)[0]))
    size = generator.size
    room = "make room and run the same command again"
    with full_disk_as_data_error(kept, room), atomic(kept) as temporary, h5py.File(temporary, "w") as file:
        options = {"chunks": (1, size, size), "compression": "gzip", "compression_opts": 1, "fletcher32": True}
        images = file.create_dataset("images", (0, size, size), np.uint8, maxshape=(wanted, size, size), **options)
        scores, own = [], []
        started = logged = time.monotonic()
        for batch in batches(generator, content["settings"]["batch_size"], random, machine):
            batch = batch[: most_draws - len(scores)]
            given = scorer.score(batch).numpy()
            good = np.flatnonzero(given > keep_above)[: wanted - len(own)]
            images.resize(len(own) + len(good), axis=0)
            images[len(own) :] = batch.cpu().numpy()[good]
            scores.extend(given)
            own.extend(given[good])
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                most_left = duration((logged - started) / len(scores) * (most_draws - len(scores)))
                logger.info("%d images drawn, %d of %d kept, at most %s left", len(scores), len(own), wanted, most_left)
            if len(own) == wanted or len(scores) == most_draws:
                break
        file["own_score"], file["drawn_scores"] = np.float32(own), np.float32(scores)
        for name, (latents, keys) in zip(DIVERSITY, different(generator, diverse, random), strict=True):
            blocks = [draw(generator, *some, machine).cpu().numpy() for some in in_batches(latents, keys)]
            file.create_dataset(name, data=np.concatenate(blocks), **options)
        file.attrs.update({"threshold": keep_above, "wanted": wanted, "seed": content["seed"]})
        file.attrs["generator_steps"] = (
            int(content["networks"]["schedule"]["steps"]) - content["settings"]["discriminator_steps"]
        )
        file.attrs.update({"source": content["source"], "simulated": content["simulated"]})
        file.attrs["model_sha256"] = sha256(model)
    logger.info("%s: %d images drawn, %d of %d wanted kept", kept, len(scores), len(own), wanted)


def batches(generator: torch.nn.Module, batch_size: int, random: torch.Generator, machine: Compute) -> Iterator[Tensor]:
    """8-bit images (B, S, S) without end, with latent values and noise as in the batches of the training."""
    while True:
        latents, keys = generator.latents(batch_size, random), generator.noise_keys(batch_size, random)
        yield from (draw(generator, *some, machine) for some in in_batches(latents, keys))


def draw(generator: torch.nn.Module, latents: Tensor, keys: list[int], machine: Compute) -> Tensor:
    """8-bit images (B, S, S) on the device."""
    return as_8_bit(images_of(generator, latents, keys, machine))[:, 0]


def different(generator: torch.nn.Module, count: int, random: torch.Generator) -> Iterator[tuple[Tensor, list[int]]]:
    """Latent values and noise of images that differ in both, in the noise, and in the latent values."""
    latents, keys = generator.latents(count, random), generator.noise_keys(count, random)
    yield latents, keys
    yield latents[:1].expand(count, -1), keys
    yield latents, keys[:1] * count


def in_batches(latents: Tensor, keys: list[int]) -> Iterator[tuple[Tensor, list[int]]]:
    for first in range(0, len(keys), BATCH):
        yield latents[first : first + BATCH], keys[first : first + BATCH]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Look into a trained autoencoder: its bound image by image, reconstructions, and what its dimensions do."""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from galaxies.compute import Compute, machine_of
from galaxies.data.device import WHITE, Images, to_unit
from galaxies.data.rows import chosen_rows, in_range
from galaxies.examined_vae import SETS, SHOWN, STEPS, TRAVERSED
from galaxies.files import atomic, full_disk_as_data_error
from galaxies.methods import vae
from galaxies.scripting import run_script


def main(view: Path, split: Path, model: Path, examined: Path, *, compute: dict, threads: int) -> None:
    """Write what `galaxies.examined_vae.Examined` reads.

    view, split : what the autoencoder was trained on, and which images that were. model : from train.py, of method vae.
    compute : as in train.py.
    """
    machine = machine_of(compute, threads)
    network, content = vae.load_network(model, machine)
    trained = content["settings"]
    held_out_pool = trained.get("validation_pool")
    in_pool = chosen_rows(view, split, trained["train_on"], trained.get("pool"))
    held_out = chosen_rows(view, split, [trained["validate_on"]], held_out_pool)
    rows = {"training": in_pool[in_range(view, in_pool, held_out_pool)], "held_out": held_out}
    room = "make room and run the same command again"
    with full_disk_as_data_error(examined, room), atomic(examined) as temporary, h5py.File(temporary, "w") as file:
        for name in SETS:
            images = Images(view, rows[name], machine)
            bounds = [bound for _, bound in vae.bounds_of(network, images, trained["stretch"], machine)]
            for number, term in enumerate(vae.Bound._fields):
                parts = [bound[number].cpu().numpy() for bound in bounds]
                file[f"{name}/{term}"] = np.concatenate([np.empty(0, np.float32), *parts])
        activity = divergence_per_dimension(network, images, trained["stretch"])  # of the held-out images, the last
        shown, copies = reconstructions(network, images, trained["stretch"], machine)
        file["shown"], file["reconstructed"] = numbers(shown), numbers(copies)
        file["activity"] = numbers(activity)
        dimensions = activity.argsort(descending=True, stable=True)[:TRAVERSED]
        file["dimensions"], file["steps"] = numbers(dimensions), np.array(STEPS, dtype=np.float32)
        file["traversals"] = numbers(traversals(network, dimensions, images.shape[1:], machine))
        file.attrs.update({"seed": content["seed"], "simulated": content["simulated"], "stretch": trained["stretch"]})
        file.attrs["training_steps"] = int(content["networks"]["preview"]["step"])


@torch.no_grad()
def divergence_per_dimension(network: nn.Module, images: Images, stretch: str) -> Tensor:
    """Mean over the images of the divergence of each dimension of the codes, (latent_dim,), in nats."""
    total = torch.zeros((), dtype=torch.float64)
    for batch in images.batches(torch.arange(len(images)), vae.EVALUATION_BATCH):
        mean, log_std = network.encode(vae.stretched(batch.images, stretch))
        one_by_one = vae.normal_divergence(mean.float().reshape(-1, 1), log_std.float().reshape(-1, 1))
        total = total + one_by_one.view(mean.shape).double().sum(dim=0)
    return (total / len(images)).float()


@torch.no_grad()
def reconstructions(network: nn.Module, images: Images, stretch: str, machine: Compute) -> tuple[Tensor, Tensor]:
    """Some images at even distances, and what the means of their codes decode to: (M, C, S, S), levels 0..255."""
    rows = torch.linspace(0, len(images) - 1, min(SHOWN, len(images))).long()
    (batch,) = images.batches(rows, len(rows))
    codes, _ = network.encode(vae.stretched(batch.images, stretch))
    scale = WHITE
    if stretch == "per_image_max":
        scale = WHITE * to_unit(batch.images).amax(dim=(1, 2, 3), keepdim=True)
    return batch.images.float(), scale * vae.decoded(network, codes, batch.images.shape[1:], machine)


def traversals(network: nn.Module, dimensions: Tensor, shape: tuple[int, ...], machine: Compute) -> Tensor:
    """Images (D, T, C, S, S), in levels 0..255, of codes that are 0 but for one of `dimensions`, which takes STEPS."""
    codes = torch.zeros(len(dimensions), len(STEPS), network.latent_dim)
    for row, dimension in enumerate(dimensions.tolist()):
        codes[row, :, dimension] = torch.tensor(STEPS)
    images = vae.decoded(network, codes.flatten(0, 1), shape, machine)
    return WHITE * images.unflatten(0, codes.shape[:2])


def numbers(tensor: Tensor) -> np.ndarray:
    """A tensor of any device as an array."""
    return tensor.cpu().numpy()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

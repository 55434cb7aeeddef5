"""What methods share that train a generator without labels: images of fixed noise meanwhile, and what it makes then."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from galaxies.data.device import Images, expect_levels
from galaxies.errors import DataError, TrainingError

SHOWN = 16  # images of fixed noise
SHOWN_SEED = 0  # of their noise: the same for all trainings, so that their images can be compared
COLLAPSED = 3  # evaluations in a row with images that are all alike before a training ends
SETTLED = 100  # steps before that counts: until then images hardly differ because of the first batch statistics


def to_8_bit(images: Tensor) -> Tensor:
    """Images in [0, 1] to uint8 in main memory."""
    return (255 * images).round().to(torch.uint8).cpu()


def shown_noise(generator: nn.Module) -> Tensor:
    """The fixed noise (M, latent_dim), on the CPU, of the images that show how a training goes."""
    return generator.noise(SHOWN, torch.Generator().manual_seed(SHOWN_SEED))


def mean_distance(images: Tensor) -> float:
    """Mean Euclidean distance between the images (N, C, S, S) of all pairs."""
    return torch.pdist(images.flatten(1).float()).mean().item()


class Preview(nn.Module):
    """Images of fixed noise over the training, and whether they are all alike.

    State, saved with the networks: `snapshots` (T, M, C, S, S) uint8, made after the epochs 1, 2, 4, 8, ...; the
    numbers of finished steps and epochs, of steps of an epoch, and of evaluations in a row with images that are alike.

    noise : (M, latent_dim). real_distance : `mean_distance` of real images. collapse_below : share of that, below
    which generated images count as alike; 0 never.
    """

    def __init__(self, noise: Tensor, shape: tuple[int, ...], real_distance: float, collapse_below: float):
        super().__init__()
        self.noise, self.real_distance, self.collapse_below = noise, real_distance, collapse_below
        self.snapshots = torch.empty((0, len(noise), *shape), dtype=torch.uint8)
        self.register_buffer("step", torch.tensor(0))
        self.register_buffer("epoch", torch.tensor(0))
        self.register_buffer("epoch_steps", torch.tensor(0))
        self.register_buffer("alike", torch.tensor(0))

    def get_extra_state(self) -> Tensor:
        return self.snapshots

    def set_extra_state(self, state: Tensor) -> None:
        self.snapshots = state

    def record(self, images: Tensor, diversity: float) -> None:
        """Count an epoch that ended with `images` (M, C, S, S) uint8, `diversity` times as far apart as real ones.

        Raises TrainingError if they have been alike too often.
        """
        self.epoch += 1
        epoch = int(self.epoch)
        if epoch == 1:
            self.epoch_steps = self.step.clone()
        if epoch & (epoch - 1) == 0:
            self.snapshots = torch.cat([self.snapshots, images.cpu()[None]])
        alike = diversity < self.collapse_below and self.step >= SETTLED
        self.alike = self.alike + 1 if alike else torch.tensor(0)
        if self.alike >= COLLAPSED:
            raise TrainingError(
                f"the generator has collapsed: whatever the noise, its images are the same. After epoch {epoch} they "
                f"are {diversity:.2g} times as far apart as real images, and were below {self.collapse_below:g} "
                f"(collapse_below) at {COLLAPSED} evaluations in a row",
                "train with another seed, a smaller learning_rate of the discriminator or wider networks; with "
                "collapse_below: 0 such a training goes on",
            )


class UnconditionalGenerator:
    """A trained generator, in evaluation mode on the device.

    network : what draws noise. images : from noise (B, latent_dim) on the CPU to images float32 (B, C, S, S) in [0, 1]
    on the device. preview : what the training saved of its `Preview`.
    columns : none, it takes no labels. bounded : its values lie in [0, 1]. progress : images of fixed noise
    (T, M, C, S, S) uint8 after progress_steps (T,) steps of its training, the last ones at its end.
    """

    bounded = True

    def __init__(self, network: nn.Module, images: Callable[[Tensor], Tensor], preview: dict[str, Tensor]):
        self.network, self.images = network, images
        self.columns: list[str] = []
        progress, last = preview["_extra_state"], int(preview["step"])
        steps = np.minimum(int(preview["epoch_steps"]) * 2 ** np.arange(len(progress)), last)
        if not len(steps) or steps[-1] < last:
            progress = torch.cat([progress, to_8_bit(images(shown_noise(network)))[None]])
            steps = np.append(steps, last)
        self.progress, self.progress_steps = progress.numpy(), steps

    def generate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """As many images float32 (B, C, S, S) in [0, 1] as labels (B, 0); noise comes from `generator` on the CPU."""
        return self.images(self.network.noise(len(labels), generator))


def fixed_images(train: Images) -> Tensor:
    """Some training images (M, C, S, S) at even distances, as the view has them.

    Raises DataError unless they are levels 0..255, and differ.
    """
    expect_levels(train)
    rows = torch.linspace(0, len(train) - 1, min(SHOWN, len(train))).long()
    (batch,) = train.batches(rows, len(rows))
    if (batch.images == batch.images[:1]).all():
        raise DataError(
            f"{train.view}: {len(rows)} of {len(train)} training images were compared, and are all the same"
        )
    return batch.images

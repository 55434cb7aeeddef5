"""The discriminator of galaxy_cgan_augmentation: is an image real, and which labels does it show?"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from galaxies.layers import check_choice, initialise_normal


class Judgement(NamedTuple):
    """logits : (B,), log-odds of being real. labels : (B, K), predicted labels, standardised."""

    logits: Tensor
    labels: Tensor


class SameConvolution(nn.Conv2d):
    """4x4 convolution of stride 2 to half the size, rounded up; zeros as TensorFlow's padding "same" sets them."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 4, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, inputs, s, s) to (B, outputs, ceil(s / 2), ceil(s / 2))."""
        after = 1 + maps.shape[-1] % 2  # one row more at the end where the sum is odd
        return super().forward(pad(maps, (1, after, 1, after)))


class MinibatchDiscrimination(nn.Module):
    """How close an image is to the others of its batch, seen through learned kernels (Salimans et al. 2016, sec. 3.2).

    o(i, k) = sum over j != i of exp(-|M(i, k) - M(j, k)|_1), where M(i, k) has `dims` values; once over the real and
    once over the generated images j.
    norm : "mask_sum" divides each sum by the number of all pairs that are summed in the batch, n_j (n - 1), as the
    authors' code
        and the one that it is modelled on do: at most 1/127 of "per_image", which divides by the number of images j.
    """

    def __init__(self, features: int, kernels: int, dims: int, norm: str):
        super().__init__()
        self.kernels, self.norm = kernels, norm
        self.projection = nn.Linear(features, kernels * dims)

    def forward(self, features: Tensor, real: int) -> Tensor:
        """Features (B, F) of `real` real images and then generated ones to (B, 2 kernels)."""
        count = len(features)
        seen = self.projection(features).float().unflatten(1, (self.kernels, -1)).transpose(0, 1).contiguous()
        others = 1 - torch.eye(count, device=features.device)
        closeness = torch.exp(-torch.cdist(seen, seen, p=1)) * others  # (kernels, B, B)
        halves = []
        for part in (slice(None, real), slice(real, None)):
            neighbours = others[:, part].sum(dim=1).clamp(min=1) if self.norm == "per_image" else others[:, part].sum()
            halves.append(closeness[:, :, part].sum(dim=2) / neighbours)
        return torch.cat(halves).T


class Discriminator(nn.Module):
    """Two convolutions, then two heads: the predictor of the labels, and real or generated. Made by `build`."""

    def __init__(
        self, trunk: nn.Module, predictor: nn.Module, minibatch: MinibatchDiscrimination | None, head: nn.Module
    ):
        super().__init__()
        self.trunk = trunk
        self.predictor = predictor
        self.minibatch = minibatch
        self.head = head

    def forward(self, images: Tensor, real: int) -> Judgement:
        """Judge images (B, C, S, S), of which the first `real` are real and the others generated.

        All of them share the batch statistics, as in the authors' code.
        """
        features = self.trunk(images)
        seen = features if self.minibatch is None else torch.cat([features, self.minibatch(features, real)], dim=1)
        return Judgement(self.head(seen).squeeze(1).float(), self.predictor(features).float())

    def predict(self, images: Tensor) -> Tensor:
        """Labels (B, K), standardised, that images (B, C, S, S) show."""
        return self.predictor(self.trunk(images)).float()


def build(
    conditions: int,
    *,
    size: int,
    channels: int,
    filters: Sequence[int] = (64, 128),
    predictor: int = 1024,
    minibatch: str = "mask_sum",
    kernels: int = 128,
    dims: int = 5,
) -> Discriminator:
    """Discriminator of images of `size` px with `channels` channels, which predicts `conditions` labels.

    filters : of the two convolutions; only the second has batch normalisation (the paper's text gives it to both, the
        authors' code does not). predictor : units of the hidden layer of the predictor.
    minibatch : "off", or the `norm` of `MinibatchDiscrimination` with so many `kernels` of `dims` values.
    """
    check_choice("minibatch", minibatch, ("off", "mask_sum", "per_image"))
    first, second = filters
    features = second * (-(-size // 4)) ** 2
    network = Discriminator(
        nn.Sequential(
            *(SameConvolution(channels, first), nn.LeakyReLU(0.2)),
            *(SameConvolution(first, second), nn.BatchNorm2d(second), nn.LeakyReLU(0.2)),
            nn.Flatten(),
        ),
        nn.Sequential(
            *(nn.Linear(features, predictor), nn.BatchNorm1d(predictor), nn.LeakyReLU(0.2)),
            nn.Linear(predictor, conditions),
        ),
        None if minibatch == "off" else MinibatchDiscrimination(features, kernels, dims, minibatch),
        nn.Linear(features if minibatch == "off" else features + 2 * kernels, 1),
    )
    initialise_normal(network)
    return network

"""The conditional generator of galaxy_cgan_augmentation: noise and labels to images."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from galaxies.layers import check_choice, initialise_normal

SIDES = (16, 32)  # of the feature maps of "resize", before the image


class ResizeConvolution(nn.Module):
    """Bilinear resize and a 4x4 convolution without padding, to maps of `side` px.

    Every output pixel mixes as many inputs as any other, so that no checkerboard appears.
    """

    def __init__(self, inputs: int, outputs: int, side: int):
        super().__init__()
        self.resized = side + 3
        self.convolution = nn.Conv2d(inputs, outputs, 4)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, inputs, s, s) to (B, outputs, side, side)."""
        return self.convolution(interpolate(maps, size=self.resized, mode="bilinear", align_corners=False))


class Generator(nn.Module):
    """Two dense layers and two enlarging convolutions with batch normalisation; the image has no activation.

    Made by `build`. Source: galaxy_cgan_augmentation, generator; its code concatenates noise and labels.
    """

    def __init__(self, latent_dim: int, dense: nn.Module, convolutions: nn.Module, channels: int, side: int):
        super().__init__()
        self.latent_dim = latent_dim
        self.dense = dense
        self.convolutions = convolutions
        self.channels = channels
        self.side = side

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (count, latent_dim), uniform in [-1, 1), on the CPU."""
        return 2 * torch.rand(count, self.latent_dim, generator=generator) - 1

    def forward(self, noise: Tensor, conditions: Tensor) -> Tensor:
        """Noise (B, latent_dim) and standardised labels (B, K) to images (B, C, S, S) on the scale of the real ones."""
        features = self.dense(torch.cat([noise, conditions], dim=1))
        # Channels last, as in the authors' code.
        maps = features.unflatten(1, (self.side, self.side, self.channels)).permute(0, 3, 1, 2)
        return self.convolutions(maps)


def build(
    conditions: int,
    *,
    size: int,
    channels: int,
    latent_dim: int = 100,
    dense: int = 1024,
    filters: Sequence[int] = (128, 64),
    upsampling: str = "resize",
) -> Generator:
    """Generator of images of `size` px with `channels` channels, from `conditions` labels.

    filters : channels of the first and the second feature maps.
    upsampling : "resize" as published: maps of 16 and 32 px, enlarged by `ResizeConvolution`. "transposed": maps of a
        quarter and half of the size, enlarged by 5x5 convolutions transposed, stride 2, those of DCGAN. The authors
        dropped transposed convolutions because of their checkerboards; theirs were 4x4, of strides 5 and 2.
    """
    check_choice("upsampling", upsampling, ("resize", "transposed"))
    first, second = filters
    sides = SIDES if upsampling == "resize" else (math.ceil(math.ceil(size / 2) / 2), math.ceil(size / 2))
    features = first * sides[0] ** 2

    def enlarge(inputs: int, outputs: int, before: int, after: int) -> nn.Module:
        if upsampling == "resize":
            return ResizeConvolution(inputs, outputs, after)
        return nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=after - (2 * before - 1))

    network = Generator(
        latent_dim,
        nn.Sequential(
            *(nn.Linear(latent_dim + conditions, dense), nn.BatchNorm1d(dense), nn.ReLU()),
            *(nn.Linear(dense, features), nn.BatchNorm1d(features), nn.ReLU()),
        ),
        nn.Sequential(
            *(enlarge(first, second, *sides), nn.BatchNorm2d(second), nn.ReLU()),
            enlarge(second, channels, sides[1], size),
        ),
        first,
        sides[0],
    )
    initialise_normal(network)
    return network

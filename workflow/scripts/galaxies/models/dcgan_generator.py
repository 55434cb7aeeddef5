"""The generator of DCGAN for images of any power of two: noise to images, by transposed convolutions."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from galaxies.image_sizes import SMALLEST_MAP
from galaxies.layers import activation_named, halving_channels, initialise_glorot


class Generator(nn.Module):
    """A dense layer to maps of 4 px, and transposed convolutions that double them. Made by `build`."""

    def __init__(self, latent_dim: int, dense: nn.Module, convolutions: nn.Module):
        super().__init__()
        self.latent_dim = latent_dim
        self.dense = dense
        self.convolutions = convolutions

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (count, latent_dim), uniform in [-1, 1), on the CPU. Source: the code of Dist-GAN."""
        return 2 * torch.rand(count, self.latent_dim, generator=generator) - 1

    def forward(self, noise: Tensor) -> Tensor:
        """Noise or codes (B, latent_dim) to images float32 (B, C, S, S) in [-1, 1]."""
        maps = self.dense(noise).unflatten(1, (-1, SMALLEST_MAP, SMALLEST_MAP))
        return self.convolutions(maps).float().tanh()


def build(*, size: int, channels: int, latent_dim: int = 100, width: int = 64, activation: str = "relu") -> Generator:
    """Generator of images of `size` px, a power of two from 32, with `channels` channels.

    width : channels of the largest feature maps, half as large as the image; twice as many at each half of the size.
    activation : relu, leaky_relu or selu, after each batch normalisation.
    Kernels are 5x5, as in the code of Dist-GAN; all but the last layer are without bias (morpho_gan, architecture): the
    normalisation would take away that of a convolution, though not one of the dense layer for each unit. Weights begin
    Glorot-uniform (morpho_gan, training: Xavier).
    """
    widths = halving_channels(width, size)[::-1]
    act = activation_named(activation)
    layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), act()]
    for inputs, outputs in pairwise(widths):
        layers += [_enlarge(inputs, outputs, bias=False), nn.BatchNorm2d(outputs), act()]
    layers.append(_enlarge(widths[-1], channels, bias=True))
    dense = nn.Linear(latent_dim, widths[0] * SMALLEST_MAP**2, bias=False)
    network = Generator(latent_dim, dense, nn.Sequential(*layers))
    initialise_glorot(network)
    return network


def _enlarge(inputs: int, outputs: int, bias: bool) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1, bias=bias)

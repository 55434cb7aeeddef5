"""The discriminator of DCGAN for images of any power of two; with several outputs, the encoder of Dist-GAN."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from galaxies.image_sizes import SMALLEST_MAP
from galaxies.layers import Head, activation_named, halving_channels, initialise_glorot


class Discriminator(nn.Module):
    """Convolutions of stride 2 down to maps of 4 px, and one dense layer. Made by `build`.

    feature_dim : number of features, the values of the last maps.
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, feature_dim: int, input_noise: float):
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.feature_dim = feature_dim
        self.input_noise = input_noise

    def features(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Images (B, C, S, S) in [-1, 1] to the values of the last feature maps, float32 (B, feature_dim).

        In training mode the input noise, if there is any, comes from `generator`, on the device of the images.
        """
        if self.input_noise and self.training:
            if generator is None:
                raise ValueError("input noise in training needs a generator")
            noise = torch.randn(images.shape, generator=generator, device=images.device)
            images = images + self.input_noise * noise
        return self.trunk(images).float()

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Images (B, C, S, S) in [-1, 1] to (B, outputs) float32: log-odds of being real, or codes."""
        return self.head(self.features(images, generator))


def build(
    *,
    size: int,
    channels: int,
    outputs: int = 1,
    width: int = 64,
    activation: str = "leaky_relu",
    input_noise: float = 0.0,
) -> Discriminator:
    """Discriminator of images of `size` px, a power of two from 32, with `channels` channels.

    width : channels of the first feature maps, half as large as the image; twice as many at each half of the size.
    activation : relu, leaky_relu or selu, after each convolution and, save in the first, batch normalisation.
    input_noise : deviation of normal noise that is added to the images in training (morpho_gan, network; not stated).
    Kernels are 5x5, as in the code of Dist-GAN; convolutions before a normalisation are without bias. Weights begin
    Glorot-uniform (morpho_gan, training: Xavier).
    """
    widths = halving_channels(width, size)
    act = activation_named(activation)
    layers = [_reduce(channels, width, bias=True), act()]
    for inputs, outs in pairwise(widths):
        layers += [_reduce(inputs, outs, bias=False), nn.BatchNorm2d(outs), act()]
    features = widths[-1] * SMALLEST_MAP**2
    network = Discriminator(
        nn.Sequential(*layers, nn.Flatten()), Head(nn.Linear(features, outputs)), features, input_noise
    )
    initialise_glorot(network)
    return network


def _reduce(inputs: int, outputs: int, bias: bool) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2, bias=bias)

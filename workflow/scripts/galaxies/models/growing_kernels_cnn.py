"""The classifier of galaxy_cgan_augmentation: a small convolutional network whose kernels grow with depth."""

from collections.abc import Sequence

from torch import Tensor, nn

from galaxies.errors import ConfigError
from galaxies.image_sizes import side_after_pooling
from galaxies.layers import initialise_glorot


class GrowingKernelsCNN(nn.Sequential):
    """Blocks of convolution, ReLU, 2x2 max pooling and dropout, then dense layers. Made by `build`."""

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, S, S) to log-odds (B, outputs)."""
        return super().forward(images).float()


def build(
    outputs: int,
    *,
    size: int,
    channels: int = 3,
    filters: Sequence[int] = (16, 16, 16),
    kernel_sizes: Sequence[int] = (4, 8, 16),
    dropout: float = 0.25,
    dense: Sequence[int] = (128, 64),
) -> GrowingKernelsCNN:
    """Network for images of `size` px with Glorot-uniform weights and zero biases.

    filters, kernel_sizes : of the convolutions, zero-padded to keep the size (of an even kernel one column less before
    than after). dropout : after each pooling. dense : units of the hidden dense layers.
    """
    if len(filters) != len(kernel_sizes):
        raise ConfigError(f"network: filters has {len(filters)} values and kernel_sizes has {len(kernel_sizes)}")
    layers, previous = [], channels
    for width, kernel in zip(filters, kernel_sizes, strict=True):
        before, after = (kernel - 1) // 2, kernel // 2
        layers += [nn.ZeroPad2d((before, after, before, after)), nn.Conv2d(previous, width, kernel)]
        layers += [nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout)]
        previous = width
    layers.append(nn.Flatten())
    units = [previous * side_after_pooling(size, filters) ** 2, *dense]
    for before, after in zip(units, dense, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    network = GrowingKernelsCNN(*layers, nn.Linear(units[-1], outputs))
    initialise_glorot(network)
    return network

"""The small convolutional networks of galaxy_zoo_cnn, approaches 1 to 3, and the scorer of intergalactic_vae_cnn."""

from collections.abc import Sequence

from torch import Tensor, nn

from galaxies.errors import ConfigError
from galaxies.image_sizes import side_after_pooling
from galaxies.layers import check_choice, dense_head, initialise_glorot, initialise_normal


class CNN(nn.Module):
    """Blocks of convolution, ReLU and 2x2 max pooling, then dense layers. Made by `build`."""

    def __init__(self, blocks: nn.Module, head: nn.Module):
        super().__init__()
        self.blocks = blocks
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, channels, size, size) to (B, outputs), in (0, 1) with a sigmoid at the end."""
        return self.head(self.blocks(images).flatten(1))


def build(
    outputs: int,
    *,
    size: int,
    channels: int = 3,
    filters: Sequence[int] = (32, 64, 128, 128),
    kernel_size: int = 3,
    padding: str = "valid",
    dense: Sequence[int] = (512,),
    dropout: Sequence[float] = (0.5,),
    dense_activation: str = "relu",
    output_activation: str = "sigmoid",
    weights_std: float | None = None,
) -> CNN:
    """Network for images of `size` px.

    filters : output channels of the convolutions, each of stride 1 and followed by ReLU and 2x2 max pooling.
    kernel_size : odd. padding : "valid" (none) or "same" (zeros, size kept).
    dense, dropout : units of the hidden dense layers and the dropout before each.
    dense_activation : of the hidden dense layers, "relu" or "linear". output_activation : "sigmoid" or "linear".
    weights_std : deviation of the normal weights that the network begins with; None takes Glorot-uniform ones. Biases
    begin at zero. intergalactic_vae_cnn compares a deviation of 0.01 with Xavier, which is another name of Glorot.

    galaxy_zoo_cnn gives every convolution "3 channels in"; only the first can have that, and its layers are those of a
    well-known Keras tutorial, so 3 is read as the kernel size, with Keras's default padding "valid".
    """
    check_choice("padding", padding, ("valid", "same"))
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ConfigError(f"network.kernel_size is {kernel_size}; it must be odd and positive")
    layers, previous = [], channels
    for width in filters:
        layers += [nn.Conv2d(previous, width, kernel_size, padding=padding), nn.ReLU(), nn.MaxPool2d(2)]
        previous = width
    features = previous * side_after_pooling(size, filters, kernel_size, padding) ** 2
    head = dense_head(
        features,
        outputs,
        dense,
        dropout,
        dropout_first=True,
        dense_activation=dense_activation,
        output_activation=output_activation,
    )
    network = CNN(nn.Sequential(*layers), head)
    if weights_std is None:
        initialise_glorot(network)
    else:
        initialise_normal(network, weights_std, cut=False)
    return network

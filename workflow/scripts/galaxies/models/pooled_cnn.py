"""The discriminators of two_in_one: images are pooled without weights, then seen by small convolutions."""

from collections.abc import Sequence

from torch import Tensor, nn

from galaxies.image_sizes import side_after_halving
from galaxies.layers import Head, check_choice, initialise_glorot

ACTIVATIONS = {"linear": nn.Identity, "relu": nn.ReLU}


class PooledCNN(nn.Module):
    """Pooling to maps of `size` px, convolutions that are pooled, too, a dense layer, the outputs. Made by `build`."""

    def __init__(self, size: int, layers: nn.Module):
        super().__init__()
        self.size = size
        self.layers = layers

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, S, S) in grey levels 0..255, already pooled or not, to outputs float32 (B, K).

        Pooling has no weights, so that views of pooled images save it for all images but those of a generator.
        Raises ValueError unless halving S with rounding up reaches the size of the maps.
        """
        return self.layers(pooled(images, self.size))


def build(
    *,
    size: int,
    channels: int,
    outputs: int,
    filters: Sequence[int] = (32, 8, 8),
    dense: int = 28,
    output_activation: str = "linear",
) -> PooledCNN:
    """Network for maps of `size` px with `channels` channels and `outputs` outputs.

    filters : of the 3x3 convolutions, each followed by ReLU and average pooling. dense : units of the hidden layer.
    output_activation : linear, or relu as on the logits of the label discriminator.
    Weights begin Glorot-uniform, biases zero (two_in_one, models).
    """
    check_choice("output_activation", output_activation, tuple(ACTIVATIONS))
    inputs, layers = channels, []
    for maps in filters:
        layers += [nn.Conv2d(inputs, maps, 3, padding=1), nn.ReLU(), same_pool()]
        inputs = maps
    hidden = [nn.Linear(inputs * side_after_halving(size, filters) ** 2, dense), nn.ReLU()]
    head = Head(*hidden, nn.Linear(dense, outputs), ACTIVATIONS[output_activation]())
    network = PooledCNN(size, nn.Sequential(*layers, nn.Flatten(), head))
    initialise_glorot(network)
    return network


def pooled(images: Tensor, size: int) -> Tensor:
    """Images (B, C, S, S), halved until they have `size` px; the same as `galaxies.data.projections.pooled`.

    Raises ValueError unless halving S with rounding up reaches `size`.
    """
    given, pool = images.shape[-1], same_pool()
    while images.shape[-1] > size:
        images = pool(images)
    if images.shape[-1] != size:
        raise ValueError(f"images of {given} px cannot be pooled to {size} px")
    return images


def same_pool() -> nn.Module:
    """2x2 average pooling of stride 2 with "same" padding: windows at an odd edge average the pixels that exist."""
    return nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)

"""The discriminators of two_in_one: small convolutions on maps that images are pooled to without weights."""

from collections.abc import Sequence

from torch import Tensor, nn

from galaxies.image_sizes import side_after_halving
from galaxies.layers import Head, check_choice, initialise_glorot

ACTIVATIONS = {"linear": nn.Identity, "relu": nn.ReLU}


def build(
    *,
    size: int,
    channels: int,
    outputs: int,
    filters: Sequence[int] = (32, 8, 8),
    dense: int = 28,
    output_activation: str = "linear",
) -> nn.Sequential:
    """Network for grey levels 0..255 float32 (B, channels, size, size) of `pooled` images, with outputs (B, outputs).

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
    network = nn.Sequential(*layers, nn.Flatten(), head)
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

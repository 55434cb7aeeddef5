"""Which images networks take, by arithmetic alone: to load torch takes longer than all other checks of a run."""

from collections.abc import Sequence
from typing import Any

from galaxies.errors import ConfigError
from galaxies.views import parse_view

SMALLEST = {"preactivation_resnet": 16, "resnet50": 32, "efficientnet_lite0": 32}
"""Side in px of the smallest images that these take: with as many halvings a pixel is left."""
SMALLEST_MAP = 4  # side in px of the last feature maps of a DCGAN, where its dense layer is

SIZE_HINT = "choose a view with more pixels"
FILTERS_HINT = f"{SIZE_HINT}, or fewer filters"


def check_image_sizes(where: str, settings: dict[str, Any]) -> None:
    """Raise ConfigError unless the networks of an experiment, if it has any, take the images that it gives them.

    where : place of the experiment in the configuration. settings : of the experiment, complete.
    """
    networks = {"network": settings["network"]} if "network" in settings else settings.get("networks", {})
    for key, network in networks.items():
        if "inputs" in settings:  # of that size they are cut out of the images of the view
            place, given, size = "inputs.size", settings["inputs"]["size"], settings["inputs"]["size"]
        else:
            place, given, size = "view", settings["view"], parse_view(settings["view"]).size
        try:
            check_network(network, size)
        except ConfigError as error:
            what = f"{key}, a {network['architecture']}"
            raise ConfigError(f"{where}.{place}: {given} does not fit {what}: {error.message}", error.hint) from error


def check_network(network: dict[str, Any], size: int) -> None:
    """Raise ConfigError if the architecture of `network`, complete settings, takes no images of `size` px.

    An architecture that is not named here takes all.
    """
    match network["architecture"]:
        case "cnn":
            side_after_pooling(size, network["filters"], network["kernel_size"], network["padding"])
        case "growing_kernels_cnn":
            side_after_pooling(size, network["filters"])
        case "pooled_cnn":
            side_after_halving(size, network["filters"])
        case "preactivation_resnet" | "resnet50" | "efficientnet_lite0":
            expect_smallest(size, network["architecture"])
        case "dcgan_generator" | "dcgan_discriminator":
            expect_power_of_two(size)


def side_after_pooling(size: int, filters: Sequence[int], kernel_size: int = 1, padding: str = "same") -> int:
    """Side of the feature maps after one block per filter: a convolution and 2x2 pooling, which leaves an odd row out.

    kernel_size, padding : "valid" (none) or "same" (the size is kept), of the convolutions.
    """
    side = size
    for block in range(1, len(filters) + 1):
        side = (side - (kernel_size - 1 if padding == "valid" else 0)) // 2
        if side < 1:
            raise ConfigError(
                f"images of {size} px are smaller than a pixel after block {block} of {len(filters)}", FILTERS_HINT
            )
    return side


def side_after_halving(size: int, filters: Sequence[int]) -> int:
    """Side of the feature maps after one block per filter, each of which halves it and rounds up."""
    side = size
    for _ in filters:
        if side < 2:
            raise ConfigError(f"images of {size} px cannot be halved {len(filters)} times", FILTERS_HINT)
        side = (side + 1) // 2
    return side


def expect_smallest(size: int, architecture: str) -> None:
    """Raise ConfigError for images that would be smaller than a pixel before the last layers."""
    if size < SMALLEST[architecture]:
        raise ConfigError(f"images of {size} px, expected {SMALLEST[architecture]} or more", SIZE_HINT)


def expect_power_of_two(size: int) -> None:
    """Raise ConfigError for images whose side is not SMALLEST_MAP, doubled three times or more."""
    if size < 8 * SMALLEST_MAP or size & (size - 1):
        raise ConfigError(
            f"images of {size} px, expected a power of two, 32 or more", "choose a view such as crop256_128"
        )

"""Which images networks take, against the networks and their layers."""

import inspect

import pytest
import torch
from torch import nn

from galaxies.errors import ConfigError
from galaxies.image_sizes import check_image_sizes, check_network, side_after_halving, side_after_pooling
from galaxies.registry import build_network, named_module

SIZES = [1, 2, 3, 7, 8, 10, 15, 16, 17, 22, 31, 32, 33, 45, 46, 48, 63, 64, 65, 96, 128]
HEAD = {"dense": [8], "dropout": [0.5]}
NETWORKS = {
    "deep": {"architecture": "cnn", "filters": [4] * 4, "kernel_size": 3, "padding": "valid", **HEAD},
    "wide": {"architecture": "cnn", "filters": [4] * 2, "kernel_size": 7, "padding": "valid", **HEAD},
    "padded": {"architecture": "cnn", "filters": [4] * 4, "kernel_size": 5, "padding": "same", **HEAD},
    "growing": {"architecture": "growing_kernels_cnn", "filters": [4] * 3, "kernel_sizes": [4, 8, 16]},
    "pooled": {"architecture": "pooled_cnn", "filters": [4] * 3, "dense": 8},
    "preactivation": {"architecture": "preactivation_resnet", "width": 2, "k": 1},
    "resnet50": {"architecture": "resnet50", "pretrained": "none", **HEAD},
    "lite": {"architecture": "efficientnet_lite0", "pretrained": "none", **HEAD},
    "generator": {"architecture": "dcgan_generator", "width": 2},
    "discriminator": {"architecture": "dcgan_discriminator", "width": 2},
    "resize": {"architecture": "resize_generator", "dense": 8, "filters": [4, 4]},
    "predictor": {"architecture": "predictor_discriminator", "filters": [4, 4], "predictor": 8, "kernels": 4},
    "vae": {"architecture": "dense_vae", "hidden": 8, "latent_dim": 4},
}


def built(network, size, device):
    """The network for images of `size` px in three channels; None if it cannot be built."""
    given = {"size": size, "channels": 3, "outputs": 2, "conditions": 2}
    known = inspect.signature(named_module("models", network["architecture"]).build).parameters
    try:
        with torch.device(device):
            return build_network(network, "network", **{key: value for key, value in given.items() if key in known})
    except ConfigError:
        return None


def is_taken(network, size):
    try:
        check_network(network, size)
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("name", NETWORKS)
def test_images_are_refused_where_no_network_can_be_built(name):
    network = NETWORKS[name]
    possible = [size for size in SIZES if built(network, size, "meta")]  # a device without memory
    assert [size for size in SIZES if is_taken(network, size)] == possible


@pytest.mark.parametrize("name", ["deep", "wide", "padded", "growing", "pooled", "preactivation", "resnet50"])
def test_networks_see_the_smallest_images_that_are_taken(name):
    network = NETWORKS[name]
    size = next(size for size in range(1, 129) if is_taken(network, size))
    seen = built(network, size, "cpu").eval()(torch.zeros(2, 3, size, size))
    assert seen.shape == (2, 2)


@pytest.mark.parametrize(("filters", "kernel_size", "padding"), [(4, 3, "valid"), (2, 7, "valid"), (4, 5, "same")])
def test_side_after_pooling_is_that_of_the_layers(filters, kernel_size, padding):
    block = nn.Sequential(nn.Conv2d(1, 1, kernel_size, padding=padding), nn.MaxPool2d(2))
    layers = nn.Sequential(*[block] * filters).to("meta")
    for size in range(1, 129):
        try:
            expected = layers(torch.zeros(1, 1, size, size, device="meta")).shape[-1]
        except RuntimeError:  # torch's, for maps that are smaller than a kernel or a window
            with pytest.raises(ConfigError, match=f"images of {size} px are smaller than a pixel"):
                side_after_pooling(size, [1] * filters, kernel_size, padding)
        else:
            assert side_after_pooling(size, [1] * filters, kernel_size, padding) == expected


def test_side_after_halving_is_that_of_the_layers():
    layers = nn.Sequential(*[nn.AvgPool2d(2, 2, ceil_mode=True)] * 3)
    for size in range(5, 129):
        assert side_after_halving(size, [1] * 3) == layers(torch.zeros(1, size, size)).shape[-1]
    with pytest.raises(ConfigError, match="images of 4 px cannot be halved 3 times"):
        side_after_halving(4, [1] * 3)


def test_the_place_of_the_images_is_named():
    network = NETWORKS["preactivation"]
    with pytest.raises(ConfigError, match=r"^here\.view: crop250_7 does not fit network, a cnn: images of 7 px .* 4\n"):
        check_image_sizes("here", {"view": "crop250_7", "network": NETWORKS["deep"]})
    with pytest.raises(ConfigError, match=r"^here\.inputs\.size: 8 does not fit network, .* expected 16 or more"):
        check_image_sizes("here", {"view": "full_64", "inputs": {"size": 8}, "network": network})
    check_image_sizes("here", {"view": "full_8", "inputs": {"size": 16}, "network": network})
    networks = {name: NETWORKS[name] for name in ("resize", "discriminator")}
    with pytest.raises(ConfigError, match=r"^here\.view: full_48 does not fit discriminator, .* a power of two"):
        check_image_sizes("here", {"view": "full_48", "networks": networks})
    check_image_sizes("here", {"view": "full_1"})  # as a baseline, which has no network

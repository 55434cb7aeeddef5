"""A residual network of pre-activation bottlenecks: the "ResNet-26" of Dai and Tong (2018, arXiv:1807.10406)."""

import math

import torch
from torch import Tensor, nn

from galaxies.image_sizes import expect_smallest
from galaxies.layers import Head

STEM = 64  # channels of the first convolution, for any width
GROUPS = 4  # of two units each: with the first convolution and the last layer 26 layers
EXPANSION = 4  # channels that a bottleneck puts out, over those within


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, each after batch normalisation and ReLU, beside a shortcut.

    As in the authors' code, the last convolution and that of the shortcut have a bias, and the shortcut of a unit that
    changes the number of channels starts from the activated input, else it is the input itself, subsampled.
    """

    def __init__(self, inputs: int, width: int, stride: int, bn_momentum: float):
        super().__init__()
        outputs = EXPANSION * width
        self.stride = stride
        self.preactivation = nn.Sequential(nn.BatchNorm2d(inputs, momentum=bn_momentum), nn.ReLU())
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if inputs != outputs else None
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False),
            nn.BatchNorm2d(width, momentum=bn_momentum),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width, momentum=bn_momentum),
            nn.ReLU(),
            nn.Conv2d(width, outputs, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps (B, inputs, s, s) to (B, 4 width, s / stride, s / stride), rounded up."""
        activated = self.preactivation(maps)
        shortcut = maps[:, :, :: self.stride, :: self.stride] if self.shortcut is None else self.shortcut(activated)
        return shortcut + self.residual(activated)


class PreactivationResNet(nn.Module):
    """Convolution, pooling, four groups of two bottlenecks, averaging over positions, a linear layer."""

    def __init__(self, outputs: int, channels: int, width: int, k: int, bn_momentum: float):
        super().__init__()
        inputs, units = STEM, []
        for group in range(GROUPS):
            inner = width * k * 2**group
            # The last unit of a group halves the maps, in all groups but the last.
            for stride in (1, 2 if group < GROUPS - 1 else 1):
                units.append(Bottleneck(inputs, inner, stride, bn_momentum))
                inputs = EXPANSION * inner
        self.trunk = nn.Sequential(
            nn.ZeroPad2d((2, 3, 2, 3)),  # "same" for an even kernel, the odd pixel right and below as in TensorFlow
            nn.Conv2d(channels, STEM, 6),
            nn.MaxPool2d(2),
            *units,
            nn.BatchNorm2d(inputs, momentum=bn_momentum),
            nn.ReLU(),
        )
        self.head = Head(nn.Linear(inputs, outputs))

    def features(self, images: Tensor) -> Tensor:
        """Means (B, 32 width k) over the positions of the last feature maps, float32."""
        return self.trunk(images).float().mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Standardised images (B, channels, S, S) to logits (B, outputs)."""
        return self.head(self.features(images))


def build(
    outputs: int, size: int, channels: int = 3, *, width: int = 64, k: int = 1, bn_momentum: float = 0.003
) -> PreactivationResNet:
    """The network for images of `size` px. Raises ConfigError if they are too small.

    width : channels within the bottlenecks of the first group, times k; they double from group to group. The paper has
    width 64 and k 2. bn_momentum : weight of the newest batch in the running statistics; 0.003 is the decay 0.997 of
    the code. Weights are normal with He's variance, cut at two deviations, and biases are zero, as the code has them.
    """
    expect_smallest(size, "preactivation_resnet")
    network = PreactivationResNet(outputs, channels, width, k, bn_momentum)
    initialise_he(network)
    return network


@torch.no_grad()
def initialise_he(module: nn.Module) -> None:
    """Weights of variance about 2 / inputs for convolutions and dense layers, and zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            std = math.sqrt(1.3 * 2 / fan_in)  # 1.3 is TensorFlow's correction for the cut
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

"""ResNet-50 for galaxy_zoo_cnn, approach 4, with the parameter names of torchvision so that its weights load."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from galaxies.data.download import download
from galaxies.errors import ConfigError, DataError
from galaxies.files import sha256
from galaxies.image_sizes import expect_smallest
from galaxies.layers import TrunkRegressor, check_choice, dense_head, initialise_glorot, load_published

WEIGHTS_URL = "https://download.pytorch.org/models/resnet50-0676ba61.pth"  # torchvision's IMAGENET1K_V1
WEIGHTS_SHA256_PREFIX = "0676ba61"  # part of the published name, a convention of torch.hub
FEATURES = 2048


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around a shortcut; He et al. 2016, figure 5, with the stride on the 3x3 convolution.

    That place of the stride (the original has it on the first 1x1) is torchvision's, for which the weights are trained.
    """

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet50Trunk(nn.Module):
    """The convolutional part: 23 508 032 parameters, images (B, 3, S, S) to (B, 2048, S/32, S/32) rounded up."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, blocks=3, stride=1)
        self.layer2 = _stage(256, 128, blocks=4, stride=2)
        self.layer3 = _stage(512, 256, blocks=6, stride=2)
        self.layer4 = _stage(1024, 512, blocks=3, stride=2)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def _stage(channels: int, width: int, *, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(channels, width, stride)
    return nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)))


def build(
    outputs: int,
    *,
    size: int,
    pretrained: str = "none",
    weights: Path | str | None = None,
    freeze: str = "none",
    normalise: bool = False,
    bn_momentum: float = 0.01,
    pixels_of_weights: float = 1.0,
    dense: Sequence[int] = (512,),
    dropout: Sequence[float] = (0.5,),
) -> TrunkRegressor:
    """ResNet-50 trunk, global average pooling, hidden dense layers with dropout after each, sigmoid outputs.

    pretrained : "imagenet" loads torchvision's IMAGENET1K_V1 from the file `weights`; "none" starts from He-normal.
    freeze : "trunk" trains the head alone; "none" trains all (the paper says fine-tuned, and nothing of freezing).
    normalise : ImageNet mean and standard deviation; off as in the paper, which only divides by 255.
    bn_momentum : weight of the newest batch in the running statistics, torch's convention: 0.01 here is 0.99 in Keras.
    pixels_of_weights : how many times as large the pixels of the published weights were as torchvision's, whose
    deviation is one: 57.6 for Keras's, of pixels up to 255. The first running statistics begin as much too large.
    The head has Glorot-uniform weights and zero biases.
    """
    check_choice("pretrained", pretrained, ("imagenet", "none"))
    check_choice("freeze", freeze, ("trunk", "none"))
    expect_smallest(size, "resnet50")
    published = read_weights(weights) if pretrained == "imagenet" else None
    trunk = ResNet50Trunk()
    if published is not None:
        load_published(trunk, published, str(weights), ignored=("fc.weight", "fc.bias"))
        trunk.bn1.running_mean *= pixels_of_weights
        trunk.bn1.running_var *= pixels_of_weights**2
    for layer in trunk.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = bn_momentum
    head = dense_head(FEATURES, outputs, dense, dropout, dropout_first=False)
    initialise_glorot(head)
    return TrunkRegressor(trunk, head, freeze=freeze == "trunk", normalise=normalise)


def read_weights(path: Path | str | None) -> dict[str, Tensor]:
    """State dict from a file of published weights; ConfigError if it is absent or is not such a file."""
    hint = f"download {WEIGHTS_URL} and give its place as `network.weights`, or set `network.pretrained: none`"
    if path is None or not Path(path).is_file():
        found = "no file of weights is given" if path is None else f"{path}: there is no such file"
        raise ConfigError(f"network.pretrained is imagenet, but {found}", hint)
    check_digest(Path(path))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path}: this is not a file of torch weights, or it is damaged", hint) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ConfigError(f"{path}: expected a dictionary of tensors by name", hint)
    return state


def fetch_imagenet_weights(folder: Path) -> Path:
    """Download torchvision's IMAGENET1K_V1 weights (98 MB) into `folder`, check them, and return the file.

    torch.hub publishes only the first digits of the SHA-256, in the file's name; those are compared. Raises DataError
    if the file cannot be downloaded or its digest differs.
    """
    return download(
        WEIGHTS_URL,
        Path(folder) / WEIGHTS_URL.rsplit("/", 1)[1],
        check=check_digest,
        alternative="fetch the file on another machine and give its path as `network.weights` of the experiment, "
        "or set `network.pretrained: none`, which is not a reproduction of the paper",
    )


def check_digest(path: Path) -> None:
    """Raise DataError if a file is not torchvision's IMAGENET1K_V1 weights: what is labelled so must be so."""
    digest = sha256(path)
    if not digest.startswith(WEIGHTS_SHA256_PREFIX):
        raise DataError(
            f"{path}: SHA-256 begins with {digest[:8]}, expected {WEIGHTS_SHA256_PREFIX}",
            f"give the file {WEIGHTS_URL} as `network.weights`; a file in resources/ can be deleted to fetch it again",
        )

"""Building blocks that several architectures share."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from galaxies.errors import ConfigError
from galaxies.image_sizes import SMALLEST_MAP, expect_power_of_two

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1]: the statistics that the published ImageNet weights expect
IMAGENET_STD = (0.229, 0.224, 0.225)
ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.2),
    "selu": nn.SELU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}
DENSE_ACTIVATIONS = {"relu": nn.ReLU, "linear": nn.Identity}
OUTPUT_ACTIVATIONS = {"sigmoid": nn.Sigmoid, "linear": nn.Identity}


class Head(nn.Sequential):
    """Dense layers that stay in float32 under autocast.

    A sigmoid in bfloat16 has steps of 1/256 near 1, coarser than differences between models that the papers discuss;
    these layers cost next to nothing beside the convolutions.
    """

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.float())


def dense_head(
    features: int,
    outputs: int,
    dense: Sequence[int],
    dropout: Sequence[float],
    *,
    dropout_first: bool,
    dense_activation: str = "relu",
    output_activation: str = "sigmoid",
) -> Head:
    """Hidden layers of `dense` units, each with its dropout, then `outputs` units; both with their activation.

    dropout_first : dropout[i] acts on the input of hidden layer i, else on its output.
    dense_activation : relu, or linear for none.
    output_activation : sigmoid, or linear for none.
    """
    check_choice("output_activation", output_activation, tuple(OUTPUT_ACTIVATIONS))
    check_choice("dense_activation", dense_activation, tuple(DENSE_ACTIVATIONS))
    if len(dropout) != len(dense):
        raise ConfigError(
            f"network: dropout has {len(dropout)} values and dense has {len(dense)}; each dense layer needs one dropout"
        )
    layers = []
    for units, rate in zip(dense, dropout, strict=True):
        hidden = [nn.Linear(features, units), DENSE_ACTIVATIONS[dense_activation]()]
        layers += [nn.Dropout(rate), *hidden] if dropout_first else [*hidden, nn.Dropout(rate)]
        features = units
    return Head(*layers, nn.Linear(features, outputs), OUTPUT_ACTIVATIONS[output_activation]())


@torch.no_grad()
def initialise_glorot(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases for all convolutions and dense layers, the defaults of Keras."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


@torch.no_grad()
def initialise_normal(module: nn.Module, std: float = 0.02, cut: bool = True) -> None:
    """Normal weights of deviation `std`, and zero biases.

    cut : draw those of convolutions within 2 `std`, as DCGAN's code does.
    """
    for layer in module.modules():
        if cut and isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, std=std)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class TrunkRegressor(nn.Module):
    """A convolutional trunk, global average pooling and a dense head.

    trunk : images (B, 3, S, S) to feature maps (B, F, s, s).
    freeze : the trunk is not trained and stays in evaluation mode: its batch statistics do not move either.
    normalise : subtract the ImageNet mean and divide by the ImageNet standard deviation first.
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, *, freeze: bool, normalise: bool):
        super().__init__()
        self.trunk = trunk.requires_grad_(not freeze)
        self.head = head
        self.freeze = freeze
        self.normalise = normalise
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.train()

    def train(self, mode: bool = True) -> "TrunkRegressor":
        super().train(mode)
        if self.freeze:
            self.trunk.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) in [0, 1] to (B, outputs) in (0, 1)."""
        if self.normalise:
            images = (images - self.mean) / self.std
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            features = self.trunk(images)
        return self.head(features.float().mean(dim=(2, 3)))


def check_choice(key: str, value: str, options: Sequence[str]) -> None:
    """ConfigError unless `value` of network.<key> is one of `options`."""
    if value not in options:
        raise ConfigError(f"network.{key} is {value!r}; it must be one of: {', '.join(options)}")


def activation_named(name: str) -> Callable[[], nn.Module]:
    """Maker of the activation that an experiment names; leaky_relu has the slope 0.2 of DCGAN."""
    check_choice("activation", name, tuple(ACTIVATIONS))
    return ACTIVATIONS[name]


def halving_channels(width: int, size: int) -> list[int]:
    """Channels of the feature maps of size / 2, size / 4, ..., 4 px of a DCGAN: `width`, doubled each time.

    Raises ConfigError unless `size` is a power of two, and at least 32.
    """
    expect_power_of_two(size)
    return [width * 2**stage for stage in range((size // SMALLEST_MAP).bit_length() - 1)]


def load_published(module: nn.Module, state: dict[str, Tensor], source: str, *, ignored: Sequence[str] = ()) -> None:
    """Copy a published state dict into `module` after comparing every name and shape.

    ignored : names in `state` without a place in `module`, such as a classifier that is replaced.
    Raises ConfigError that names `source` and the first difference.
    """
    wanted = module.state_dict()
    given = {name: value for name, value in state.items() if name not in ignored}
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    unknown = [name for name in given if name not in wanted]
    different = [name for name in wanted if name in given and wanted[name].shape != given[name].shape]
    problem = None
    if missing:
        problem = f"{len(missing)} weights are missing, the first is {missing[0]!r}"
    elif unknown:
        problem = f"{len(unknown)} weights are unknown, the first is {unknown[0]!r}"
    elif different:
        name = different[0]
        problem = f"{name!r} has shape {tuple(given[name].shape)}, expected {tuple(wanted[name].shape)}"
    if problem:
        raise ConfigError(
            f"{source}: these are not the weights of this architecture: {problem}",
            "give the file that the documentation of `network.weights` names",
        )
    module.load_state_dict(given, strict=False)  # num_batches_tracked is absent in files of old torch versions

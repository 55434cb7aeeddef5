"""The generator of two_in_one: noise to star fields of 1000 px, with more noise before the last layer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from galaxies.errors import ConfigError
from galaxies.layers import check_choice, initialise_glorot

GAPS = ("reshape", "bilinear")
DISTRIBUTIONS = ("normal", "uniform")
WHITE = 255.0
FIRST, BEFORE_GAP, AFTER_GAP = 40, 20, 8  # the side of the images over those of these maps
RATIO = (BEFORE_GAP * BEFORE_GAP) // 16, (AFTER_GAP * AFTER_GAP) // 16  # 25 : 4, pixels of the maps after : before


class Generator(nn.Module):
    """A dense layer, transposed convolutions, and a gap of a factor 2.5 between the first two. Made by `build`."""

    def __init__(
        self,
        dense: nn.Linear,
        before: nn.Module,
        after: nn.Module,
        last: nn.Module,
        *,
        size: int,
        upsample_gap: str,
        latent: str,
        noise: dict | None,
    ):
        super().__init__()
        self.dense, self.before, self.after, self.last = dense, before, after, last
        self.size, self.upsample_gap, self.latent_distribution = size, upsample_gap, latent
        self.noise_settings = noise
        self.register_buffer("frozen_key", torch.randint(2**31, ()))  # as random as the weights

    def latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Latent values (count, latent_dim) on the CPU."""
        return _draw(self.latent_distribution, (count, self.dense.in_features), generator)

    def noise_keys(self, count: int, generator: torch.Generator) -> list[int]:
        """Seeds of the noise of `count` images: other ones each time, or, of frozen noise, one for each place.

        CPUs use 32 bits of them: a few pairs among some hundred thousand images may have the same noise.
        """
        if self.noise_settings is None or self.noise_settings["frozen"]:
            return [int(self.frozen_key) + place for place in range(count)]
        return torch.randint(2**62, (count,), generator=generator).tolist()

    def noise(self, keys: Sequence[int], device: torch.device) -> Tensor | None:
        """Noise (B, F, S / 2, S / 2) on the device, image by image, so that it does not depend on their number."""
        if self.noise_settings is None:
            return None
        shape = (self.last[0].in_channels, self.size // 2, self.size // 2)
        draws = (torch.Generator(device).manual_seed(key) for key in keys)
        return torch.stack([_draw(self.noise_settings["distribution"], shape, draw) for draw in draws])

    def forward(self, latents: Tensor, noise: Tensor | None) -> Tensor:
        """Latent values (B, latent_dim) and `noise`, None for none, to images float32 (B, 1, S, S) in 0..255."""
        side = self.size // FIRST
        maps = self.before(self.dense(latents).unflatten(1, (-1, side, side)))
        if self.upsample_gap == "reshape":
            maps = reinterpreted(maps, self.size // AFTER_GAP)
        else:
            maps = interpolate(maps, size=self.size // AFTER_GAP, mode=self.upsample_gap, align_corners=False)
        maps = self.after(maps)
        if noise is not None:
            maps = maps + noise
        images = WHITE * (1 + self.last(maps).float().tanh()) / 2
        return images.flip(2, 3)  # to the edges of TensorFlow's padding, see `_enlarge`


def build(
    *,
    size: int = 1000,
    latent_dim: int = 100,
    latent: str = "normal",
    first_filters: int = 124,
    filters: Sequence[int] = (100, 50, 10),
    upsample_gap: str = "reshape",
    noise: dict | None = None,
) -> Generator:
    """Generator of grey images of `size` px.

    latent : distribution of the latent values, normal or uniform in [-1, 1). first_filters : maps of the dense layer,
    of size / 40 px. filters : maps of the transposed convolutions, of size / 20, size / 4 and size / 2 px.
    upsample_gap : how maps of size / 20 px become those of size / 8 px that the second convolution takes; "reshape"
    reads the values anew in channel-last order, as the authors' code does; "bilinear" enlarges.
    noise : distribution and frozen (the same in each step, another for each place in a batch) of what is added before
    the last layer; None for none.
    Weights begin Glorot-uniform, biases zero (two_in_one, models).

    Raises ConfigError for sizes or numbers of filters that the layers cannot have.
    """
    check_choice("upsample_gap", upsample_gap, GAPS)
    check_choice("latent", latent, DISTRIBUTIONS)
    if noise is not None:
        check_choice("noise.distribution", noise["distribution"], DISTRIBUTIONS)
    if size % FIRST:
        raise ConfigError(f"network.size is {size}; the layers enlarge {FIRST} times, so it is a multiple of {FIRST}")
    if len(filters) != 3:
        raise ConfigError(f"network.filters has {len(filters)} values; there are 3 convolutions before the last one")
    after_gap, rest = divmod(filters[0] * RATIO[1], RATIO[0])
    if upsample_gap != "reshape":
        after_gap = filters[0]
    elif rest:
        raise ConfigError(
            f"network.filters: {filters[0]} maps of {size // BEFORE_GAP} px are no whole number of maps of "
            f"{size // AFTER_GAP} px",
            f"give a multiple of {RATIO[0]}, or `upsample_gap: bilinear`",
        )
    network = Generator(
        nn.Linear(latent_dim, first_filters * (size // FIRST) ** 2),
        nn.Sequential(_enlarge(first_filters, filters[0]), nn.ReLU()),
        nn.Sequential(
            _enlarge(after_gap, filters[1]),
            nn.ReLU(),
            nn.ConvTranspose2d(filters[1], filters[2], 2, stride=2),
            nn.ReLU(),
        ),
        nn.Sequential(nn.ConvTranspose2d(filters[2], 1, 2, stride=2)),
        size=size,
        upsample_gap=upsample_gap,
        latent=latent,
        noise=noise,
    )
    initialise_glorot(network)
    return network


def reinterpreted(maps: Tensor, side: int) -> Tensor:
    """The values of maps (B, C, H, W), in channel-last order, read as maps (B, C', side, side) in that order.

    Neighbours are torn apart: each pixel becomes part of a row (two_in_one, generator, layer 2b).
    """
    values = maps.permute(0, 2, 3, 1).flatten(1)
    return values.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)


def _enlarge(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution that mirrors TensorFlow's with padding "same".

    That one leaves out a row before the maps and two after them; `output_padding` leaves out two before and one after.
    Weights begin as likely mirrored as not, so that images are TensorFlow's once they are turned round. It matters: the
    last row has fewest inputs, the last window of the discriminators' pooling fewest pixels, and where both are on the
    same side a generator can learn to be taken for a galaxy by one bright edge.
    """
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


def _draw(distribution: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Values on the generator's device, normal, or uniform in [-1, 1)."""
    if distribution == "normal":
        return torch.randn(shape, generator=generator, device=generator.device)
    return 2 * torch.rand(shape, generator=generator, device=generator.device) - 1

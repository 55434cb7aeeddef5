"""The dense variational autoencoder of intergalactic_vae_cnn."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from galaxies.layers import activation_named, initialise_glorot


class DenseVAE(nn.Module):
    """Dense layers from pixels to a normal distribution of codes, and from a code to pixels. Made by `build`."""

    def __init__(self, trunk: nn.Module, mean: nn.Linear, log_std: nn.Linear, decoder: nn.Module):
        super().__init__()
        self.trunk, self.mean, self.log_std, self.decoder = trunk, mean, log_std, decoder

    @property
    def latent_dim(self) -> int:
        return self.mean.out_features

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Codes (count, latent_dim) from the prior, standard normal, on the device of `generator`."""
        return torch.randn(count, self.latent_dim, generator=generator, device=generator.device)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Means and logarithms of the deviations, (B, latent_dim) each, of the codes of pixels (B, D) in [0, 1]."""
        hidden = self.trunk(pixels)
        return self.mean(hidden), self.log_std(hidden)

    def decode(self, codes: Tensor) -> Tensor:
        """Logits (B, D) of the means of the pixels, of codes (B, latent_dim)."""
        return self.decoder(codes)

    def forward(self, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, D) of the pixels at one draw of the codes, mean + std * noise; their means and log deviations."""
        mean, log_std = self.encode(pixels)
        return self.decode(torch.addcmul(mean, log_std.exp(), noise)), mean, log_std


def build(
    *,
    size: int,
    channels: int,
    hidden: int = 1000,
    hidden_layers: int = 1,
    latent_dim: int = 64,
    activation: str = "tanh",
    weights_std: float | None = None,
) -> DenseVAE:
    """Autoencoder of images of `size` px with `channels` channels.

    hidden, hidden_layers : units of a hidden layer, and number of these on either side. latent_dim : of the codes.
    activation : of the hidden layers.
    weights_std : weights and biases begin normal with this deviation, cut at two of them, as in its authors' code; None
    takes Glorot-uniform weights, and biases of zero.
    Source: intergalactic_vae_cnn, section III; it states sizes alone, and "each hidden layer" may mean one or two.
    """
    pixels, act = channels * size**2, activation_named(activation)
    network = DenseVAE(
        nn.Sequential(*_hidden(pixels, hidden, hidden_layers, act)),
        nn.Linear(hidden, latent_dim),
        nn.Linear(hidden, latent_dim),
        nn.Sequential(*_hidden(latent_dim, hidden, hidden_layers, act), nn.Linear(hidden, pixels)),
    )
    if weights_std is None:
        initialise_glorot(network)
    else:
        for parameter in network.parameters():
            nn.init.trunc_normal_(parameter, std=weights_std, a=-2 * weights_std, b=2 * weights_std)
    return network


def _hidden(inputs: int, units: int, layers: int, act: Callable[[], nn.Module]) -> list[nn.Module]:
    sizes = [inputs, *[units] * layers]
    return [part for before, after in pairwise(sizes) for part in (nn.Linear(before, after), act())]

"""Optimisers by the names that experiments use."""

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from galaxies.errors import ConfigError

OPTIMISERS = {"adam": torch.optim.Adam, "adamax": torch.optim.Adamax}


def build_optimiser(
    parameters: Iterable[nn.Parameter], *, name: str, learning_rate: float, betas: Sequence[float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """Optimiser over those `parameters` that are trained; frozen ones are left out.

    betas : decay rates of the first moment and of the second moment (adam) or of the infinity norm (adamax).
    """
    if name not in OPTIMISERS:
        raise ConfigError(f"optimiser.name is {name!r}; it must be one of: {', '.join(OPTIMISERS)}")
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return OPTIMISERS[name](trained, lr=learning_rate, betas=tuple(betas))

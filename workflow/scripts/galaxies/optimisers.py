"""Optimisers by the names that experiments use, and a schedule of the learning rate."""

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from galaxies.errors import ConfigError

OPTIMISERS = {
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adadelta": torch.optim.Adadelta,
    "sgd": torch.optim.SGD,
}
FUSED = ("adam", "sgd")  # one pass over the weights for an update in place of ten


def build_optimiser(
    parameters: Iterable[nn.Parameter],
    *,
    name: str,
    learning_rate: float,
    betas: Sequence[float] = (0.9, 0.999),
    momentum: float = 0.9,
    nesterov: bool = True,
    weight_decay: float = 0.0,
    rho: float = 0.95,
    epsilon: float | None = None,
    steps_before: int = 0,
) -> torch.optim.Optimizer:
    """Optimiser over those `parameters` that are trained; frozen ones are left out.

    betas : decay rates of the first moment and of the second moment (adam) or of the infinity norm (adamax).
    momentum, nesterov, weight_decay : of sgd; the last is the weight of half the sum of the squared parameters.
    rho : decay rate of the squared gradients and updates of adadelta.
    epsilon : what keeps the divisors of adam, adamax and adadelta from 0; None takes torch's, 1e-8, 1e-8 and 1e-6.
    steps_before : of adam: steps that count as made before the first, when moments, which begin at 0, are corrected for
    their beginning. An optimiser of TensorFlow 1 that several networks share counts the steps of them all.
    """
    if name not in OPTIMISERS:
        raise ConfigError(f"optimiser.name is {name!r}; it must be one of: {', '.join(OPTIMISERS)}")
    options = {"betas": tuple(betas)}
    if name == "sgd":
        options = {"momentum": momentum, "nesterov": nesterov and momentum > 0, "weight_decay": weight_decay}
    elif name == "adadelta":
        options = {"rho": rho}
    if epsilon is not None:
        options["eps"] = epsilon
    if name in FUSED:
        options["fused"] = True
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    optimiser = OPTIMISERS[name](trained, lr=learning_rate, **options)
    if steps_before:
        for parameter in trained:
            optimiser.state[parameter] = {
                "step": torch.tensor(float(steps_before), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
    return optimiser


class StepDecay(nn.Module):
    """A learning rate that is multiplied by `factor` after each `every` steps.

    Its state is a counter on the CPU, saved with the networks among which it stands, so that a resumed training has the
    same rate in every step, and no step waits for the device.
    """

    def __init__(self, learning_rate: float, every: int, factor: float):
        super().__init__()
        self.learning_rate, self.every, self.factor = learning_rate, every, factor
        self.register_buffer("steps", torch.tensor(0))

    def before_step(self, optimiser: torch.optim.Optimizer) -> None:
        """Give `optimiser` the rate of the next step, and count it."""
        rate = self.learning_rate * self.factor ** (int(self.steps) // self.every)
        for group in optimiser.param_groups:
            group["lr"] = rate
        self.steps += 1

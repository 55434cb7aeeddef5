"""The ResNet-26 of Dai and Tong: numbers of parameters, the chain of layers, initial weights, the learning rate."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from galaxies.errors import ConfigError
from galaxies.models.preactivation_resnet import build
from galaxies.optimisers import StepDecay, build_optimiser

pytestmark = pytest.mark.usefixtures("one_thread")


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Published code with k = 2, the same with k = 1, and the width that tests take; counted layer by layer below.
@pytest.mark.parametrize(
    ("width", "k", "expected"), [(64, 2, 55_679_429), (64, 1, 13_957_829), (16, 1, 887_109), (16, 2, 3_511_109)]
)
def test_number_of_parameters(width, k, expected):
    total, inputs = 6 * 6 * 3 * 64 + 64, 64
    for inner in (width * k * factor for factor in (1, 1, 2, 2, 4, 4, 8, 8)):
        total += 2 * inputs + inputs * inner + 2 * inner + 9 * inner * inner + 2 * inner + (inner + 1) * 4 * inner
        total += (inputs + 1) * 4 * inner if inputs != 4 * inner else 0
        inputs = 4 * inner
    total += 2 * inputs + (inputs + 1) * 5
    assert total == expected
    with torch.device("meta"):
        network = build(5, 64, width=width, k=k)
    assert parameters(network) == expected


def by_hand(images, values, widths):
    """The published chain of layers on parameters in their order, batch normalisation in training mode."""

    def normalised(x):
        scale, offset = next(values), next(values)
        mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
        x = (x - mean) / (variance + 1e-5).sqrt() * scale[:, None, None] + offset[:, None, None]
        return x.clamp(min=0)

    x = functional.conv2d(functional.pad(images, (2, 3, 2, 3)), next(values), next(values))
    x = functional.max_pool2d(x, 2)
    for group, width in enumerate(widths):
        for unit in (0, 1):
            stride = 2 if unit == 1 and group < 3 else 1
            active = normalised(x)
            if x.shape[1] == 4 * width:
                shortcut = x[:, :, ::stride, ::stride]
            else:
                shortcut = functional.conv2d(active, next(values), next(values), stride)
            y = normalised(functional.conv2d(active, next(values)))
            y = normalised(functional.conv2d(y, next(values), stride=stride, padding=1))
            x = shortcut + functional.conv2d(y, next(values), next(values))
    return normalised(x).mean((2, 3)), x.shape[2:]


@pytest.mark.parametrize(("width", "k", "size", "last"), [(4, 2, 32, 2), (16, 1, 16, 1)])
def test_layers_stand_in_the_published_order(width, k, size, last):
    """width 16 has an identity shortcut in its first unit, the other widths have none there."""
    torch.manual_seed(0)
    network = build(5, size, channels=2, width=width, k=k).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    images = torch.randn(4, 2, size, size, dtype=torch.float64)
    values = iter(network.parameters())
    features, shape = by_hand(images, values, [width * k * factor for factor in (1, 2, 4, 8)])
    weight, bias = values
    assert tuple(shape) == (last, last)
    assert features.shape == (4, 32 * width * k)
    found = network.features(images)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, features.float(), rtol=1e-5, atol=1e-5)
    network.head.double()
    expected = features.float() @ weight.T.float() + bias.float()
    torch.testing.assert_close(network.float()(images.float()), expected, rtol=1e-3, atol=1e-3)


def test_initial_weights_have_the_variance_of_he_and_no_tails():
    torch.manual_seed(0)
    network = build(5, 64, width=32)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            assert layer.weight.abs().max() <= 2 * math.sqrt(2.6 / fan_in) + 1e-6
            # The cut at two deviations leaves 0.7737 of a variance; the tolerance is that of some thousand draws.
            if layer.weight.numel() > 5000:
                assert layer.weight.var().item() * fan_in == pytest.approx(2.6 * 0.7737, rel=0.06)
            assert layer.bias is None or not layer.bias.any()


def test_running_statistics_and_small_images():
    network = build(5, 16, width=1, bn_momentum=0.25)
    assert {layer.momentum for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.25}
    with pytest.raises(ConfigError, match="images of 15 px, expected 16 or more"):
        build(5, 15)


def test_sgd_is_nesterovs_momentum_with_weight_decay():
    """TensorFlow's MomentumOptimizer with use_nesterov: v = m v + g, w -= rate (g + m v), written out."""
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimiser = build_optimiser([weight], name="sgd", learning_rate=0.1, weight_decay=0.01)
    expected, velocity = 2.0, 0.0
    for step in range(5):
        gradient = 3 * expected + step + 0.01 * expected
        optimiser.zero_grad()
        (1.5 * weight**2 + step * weight).backward()
        optimiser.step()
        velocity = 0.9 * velocity + gradient
        expected -= 0.1 * (gradient + 0.9 * velocity)
        assert weight.item() == pytest.approx(expected, rel=1e-12)
    plain = build_optimiser([weight], name="sgd", learning_rate=0.1, momentum=0)
    assert not plain.param_groups[0]["nesterov"]


def test_learning_rate_falls_after_each_so_many_steps():
    optimiser = build_optimiser([nn.Parameter(torch.zeros(1))], name="sgd", learning_rate=0.1)
    decay, rates = StepDecay(0.1, every=3, factor=0.1), []
    for _ in range(7):
        decay.before_step(optimiser)
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001])
    again = StepDecay(0.1, every=3, factor=0.1)
    again.load_state_dict(decay.state_dict())
    again.before_step(optimiser)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.001)

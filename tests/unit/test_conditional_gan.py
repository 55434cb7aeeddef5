"""The conditional GAN against the paper's counts, plain loops and closed forms."""

import math

import numpy as np
import pytest
import torch
from small_views import write_galaxies
from torch import nn

from galaxies.compute import Compute
from galaxies.data.device import Batch, Images
from galaxies.errors import ConfigError, DataError
from galaxies.layers import initialise_normal
from galaxies.losses import half_squared_error, predictor_hinge
from galaxies.methods.conditional_gan import build, load_generator, load_predictor
from galaxies.models import growing_kernels_cnn, predictor_discriminator, resize_generator
from galaxies.models.predictor_discriminator import MinibatchDiscrimination, SameConvolution
from galaxies.trained_models import write_model
from galaxies.training import count_parameters

CPU = Compute(torch.device("cpu"), channels_last=False)
EXPERIMENT = {
    "method": "conditional_gan",
    "conditions": ["redshift", "log_stellar_mass"],
    "networks": {
        "generator": {"architecture": "resize_generator", "latent_dim": 4, "dense": 8, "filters": [4, 4]},
        "discriminator": {
            "architecture": "predictor_discriminator",
            "filters": [4, 8],
            "predictor": 16,
            "kernels": 4,
            "dims": 2,
        },
    },
    "optimisers": {
        "generator": {"name": "adam", "learning_rate": 4e-4, "betas": [0.5, 0.999]},
        "discriminator": {"name": "adam", "learning_rate": 1e-3, "betas": [0.5, 0.999]},
    },
    "adversarial_weight": 50,
    "hinge_sign": "code",
}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "view.h5"
    write_galaxies(path)
    return Images(path, np.arange(96), CPU)


@pytest.fixture
def gan(images):
    torch.manual_seed(0)
    return build(EXPERIMENT, images, images, CPU, {})


@pytest.fixture
def batch(images):
    return Batch(images.images[:16], images.labels[:16])


# Networks


def test_parameter_counts_are_the_papers():
    published = {"size": 50, "channels": 3}
    assert count_parameters(resize_generator.build(2, **published)) == 33_894_595
    assert count_parameters(predictor_discriminator.build(2, **published)) == 36_157_891
    assert count_parameters(growing_kernels_cnn.build(1, **published)) == 164_913


@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
@pytest.mark.parametrize(("size", "channels"), [(50, 3), (41, 1), (64, 2)])
def test_images_have_the_size_asked_for(upsampling, size, channels):
    network = resize_generator.build(3, size=size, channels=channels, dense=8, filters=[4, 4], upsampling=upsampling)
    noise = network.noise(5, torch.Generator())
    assert network(noise, torch.zeros(5, 3)).shape == (5, channels, size, size)
    assert network(noise, torch.zeros(5, 3)).min() < 0  # no activation at the end


def test_the_first_maps_are_read_channel_last():
    network = resize_generator.build(2, size=50, channels=3, dense=8, filters=[4, 4]).eval()
    seen = []
    network.convolutions.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    noise, conditions = network.noise(2, torch.Generator()), torch.randn(2, 2)
    network(noise, conditions)
    flat = network.dense(torch.cat([noise, conditions], dim=1))
    for image, row, column, channel in [(0, 0, 0, 0), (1, 3, 7, 2), (0, 15, 15, 3)]:
        assert seen[0][image, channel, row, column] == flat[image, (row * 16 + column) * 4 + channel]


def test_noise_is_uniform_in_minus_one_to_one():
    noise = resize_generator.build(2, size=50, channels=1, dense=4, filters=[1, 1]).noise(2000, torch.Generator())
    assert noise.shape == (2000, 100)
    assert -1 <= noise.min() < -0.999
    assert 0.999 < noise.max() < 1
    assert noise.var() == pytest.approx(1 / 3, rel=0.01)


@pytest.mark.parametrize(("size", "after"), [(50, 25), (25, 13), (6, 3), (7, 4)])
def test_even_kernels_pad_as_tensorflow_does(size, after):
    """TensorFlow's "same" pads (after - 1) * 2 + 4 - size pixels, the odd one at the end."""
    convolution = SameConvolution(1, 1)
    nn.init.constant_(convolution.weight, 1.0)
    nn.init.zeros_(convolution.bias)
    image = torch.arange(size * size, dtype=torch.float32).view(1, 1, size, size)
    total = max((after - 1) * 2 + 4 - size, 0)
    padded = np.zeros((size + total, size + total))
    before = total // 2
    padded[before : before + size, before : before + size] = image[0, 0]
    expected = [[padded[2 * r : 2 * r + 4, 2 * c : 2 * c + 4].sum() for c in range(after)] for r in range(after)]
    np.testing.assert_allclose(convolution(image)[0, 0].detach(), expected, rtol=1e-5)


def test_classifier_pads_one_less_before_than_after():
    network = growing_kernels_cnn.build(1, size=50)
    shapes = []
    for layer in network:
        if isinstance(layer, nn.MaxPool2d):
            layer.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    network(torch.zeros(1, 3, 50, 50))
    assert shapes == [(16, 25, 25), (16, 12, 12), (16, 6, 6)]
    paddings = [layer.padding for layer in network if isinstance(layer, nn.ZeroPad2d)]
    assert paddings == [(1, 2, 1, 2), (3, 4, 3, 4), (7, 8, 7, 8)]


def normalised(maps, layer):
    """Batch normalisation by the statistics of the batch itself, written out."""
    axes = (0, 2, 3) if maps.dim() == 4 else (0,)
    mean = maps.mean(dim=axes, keepdim=True)
    variance = (maps - mean).square().mean(dim=axes, keepdim=True)
    shape = mean.shape
    return (maps - mean) / torch.sqrt(variance + 1e-5) * layer.weight.view(shape) + layer.bias.view(shape)


def leaky(maps):
    return torch.where(maps > 0, maps, 0.2 * maps)


def test_generator_is_the_published_chain():
    """Dense, BN, ReLU; dense, BN, ReLU; 16 -> 32 px, BN, ReLU; -> 50 px: each written out with torch's functions."""
    torch.manual_seed(0)
    network = resize_generator.build(2, size=50, channels=3, dense=8, filters=[4, 4])
    noise, labels = network.noise(6, torch.Generator()), torch.randn(6, 2)
    first, first_norm, _, second, second_norm, _ = network.dense
    one, norm, _, two = network.convolutions
    x = torch.cat([noise, labels], dim=1)
    for layer, batch_norm in ((first, first_norm), (second, second_norm)):
        x = normalised(x @ layer.weight.T + layer.bias, batch_norm).clamp(min=0)
    maps = x.view(6, 16, 16, 4).permute(0, 3, 1, 2)

    def resized(maps, side):
        grid = ((torch.arange(side) + 0.5) * maps.shape[-1] / side - 0.5).clamp(0, maps.shape[-1] - 1)
        low = grid.floor().long().clamp(max=maps.shape[-1] - 2)
        share = grid - low
        rows = maps[:, :, low] * (1 - share)[:, None] + maps[:, :, low + 1] * share[:, None]
        return rows[..., low] * (1 - share) + rows[..., low + 1] * share

    maps = nn.functional.conv2d(resized(maps, 35), one.convolution.weight, one.convolution.bias)
    maps = normalised(maps, norm).clamp(min=0)
    expected = nn.functional.conv2d(resized(maps, 53), two.convolution.weight, two.convolution.bias)
    torch.testing.assert_close(network(noise, labels), expected, rtol=1e-3, atol=1e-5)


def test_discriminator_is_the_published_chain():
    torch.manual_seed(0)
    network = predictor_discriminator.build(2, size=50, channels=3, filters=[4, 4], predictor=8, kernels=3, dims=2)
    initialise_normal(network, std=0.2)  # large enough for every nonlinearity to matter
    images = torch.randn(8, 3, 50, 50)
    first, _, second, norm, _, _ = network.trunk
    hidden, hidden_norm, _, out = network.predictor
    pad, convolve = nn.functional.pad, nn.functional.conv2d
    maps = leaky(convolve(pad(images, (1, 1, 1, 1)), first.weight, first.bias, stride=2))
    maps = leaky(normalised(convolve(pad(maps, (1, 2, 1, 2)), second.weight, second.bias, stride=2), norm))
    features = maps.flatten(1)
    labels = leaky(normalised(features @ hidden.weight.T + hidden.bias, hidden_norm)) @ out.weight.T + out.bias
    seen = torch.cat([features, network.minibatch(features, 4)], dim=1)
    found = network(images, 4)
    torch.testing.assert_close(found.labels, labels, rtol=1e-3, atol=1e-4)
    logits = (seen @ network.head.weight.T + network.head.bias)[:, 0]
    torch.testing.assert_close(found.logits, logits, rtol=1e-3, atol=1e-4)


def test_classifier_is_the_published_chain():
    torch.manual_seed(0)
    network = growing_kernels_cnn.build(1, size=50).eval()
    images = torch.randn(4, 3, 50, 50)
    x, convolutions = images, [layer for layer in network if isinstance(layer, nn.Conv2d)]
    for layer, kernel in zip(convolutions, (4, 8, 16), strict=True):
        x = nn.functional.pad(x, (kernel // 2 - 1, kernel // 2, kernel // 2 - 1, kernel // 2))
        x = nn.functional.conv2d(x, layer.weight, layer.bias).clamp(min=0)
        x = nn.functional.max_pool2d(x, 2)
    x = x.flatten(1)
    first, second, last = (layer for layer in network if isinstance(layer, nn.Linear))
    for layer in (first, second):
        x = (x @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(network(images), x @ last.weight.T + last.bias, rtol=1e-3, atol=1e-4)
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout)] == [0.25] * 3


def test_running_statistics_move_by_a_tenth(gan):
    norms = [m for n in gan.networks.values() for m in n.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == 5
    assert all(norm.momentum == 0.1 and norm.eps == 1e-5 for norm in norms)  # decay 0.9


def test_the_discriminator_steps_first_and_the_generator_meets_the_new_one(gan, batch, monkeypatch):
    order, logits = [], []
    for name, optimiser in gan.optimisers.items():
        step = optimiser.step
        monkeypatch.setattr(optimiser, "step", lambda name=name, step=step: (order.append(name), step()))
    gan.discriminator.register_forward_hook(lambda module, inputs, output: logits.append(output.logits.detach()))
    gan.training_step(batch, torch.Generator())
    assert order == ["discriminator", "generator"]
    assert not torch.allclose(logits[0], logits[1])


def test_initial_weights():
    discriminator = predictor_discriminator.build(2, size=50, channels=3)
    convolution, dense = discriminator.trunk[2].weight.detach(), discriminator.predictor[0].weight.detach()
    assert convolution.abs().max() <= 0.04
    truncated = 0.02 * math.sqrt(1 - 2 * 2 * 0.05399 / 0.9545)  # of a normal cut at two deviations
    assert convolution.std() == pytest.approx(truncated, rel=0.01)
    assert dense.std() == pytest.approx(0.02, rel=0.01)
    assert dense.abs().max() > 0.06
    assert not any(layer.bias.any() for layer in discriminator.modules() if isinstance(layer, nn.Linear))


@pytest.mark.parametrize("norm", ["mask_sum", "per_image"])
def test_minibatch_discrimination_is_the_double_loop(norm):
    torch.manual_seed(1)
    layer = MinibatchDiscrimination(6, kernels=3, dims=2, norm=norm)
    initialise_normal(layer, std=1.0)
    features, real = torch.randn(7, 6), 3
    matrices = layer.projection(features).view(7, 3, 2).detach().numpy()
    expected = np.zeros((7, 6))
    pairs = {0: 7 * 3 - 3, 1: 7 * 4 - 4}
    for i in range(7):
        for j in range(7):
            if i == j:
                continue
            half = 0 if j < real else 1
            neighbours = sum(1 for k in range(7) if k != i and (k < real) == (j < real))
            share = pairs[half] if norm == "mask_sum" else neighbours
            for kernel in range(3):
                closeness = math.exp(-np.abs(matrices[i, kernel] - matrices[j, kernel]).sum())
                expected[i, 3 * half + kernel] += closeness / share
    np.testing.assert_allclose(layer(features, real).detach(), expected, rtol=1e-5)


def test_published_minibatch_features_are_at_most_64_of_8128():
    layer = MinibatchDiscrimination(4, kernels=2, dims=5, norm="mask_sum")
    features = layer(torch.ones(128, 4), 64)  # all alike: every pair counts in full
    np.testing.assert_allclose(features[0].detach(), [63 / 8128, 63 / 8128, 64 / 8128, 64 / 8128], rtol=1e-5)


def test_gradients_of_minibatch_discrimination():
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(3, kernels=2, dims=2, norm="per_image")
    initialise_normal(layer, std=1.0)
    features = torch.randn(4, 3, requires_grad=True)
    layer(features, 2)[:, 1].sum().backward()
    step = 1e-3
    for row, column in [(0, 0), (2, 1)]:
        moved = torch.zeros(4, 3)
        moved[row, column] = step
        with torch.no_grad():
            slope = (layer(features + moved, 2)[:, 1].sum() - layer(features - moved, 2)[:, 1].sum()) / (2 * step)
        assert features.grad[row, column] == pytest.approx(slope.item(), rel=0.02, abs=1e-4)


def test_unknown_variants_are_refused():
    with pytest.raises(ConfigError, match="minibatch"):
        predictor_discriminator.build(2, size=50, channels=3, minibatch="some")
    with pytest.raises(ConfigError, match="upsampling"):
        resize_generator.build(2, size=50, channels=3, upsampling="bicubic")


# Losses


def test_half_squared_error_is_half_the_sum():
    assert half_squared_error(torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.zeros(2, 2)) == (1 + 4 + 9 + 25) / 2


def test_hinge_signs():
    real, generated = torch.tensor(3.0), torch.tensor(2.0)
    assert predictor_hinge(real, generated, "code") == 1
    assert predictor_hinge(generated, real, "code") == 0
    assert predictor_hinge(real, generated, "paper") == 0
    assert predictor_hinge(generated, real, "paper") == 1
    with pytest.raises(ConfigError, match="hinge_sign"):
        predictor_hinge(real, generated, "minus")


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("sign", ["code", "paper"])
def test_the_predictor_learns_with_the_codes_sign_alone(images, sign, seed):
    """Blobs whose brightness is their mass: with the code's sign the predictor reads it; the paper's rewards errors on
    real images, which become larger than those on generated ones."""
    torch.manual_seed(seed)
    gan = build({**EXPERIMENT, "hinge_sign": sign}, images, images, CPU, {})
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        for batch in images.batches(torch.randperm(96, generator=rng), 32):
            sums = gan.training_step(batch, rng)
    gan.discriminator.eval()
    with torch.no_grad():
        predicted = gan.discriminator.predict(images.images)[:, 1]
    if sign == "code":
        assert np.corrcoef(predicted, images.labels[:, 1])[0, 1] > 0.7
    assert (sums["error_real"] < sums["error_generated"]) == (sign == "code")


def test_no_gradient_reaches_the_predictor_while_it_is_better_on_real_images():
    predicted = torch.tensor([[1.0]], requires_grad=True)
    predictor_hinge(half_squared_error(predicted, torch.ones(1, 1)), torch.tensor(5.0), "code").backward()
    assert predicted.grad == 0


# Steps


def test_losses_of_a_step_are_those_of_the_formulas(gan, batch):
    """Logits and labels are taken from the networks, the losses computed anew with NumPy."""
    judged = []
    gan.discriminator.register_forward_hook(lambda module, inputs, output: judged.append(output))
    sums = gan.training_step(batch, torch.Generator().manual_seed(1))
    conditions = gan.conditions(batch.labels[:, :2]).numpy().astype(float)

    def softplus(x):
        return np.log1p(np.exp(x))

    logits, labels = (value.detach().numpy().astype(float) for value in judged[0])
    real, generated = (0.5 * ((part - conditions) ** 2).sum() for part in (labels[:16], labels[16:]))
    adversarial = softplus(-logits[:16]).mean() + softplus(logits[16:]).mean()
    assert sums["discriminator_loss"] == pytest.approx(max(0, real - generated) + 50 * adversarial, rel=1e-4)
    logits, labels = (value.detach().numpy().astype(float) for value in judged[1])
    error = 0.5 * ((labels[16:] - conditions) ** 2).sum()
    assert sums["generator_loss"] == pytest.approx(error + 50 * softplus(-logits[16:]).mean(), rel=1e-4)
    metrics = gan.epoch_metrics({name: float(value) for name, value in sums.items()})
    assert metrics["predictor_rmse"] == pytest.approx(math.sqrt(2 * real / 32), rel=1e-4)


def test_both_steps_see_the_same_images_and_each_moves_its_own_network(gan, batch):
    seen = []
    gan.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().clone()))
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in gan.networks.items()}

    def moved(name):
        return [not torch.equal(p, q) for p, q in zip(gan.networks[name].parameters(), before[name], strict=True)]

    real = batch.images
    conditions = gan.conditions(batch.labels[:, :2])
    generated = gan.generator(gan.generator.noise(16, torch.Generator()), conditions)
    gan._discriminator_step(real, generated.detach(), conditions)
    assert any(moved("discriminator"))
    assert not any(moved("generator"))
    before["discriminator"] = [p.detach().clone() for p in gan.discriminator.parameters()]
    gan._generator_step(real, generated, conditions)
    assert any(moved("generator"))
    assert not any(moved("discriminator"))
    assert all(p.requires_grad for p in gan.discriminator.parameters())
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0][:16], real)


def test_generator_gradients_are_those_without_the_frozen_weights(gan, batch):
    conditions = gan.conditions(batch.labels[:, :2])
    noise = gan.generator.noise(16, torch.Generator().manual_seed(2))
    gan.optimisers["generator"] = torch.optim.SGD(gan.generator.parameters(), lr=0.0)
    gan._generator_step(batch.images, gan.generator(noise, conditions), conditions)
    found = [p.grad.clone() for p in gan.generator.parameters()]
    logits, labels = gan.discriminator(torch.cat([batch.images, gan.generator(noise, conditions)]), 16)
    loss = half_squared_error(labels[16:], conditions) + 50 * nn.functional.softplus(-logits[16:]).mean()
    expected = torch.autograd.grad(loss, list(gan.generator.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_real_and_generated_images_share_their_batch_statistics(gan, batch):
    maps = []
    gan.discriminator.trunk[3].register_forward_hook(lambda module, inputs, output: maps.append((inputs[0], output)))
    gan.training_step(batch, torch.Generator())
    before, after = maps[0]
    assert len(before) == 32
    together = (before - before.mean(dim=(0, 2, 3), keepdim=True)) / torch.sqrt(
        before.var(dim=(0, 2, 3), keepdim=True, unbiased=False) + 1e-5
    )
    torch.testing.assert_close(after, together, rtol=1e-3, atol=1e-3)
    assert after[:16].mean().abs() > 1e-3  # halves of their own would each have mean zero


def test_conditions_are_standardised_over_the_training_images(images):
    some = Images(images.view, np.arange(0, 60, 2), CPU)
    gan = build(EXPERIMENT, some, images, CPU, {})
    labels = some.labels[:, :2].double().numpy()
    standardised = gan.conditions(torch.from_numpy(labels).float())
    np.testing.assert_allclose(standardised.mean(dim=0), 0, atol=1e-5)
    np.testing.assert_allclose(standardised.std(dim=0, unbiased=False), 1, rtol=1e-5)
    np.testing.assert_allclose(gan.conditions.physical(standardised), labels, rtol=1e-4)


# A trained model


def test_a_saved_gan_generates_and_predicts_as_before(gan, images, batch, tmp_path):
    for _ in range(3):
        gan.training_step(batch, torch.Generator())
    path = tmp_path / "model.pt"
    write_model(path, gan.networks, EXPERIMENT, images, seed=0)
    generator = load_generator(path, CPU)
    assert generator.columns == ["redshift", "log_stellar_mass"]
    labels = batch.labels[:, :2]
    made = generator.generate(labels, torch.Generator().manual_seed(5))
    gan.generator.eval()
    with torch.no_grad():
        noise = gan.generator.noise(16, torch.Generator().manual_seed(5))
        expected = gan.generator(noise, gan.conditions(labels))
    assert torch.equal(made, expected)
    assert made.requires_grad is False
    predicted = load_predictor(path, CPU)(images)
    with torch.no_grad():
        gan.discriminator.eval()
        expected = gan.conditions.physical(gan.discriminator.predict(images.images))
    torch.testing.assert_close(predicted, expected)


def test_a_model_of_another_kind_is_refused(gan, images, tmp_path):
    path = tmp_path / "model.pt"
    write_model(path, gan.networks, {**EXPERIMENT, "method": "regression"}, images, seed=0)
    with pytest.raises(DataError, match="regression"):
        load_generator(path, CPU)
    path.write_bytes(b"no model")
    with pytest.raises(DataError, match="damaged"):
        load_generator(path, CPU)
    other = {**EXPERIMENT, "networks": {**EXPERIMENT["networks"], "generator": {"architecture": "resize_generator"}}}
    write_model(path, gan.networks, other, images, seed=0)
    with pytest.raises(DataError, match="architecture"):
        load_generator(path, CPU)


def test_absent_conditions_are_refused(images):
    with pytest.raises(DataError, match="no label 'colour'"):
        build({**EXPERIMENT, "conditions": ["colour"]}, images, images, CPU, {})


def test_resize_convolutions_make_no_checkerboard():
    """Even maps stay even under resize-convolution; a transposed one of stride 2 gives them a pattern of period 2."""
    torch.manual_seed(0)
    patterns = {}
    for upsampling in ("resize", "transposed"):
        network = resize_generator.build(2, size=64, channels=1, dense=4, filters=[3, 3], upsampling=upsampling)
        layer = network.convolutions[0]
        side = 16
        with torch.no_grad():
            made = layer(torch.rand(1, 3, 1, 1).expand(1, 3, side, side))[0, :, 4:-4, 4:-4]
        patterns[upsampling] = (made[:, 1:] - made[:, :-1]).abs().max().item()
        if upsampling == "transposed":
            torch.testing.assert_close(made[:, 2:], made[:, :-2])  # the period
    assert patterns["resize"] < 1e-6 < 1e-3 < patterns["transposed"]

"""The networks of DCGAN, Dist-GAN and Morpho-GAN against the counts of their table and layers written out."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

from galaxies.errors import ConfigError
from galaxies.layers import initialise_normal
from galaxies.models import dcgan_discriminator, dcgan_generator
from galaxies.training import count_parameters

pytestmark = pytest.mark.usefixtures("one_thread")

ACTIVATIONS = {
    "relu": lambda x: x.clamp(min=0),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.2 * x),
    "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * x.clamp(max=0).expm1()),
}


@pytest.mark.parametrize(
    ("width", "generator", "discriminator", "encoder"),
    [
        (64, 19_055_171, 17_433_089, 19_055_204),
        (32, 5_175_587, 4_364_545, 5_175_652),
        (16, 1_499_795, 1_094_273, 1_499_876),
    ],
)
def test_parameter_counts_are_those_of_the_table(width, generator, discriminator, encoder):
    given = {"size": 128, "channels": 3, "width": width}
    assert count_parameters(dcgan_generator.build(**given)) == generator
    assert count_parameters(dcgan_discriminator.build(**given)) == discriminator
    assert count_parameters(dcgan_discriminator.build(**given, outputs=100)) == encoder


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 1), (128, 2), (256, 3)])
def test_any_power_of_two_has_its_networks(size, channels):
    given = {"size": size, "channels": channels, "width": 2}
    generator, encoder = dcgan_generator.build(**given), dcgan_discriminator.build(**given, outputs=7)
    images = generator(generator.noise(2, torch.Generator()))
    assert images.shape == (2, channels, size, size)
    assert encoder(images).shape == (2, 7)
    assert encoder.features(images).shape == (2, encoder.feature_dim)
    assert encoder.feature_dim == 16 * 2 * size // 8  # 4x4 maps, of as many channels as halvings have doubled


@pytest.mark.parametrize("size", [16, 48, 100])
def test_other_sizes_are_refused(size):
    for build in (dcgan_generator.build, dcgan_discriminator.build):
        with pytest.raises(ConfigError, match=rf"{size} px.*power of two"):
            build(size=size, channels=3)


def test_unknown_activations_are_refused():
    for build in (dcgan_generator.build, dcgan_discriminator.build):
        with pytest.raises(ConfigError, match="activation is 'elu'"):
            build(size=32, channels=3, activation="elu")


def normalised(maps, layer):
    """Batch normalisation by the statistics of the batch itself, written out."""
    mean = maps.mean(dim=(0, 2, 3), keepdim=True)
    variance = (maps - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    return (maps - mean) / torch.sqrt(variance + 1e-5) * layer.weight.view(mean.shape) + layer.bias.view(mean.shape)


def enlarged(maps, layer):
    """A transposed convolution of stride 2 as a convolution of maps with zeros in between, kernels turned round."""
    count, channels, side, _ = maps.shape
    spread = torch.zeros(count, channels, 2 * side, 2 * side)
    spread[:, :, ::2, ::2] = maps
    return conv2d(pad(spread, (2, 2, 2, 2)), layer.weight.transpose(0, 1).flip(2, 3), layer.bias)


@pytest.mark.parametrize("activation", ["relu", "selu"])
def test_generator_is_the_published_chain(activation):
    """Dense, BN; 4 -> 8 -> 16 -> 32 px with BN; -> 64 px; tanh."""
    torch.manual_seed(0)
    network = dcgan_generator.build(size=64, channels=1, latent_dim=5, width=2, activation=activation)
    initialise_normal(network, std=0.3)  # large enough for every nonlinearity to matter
    noise = network.noise(6, torch.Generator())
    norms = [layer for layer in network.convolutions if isinstance(layer, nn.BatchNorm2d)]
    steps = [layer for layer in network.convolutions if isinstance(layer, nn.ConvTranspose2d)]
    act = ACTIVATIONS[activation]
    maps = (noise @ network.dense.weight.T).view(6, 16, 4, 4)
    for norm, step in zip(norms, steps, strict=True):
        maps = enlarged(act(normalised(maps, norm)), step)
    assert [step.out_channels for step in steps] == [8, 4, 2, 1]
    torch.testing.assert_close(network(noise), maps.tanh(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["leaky_relu", "selu"])
def test_discriminator_is_the_published_chain(activation):
    """64 -> 32 px; 16, 8, 4 px with BN; features; dense."""
    torch.manual_seed(0)
    network = dcgan_discriminator.build(size=64, channels=3, width=2, outputs=4, activation=activation)
    initialise_normal(network, std=0.3)
    images = torch.randn(6, 3, 64, 64)
    norms = [None, *(layer for layer in network.trunk if isinstance(layer, nn.BatchNorm2d))]
    steps = [layer for layer in network.trunk if isinstance(layer, nn.Conv2d)]
    maps = images
    for norm, step in zip(norms, steps, strict=True):
        maps = conv2d(pad(maps, (2, 1, 2, 1)), step.weight, step.bias, stride=2)  # "same" of an even side, mirrored
        maps = ACTIVATIONS[activation](normalised(maps, norm) if norm else maps)
    assert [step.out_channels for step in steps] == [2, 4, 8, 16]
    features = maps.reshape(6, -1)
    torch.testing.assert_close(network.features(images), features, rtol=1e-4, atol=1e-5)
    dense = network.head[0]
    torch.testing.assert_close(network(images), features @ dense.weight.T + dense.bias, rtol=1e-4, atol=1e-4)


def test_weights_begin_glorot_uniform():
    torch.manual_seed(0)
    generator = dcgan_generator.build(size=32, channels=3, width=32)
    discriminator = dcgan_discriminator.build(size=32, channels=3, width=32)
    for layer, fans in [
        (generator.dense, 100 + 2048),
        (generator.convolutions[2], 25 * (128 + 64)),
        (discriminator.trunk[2], 25 * (32 + 64)),
    ]:
        limit = math.sqrt(6 / fans)
        assert layer.weight.abs().max() <= limit
        assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.02)


def test_noise_is_uniform_in_minus_one_to_one():
    noise = dcgan_generator.build(size=32, channels=1, width=1).noise(2000, torch.Generator())
    assert noise.shape == (2000, 100)
    assert -1 <= noise.min() < -0.999
    assert 0.999 < noise.max() < 1
    assert noise.var().item() == pytest.approx(1 / 3, rel=0.01)


def test_input_noise_is_for_training_alone_and_comes_from_the_generator():
    torch.manual_seed(0)
    network = dcgan_discriminator.build(size=32, channels=3, width=2, input_noise=0.1)
    seen = []
    network.trunk[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images, state = torch.zeros(50, 3, 32, 32), torch.get_rng_state()
    for seed in (1, 1, 2):
        network(images, torch.Generator().manual_seed(seed))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert seen[0].std().item() == pytest.approx(0.1, rel=0.01)
    with pytest.raises(ValueError, match="generator"):
        network(images)
    network.eval()(images)
    assert torch.equal(seen[3], images)

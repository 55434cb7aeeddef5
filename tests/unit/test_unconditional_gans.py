"""DCGAN and Dist-GAN: their losses anew, what each step moves, resumption, averages, and what is seen of a training."""

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_views import write_galaxies, write_split, write_view
from torch import nn

import train
from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.data.device import Batch, Images
from galaxies.errors import ConfigError, DataError, TrainingError
from galaxies.gan_training import device_generator, to_signed
from galaxies.methods import dcgan, dist_gan
from galaxies.step_cost import RandomImages
from galaxies.trained_models import read_model, write_model
from galaxies.training import Settings, fit, seed_everything
from galaxies.unconditional_generators import COLLAPSED, SETTLED

CPU = Compute(torch.device("cpu"), channels_last=False)
ADAM = {"name": "adam", "learning_rate": 2e-4, "betas": [0.5, 0.9]}
NETWORKS = {
    "generator": {"architecture": "dcgan_generator", "latent_dim": 6, "width": 2, "activation": "selu"},
    "discriminator": {"architecture": "dcgan_discriminator", "width": 2, "activation": "selu"},
}
GENERAL = {"average_decay": None, "collapse_below": 0.01}
DCGAN = {
    "method": "dcgan",
    "networks": NETWORKS,
    "optimisers": {"generator": ADAM, "discriminator": ADAM},
    **GENERAL,
}
DIST_GAN = {
    "method": "dist_gan",
    "networks": {**NETWORKS, "encoder": NETWORKS["discriminator"]},
    "optimisers": {"autoencoder": ADAM, "generator": ADAM, "discriminator": ADAM},
    "penalty": {"kind": "perturbed", "weight": 10.0},
    "losses": {},
    "drop_last": True,
    **GENERAL,
}
NOISY = {**NETWORKS["discriminator"], "input_noise": 0.1}
METHODS = {"dcgan": (dcgan, DCGAN), "dist_gan": (dist_gan, DIST_GAN)}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "view.h5"
    write_view(path, count=40, size=32, columns=2)
    return Images(path, np.arange(40), CPU)


def build(images, name="dist_gan", **changes):
    module, experiment = METHODS[name]
    torch.manual_seed(0)
    gan = module.build({**experiment, **changes}, images, None, CPU, {})
    with torch.no_grad():  # away from the start, where all features are small
        for network in gan.networks.values():
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return gan


@pytest.fixture
def real(images):
    return to_signed(images.images[:8])


def draws(seed=3):
    return torch.Generator().manual_seed(seed)


def frozen_copy(gan):
    """The networks as they are before a step."""
    return copy.deepcopy([gan.networks[name] for name in ("encoder", "generator", "discriminator")])


def moved_networks(gan, step):
    """Names of the networks whose weights a step moves."""
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in gan.networks.items()}
    step()
    return {
        name
        for name, network in gan.networks.items()
        if any(not torch.equal(p, q) for p, q in zip(network.parameters(), before[name], strict=True))
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numbers(tensor):
    return tensor.detach().numpy().astype(float)


# Losses and gradients


@pytest.mark.parametrize("encoder_only", [False, True])
@pytest.mark.parametrize("ae_recon_space", ["pixel", "feature"])
@pytest.mark.parametrize("dist_space", ["pixel", "feature"])
def test_autoencoder_loss_and_its_gradients(images, real, ae_recon_space, dist_space, encoder_only):
    losses = {"ae_recon_space": ae_recon_space, "dist_space": dist_space, "encoder_only": encoder_only}
    gan = build(images, losses={**losses, "distance_weight": 2.0})
    noise = gan.noise(8, draws())
    encoder, generator, discriminator = frozen_copy(gan)
    codes = encoder(real)
    near, far = generator(codes), generator(noise)
    spaces = {"pixel": (real, near, far)}
    spaces["feature"] = tuple(discriminator.features(x) for x in spaces["pixel"])
    dimension = {"pixel": 3 * 32 * 32, "feature": 16 * 8}[dist_space]

    found = {}
    step = gan.optimisers["autoencoder"].step
    gan.optimisers["autoencoder"].step = lambda: (
        found.update({n: [p.grad for p in gan.networks[n].parameters()] for n in ("encoder", "generator")}),
        step(),
    )
    moved = moved_networks(gan, lambda: found.update(sums=gan._autoencoder_step(real, noise, draws())))
    assert moved == ({"encoder"} if encoder_only else {"encoder", "generator"})
    assert all(p.requires_grad for network in gan.networks.values() for p in network.parameters())

    original, rebuilt, _ = (numbers(x) for x in spaces[ae_recon_space])
    _, one, other = (numbers(x) for x in spaces[dist_space])
    f = (one - other).mean()
    g = (numbers(codes) - numbers(noise)).mean()
    error = ((original - rebuilt) ** 2).mean()
    distance = (f - math.sqrt(6 / dimension) * g) ** 2
    assert found["sums"]["reconstruction_error"].item() == pytest.approx(error, rel=1e-4)
    assert found["sums"]["autoencoder_loss"].item() == pytest.approx(error + 2 * distance, rel=1e-4)
    assert found["sums"]["data_distance"].item() == pytest.approx(abs(f), rel=1e-3, abs=1e-6)
    assert found["sums"]["code_distance"].item() == pytest.approx(abs(math.sqrt(6 / dimension) * g), rel=1e-3)

    original, rebuilt, _ = spaces[ae_recon_space]
    _, one, other = spaces[dist_space]
    f, g = one.mean() - other.mean(), codes.mean() - noise.mean()
    loss = (original - rebuilt).square().mean() + 2 * (f - math.sqrt(6 / dimension) * g) ** 2
    for name, network in (("encoder", encoder), ("generator", generator)):
        if name == "generator" and encoder_only:
            assert all(gradient is None for gradient in found[name])
            continue
        for one, other in zip(
            found[name], torch.autograd.grad(loss, network.parameters(), retain_graph=True), strict=True
        ):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_the_weight_of_the_codes_is_the_published_one_at_128_px():
    """sqrt(100 / (128 * 128)): the features have as many dimensions as the paper's image has pixels."""
    networks = {name: {**part, "width": 64} for name, part in DIST_GAN["networks"].items()}
    networks["generator"]["latent_dim"] = 100
    some = RandomImages(2, size=128, channels=3, compute=CPU, seed=0)
    assert dist_gan.build({**DIST_GAN, "networks": networks}, some, None, CPU, {}).latent_weight == 0.078125


def test_the_weight_of_the_codes_can_be_given(images):
    assert build(images, losses={"latent_weight": 0.3}).latent_weight == 0.3


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.95, 0.05)])
def test_discriminator_loss_is_the_formula_with_a_penalty_that_adds(images, real, weights):
    gan = build(images, losses={"real_weight": weights[0], "recon_weight": weights[1]})
    noise = gan.noise(8, draws())
    encoder, generator, discriminator = frozen_copy(gan)
    generated, reconstructed = generator(noise).detach(), generator(encoder(real)).detach()
    of_real, of_generated, of_copies = (numbers(discriminator(x)) for x in (real, generated, reconstructed))
    points = gan.penalty.points(real, generated, draws()).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(points).sum(), points)
    norms = np.sqrt((numbers(slopes) ** 2).sum(axis=(1, 2, 3)))

    found = {}
    moved = moved_networks(gan, lambda: found.update(gan._discriminator_step(real, noise, draws())))
    assert moved == {"discriminator"}
    expected = (
        -(
            weights[0] * np.log(sigmoid(of_real)).mean()
            + np.log(1 - sigmoid(of_generated)).mean()
            + weights[1] * np.log(sigmoid(of_copies)).mean()
        )
        + 10 * ((norms - 1) ** 2).mean()
    )
    assert found["discriminator_loss"].item() == pytest.approx(expected, rel=1e-4)
    assert found["gradient_norm"].item() == pytest.approx(norms.mean(), rel=1e-4)
    assert found["real_probability"].item() == pytest.approx(sigmoid(of_real).mean(), rel=1e-4)
    assert found["generated_probability"].item() == pytest.approx(sigmoid(of_generated).mean(), rel=1e-4)
    assert found["reconstructed_probability"].item() == pytest.approx(sigmoid(of_copies).mean(), rel=1e-4)


def test_generator_loss_is_the_formula(images, real):
    gan = build(images)
    noise = gan.noise(8, draws())
    _, generator, discriminator = frozen_copy(gan)
    of_real, of_generated = (numbers(discriminator(x)) for x in (real, generator(noise)))
    found = {}
    moved = moved_networks(gan, lambda: found.update(gan._generator_step(real, noise, draws())))
    assert moved == {"generator"}
    expected = abs(sigmoid(of_real).mean() - sigmoid(of_generated).mean())
    assert found["generator_loss"].item() == pytest.approx(expected, rel=1e-4)


def test_dcgan_losses_are_the_formulas(images):
    gan = build(images, "dcgan")
    batch, order, logits = Batch(images.images[:8], images.labels[:8]), [], []
    for name, optimiser in gan.optimisers.items():
        optimiser.step = lambda name=name, step=optimiser.step: (order.append(name), step())
    gan.discriminator.register_forward_hook(lambda module, inputs, output: logits.append((inputs[0], numbers(output))))
    sums = gan.training_step(batch, draws())
    assert order == ["discriminator", "generator"]
    (seen, of_real), (made, of_generated), (again, after) = logits
    assert torch.equal(seen, images.images[:8].float() / 127.5 - 1)
    assert torch.equal(made, again)  # the same images, judged anew
    expected = -np.log(sigmoid(of_real)).mean() - np.log(1 - sigmoid(of_generated)).mean()
    assert sums["discriminator_loss"].item() == pytest.approx(expected, rel=1e-4)
    assert sums["generator_loss"].item() == pytest.approx(-np.log(sigmoid(after)).mean(), rel=1e-4)
    assert not np.allclose(of_generated, after)


def gradients_taken(gan, name, network, step):
    """Gradients of a network's weights when the optimiser `name` makes its step."""
    found, update = [], gan.optimisers[name].step
    gan.optimisers[name].step = lambda: (found.extend(p.grad.clone() for p in network.parameters()), update())
    step()
    return found


def test_gradients_of_the_discriminator_are_those_of_its_loss(images, real):
    gan = build(images)
    noise = gan.noise(8, draws())
    encoder, generator, discriminator = frozen_copy(gan)
    with torch.no_grad():
        generated, reconstructed = generator(noise), generator(encoder(real))
    points = gan.penalty.points(real, generated, draws()).requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    loss = 10 * (slopes.flatten(1).square().sum(dim=1).sqrt() - 1).square().mean()
    loss = loss - discriminator(real).sigmoid().log().mean() - discriminator(reconstructed).sigmoid().log().mean()
    loss = loss - (1 - discriminator(generated).sigmoid()).log().mean()
    found = gradients_taken(
        gan, "discriminator", gan.discriminator, lambda: gan._discriminator_step(real, noise, draws())
    )
    for one, other in zip(found, torch.autograd.grad(loss, discriminator.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=1e-4)


def test_gradients_of_the_generator_are_those_of_its_loss(images, real):
    gan = build(images)
    noise = gan.noise(8, draws())
    _, generator, discriminator = frozen_copy(gan)
    loss = (discriminator(real).sigmoid().mean() - discriminator(generator(noise)).sigmoid().mean()).abs()
    found = gradients_taken(gan, "generator", gan.generator, lambda: gan._generator_step(real, noise, draws()))
    for one, other in zip(found, torch.autograd.grad(loss, generator.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=1e-6)


def test_gradients_of_dcgan_are_those_of_its_losses(images, real):
    gan = build(images, "dcgan")
    noise = gan.noise(8, draws())
    generator, discriminator = copy.deepcopy([gan.generator, gan.discriminator])
    logits = [discriminator(real), discriminator(generator(noise).detach())]
    loss = -logits[0].sigmoid().log().mean() - (1 - logits[1].sigmoid()).log().mean()
    made = gan.generator(noise)
    found = gradients_taken(
        gan, "discriminator", gan.discriminator, lambda: gan._discriminator_step(real, made.detach(), draws())
    )
    for one, other in zip(found, torch.autograd.grad(loss, discriminator.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=1e-6)

    after = copy.deepcopy(gan.discriminator)
    loss = -after(generator(noise)).sigmoid().log().mean()
    found = gradients_taken(gan, "generator", gan.generator, lambda: gan._generator_step(made, draws()))
    for one, other in zip(found, torch.autograd.grad(loss, generator.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=1e-6)


def test_each_loss_of_a_step_has_real_images_of_its_own(images):
    gan = build(images)
    batch, seen = Batch(images.images[:24], images.labels[:24]), {"encoder": [], "discriminator": []}
    for name, inputs in seen.items():
        gan.networks[name].register_forward_pre_hook(lambda module, given, inputs=inputs: inputs.append(given[0]))
    gan.training_step(batch, draws())
    thirds = to_signed(batch.images).split(8)
    assert torch.equal(seen["encoder"][0], thirds[0])
    assert torch.equal(seen["encoder"][1], thirds[1])
    assert torch.equal(seen["discriminator"][0], thirds[1])
    assert torch.equal(seen["discriminator"][3], thirds[2])
    assert len(seen["encoder"]) == 2
    assert len(seen["discriminator"]) == 5  # without the penalty's, and features alone


def test_statistics_that_generate_are_those_of_generated_images(images, real):
    """A reconstruction has statistics of its own in training; they must not reach what generates."""
    gan = build(images)
    noise = gan.noise(8, draws())
    _, generator, _ = frozen_copy(gan)
    generator(noise)
    gan._autoencoder_step(real, noise, draws())
    norms = [[m for m in n.modules() if isinstance(m, nn.BatchNorm2d)] for n in (gan.generator, generator)]
    for one, other in zip(*norms, strict=True):
        torch.testing.assert_close(one.running_mean, other.running_mean)
        torch.testing.assert_close(one.running_var, other.running_var)
        assert one.momentum == 0.1


def test_a_reconstruction_is_normalised_by_its_own_batch(images, real):
    gan = build(images)
    _, generator, _ = frozen_copy(gan)
    codes = torch.randn(8, 6)
    torch.testing.assert_close(gan._reconstruct(codes), generator(codes))


def test_the_penalty_is_taken_in_float32_under_bfloat16(images, real):
    gan = build(images)
    points = gan.penalty.points(real, real, draws())
    expected, norms = gan.penalty(gan.discriminator, points, None)
    with torch.autocast("cpu", torch.bfloat16):
        assert gan.discriminator.trunk(points).dtype == torch.bfloat16
        found, other = gan.penalty(gan.discriminator, points, None)
    assert torch.equal(found, expected)
    assert torch.equal(norms, other)


def test_images_sized_noise_is_the_same_for_the_same_state(images):
    one, other = (device_generator(draws(), torch.device("cpu")) for _ in range(2))
    assert torch.equal(torch.rand(4, generator=one), torch.rand(4, generator=other))
    generator = draws()
    first, second = (device_generator(generator, torch.device("cpu")) for _ in range(2))
    assert not torch.equal(torch.rand(4, generator=first), torch.rand(4, generator=second))


# Whole trainings


class Killed(BaseException):
    """Stands for a death that leaves no time to save."""


def run(images, folder, name, kill_at=None, steps=6, **changes):
    module, experiment = METHODS[name]
    networks = {**experiment["networks"], "discriminator": NOISY}
    experiment = {**experiment, "networks": networks, "average_decay": 0.9, **changes}
    size = 4 * getattr(module, "BATCHES_PER_STEP", 1)
    settings = Settings("test", 1, size, steps=steps, drop_last=True, checkpoint_seconds=0)
    with Checkpoints(folder, "ab" * 32) as checkpoints:
        seed_everything(1)
        method = module.build(experiment, images, None, CPU, {})
        step, done = method.training_step, 0

        def counted(batch, generator):
            nonlocal done
            if done == kill_at:
                raise Killed
            done += 1
            return step(batch, generator)

        method.training_step = counted
        result = fit(method, images, settings, CPU, checkpoints)
    return method, result


def states(method):
    return {
        f"{name}.{key}": value for name, part in method.networks.items() for key, value in part.state_dict().items()
    }


@pytest.mark.parametrize("name", METHODS)
def test_killed_in_the_middle_of_an_epoch_ends_bit_for_bit_the_same(images, tmp_path, name):
    steps = {"dcgan": 23, "dist_gan": 8}[name]  # of 10 and 3 steps in an epoch
    undisturbed, expected = run(images, tmp_path / "undisturbed", name, steps=steps)
    for kill_at in (2, 2, 3):
        with pytest.raises(Killed):
            run(images, tmp_path / "killed", name, kill_at=kill_at, steps=steps)
    method, result = run(images, tmp_path / "killed", name, steps=steps)
    assert result.history == expected.history
    one, other = states(undisturbed), states(method)
    assert one.keys() == other.keys()
    assert any(key.startswith("average.module") for key in one)
    for key in one:
        assert torch.equal(one[key], other[key]), key
    assert len(result.cost["attempts"]) == 4


@pytest.mark.parametrize("name", METHODS)
def test_a_state_that_is_not_finite_is_seen(images, tmp_path, name):
    module, experiment = METHODS[name]
    method = module.build(experiment, images, None, CPU, {})
    with torch.no_grad():
        method.generator.dense.weight[0, 0] = math.nan
    with (
        Checkpoints(tmp_path, "ab" * 32) as checkpoints,
        pytest.raises(TrainingError, match=r"_loss is nan since step 1(.|\n)*learning_rate"),
    ):
        fit(method, images, Settings("test", 1, 12, steps=2, drop_last=True), CPU, checkpoints)


def test_history_has_means_over_steps(images):
    gan = build(images)
    sums = {"steps": 0}
    parts = []
    for batch in images.batches(torch.arange(24), 12):
        parts.append(gan.training_step(batch, draws()))
        for key, value in parts[-1].items():
            sums[key] = sums.get(key, 0) + float(value)
    metrics = gan.epoch_metrics(sums)
    assert metrics["steps"] == 2
    assert set(metrics) == {
        *("steps", "autoencoder_loss", "discriminator_loss", "generator_loss", "reconstruction_error"),
        *("real_probability", "generated_probability", "reconstructed_probability", "gradient_norm"),
        *("data_distance", "code_distance"),
    }
    expected = (float(parts[0]["generator_loss"]) + float(parts[1]["generator_loss"])) / 2
    assert metrics["generator_loss"] == pytest.approx(expected)


def test_the_average_is_that_of_weights_and_statistics(images):
    gan = build(images, "dcgan", average_decay=0.8)
    expected = None
    for batch in images.batches(torch.arange(24), 8):
        gan.training_step(batch, draws())
        state = {key: value.double().clone() for key, value in gan.generator.state_dict().items()}
        if expected is None:
            expected = state
        else:
            expected = {key: 0.8 * value + 0.2 * state[key] for key, value in expected.items()}
    for key, value in gan.average.module.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(value.double(), expected[key], rtol=1e-5, atol=1e-7)
    assert not gan.average.module.training
    assert not any(p.requires_grad for p in gan.average.parameters())


# What is seen of a training


def test_diversity_is_the_mean_distance_of_all_pairs_over_that_of_real_images(images):
    gan = build(images, "dcgan")
    found = gan.evaluate(lambda: None)["sample_diversity"]
    made = gan.generator.eval()(gan.preview.noise)
    rows = [round(i * 39 / 15) for i in range(16)]
    real = images.images[torch.tensor([int(i * 39 / 15) for i in range(16)])].float() / 255
    assert len(set(rows)) == 16

    def distance(pictures):
        flat = numbers(pictures.flatten(1))
        pairs = [np.sqrt(((flat[i] - flat[j]) ** 2).sum()) for i in range(16) for j in range(i)]
        return np.mean(pairs)

    assert found == pytest.approx(distance((made + 1) / 2) / distance(real), rel=1e-4)


def test_evaluation_takes_no_random_numbers_and_returns_to_training(images):
    gan = build(images, average_decay=0.5)
    before = torch.get_rng_state()
    assert gan.evaluate(lambda: None) == gan.evaluate(lambda: None)
    assert torch.equal(torch.get_rng_state(), before)
    assert gan.generator.training
    assert not gan.average.training


def test_snapshots_are_of_epochs_1_2_4_8_and_of_one_noise(images):
    gan = build(images, "dcgan")
    for epoch in range(1, 10):
        with torch.no_grad():
            gan.generator.convolutions[-1].bias.fill_(epoch / 10)
        gan.evaluate(lambda: None)
        if epoch in (1, 2, 4, 8):
            made = (gan.generator.eval()(gan.preview.noise) + 1) / 2 * 255
            np.testing.assert_array_equal(gan.samples, made.detach().round())
            np.testing.assert_array_equal(gan.preview.snapshots[-1], gan.samples)
    assert gan.preview.snapshots.shape == (4, 16, 3, 32, 32)
    assert gan.preview.snapshots.dtype == torch.uint8
    assert torch.equal(gan.preview.noise, build(images).preview.noise)  # of all trainings


def test_an_evaluation_that_is_stopped_is_not_counted(images):
    gan = build(images)

    def stop():
        raise Killed

    with pytest.raises(Killed):
        gan.evaluate(stop)
    assert gan.preview.epoch == 0
    assert len(gan.preview.snapshots) == 0


def collapse(gan):
    gan.preview.step.fill_(SETTLED)
    with torch.no_grad():
        gan.generator.convolutions[-1].weight.zero_()


def test_a_generator_that_has_collapsed_ends_the_training(images):
    gan = build(images)
    kept = gan.generator.convolutions[-1].weight.detach().clone()
    for _ in range(COLLAPSED - 1):
        collapse(gan)
        assert gan.evaluate(lambda: None)["sample_diversity"] < 0.01
    with torch.no_grad():
        gan.generator.convolutions[-1].weight.copy_(kept)
    assert gan.evaluate(lambda: None)["sample_diversity"] > 0.01  # and the count begins anew
    collapse(gan)
    for _ in range(COLLAPSED - 1):
        gan.evaluate(lambda: None)
    with pytest.raises(TrainingError, match=r"collapsed.*After epoch 6(.|\n)*collapse_below"):
        gan.evaluate(lambda: None)


def test_the_first_steps_are_no_collapse(images):
    gan = build(images)
    collapse(gan)
    gan.preview.step.fill_(SETTLED - 1)
    for _ in range(COLLAPSED + 1):
        gan.evaluate(lambda: None)
    gan.training_step(Batch(images.images[:12], images.labels[:12]), draws())
    assert gan.preview.step == SETTLED


def test_collapse_can_be_allowed(images):
    gan = build(images, collapse_below=0)
    collapse(gan)
    for _ in range(COLLAPSED + 1):
        assert gan.evaluate(lambda: None)["sample_diversity"] == pytest.approx(0, abs=1e-6)


# Settings and images that do not fit


def test_images_of_unknown_range_are_refused(tmp_path):
    write_galaxies(tmp_path / "view.h5", size=32)
    with pytest.raises(DataError, match="levels 0 to 255"):
        build(Images(tmp_path / "view.h5", np.arange(20), CPU))


def test_images_that_are_all_the_same_are_refused(images):
    with pytest.raises(DataError, match="all the same"):
        build(Images(images.view, np.array([3]), CPU))


def test_bad_settings_are_refused(images):
    with pytest.raises(ConfigError, match="drop_last"):
        build(images, drop_last=False)
    with pytest.raises(ConfigError, match=r"losses.*'encoder'"):
        build(images, losses={"encoder": True})
    with pytest.raises(ConfigError, match=r"losses\.dist_space is 'latent'"):
        build(images, losses={"dist_space": "latent"})
    with pytest.raises(ConfigError, match=r"penalty.*'norm'"):
        build(images, penalty={"kind": "perturbed", "weight": 1, "norm": "l2"})


# The script and its files


@pytest.mark.parametrize(("name", "average_decay"), [("dcgan", None), ("dist_gan", 0.9)])
def test_the_script_trains_without_labels_and_its_model_generates(tmp_path, name, average_decay):
    module, experiment = METHODS[name]
    experiment = {
        **experiment,
        "average_decay": average_decay,
        "train_on": ["train"],
        "train_images": None,
        "batch_size": 4,
        "steps": 5,
        "drop_last": True,
    }
    write_view(tmp_path / "view.h5", count=30, size=32, columns=2)
    write_split(tmp_path / "split.csv", train=25, validation=5, test=0)
    paths = [tmp_path / file for file in ("view.h5", "split.csv", "model.pt", "history.csv", "cost.json", "state")]
    train.main(*paths, experiment=experiment, seed=3, compute={"device": "cpu"}, code="0", name="test", threads=1)

    batches = {"dcgan": 1, "dist_gan": 3}[name]
    history = pd.read_csv(tmp_path / "history.csv")
    per_epoch = 25 // (4 * batches)
    assert history["steps"].sum() == 5
    assert history["steps"].iloc[0] == min(per_epoch, 5)
    assert {"sample_diversity", "real_probability", "generator_loss"} <= set(history.columns)
    with Image.open(tmp_path / "state" / "samples.png") as picture:
        assert picture.size == (4 * 32, 4 * 32)
        corner = np.asarray(picture)[:32, 32:64].transpose(2, 0, 1)

    content = read_model(tmp_path / "model.pt")  # with weights_only
    assert json.dumps(content["settings"])
    generator = module.load_generator(tmp_path / "model.pt", CPU)
    assert generator.columns == []
    assert generator.bounded
    made = generator.generate(torch.empty(7, 0), draws())
    assert made.shape == (7, 3, 32, 32)
    assert made.dtype == torch.float32
    assert 0 <= made.min() < made.max() <= 1
    assert not made.requires_grad
    assert torch.equal(made, generator.generate(torch.empty(7, 0), draws()))
    weights = content["networks"]["generator" if average_decay is None else "average"]
    key = "dense.weight" if average_decay is None else "module.dense.weight"
    assert torch.equal(generator.network.state_dict()["dense.weight"], weights[key])
    kept = [2**k for k in range(10) if 2**k <= len(history)]
    expected = history["steps"].cumsum()[[epoch - 1 for epoch in kept]].tolist()
    expected += [] if expected[-1] == 5 else [5]
    assert generator.progress_steps.tolist() == expected
    assert generator.progress.shape == (len(expected), 16, 3, 32, 32)
    assert generator.progress.dtype == np.uint8
    np.testing.assert_array_equal(generator.progress[-1][1], corner)  # the last row of the figure is the end
    with pytest.raises(DataError, match=name):
        {"dcgan": dist_gan, "dist_gan": dcgan}[name].load_generator(tmp_path / "model.pt", CPU)


def test_a_saved_gan_generates_as_before(images, tmp_path):
    gan = build(images)
    gan.training_step(Batch(images.images[:12], images.labels[:12]), draws())
    write_model(tmp_path / "model.pt", gan.networks, DIST_GAN, images, seed=0)
    found = dist_gan.load_generator(tmp_path / "model.pt", CPU).generate(torch.empty(5, 0), draws(9))
    gan.generator.eval()
    expected = (gan.generator(gan.generator.noise(5, draws(9))) + 1) / 2
    assert torch.equal(found, expected.detach())


def test_the_script_still_asks_for_what_a_supervised_method_needs(tmp_path):
    paths = [tmp_path / file for file in "abcdef"]
    experiment = {"method": "regression", "train_on": ["train"], "train_images": None, "batch_size": 4}
    with pytest.raises(ConfigError, match="'validate_on' is missing"):
        train.main(*paths, experiment=experiment, seed=0, compute={}, code="0", name="test", threads=1)

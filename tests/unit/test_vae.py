"""The variational autoencoder: sizes, the bound against other routes to it, training, resumption, what it generates."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from small_views import write_fields, write_galaxies
from torch.distributions import Bernoulli, Normal, kl_divergence

import generate
import train
from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.data.rows import pool_rows
from galaxies.errors import ConfigError, DataError, Interrupted
from galaxies.generated_images import Generated
from galaxies.losses import bernoulli_log_likelihood, normal_divergence, raw_log_likelihood
from galaxies.methods import dcgan, vae
from galaxies.models import dense_vae
from galaxies.optimisers import build_optimiser
from galaxies.training import Settings, fit, seed_everything

CPU = Compute(torch.device("cpu"), channels_last=False)
SIZE = 8
EXPERIMENT = {
    "method": "vae",
    "stretch": "none",
    "network": {"architecture": "dense_vae", "hidden": 12, "latent_dim": 2},
    "optimiser": {"name": "adam", "learning_rate": 0.01},
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "view.h5"
    write_fields(path, size=SIZE)
    return path


@pytest.fixture
def images(view):
    return Images(view, np.arange(40), CPU)


def build(images, **changes):
    torch.manual_seed(0)
    return vae.build({**EXPERIMENT, **changes}, images, Images(images.view, np.arange(40, 48), CPU), CPU, {})


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({"latent_dim": 64}, 32_978_512),
        ({"latent_dim": 60}, 32_966_504),
        ({"hidden": 100, "latent_dim": 35}, 3_303_954),
        ({"hidden_layers": 2, "latent_dim": 64}, 34_980_512),
    ],
)
def test_parameters_are_those_of_the_paper(settings, parameters):
    with torch.device("meta"):  # shapes alone; the weights would take 130 MB
        network = dense_vae.build(size=128, channels=1, **settings)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_divergence_against_torch_and_numerical_integration():
    torch.manual_seed(0)
    mean, log_std = torch.randn(5, 3), torch.randn(5, 3)
    ours = normal_divergence(mean, log_std)
    torch_says = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(ours, torch_says)
    assert (ours > 0).all()

    def integral(m, s):
        q = norm(m, math.exp(s))
        return quad(lambda z: q.pdf(z) * (q.logpdf(z) - norm.logpdf(z)), m - 12 * q.std(), m + 12 * q.std())[0]

    expected = sum(integral(m, s) for m, s in zip(mean[0].tolist(), log_std[0].tolist(), strict=True))
    assert ours[0].item() == pytest.approx(expected, rel=1e-5)


def test_likelihood_is_that_of_bernoulli_distributions():
    torch.manual_seed(0)
    logits, pixels = 5 * torch.randn(4, 7), torch.rand(4, 7)
    expected = Bernoulli(logits=logits, validate_args=False).log_prob(pixels).sum(dim=1)
    torch.testing.assert_close(bernoulli_log_likelihood(logits, pixels), expected)
    far = bernoulli_log_likelihood(torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 1.0]]))
    assert far.item() == pytest.approx(-400)  # a logarithm of the sigmoid would be infinite


def test_likelihood_of_the_code_is_that_of_its_formula():
    """For pixels in [0, 1] it is Bernoulli's; for grey levels it is above 0 where bright pixels are drawn."""
    rng = np.random.default_rng(0)
    logits, levels = 5 * rng.standard_normal((4, 7)), np.round(20 * rng.random((4, 7)))
    means = 1 / (1 + np.exp(-logits))
    expected = (levels * np.log(means + 1e-9) + (1 - levels) * np.log(1 - means + 1e-9)).sum(axis=1)
    np.testing.assert_allclose(raw_log_likelihood(torch.tensor(logits), torch.tensor(levels)), expected)
    pixels = torch.rand(4, 7, dtype=torch.float64)
    torch.testing.assert_close(
        raw_log_likelihood(torch.tensor(logits), pixels),
        bernoulli_log_likelihood(torch.tensor(logits), pixels),
        rtol=1e-4,
        atol=0,
    )
    drawn = raw_log_likelihood(torch.tensor([[40.0, -40.0]]), torch.tensor([[200.0, 0.0]]))
    assert drawn.item() == pytest.approx(199 * 9 * math.log(10), rel=1e-4)


def test_raw_pixels_are_grey_levels_and_train(images):
    method = build(images, stretch="raw", network={**EXPERIMENT["network"], "weights_std": 0.1})
    (batch,) = images.batches(torch.arange(6), 6)
    pixels = vae.stretched(batch.images, "raw")
    torch.testing.assert_close(pixels, batch.images.float().flatten(1))
    draw = torch.Generator().manual_seed(3)
    sums = [method.training_step(batch, draw) for _ in range(60)]
    noise = torch.zeros(6, 2)
    with torch.no_grad():
        logits, mean, log_std = method.network(pixels, noise)
        bound = vae.bound_of(method.network, pixels, noise, "raw")
    torch.testing.assert_close(bound.log_likelihood, raw_log_likelihood(logits, pixels))
    torch.testing.assert_close(bound.divergence, normal_divergence(mean, log_std))
    assert sums[-1]["log_likelihood"] > sums[0]["log_likelihood"]


def test_normal_weights_and_biases_are_cut_at_two_deviations():
    torch.manual_seed(0)
    network = dense_vae.build(size=16, channels=1, hidden=400, latent_dim=8, weights_std=0.1)
    for name, parameter in network.named_parameters():
        assert parameter.abs().max() <= 0.2, name
    # A normal distribution that is cut at two deviations has 0.880 of its deviation.
    assert network.trunk[0].weight.std().item() == pytest.approx(0.088, rel=0.01)
    assert network.trunk[0].bias.std().item() == pytest.approx(0.088, rel=0.15)


def test_the_bound_is_below_the_likelihood_of_the_image():
    """The integral over codes of p(x | z) p(z), by quadrature over the one dimension, is never below the mean bound."""
    torch.manual_seed(0)
    network = dense_vae.build(size=3, channels=1, hidden=6, latent_dim=1).double()
    for parameter in network.parameters():
        parameter.data += 0.5 * torch.randn_like(parameter)
    pixels = (torch.rand(1, 9) > 0.5).double()
    codes = torch.linspace(-9, 9, 4001, dtype=torch.float64)[:, None]
    z = codes[:, 0].numpy()
    with torch.no_grad():
        given_codes = bernoulli_log_likelihood(network.decode(codes), pixels.expand(4001, -1)).numpy()
        noise = torch.randn(20000, 1, dtype=torch.float64)
        bound = vae.bound_of(network, pixels.expand(20000, -1), noise)
        mean, log_std = network.encode(pixels)
    log_joint = given_codes + norm.logpdf(z)
    likelihood = np.log(np.trapezoid(np.exp(log_joint), z))
    gap = (bound.log_likelihood - bound.divergence).mean().item() - likelihood
    assert gap < 0
    # The gap is the divergence of the encoder's distribution from that of the codes given the image.
    q = norm(mean.item(), log_std.exp().item())
    divergence = np.trapezoid(q.pdf(z) * (q.logpdf(z) - (log_joint - likelihood)), z)
    assert gap == pytest.approx(-divergence, rel=0.05)  # the noise of 20000 draws


def test_a_step_follows_the_gradient_of_the_negative_bound(images):
    method, before = build(images), build(images)
    (batch,) = images.batches(torch.arange(6), 6)
    draw = torch.Generator().manual_seed(3)
    seed = torch.randint(2**63 - 1, (), generator=torch.Generator().manual_seed(3)).item()
    noise = torch.randn(6, 2, generator=torch.Generator().manual_seed(seed))
    sums = method.training_step(batch, draw)

    network, pixels = before.network, batch.images.flatten(1) / 255
    mean, log_std = network.encode(pixels)
    means = network.decode(mean + log_std.exp() * noise).sigmoid()
    likelihood = (pixels * means.log() + (1 - pixels) * (1 - means).log()).sum()
    divergence = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum()
    ((divergence - likelihood) / 6).backward()
    torch.optim.Adam(network.parameters(), lr=0.01).step()
    for ours, expected in zip(method.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)
    metrics = method.epoch_metrics({name: float(value) for name, value in sums.items()})
    assert metrics["kl_divergence"] == pytest.approx(divergence.item() / 6, rel=1e-5)
    assert metrics["log_likelihood"] == pytest.approx(likelihood.item() / 6, rel=1e-4)
    assert metrics["negative_bound"] == pytest.approx(metrics["kl_divergence"] - metrics["log_likelihood"])


def test_each_image_has_noise_of_its_own(images):
    method = build(images)
    noise = method.network.noise(50, torch.Generator().manual_seed(0))
    assert len(noise.unique(dim=0)) == 50


def test_evaluation_is_repeatable_and_takes_no_random_numbers(images):
    method = build(images)
    state = torch.get_rng_state()
    first = method.evaluate(lambda: None)
    assert method.evaluate(lambda: None) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert first["val_negative_bound"] == pytest.approx(first["val_kl_divergence"] - first["val_log_likelihood"])


def test_training_raises_the_bound(images, tmp_path):
    method = build(images)
    before = method.evaluate(lambda: None)["val_negative_bound"]
    with Checkpoints(tmp_path, "digest") as saved:
        history = fit(method, images, Settings("vae", 0, 20, steps=120), CPU, saved).history
    assert history[-1]["val_negative_bound"] < 0.9 * before
    assert sum(row["steps"] for row in history) == 120


def test_a_resumed_training_ends_the_same(images, tmp_path):
    settings = Settings("vae", 0, 10, steps=9, checkpoint_seconds=0)

    def trained(folder, stop_after=None):
        seed_everything(0)
        method = build(images)
        if stop_after:
            step, count = method.training_step, iter(range(100))

            def stopping(*arguments):
                if next(count) == stop_after:
                    raise Interrupted("stopped by the test")
                return step(*arguments)

            method.training_step = stopping
        with Checkpoints(folder, "digest") as saved:
            return method, fit(method, images, settings, CPU, saved)

    method, result = trained(tmp_path / "whole")
    with pytest.raises(Interrupted):
        trained(tmp_path / "parts", stop_after=6)
    again, resumed = trained(tmp_path / "parts")
    assert resumed.history == result.history
    for ours, expected in zip(again.network.parameters(), method.network.parameters(), strict=True):
        assert torch.equal(ours, expected)
    assert torch.equal(again.preview.snapshots, method.preview.snapshots)


def test_stretch(images):
    levels = torch.tensor([[[[0.0, 51.0], [102.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    assert vae.stretched(levels, "none").tolist()[0] == pytest.approx([0, 0.2, 0.4, 0])
    assert vae.stretched(levels, "per_image_max").tolist()[0] == pytest.approx([0, 0.5, 1, 0])
    assert vae.stretched(levels, "per_image_max")[1].tolist() == [0] * 4
    with pytest.raises(ConfigError, match="stretch is 'log'"):
        build(images, stretch="log")


def test_pool_takes_images_by_any_of_its_labels(view):
    rows = np.arange(72)
    with pytest.raises(DataError, match="no label 'mass'"):
        pool_rows(view, rows, {"mass": (0, 1)})
    with pytest.raises(DataError, match=r"none of 72 images has score from 8\.5 to 9"):
        pool_rows(view, rows, {"score": (8.5, 9)})
    labels = Images(view, rows, CPU).labels.numpy()
    score, galaxy = labels[:, 0], labels[:, 1]
    low = float(score[4])
    taken = pool_rows(view, rows, {"galaxy": (1, 1), "score": (low, 8)})
    assert taken.tolist() == [r for r in rows if galaxy[r] == 1 or score[r] >= low]
    assert 4 in taken
    assert pool_rows(view, rows, None).tolist() == rows.tolist()


@pytest.mark.parametrize("name", ["vae", "dcgan"])
def test_trained_by_the_script_it_generates_grey_levels(name, tmp_path):
    """From a view of grey levels to a file of such, through the scripts of the workflow, by a VAE and by a GAN."""
    size = 32
    write_fields(tmp_path / "view.h5", size=size)
    sets = {"train_on": ["labeled_train", "scored_train"], "train_images": None, "pool": {"galaxy": [1, 1]}}
    of_vae = {**EXPERIMENT, "validate_on": "scored_validation", "validation_pool": {"score": [0, 8]}}
    half = {"architecture": "dcgan_generator", "latent_dim": 4, "width": 2}
    networks = {"generator": half, "discriminator": {"architecture": "dcgan_discriminator", "width": 2}}
    adam = {"name": "adam", "learning_rate": 0.001}
    of_gan = {"method": "dcgan", "networks": networks, "optimisers": {"generator": adam, "discriminator": adam}}
    of_gan |= {"average_decay": None, "collapse_below": 0}
    experiment = {**(of_vae if name == "vae" else of_gan), **sets, "batch_size": 8, "steps": 5}
    folder = tmp_path / "training"
    folder.mkdir()
    files = {key: folder / key for key in ("model", "history", "cost")}
    compute = {"device": "cpu"}
    train.main(
        tmp_path / "view.h5", tmp_path / "split.csv", *files.values(), folder / "state",
        experiment=experiment, seed=0, compute=compute, code="", name=name, threads=1,
    )  # fmt: skip
    assert json.loads(files["cost"].read_text())["steps"] == 5
    assert len(pd.read_csv(files["history"])) >= 1
    generate.main(
        tmp_path / "view.h5", tmp_path / "split.csv", files["model"], tmp_path / "made.h5",
        example_conditions=[], compute=compute, threads=1, samples=6,
    )  # fmt: skip
    with Generated(tmp_path / "made.h5") as made:
        (block,) = made.blocks()
        assert block.shape == (6, 1, size, size) and block.dtype == np.float32
        assert 1 < block.max() <= 255 and block.min() >= 0
        assert made.progress.max() > 1 and made.progress_steps[-1] == 5
        assert made.trained_on == sets["train_on"]
    loaded = (vae if name == "vae" else dcgan).load_generator(files["model"], CPU)
    draw = torch.Generator().manual_seed(1)
    assert loaded.generate(torch.empty(3, 0), draw).max() <= 1


def test_pixels_of_unknown_range_are_refused(tmp_path):
    write_galaxies(tmp_path / "view.h5", size=SIZE)
    with pytest.raises(DataError, match="this method is for levels 0 to 255"):
        build(Images(tmp_path / "view.h5", np.arange(20), CPU))


def test_adadelta_moves_as_published():
    """One step of Adadelta (Zeiler 2012, algorithm 1) by hand."""
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimiser = build_optimiser([weight], name="adadelta", learning_rate=0.5, rho=0.9)
    (3 * weight).sum().backward()
    optimiser.step()
    eps = 1e-6
    step = math.sqrt(eps) / math.sqrt(0.1 * 9 + eps) * 3
    assert weight.item() == pytest.approx(1 - 0.5 * step, abs=1e-6)

"""The networks, losses and schedule of the method two_in_one."""

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from small_views import write_fields
from torch.autograd.functional import vjp
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, pad

import train
from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.data.projections import pooled
from galaxies.errors import ConfigError, DataError
from galaxies.losses import target_score_loss
from galaxies.methods import two_in_one
from galaxies.models import pooled_cnn, two_in_one_generator
from galaxies.models.two_in_one_generator import reinterpreted
from galaxies.training import count_parameters

CPU = Compute(torch.device("cpu"), channels_last=False)
ADAM = {"name": "adam", "learning_rate": 1e-3, "betas": [0.9, 0.999]}
TRUNK = {"architecture": "pooled_cnn", "filters": [3, 2], "dense": 5}
NOISE = {"distribution": "normal", "frozen": False}
GENERATOR = {"architecture": "two_in_one_generator", "size": 80, "latent_dim": 4, "first_filters": 6}
EXPERIMENT = {
    "method": "two_in_one",
    "view": "pooled_10",
    "train_on": ["scored_train", "labeled_train"],
    "validate_on": "scored_validation",
    "train_images": None,
    "networks": {
        "score_discriminator": TRUNK,
        "label_discriminator": {**TRUNK, "output_activation": "relu"},
        "generator": {**GENERATOR, "filters": [25, 4, 2], "upsample_gap": "reshape", "noise": NOISE},
    },
    "optimisers": dict.fromkeys(two_in_one.NETWORKS, ADAM),
    "discriminator_steps": 3,
    "truncate_scores": False,
    "gen_score_loss": "abs",
    "target_score": 3,
    "clip_norm": 5.0,
    "batch_size": 8,
    "steps": 7,
    "drop_last": True,
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "view.h5"
    write_fields(path)
    return path


def build(fields, **changes):
    torch.manual_seed(1)  # of others, the logits of this small network are negative, and cut to 0
    images, validation = Images(fields, np.r_[0:40, 48:72], CPU), Images(fields, np.arange(40, 48), CPU)
    method = two_in_one.build({**EXPERIMENT, **changes}, images, validation, CPU, {})
    return method, two_in_one.training_data(images, len(images))


def draws(seed=5):
    return torch.Generator().manual_seed(seed)


def first_batch(pairs, count=8):
    return next(pairs.batches(pairs.order(draws()), count))


def gradients_taken(method, name, step):
    """Gradients of a network's weights when its optimiser makes a step."""
    found, update = [], method.optimisers[name].step
    method.optimisers[name].step = lambda: (
        found.extend(p.grad.clone() for p in method.networks[name].parameters()),
        update(),
    )
    step()
    method.optimisers[name].step = update
    return found


# Networks


def test_published_networks_have_the_published_numbers_of_weights():
    score = pooled_cnn.build(size=63, channels=1, outputs=1)
    label = pooled_cnn.build(size=63, channels=1, outputs=2, output_activation="relu")
    assert [count_parameters(network) for network in (score, label)] == [17609, 17638]
    assert count_parameters(pooled_cnn.build(size=63, channels=1, outputs=1, filters=[32, 8, 8, 8])) == 7441
    assert count_parameters(two_in_one_generator.build(noise=NOISE)) == 8159701
    assert count_parameters(two_in_one_generator.build(upsample_gap="bilinear")) == 8159701 - 20050 + 125050


def test_images_are_pooled_as_the_view_is():
    image = np.random.default_rng(0).integers(0, 256, (1000, 1000), dtype=np.uint8)
    maps = torch.from_numpy(pooled(image, 63))[None, None]
    whole = torch.from_numpy(image).float()[None, None]
    torch.testing.assert_close(pooled_cnn.pooled(whole, 63), maps, rtol=1e-6, atol=1e-4)
    with pytest.raises(ValueError, match="1100 px cannot be pooled to 63"):
        pooled_cnn.pooled(torch.zeros(1, 1, 1100, 1100), 63)


def test_windows_at_an_odd_edge_average_the_pixels_that_exist():
    maps = torch.arange(9.0).view(1, 1, 3, 3)
    expected = [[(0 + 1 + 3 + 4) / 4, (2 + 5) / 2], [(6 + 7) / 2, 8]]
    assert pooled_cnn.same_pool()(maps)[0, 0].tolist() == expected


def test_logits_of_the_label_discriminator_are_not_negative():
    torch.manual_seed(0)
    network = pooled_cnn.build(size=10, channels=1, outputs=2, output_activation="relu")
    logits = network(100 * torch.rand(50, 1, 10, 10, generator=draws()))
    assert logits.min() == 0
    assert logits.max() > 0


def test_more_convolutions_than_the_maps_can_be_halved_are_refused():
    with pytest.raises(ConfigError, match="images of 10 px cannot be halved 5 times"):
        pooled_cnn.build(size=10, channels=1, outputs=1, filters=[1] * 5)


def test_channel_last_reshape_is_the_index_computation():
    maps = torch.rand(2, 50, 10, 10, generator=draws())
    found = reinterpreted(maps, 25)
    assert found.shape == (2, 8, 25, 25)
    for c in range(8):
        for y in range(25):
            for x in range(25):
                place = (y * 25 + x) * 8 + c
                row, rest = divmod(place, 10 * 50)
                column, channel = divmod(rest, 50)
                assert torch.equal(found[:, c, y, x], maps[:, channel, row, column])


def enlarged(maps, weight, bias):
    """The gradient of a 5x5 convolution of stride 2 with TensorFlow's padding "same": one row before maps of an even
    side, two after them."""

    def halved(larger):
        return conv2d(pad(larger, (1, 2, 1, 2)), weight, stride=2)

    larger = torch.zeros(len(maps), weight.shape[1], 2 * maps.shape[2], 2 * maps.shape[3])
    return vjp(halved, larger, maps)[1] + bias[:, None, None]


def test_generator_is_the_mirror_of_its_layers_in_tensorflow():
    """Maps, kernels and the channels around the gap are turned round; then each layer is as TensorFlow pads it."""
    network = two_in_one_generator.build(size=80, latent_dim=4, first_filters=6, filters=[25, 4, 2], noise=NOISE)
    latents, noise = network.latents(3, draws()), network.noise([1, 2, 3], torch.device("cpu"))
    assert noise.shape == (3, 2, 40, 40)
    weights = {
        name: value.detach().flip(2, 3) if value.ndim == 4 else value for name, value in network.named_parameters()
    }
    maps = (latents @ weights["dense.weight"].T + weights["dense.bias"]).view(3, 6, 2, 2).flip(2, 3)
    maps = enlarged(maps, weights["before.0.weight"].flip(1), weights["before.0.bias"].flip(0)).clamp(min=0)
    assert maps.shape == (3, 25, 4, 4)
    maps = maps.permute(0, 2, 3, 1).reshape(3, 10, 10, 4).permute(0, 3, 1, 2)
    maps = enlarged(maps, weights["after.0.weight"].flip(0), weights["after.0.bias"]).clamp(min=0)
    maps = conv_transpose2d(maps, weights["after.2.weight"], weights["after.2.bias"], 2).clamp(min=0)
    maps = conv_transpose2d(maps + noise.flip(2, 3), weights["last.0.weight"], weights["last.0.bias"], 2)
    expected = 255 * (1 + maps.tanh()) / 2
    assert expected.shape == (3, 1, 80, 80)
    torch.testing.assert_close(network(latents, noise), expected)


def test_gap_can_be_closed_by_interpolation():
    network = two_in_one_generator.build(size=80, first_filters=2, filters=[7, 2, 2], upsample_gap="bilinear")
    assert network(network.latents(2, draws()), None).shape == (2, 1, 80, 80)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 100}, "multiple of 40"),
        ({"filters": [24, 4, 2]}, "multiple of 25"),
        ({"filters": [25, 4]}, "3 convolutions"),
        ({"latent": "gauss"}, "normal, uniform"),
        ({"noise": {"distribution": "gauss", "frozen": False}}, "normal, uniform"),
        ({"upsample_gap": "nearest"}, "reshape, bilinear"),
    ],
)
def test_impossible_generators_are_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        two_in_one_generator.build(**change)


def test_noise_is_fresh_or_frozen_and_has_its_distribution():
    device = torch.device("cpu")
    made = {
        name: two_in_one_generator.build(size=80, first_filters=2, filters=[25, 4, 2], latent="uniform", noise=noise)
        for name, noise in {"fresh": NOISE, "frozen": {"distribution": "uniform", "frozen": True}, "none": None}.items()
    }
    draw = draws()
    first, second = (made["fresh"].noise_keys(4, draw) for _ in range(2))
    assert len({*first, *second}) == 8
    fresh = made["fresh"].noise(first, device)
    assert fresh.mean().abs() < 0.05
    assert fresh.std() == pytest.approx(1, abs=0.05)
    assert torch.equal(made["fresh"].noise(first[2:], device), fresh[2:])  # whatever else is in the batch
    keys = made["frozen"].noise_keys(4, draw)
    assert keys == made["frozen"].noise_keys(4, draw)
    frozen = made["frozen"].noise(keys, device)
    assert torch.pdist(frozen.flatten(1)).min() > 1  # other noise for each place
    for uniform in (frozen, made["frozen"].latents(500, draws())):
        assert -1 <= uniform.min() < -0.95
        assert 0.95 < uniform.max() < 1
    assert made["none"].noise(made["none"].noise_keys(4, draw), device) is None


# Losses and steps


def test_losses_of_the_score_by_hand():
    scores = torch.tensor([1.0, 3.5, 7.0])
    assert target_score_loss(scores, 3, "abs").item() == pytest.approx(2 + 0.5 + 4)
    assert target_score_loss(scores, 3, "signed").item() == pytest.approx(2 - 0.5 - 4)
    with pytest.raises(ConfigError, match="abs, signed"):
        target_score_loss(scores, 3, "square")


def test_the_signed_loss_has_no_lower_bound_and_no_target():
    """A linear scorer driven by each loss: towards the target, or for ever."""
    ends = {}
    for kind in ("abs", "signed"):
        for target in (3.0, 100.0):
            scores = torch.zeros(4, requires_grad=True)
            for _ in range(1000):
                (gradient,) = torch.autograd.grad(target_score_loss(scores, target, kind), scores)
                scores = (scores - 0.01 * gradient).detach().requires_grad_()
            ends[kind, target] = scores.detach()
    torch.testing.assert_close(ends["abs", 3.0], torch.full((4,), 3.0), atol=0.011, rtol=0)
    assert torch.equal(ends["signed", 3.0], ends["signed", 100.0])
    torch.testing.assert_close(ends["signed", 3.0], torch.full((4,), 10.0), atol=1e-3, rtol=0)


@pytest.mark.parametrize("truncate", [False, True])
def test_score_loss_and_its_gradients(fields, truncate):
    method, pairs = build(fields, truncate_scores=truncate, clip_norm=1e9)
    batch = first_batch(pairs).scored
    network = copy.deepcopy(method.score_discriminator)
    scores = batch.labels[:, 0]
    wanted = torch.from_numpy(np.floor(scores.numpy())) if truncate else scores
    predicted = network(batch.images)[:, 0]
    loss = (predicted - wanted).abs().sum() / 8
    found = gradients_taken(method, "score_discriminator", lambda: method._score_step(batch))
    for one, other in zip(found, torch.autograd.grad(loss, network.parameters()), strict=True):
        torch.testing.assert_close(one, other)


def test_label_loss_and_its_gradients(fields):
    method, pairs = build(fields, clip_norm=1e9)
    batch = first_batch(pairs).labelled
    network = copy.deepcopy(method.label_discriminator)
    logits, galaxy = network(batch.images), batch.labels[:, 1].long()
    loss = -(logits.exp()[torch.arange(8), galaxy] / logits.exp().sum(dim=1)).log().mean()
    sums = {}
    found = gradients_taken(method, "label_discriminator", lambda: sums.update(method._label_step(batch)))
    assert sums["label_loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    for one, other in zip(found, torch.autograd.grad(loss, network.parameters()), strict=True):
        torch.testing.assert_close(one, other)
        assert one.abs().max() > 0


@pytest.mark.parametrize("kind", ["abs", "signed"])
@pytest.mark.parametrize("micro_batch", [1, 3, 8])
def test_generator_loss_and_gradients_do_not_depend_on_the_micro_batch(fields, kind, micro_batch, monkeypatch):
    monkeypatch.setattr(two_in_one, "MICRO_BATCH", micro_batch)
    method, _ = build(fields, gen_score_loss=kind, clip_norm=1e9)
    latents, keys = method.generator.latents(8, draws()), list(range(10, 18))
    generator = copy.deepcopy(method.generator)
    images = generator(latents, generator.noise(keys, torch.device("cpu")))
    while images.shape[-1] > 10:
        images = avg_pool2d(images, 2)
    scores = method.score_discriminator(images)[:, 0]
    as_galaxy = method.label_discriminator(images).softmax(dim=1)[:, 1]
    term = (3 - scores).abs() if kind == "abs" else 3 - scores
    loss = (term - as_galaxy.log()).mean()
    sums = {}
    found = gradients_taken(method, "generator", lambda: sums.update(method.generator_step(latents, keys)))
    assert sums["generator_loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    assert sums["generated_score"].item() == pytest.approx(scores.mean().item(), rel=1e-4)
    assert sums["generated_galaxy_probability"].item() == pytest.approx(as_galaxy.mean().item(), rel=1e-4)
    for one, other in zip(found, torch.autograd.grad(loss, generator.parameters()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_each_network_is_clipped_by_itself(fields):
    norms = {}
    for clip in (1e9, 1e-3):
        method, pairs = build(fields, clip_norm=clip, discriminator_steps=0)
        for name in two_in_one.NETWORKS:
            network, update = method.networks[name], method.optimisers[name].step
            method.optimisers[name].step = lambda name=name, network=network, update=update, clip=clip: (
                norms.update(
                    {(name, clip): math.sqrt(sum(p.grad.square().sum().item() for p in network.parameters()))}
                ),
                update(),
            )
        method.training_step(first_batch(pairs), draws())
    for name in two_in_one.NETWORKS:
        assert norms[name, 1e9] > 1e-3
        assert norms[name, 1e-3] == pytest.approx(1e-3, rel=1e-3)


def test_generator_waits_for_the_discriminators(fields):
    method, pairs = build(fields, discriminator_steps=2)
    moved = []
    for _ in range(4):
        before = {name: [p.clone() for p in method.networks[name].parameters()] for name in two_in_one.NETWORKS}
        sums = method.training_step(first_batch(pairs), draws())
        moved.append(
            {
                n
                for n, weights in before.items()
                if any(map(lambda p, q: not p.equal(q), weights, method.networks[n].parameters()))
            }
        )
        assert ("generator_loss" in sums) == ("generator" in moved[-1])
    discriminators = {"score_discriminator", "label_discriminator"}
    assert moved == [discriminators] * 2 + [{*discriminators, "generator"}] * 2


def test_discriminators_do_not_depend_on_the_generator(fields):
    """They see real images alone, so that the schedule changes nothing about what they learn."""
    ends = []
    for waits in (0, 9):
        method, pairs = build(fields, discriminator_steps=waits)
        for _ in range(3):
            method.training_step(first_batch(pairs), draws())
        ends.append([*method.score_discriminator.parameters(), *method.label_discriminator.parameters()])
    assert all(map(torch.equal, *ends))


# Data


def test_pairs_are_of_one_scored_and_one_labelled_image(fields):
    _, pairs = build(fields)
    assert len(pairs) == 24
    order = pairs.order(draws())
    assert order.shape == (24, 2)
    assert len(set(order[:, 0].tolist())) == len(set(order[:, 1].tolist())) == 24
    assert not torch.equal(order, pairs.order(draws(6)))
    batches = list(pairs.batches(order, 10))
    assert (
        [len(pair.scored.images) for pair in batches] == [len(pair.labelled.images) for pair in batches] == [10, 10, 4]
    )
    for pair in batches:
        assert pair.scored.labels[:, 0].isfinite().all()
        assert pair.scored.labels[:, 1].isnan().all()
        assert pair.labelled.labels[:, 1].isfinite().all()
        assert pair.labelled.labels[:, 0].isnan().all()


@pytest.mark.parametrize(("rows", "column"), [(np.arange(40), "galaxy"), (np.arange(48, 72), "score")])
def test_a_training_without_scores_or_without_labels_is_refused(fields, rows, column):
    with pytest.raises(DataError, match=f"no training image has a {column}"):
        two_in_one.training_data(Images(fields, rows, CPU), len(rows))


# Training


def trained(folder, fields, name, stop_after=None, **changes):
    folder = folder / name
    folder.mkdir(exist_ok=True)
    files = {key: folder / key for key in ("model.pt", "history.csv", "cost.json")}
    train.main(
        fields,
        fields.parent / "split.csv",
        *files.values(),
        folder / "checkpoints",
        experiment={**EXPERIMENT, **changes},
        seed=1,
        compute={"device": "cpu", "checkpoint_seconds": 0},
        code="",
        name=name,
        threads=1,
    )
    return files


def test_training_continues_bit_for_bit_from_within_the_joint_phase(fields, tmp_path, monkeypatch):
    whole = trained(tmp_path, fields, "whole")
    step, steps = two_in_one.TwoInOne.training_step, []

    def killed(self, *arguments):
        if len(steps) == 5:  # two steps into the joint phase, within an epoch of three
            raise KeyboardInterrupt
        steps.append(1)
        return step(self, *arguments)

    monkeypatch.setattr(two_in_one.TwoInOne, "training_step", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, fields, "parts")
    monkeypatch.setattr(two_in_one.TwoInOne, "training_step", step)
    parts = trained(tmp_path, fields, "parts")
    assert parts["history.csv"].read_bytes() == whole["history.csv"].read_bytes()
    one, other = (torch.load(files["model.pt"], weights_only=True)["networks"] for files in (whole, parts))
    for name, weights in one.items():
        assert all(torch.equal(weights[key], other[name][key]) for key in weights)
    assert (tmp_path / "parts/checkpoints/samples.png").exists()
    history = pd.read_csv(whole["history.csv"])
    assert history["epoch"].to_list() == [1, 2, 3]
    assert history["generator_loss"].isna().to_list() == [True, False, False]
    assert history["sample_distance"].isna().to_list() == [True, False, False]
    assert history[["score_mae", "label_loss", "label_accuracy", "val_score_mae"]].notna().all(axis=None)
    assert json.loads(whole["cost.json"].read_text())["steps"] == 7


def test_networks_learn_and_are_loaded_again(fields, tmp_path):
    fast = {**ADAM, "learning_rate": 0.01}
    files = trained(
        tmp_path,
        fields,
        "long",
        steps=400,
        discriminator_steps=340,
        optimisers=dict.fromkeys(two_in_one.NETWORKS, fast),
    )
    history = pd.read_csv(files["history.csv"])
    assert history["val_score_mae"].iloc[-1] < 0.5 * history["val_score_mae"].iloc[0]
    joint = history.dropna()
    assert joint["generator_loss"].iloc[-1] < joint["generator_loss"].iloc[0]
    scorer = two_in_one.load_scorer(files["model.pt"], CPU)
    assert (scorer.view, scorer.frame) == ("pooled_10", 80)
    images = Images(fields, np.arange(40, 48), CPU)
    error = (scorer.score(images.images[:, 0]).clamp(0, 8) - images.labels[:, 0]).abs().mean().item()
    assert error == pytest.approx(history["val_score_mae"].iloc[-1], rel=1e-5)
    generator = two_in_one.load_generator(files["model.pt"], CPU)
    made = two_in_one.images_of(generator, generator.latents(4, draws()), [1, 2, 3, 4], CPU)
    assert made.shape == (4, 1, 80, 80)
    assert 0 <= made.min() <= made.max() <= 255


def test_a_generator_that_was_never_trained_is_not_loaded(fields, tmp_path):
    files = trained(tmp_path, fields, "short", steps=2, discriminator_steps=2)
    assert pd.read_csv(files["history.csv"])["generator_loss"].isna().all()
    two_in_one.load_scorer(files["model.pt"], CPU)
    with pytest.raises(DataError, match="before that of its generator began"):
        two_in_one.load_generator(files["model.pt"], CPU)

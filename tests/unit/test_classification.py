"""The classifiers of the augmentation experiment: what their arms share, and what each trains on."""

import numpy as np
import pytest
import torch
from small_views import write_galaxies, write_split
from test_conditional_gan import EXPERIMENT as GAN

from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.data.device import Images, Repeated
from galaxies.data.rows import draw_rows, split_rows
from galaxies.errors import ConfigError, DataError
from galaxies.methods import conditional_gan
from galaxies.methods.classification import build
from galaxies.trained_models import write_model
from galaxies.training import Settings, fit, seed_everything

CPU = Compute(torch.device("cpu"), channels_last=False)
EXPERIMENT = {
    "method": "classification",
    "target": "bright",
    "real_images": True,
    "generator": None,
    "generated_per_real": 1,
    "network": {"architecture": "growing_kernels_cnn", "filters": [4], "kernel_sizes": [4], "dense": [8]},
    "optimiser": {"name": "adam", "learning_rate": 0.01},
    "epochs": 3,
}
FLIPS = {"flip_horizontal": True, "flip_vertical": True}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    write_galaxies(folder / "view.h5")
    write_split(folder / "split.csv", 64, 32, 0)
    return folder / "view.h5"


@pytest.fixture(scope="module")
def train(view):
    return Images(view, np.arange(64), CPU)


@pytest.fixture(scope="module")
def validation(view):
    return Images(view, np.arange(64, 96), CPU)


@pytest.fixture(scope="module")
def files(train, validation, tmp_path_factory):
    """A generator of few steps, enough for its running batch statistics."""
    torch.manual_seed(3)
    gan = conditional_gan.build(GAN, train, validation, CPU, {})
    rng = torch.Generator()
    for batch in train.batches(torch.arange(64).repeat(20), 32):
        gan.training_step(batch, rng)
    path = tmp_path_factory.mktemp("gan") / "model.pt"
    write_model(path, gan.networks, GAN, train, seed=0)
    return {"generator": path}


ARMS = {
    "real": {},
    "real_flips": {"augmentation": FLIPS},
    "gan_only": {"real_images": False},
    "real_gan_half": {"generated_per_real": 0.5},
    "real_gan_double": {"generated_per_real": 2},
}


def train_arm(name, train, validation, files, folder, seed=0, spy=None):
    """Train one arm as `train.py` does; `spy` is called with the method before the training."""
    seed_everything(seed)
    uses = files if "gan" in name else {}
    method = build({**EXPERIMENT, **ARMS[name]}, train, validation, CPU, uses)
    if spy:
        spy(method)
    with Checkpoints(folder / name, "0" * 64) as saved:
        result = fit(method, train, Settings(name, seed, 16, epochs=3), CPU, saved)
        saved.finish([])
    return method, result


def test_arms_of_one_seed_share_start_real_batches_and_validation(train, validation, files, tmp_path):
    """Initial weights, real images of each step in their order, and validation images are identical in all arms."""
    weights, batches, judged = {}, {}, {}
    for name in ARMS:

        def spy(method, name=name):
            weights[name] = [value.clone() for value in method.network.state_dict().values()]
            batches[name], judged[name] = [], method.validation
            step = method.training_step

            def training_step(batch, generator):
                batches[name].append((batch.images.clone(), batch.labels.clone()))
                return step(batch, generator)

            method.training_step = training_step

        train_arm(name, train, validation, files, tmp_path, spy=spy)
    for name in ARMS:
        assert all(torch.equal(one, other) for one, other in zip(weights["real"], weights[name], strict=True))
        assert len(batches[name]) == 12
        for (images, labels), (others, their_labels) in zip(batches["real"], batches[name], strict=True):
            assert torch.equal(images, others)
            assert torch.equal(labels, their_labels)
        assert judged[name] is validation
    assert not torch.equal(batches["real"][0][0], batches["real"][4][0])  # another order in the next epoch


@pytest.mark.parametrize(
    ("name", "real", "generated"),
    [("real", 16, 0), ("gan_only", 0, 16), ("real_gan_half", 16, 8), ("real_gan_double", 16, 32)],
)
def test_what_a_step_trains_on(name, real, generated, train, validation, files):
    """Real images unchanged; then generated ones, with the conditions and the targets of the real ones in turn."""
    method = build({**EXPERIMENT, **ARMS[name]}, train, validation, CPU, files if generated else {})
    batch = next(train.batches(torch.arange(64), 16))
    images, targets = method.examples(batch, torch.Generator().manual_seed(0))
    assert len(images) == len(targets) == real + generated
    assert torch.equal(images[:real], batch.images[:real])
    assert torch.equal(targets[:real], batch.labels[:real, 2])
    assert torch.equal(targets[real:], batch.labels[torch.arange(generated) % 16, 2])
    if generated:
        rng = torch.Generator().manual_seed(0)
        torch.rand(16, 8, generator=rng, dtype=torch.float64)  # what the augmentation draws
        noise = torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=rng)))
        expected = method.generator.generate(batch.labels[torch.arange(generated) % 16, :2], noise)
        assert torch.equal(images[real:], expected)


def test_generated_images_are_new_in_each_step(train, validation, files):
    method = build({**EXPERIMENT, **ARMS["gan_only"]}, train, validation, CPU, files)
    batch = next(train.batches(torch.arange(64), 16))
    rng = torch.Generator()
    assert not torch.equal(method.examples(batch, rng)[0], method.examples(batch, rng)[0])


def test_the_record_has_the_log_odds_of_each_epoch(train, validation, files, tmp_path):
    method, result = train_arm("real_flips", train, validation, files, tmp_path)
    record = method.record
    targets = validation.labels[:, 2].double()
    for epoch, row in enumerate(result.history):
        p = record.logit[epoch].double().sigmoid()
        expected = -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()
        assert row["val_loss"] == pytest.approx(expected.item(), rel=1e-5)
    method.network.eval()
    with torch.no_grad():
        now = method.network(validation.images).squeeze(1)
    torch.testing.assert_close(record.logit[-1], now)
    assert record.positive_rate == pytest.approx(train.labels[:, 2].double().mean().item())
    assert record.finished == 3


def test_it_learns_and_its_loss_is_the_mean_over_images(train, validation, files, tmp_path):
    _, result = train_arm("real", train, validation, files, tmp_path)
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert result.history[-1]["val_loss"] < 0.4


def test_interrupted_training_ends_with_the_same_record(train, validation, files, tmp_path):
    undisturbed, _ = train_arm("real_gan_half", train, validation, files, tmp_path / "one")

    class Killed(BaseException):
        pass

    def kill_in_second_epoch(method):
        step, calls = method.training_step, []

        def training_step(batch, generator):
            calls.append(1)
            if len(calls) == 7:
                raise Killed
            return step(batch, generator)

        method.training_step = training_step

    seed_everything(0)
    method = build({**EXPERIMENT, **ARMS["real_gan_half"]}, train, validation, CPU, files)
    kill_in_second_epoch(method)
    settings = Settings("x", 0, 16, epochs=3, checkpoint_seconds=0)
    with pytest.raises(Killed), Checkpoints(tmp_path / "two", "0" * 64) as saved:
        fit(method, train, settings, CPU, saved)
    seed_everything(99)
    again = build({**EXPERIMENT, **ARMS["real_gan_half"]}, train, validation, CPU, files)
    with Checkpoints(tmp_path / "two", "0" * 64) as saved:
        fit(again, train, settings, CPU, saved)
    for name, network in undisturbed.networks.items():
        for one, other in zip(network.state_dict().values(), again.networks[name].state_dict().values(), strict=True):
            assert torch.equal(one, other)


def test_a_classifier_starts_from_another(train, validation, files, tmp_path):
    first, _ = train_arm("gan_only", train, validation, files, tmp_path)
    path = tmp_path / "model.pt"
    write_model(path, first.networks, EXPERIMENT, train, seed=0)
    second = build(EXPERIMENT, train, validation, CPU, {"initial": path})
    first.network.eval(), second.network.eval()
    with torch.no_grad():
        assert torch.equal(first.network(validation.images), second.network(validation.images))
    assert second.record.finished == 0
    with pytest.raises(DataError, match="expected one of 'classification'"):
        build(EXPERIMENT, train, validation, CPU, {"initial": files["generator"]})


def test_smaller_sets_are_nested_and_drawn_by_seed(view):
    split = view.with_name("split.csv")
    rows = split_rows(view, split, "train")
    assert draw_rows(rows, None, seed=1).tolist() == rows.tolist() == list(range(64))
    some, fewer = (draw_rows(rows, images, seed=1) for images in (20, 10))
    assert (len(some), len(fewer)) == (20, 10)
    assert set(fewer) < set(some) < set(rows)
    assert sorted(some) == some.tolist()
    assert set(draw_rows(rows, 20, seed=2)) != set(some)
    assert split_rows(view, split, "validation", "train").tolist() == list(range(96))
    with pytest.raises(DataError, match="64 images to train on, and train_images asks for 65"):
        draw_rows(rows, 65, seed=0)


def test_repeated_images_come_in_passes(train):
    """10 images in an epoch of 24: every image comes once per pass, and the passes differ."""
    few = Images(train.view, np.arange(10), CPU)
    repeated = Repeated(few, 24)
    order = repeated.order(torch.Generator().manual_seed(1)).tolist()
    assert len(repeated) == len(order) == 24
    first, second, rest = order[:10], order[10:20], order[20:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert len(set(rest)) == 4
    batches = list(repeated.batches(torch.arange(24), 8))
    assert torch.equal(torch.cat([batch.labels for batch in batches]), few.labels[torch.arange(24) % 10])
    same = Repeated(few, 10).order(torch.Generator().manual_seed(1))
    assert torch.equal(same, few.order(torch.Generator().manual_seed(1)))


def test_augmentation_is_the_same_whatever_is_generated(train, validation, files):
    """The real images of every step, after their augmentation, with and without generated ones."""
    settings = {**EXPERIMENT, "augmentation": {"rotation": 180, **FLIPS}}
    alone = build(settings, train, validation, CPU, {})
    mixed = build({**settings, "generated_per_real": 2}, train, validation, CPU, files)
    streams = [torch.Generator().manual_seed(4) for _ in range(2)]
    for batch in train.batches(torch.arange(64), 16):
        ours, theirs = (m.examples(batch, s)[0] for m, s in zip((alone, mixed), streams, strict=True))
        assert torch.equal(ours, theirs[:16])
        assert not torch.equal(ours, batch.images)


def test_impossible_arms_are_refused(train, validation, files, tmp_path):
    with pytest.raises(ConfigError, match="no generator"):
        build({**EXPERIMENT, "real_images": False}, train, validation, CPU, {})
    with pytest.raises(DataError, match="log_stellar_mass of a set"):
        build({**EXPERIMENT, "target": "log_stellar_mass"}, train, validation, CPU, {})
    with pytest.raises(DataError, match="no label 'spiral'"):
        build({**EXPERIMENT, "target": "spiral"}, train, validation, CPU, {})
    write_galaxies(tmp_path / "larger.h5", size=24)
    larger = Images(tmp_path / "larger.h5", np.arange(96), CPU)
    with pytest.raises(DataError, match="makes images of 20 px"):
        build({**EXPERIMENT, **ARMS["gan_only"]}, larger, larger, CPU, files)

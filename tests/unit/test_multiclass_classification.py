"""The classifier of several classes: what it minimises, that it learns, resumes, and judges images of any view."""

import math

import h5py
import numpy as np
import pytest
import torch
from small_classes import CLASSES, INPUTS, write_classes
from small_views import write_split, write_view

import classify
from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.data.morphology_inputs import MorphologyInputs
from galaxies.errors import ConfigError, DataError
from galaxies.methods.multiclass_classification import build, load_classifier
from galaxies.trained_models import write_model
from galaxies.training import Settings, fit, seed_everything

CPU = Compute(torch.device("cpu"), channels_last=False)
EXPERIMENT = {
    "method": "multiclass_classification",
    "view": "full_32",
    "classes": None,
    "inputs": INPUTS,
    "network": {"architecture": "preactivation_resnet", "width": 4, "k": 1, "bn_momentum": 0.2},
    "optimiser": {"name": "sgd", "learning_rate": 0.05},
    "decay": {"every": 30, "factor": 0.1},
    "steps": 40,
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    write_classes(folder / "view.h5")
    write_split(folder / "split.csv", 64, 0, 32)
    return folder / "view.h5"


@pytest.fixture(scope="module")
def train(view):
    return Images(view, np.arange(64), CPU)


@pytest.fixture(scope="module")
def validation(view):
    return Images(view, np.arange(64, 96), CPU)


SETTINGS = Settings("x", 0, 16, steps=40, drop_last=True)


@pytest.fixture(scope="module")
def trained(train, validation, tmp_path_factory):
    """Method, history and model file of a short training."""
    folder = tmp_path_factory.mktemp("trained")
    seed_everything(0)
    method = build(EXPERIMENT, train, validation, CPU, {})
    with Checkpoints(folder / "checkpoints", "0" * 64) as saved:
        result = fit(method, train, SETTINGS, CPU, saved)
    write_model(folder / "model.pt", method.networks, EXPERIMENT, train, seed=0)
    return method, result.history, folder / "model.pt"


def test_it_learns_and_its_history_is_of_the_whole_sets(trained, validation):
    method, history, _ = trained
    assert [row["epoch"] for row in history] == list(range(1, 11))
    first, last = history[0], history[-1]
    assert last["loss"] < 0.6 * first["loss"]
    assert last["val_accuracy"] > 0.8
    method.network.eval()
    with torch.no_grad():
        logits = method.network(method.inputs.plain(validation.images / 255, "full_32")).double()
    method.network.train()
    truth = np.arange(64, 96) % 3
    p = np.exp(logits.numpy())
    p /= p.sum(axis=1, keepdims=True)
    assert last["val_loss"] == pytest.approx(-np.log(p[np.arange(32), truth]).mean(), rel=1e-5)
    right = p.argmax(axis=1) == truth
    assert last["val_accuracy"] == pytest.approx(right.mean())
    assert last["val_class_accuracy"] == pytest.approx(np.mean([right[truth == kind].mean() for kind in range(3)]))


def test_a_step_is_on_the_mean_cross_entropy_of_the_changed_images(train, validation):
    seed_everything(0)
    method = build(EXPERIMENT, train, validation, CPU, {})
    batch = next(train.batches(torch.arange(64), 16))
    images = method.inputs.augmented(batch.images / 255, "full_32", torch.Generator().manual_seed(3))
    with torch.no_grad():
        logits = method.network(images).double()
    expected = sum(math.log(row.exp().sum() / row[kind % 3].exp()) for kind, row in enumerate(logits))
    before = [parameter.clone() for parameter in method.network.parameters()]
    sums = method.training_step(batch, torch.Generator().manual_seed(3))
    assert sums["cross_entropy"].item() == pytest.approx(expected, rel=1e-4)
    assert sums["correct"] == (logits.argmax(dim=1) == torch.arange(16) % 3).sum()
    assert method.epoch_metrics({"cross_entropy": 8.0, "correct": 4.0, "count": 16}) == {"loss": 0.5, "accuracy": 0.25}
    assert all((one != other).any() for one, other in zip(before, method.network.parameters(), strict=True))


def test_the_learning_rate_is_that_of_the_schedule(trained):
    method, _, _ = trained
    assert method.decay.steps == 40
    assert method.optimiser.param_groups[0]["lr"] == pytest.approx(0.005)


@pytest.mark.parametrize("stop", [7, 32])
def test_interrupted_training_ends_with_the_same_weights(stop, trained, train, validation, tmp_path):
    """Stopped within an epoch, before and after the learning rate has fallen."""

    class Killed(BaseException):
        pass

    seed_everything(0)
    method = build(EXPERIMENT, train, validation, CPU, {})
    step, calls = method.training_step, []

    def training_step(batch, generator):
        calls.append(1)
        if len(calls) == stop:
            raise Killed
        return step(batch, generator)

    method.training_step = training_step
    settings = Settings("x", 0, 16, steps=40, drop_last=True, checkpoint_seconds=0)
    with pytest.raises(Killed), Checkpoints(tmp_path, "0" * 64) as saved:
        fit(method, train, settings, CPU, saved)
    seed_everything(99)
    again = build(EXPERIMENT, train, validation, CPU, {})
    with Checkpoints(tmp_path, "0" * 64) as saved:
        result = fit(again, train, settings, CPU, saved)
    undisturbed, history, _ = trained
    for name, network in undisturbed.networks.items():
        for one, other in zip(network.state_dict().values(), again.networks[name].state_dict().values(), strict=True):
            assert torch.equal(one, other)
    assert result.history == history


def test_a_loaded_classifier_describes_images(trained, validation):
    _, history, path = trained
    classifier = load_classifier(path, CPU)
    assert classifier.classes == CLASSES
    images = validation.images / 255
    logits, features = classifier.describe(images, "full_32")
    assert (logits.shape, features.shape) == ((32, 3), (32, 32 * 4))
    assert logits.dtype == features.dtype == torch.float32
    assert not logits.requires_grad and not features.requires_grad
    assert (logits.argmax(1) == torch.arange(64, 96) % 3).double().mean().item() == history[-1]["val_accuracy"]
    torch.testing.assert_close(classifier.network.head(features), logits)
    alone = torch.cat([classifier.describe(image[None], "full_32")[0] for image in images])
    torch.testing.assert_close(alone, logits, rtol=1e-4, atol=1e-4)  # no image depends on the others


def test_the_view_gives_the_scale(trained, tmp_path):
    """The same blobs with twice the pixels, and in a crop of 28 px."""
    classifier = load_classifier(trained[2], CPU)
    few, many = (torch.from_numpy(read_pixels(tmp_path, size)) / 255 for size in (32, 64))
    usual, fine = classifier.describe(few, "full_32")[0], classifier.describe(many, "full_64")[0]
    assert (fine.argmax(1) == usual.argmax(1)).double().mean() > 0.9
    narrow = MorphologyInputs(**{**INPUTS, "crop": [20, 28]})
    torch.testing.assert_close(
        narrow.plain(few[:, :, 2:-2, 2:-2], "crop28_28"), narrow.plain(few, "full_32"), atol=1e-4, rtol=1e-4
    )


def read_pixels(folder, size):
    write_classes(folder / "more.h5", 30, size, seed=4)
    with h5py.File(folder / "more.h5") as file:
        return file["pixels"][:]


def test_only_named_classes_are_told_apart(tmp_path):
    write_classes(tmp_path / "view.h5", 30, mass=0.5)
    images = Images(tmp_path / "view.h5", np.arange(30), CPU)
    with pytest.raises(DataError, match=r"30 of 30 images are not of exactly one class; object 100 has .*mass 0.5"):
        build(EXPERIMENT, images, images, CPU, {})
    method = build({**EXPERIMENT, "classes": CLASSES}, images, images, CPU, {})
    assert method.networks["classifier"].head[0].out_features == 3
    some = Images(tmp_path / "view.h5", np.arange(2), CPU)
    with pytest.raises(DataError, match="1 of 2 images are not of exactly one class; object 101 has round 0, double 0"):
        build({**EXPERIMENT, "classes": ["round", "double"]}, some, some, CPU, {})


def test_impossible_settings_are_refused(trained, train, validation, tmp_path):
    _, _, path = trained
    with pytest.raises(ConfigError, match="inputs: unknown key 'sise'"):
        build({**EXPERIMENT, "inputs": {**INPUTS, "sise": 3}}, train, validation, CPU, {})
    with pytest.raises(DataError, match="no label 'oval'"):
        build({**EXPERIMENT, "classes": ["round", "oval"]}, train, validation, CPU, {})
    classifier = load_classifier(path, CPU)
    with pytest.raises(DataError, match="images of 1 channels for a classifier of images of 3"):
        classifier.describe(torch.zeros(2, 1, 32, 32), "full_32")
    other = tmp_path / "model.pt"
    write_model(other, {"regressor": torch.nn.Linear(1, 1)}, {"method": "regression"}, train, seed=0)
    with pytest.raises(DataError, match="expected one of 'multiclass_classification'"):
        load_classifier(other, CPU)


def test_script_writes_log_probabilities_of_the_test_images(trained, view, tmp_path):
    _, history, path = trained
    predictions = tmp_path / "class_predictions.h5"
    split = view.with_name("split.csv")
    classify.main(view, split, path, predictions, compute={"device": "cpu", "log_seconds": 1}, threads=1)
    with h5py.File(predictions) as file:
        assert file["ids"][:].tolist() == list(range(164, 196))
        assert file["true_class"][:].tolist() == [kind % 3 for kind in range(64, 96)]
        values, attributes = file["log_probabilities"][:], dict(file.attrs)
    assert values.shape == (32, 3)
    np.testing.assert_allclose(np.exp(values).sum(axis=1), 1, rtol=1e-12)
    assert (values.argmax(axis=1) == np.arange(64, 96) % 3).mean() == history[-1]["val_accuracy"]
    assert list(attributes["classes"]) == CLASSES
    assert attributes["simulated"]
    write_view(tmp_path / "grey.h5", 96, 32, 3)
    with pytest.raises(DataError, match="no label 'round'"):
        classify.main(tmp_path / "grey.h5", split, path, predictions, compute={"device": "cpu"}, threads=1)

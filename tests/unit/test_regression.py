"""The regression method: its numbers against NumPy, its modes, and that it learns."""

import math

import numpy as np
import pytest
import torch
from small_views import write_view
from torch import nn

from galaxies.compute import Compute
from galaxies.data.augmentation import Augmentation
from galaxies.data.device import Images
from galaxies.errors import ConfigError, Interrupted
from galaxies.methods.regression import Regression, build, load_network, predict

CPU = Compute(torch.device("cpu"))
EXPERIMENT = {
    "network": {"architecture": "cnn", "filters": [8, 8], "dense": [16], "dropout": [0.5]},
    "augmentation": {"rotation": 40, "shift": 0.2, "zoom": [0.8, 1.2], "flip_horizontal": True},
    "optimiser": {"name": "adamax", "learning_rate": 0.01},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "view.h5"
    write_view(path, size=20, columns=5)
    return Images(path, np.arange(64), CPU)


@pytest.fixture
def method(images):
    torch.manual_seed(0)
    return build(EXPERIMENT, images, images, CPU, {})


def numpy_rmse(predictions, labels):
    return math.sqrt(np.mean((predictions.numpy().astype(float) - labels.numpy()) ** 2))


def test_validation_error_is_global_over_partial_batches(method, images, monkeypatch):
    monkeypatch.setattr("galaxies.inference.EVALUATION_BATCH", 27)
    metrics = method.evaluate(lambda: None)
    network = method.network.eval()
    with torch.no_grad():
        predictions = network(images.images.float() / 255)
    assert metrics["val_rmse"] == pytest.approx(numpy_rmse(predictions, images.labels), rel=1e-5)
    assert metrics["val_loss"] == pytest.approx(metrics["val_rmse"] ** 2)


def test_training_error_is_global_over_partial_batches(images):
    """With a network that stays as it is, the sums over batches of unequal size give the error over all images."""

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.level = nn.Parameter(torch.tensor(0.3))

        def forward(self, batch):
            return self.level.expand(len(batch), 5) * batch.mean(dim=(1, 2, 3))[:, None]

    network = Fixed()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0)
    method = Regression(network, optimiser, Augmentation(), images, CPU)
    sums = {"squared_error": 0.0, "count": 0}
    for batch in images.batches(torch.arange(64), 25):
        for name, value in method.training_step(batch, torch.Generator()).items():
            sums[name] += float(value)
    with torch.no_grad():
        predictions = network(images.images.float() / 255)
    assert method.epoch_metrics(sums)["rmse"] == pytest.approx(numpy_rmse(predictions, images.labels), rel=1e-5)
    assert sums["count"] == 64 * 5


def test_evaluation_takes_no_random_numbers_and_returns_to_training(method):
    before = torch.get_rng_state()
    assert method.evaluate(lambda: None) == method.evaluate(lambda: None)
    assert torch.equal(torch.get_rng_state(), before)
    assert method.network.training


def test_an_interrupted_evaluation_returns_to_training(method):
    def stop():
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        method.evaluate(stop)
    assert method.network.training


def test_it_learns_a_few_images_by_heart(images):
    torch.manual_seed(0)
    network = {**EXPERIMENT["network"], "dropout": [0.0]}
    method = build({**EXPERIMENT, "network": network, "augmentation": {}}, images, images, CPU, {})
    batch = next(images.batches(torch.arange(8), 8))
    generator = torch.Generator().manual_seed(0)
    errors = [float(method.training_step(batch, generator)["squared_error"]) for _ in range(100)]
    assert errors[-1] < 0.1 * errors[0]


def test_a_step_follows_the_gradient_of_the_mean_squared_error(images):
    """One step of plain gradient descent against central differences of the loss, written out."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 20 * 20, 5), nn.Sigmoid())
    method = Regression(network, torch.optim.SGD(network.parameters(), lr=1.0), Augmentation(), images, CPU)
    batch = next(images.batches(torch.arange(10), 10))
    inputs, labels = batch.images.double().flatten(1) / 255, batch.labels.double()
    weight, bias = network[1].weight.detach().double(), network[1].bias.detach().double()

    def loss(shift):
        return ((torch.sigmoid(inputs @ weight.T + bias + shift) - labels) ** 2).mean()

    steps = 1e-5 * torch.eye(5, dtype=torch.float64)
    expected = bias - torch.stack([(loss(step) - loss(-step)) / 2e-5 for step in steps])
    method.training_step(batch, torch.Generator())
    torch.testing.assert_close(network[1].bias.detach().double(), expected, atol=1e-6, rtol=0)


def test_a_saved_network_predicts_the_same(method, images):
    model = {
        "networks": {"regressor": method.network.state_dict()},
        "settings": EXPERIMENT,
        "columns": images.columns,
        "size": images.size,
    }
    expected = predict(method.network, images, CPU)
    assert expected.shape == (64, 5)
    assert torch.equal(predict(load_network(model, CPU), images, CPU), expected)


def test_memory_layouts_agree(images):
    results = []
    for channels_last in (True, False):
        torch.manual_seed(0)
        compute = Compute(torch.device("cpu"), channels_last=channels_last)
        results.append(predict(build(EXPERIMENT, images, images, compute, {}).network, images, compute))
    torch.testing.assert_close(*results)


def test_unknown_keys_are_refused(images):
    network = {**EXPERIMENT["network"], "filter": [3]}
    with pytest.raises(ConfigError, match=r"network: unknown key 'filter'.*filters"):
        build({**EXPERIMENT, "network": network}, images, images, CPU, {})

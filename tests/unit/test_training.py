"""The loop on a method of four weights: what it runs, saves, stops for and continues."""

import logging
import math
import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.errors import ConfigError, Interrupted, TrainingError
from galaxies.training import Settings, fit, seed_everything

CPU = Compute(torch.device("cpu"))


pytestmark = pytest.mark.usefixtures("one_thread")


class Points:
    """Twenty points on a noisy line; remembers the order in which it was asked for them."""

    def __init__(self, count=20):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.rand(count, 3, generator=generator)
        self.y = self.x.sum(dim=1, keepdim=True) + 0.1 * torch.rand(count, 1, generator=generator)
        self.orders = []

    def __len__(self):
        return len(self.x)

    def order(self, generator):
        return torch.randperm(len(self), generator=generator)

    def batches(self, order, batch_size):
        self.orders.append(order.tolist())
        for indices in order.split(batch_size):
            yield self.x[indices], self.y[indices]


class TwoPlayers:
    """Two networks with an optimiser each and no supervised loss in common, as a GAN has; uses all random generators.

    at_step : called with the number of the step before each; at_evaluation : called during evaluation.
    """

    def __init__(self, at_step=lambda step: None, at_evaluation=lambda: None):
        self.networks = {"first": nn.Sequential(nn.Dropout(0.3), nn.Linear(3, 1)), "second": nn.Linear(1, 1)}
        self.optimisers = {
            "first": torch.optim.Adamax(self.networks["first"].parameters(), lr=0.01),
            "second": torch.optim.Adam(self.networks["second"].parameters(), lr=0.01),
        }
        self.at_step, self.at_evaluation = at_step, at_evaluation
        self.steps = 0

    def training_step(self, batch, generator):
        self.steps += 1
        self.at_step(self.steps)
        x, y = batch
        noise = torch.randn(x.shape, generator=generator) * 0.1 + np.random.normal() * 0.01
        prediction = self.networks["first"](x + noise)
        loss = (prediction - y).square().mean()
        other = (self.networks["second"](prediction.detach()) - 1).square().mean()
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        (loss + other).backward()
        for optimiser in self.optimisers.values():
            optimiser.step()
        return {"loss": loss.detach() * len(x), "other": other.detach(), "count": len(x)}

    def epoch_metrics(self, sums):
        return {"loss": sums["loss"] / sums["count"], "other": sums["other"], "count": sums["count"]}

    def evaluate(self, check):
        check()
        self.at_evaluation()
        check()
        return {"norm": self.networks["first"][1].weight.norm().item()}


def train(folder, seed=0, data=None, at_step=lambda step: None, at_evaluation=lambda: None, remove=True, **settings):
    """One attempt; weights and history."""
    settings = Settings("test", seed, **{"batch_size": 6, "epochs": 3, "checkpoint_seconds": 0, **settings})
    with Checkpoints(folder, "ab" * 32) as checkpoints:
        seed_everything(seed)
        method = TwoPlayers(at_step, at_evaluation)
        result = fit(method, data or Points(), settings, CPU, checkpoints)
        if remove:
            checkpoints.finish([])
    weights = {
        f"{name}.{key}": value for name, part in method.networks.items() for key, value in part.state_dict().items()
    }
    return weights, result


def same(one, other):
    return (
        one[1].history == other[1].history
        and one[0].keys() == other[0].keys()
        and all(torch.equal(one[0][key], other[0][key]) for key in one[0])
    )


class Killed(BaseException):
    """Stands for a death that leaves no time to save."""


def killer(at):
    def strike(step):
        if step == at:
            raise Killed

    return strike


def test_history_has_the_sums_of_every_image_of_an_epoch(tmp_path):
    _, result = train(tmp_path)
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert all(row["count"] == 20 for row in result.history)  # 6 + 6 + 6 + 2
    assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_each_epoch_visits_every_image_once_in_an_order_of_its_own(tmp_path):
    data, other = Points(), Points()
    train(tmp_path, data=data)
    assert [sorted(order) for order in data.orders] == [list(range(20))] * 3
    assert len({tuple(order) for order in data.orders}) == 3
    train(tmp_path, seed=1, data=other)
    assert other.orders[0] != data.orders[0]


def test_drop_last_and_steps(tmp_path):
    data = Points()
    _, result = train(tmp_path, data=data, epochs=None, steps=7, drop_last=True)
    assert [len(order) for order in data.orders] == [18, 18, 6]  # 3 + 3 + 1 steps of 6 images
    assert [row["count"] for row in result.history] == [18, 18, 6]
    assert result.cost["steps"] == 7


def test_the_seed_decides(tmp_path):
    first = train(tmp_path)
    assert same(first, train(tmp_path))
    assert not same(first, train(tmp_path, seed=1))


@pytest.mark.parametrize("checkpoint_seconds", [0, 1e9])
@pytest.mark.parametrize("at", [1, 2, 4, 5, 8, 12])
def test_killed_at_any_step_ends_the_same(tmp_path, at, checkpoint_seconds):
    undisturbed = train(tmp_path / "undisturbed")
    with pytest.raises(Killed):
        train(tmp_path / "killed", at_step=killer(at), checkpoint_seconds=checkpoint_seconds)
    again = train(tmp_path / "killed", checkpoint_seconds=checkpoint_seconds)
    assert same(undisturbed, again)
    attempts = again[1].cost["attempts"]
    assert [attempt["ended"] for attempt in attempts] == [None] * (checkpoint_seconds == 0 and at > 1) + ["complete"]
    assert [attempt["first_step"] for attempt in attempts] == [1, *(a["last_step"] + 1 for a in attempts[:-1])]
    assert attempts[-1]["last_step"] == again[1].cost["steps"]


def test_killed_again_and_again_ends_the_same(tmp_path):
    undisturbed = train(tmp_path / "undisturbed")
    for _ in range(11):  # each attempt saves one more step
        with pytest.raises(Killed):
            train(tmp_path / "killed", at_step=killer(2))
    assert same(undisturbed, train(tmp_path / "killed"))


def test_killed_in_evaluation_ends_the_same(tmp_path):
    def strike():
        raise Killed

    undisturbed = train(tmp_path / "undisturbed")
    with pytest.raises(Killed):
        train(tmp_path / "killed", at_evaluation=strike)
    data = Points()
    assert same(undisturbed, train(tmp_path / "killed", data=data))
    assert [len(order) for order in data.orders] == [20, 20]  # the first epoch needs its evaluation alone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
@pytest.mark.parametrize("during", ["step", "evaluation"])
def test_a_signal_saves_and_interrupts(tmp_path, number, during):
    def strike(step=None):
        if step in (None, 3):
            os.kill(os.getpid(), number)

    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    undisturbed = train(tmp_path / "undisturbed")
    with pytest.raises(Interrupted, match=rf"{number.name} after step {3 if during == 'step' else 4} of 12"):
        train(tmp_path / "stopped", checkpoint_seconds=1e9, **{f"at_{during}": strike})
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == before
    assert same(undisturbed, train(tmp_path / "stopped"))


def test_an_interruption_tells_whether_the_attempt_came_further(tmp_path):
    def strike():
        os.kill(os.getpid(), signal.SIGUSR1)

    with pytest.raises(Interrupted) as first:
        train(tmp_path, at_evaluation=strike)
    with pytest.raises(Interrupted) as second:
        train(tmp_path, at_evaluation=strike)
    assert first.value.progress
    assert not second.value.progress


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    def strike(step):
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, at_step=strike)


def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_good_state(tmp_path):
    data = Points()
    position = torch.randperm(20)[0]  # some image; the step in which it comes is known from the order
    data.y[position] = math.nan
    with pytest.raises(TrainingError, match="loss is nan since step") as caught:
        train(tmp_path, data=data)
    step = data.orders[0].index(int(position)) // 6 + 1
    assert f"since step {step} " in str(caught.value)
    assert "learning_rate" in str(caught.value)
    with Checkpoints(tmp_path, "ab" * 32) as checkpoints:
        state = checkpoints.load()
    assert state is None if step == 1 else state["progress"]["position"] == step - 1


def test_history_has_no_clock_and_cost_has(tmp_path):
    _, result = train(tmp_path)
    assert set(result.history[0]) == {"epoch", "loss", "other", "count", "norm"}
    assert result.cost["parameters"] == {"first": 4, "second": 2}
    assert len(result.cost["epoch_seconds"]) == 3
    assert result.cost["images_per_second"] == pytest.approx(60 / sum(result.cost["epoch_seconds"]))
    assert result.cost["total_seconds"] >= sum(result.cost["epoch_seconds"])
    assert len(result.cost["attempts"]) == 1
    assert result.cost["attempts"][0]["seconds"] == result.cost["total_seconds"]
    assert result.cost["peak_memory_bytes"] > 10**7


def test_a_finished_training_that_was_not_written_ends_at_once(tmp_path):
    first = train(tmp_path, remove=False)
    data = Points()
    assert same(first, train(tmp_path, data=data))
    assert data.orders == []


def test_log_lines_tell_speed_and_time_left(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="galaxies")
    logging.getLogger("galaxies").propagate = True
    train(tmp_path, log_seconds=0)
    lines = [record.getMessage() for record in caplog.records]
    assert any("test: epoch 1, step 1/12, loss " in line and "images/s" in line and " left" in line for line in lines)
    assert sum(" done, " in line for line in lines) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": None}, "either epochs or steps"),
        ({"steps": 3}, "either epochs or steps"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 30, "drop_last": True}, "do not fill a batch"),
    ],
)
def test_impossible_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "tpu"}, "device"),
        ({"precision": "float16"}, "precision"),
        ({"device": "cpu", "precision": "bfloat16"}, "bfloat16 needs a CUDA device"),
        ({"device": "cpu", "compile": True}, "compile"),
        ({"placement": "tape"}, "placement"),
    ],
)
def test_impossible_machines_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Compute.choose(**settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for what is absent")
def test_an_absent_gpu_is_an_error_and_not_a_fallback():
    with pytest.raises(ConfigError, match="no usable CUDA device"):
        Compute.choose(device="cuda")
    assert Compute.choose(device="auto").device.type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for what is absent")
def test_a_gpu_from_slurm_that_torch_cannot_use_is_no_reason_to_take_the_cpu(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_GPUS", "3")
    with pytest.raises(ConfigError, match=r"Slurm gave this job the GPU 3.*\n.*compute.device to cpu"):
        Compute.choose()
    assert Compute.choose(device="cpu").device.type == "cpu"
    monkeypatch.delenv("SLURM_JOB_GPUS")
    assert Compute.choose().device.type == "cpu"

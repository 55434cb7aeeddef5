"""Trainings that are killed and restarted, as processes of the real script."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from small_views import write_split, write_view

import predict
from galaxies.errors import DataError

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
EXPERIMENT = {
    "method": "regression",
    "view": "full_70",
    "train_on": ["train"],
    "validate_on": "validation",
    "train_images": None,
    "network": {"architecture": "cnn", "filters": [8, 8, 8], "dense": [16], "dropout": [0.5]},
    "augmentation": {"rotation": 40, "shift": 0.2, "shear": 0.2, "zoom": [0.8, 1.2], "flip_horizontal": True},
    "optimiser": {"name": "adamax", "learning_rate": 0.001},
    "batch_size": 10,
    "epochs": 4,
}
STEPS = 16  # 4 of 10, 10, 10 and 2 images in each epoch

# The script, in a process that kills itself without a chance to save, after a number of steps of this process.
STRIKE = """
import os, signal, sys
from galaxies.methods.regression import Regression
from galaxies.scripting import run_script
import train

step, after = Regression.training_step, int(os.environ["STRIKE_AFTER"])
done = 0

def strike(self, batch, generator):
    global done
    if done == after:
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1
    return step(self, batch, generator)

Regression.training_step = strike
run_script(train.main)
"""


class Training:
    """Files of one training, and the command that makes them."""

    def __init__(self, data, folder):
        self.data, self.folder = data, folder

    def command(self, *start, experiment=EXPERIMENT, seed=1, checkpoint_seconds=0):
        options = {
            "view": self.data / "view.h5",
            "split": self.data / "split.csv",
            "model": self.folder / "model.pt",
            "history": self.folder / "history.csv",
            "cost": self.folder / "cost.json",
            "checkpoints": self.folder / "checkpoints",
            "experiment": json.dumps(experiment),
            "seed": seed,
            "compute": json.dumps({"checkpoint_seconds": checkpoint_seconds, "log_seconds": 0}),
            "code": "0" * 64,
            "name": "tiny",
            "threads": 1,
        }
        return [sys.executable, *start, *(str(part) for key in options for part in (f"--{key}", options[key]))]

    def run(self, strike_after=None, **settings):
        if strike_after is None:
            return self._finish(self.command(str(SCRIPTS / "train.py"), **settings))
        return self._finish(self.command("-c", STRIKE, **settings), STRIKE_AFTER=str(strike_after))

    def _finish(self, command, **environment):
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    def start(self, **settings):
        return subprocess.Popen(self.command(str(SCRIPTS / "train.py"), **settings), stderr=subprocess.PIPE, text=True)

    def outputs(self):
        return (self.folder / "model.pt").read_bytes(), (self.folder / "history.csv").read_text()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_view(folder / "view.h5")
    write_split(folder / "split.csv", train=32, validation=20, test=12)
    return folder


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    training = Training(data, tmp_path_factory.mktemp("undisturbed"))
    result = training.run()
    assert result.returncode == 0, result.stderr
    assert not list((training.folder / "checkpoints").rglob("state.pt"))
    return training


@pytest.mark.parametrize(("checkpoint_seconds", "kills"), [(0, 3), (0.02, 1)], ids=["every_step", "sparse"])
def test_killed_at_random_steps_ends_bit_for_bit_the_same(data, undisturbed, tmp_path, checkpoint_seconds, kills):
    training = Training(data, tmp_path)
    for after in np.random.default_rng(kills).integers(1, STEPS // 2, kills):
        result = training.run(strike_after=after, checkpoint_seconds=checkpoint_seconds)
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert not (tmp_path / "model.pt").exists()
    result = training.run(checkpoint_seconds=checkpoint_seconds)
    assert result.returncode == 0, result.stderr
    if checkpoint_seconds == 0:
        assert "continuing after step" in result.stderr
        attempts = json.loads((tmp_path / "cost.json").read_text())["attempts"]
        assert [attempt["ended"] for attempt in attempts] == [None] * kills + ["complete"]
    assert training.outputs() == undisturbed.outputs()
    assert not list((tmp_path / "checkpoints").rglob("state.pt"))


def test_one_writer_and_a_signal_that_asks_for_another_attempt(data, undisturbed, tmp_path):
    training = Training(data, tmp_path)
    first = training.start(checkpoint_seconds=1e6)
    try:
        assert any("step 2/" in line for line in first.stderr)
        first.send_signal(signal.SIGSTOP)  # holds its lock and does not end before the second has tried
        second = training.run()
        assert second.returncode == 1
        assert f"another training is writing here (process {first.pid} on " in second.stderr
        assert "Traceback" not in second.stderr
        first.send_signal(signal.SIGTERM)
        first.send_signal(signal.SIGCONT)
        rest = first.stderr.read()
        assert first.wait(timeout=60) == 75, rest
        assert "stopped by SIGTERM after step" in rest
    finally:
        first.kill()
        first.communicate()
    result = training.run()
    assert "continuing after step" in result.stderr
    assert training.outputs() == undisturbed.outputs()


def test_changed_pixels_are_refused(data, tmp_path):
    for name in ("view.h5", "split.csv"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    with h5py.File(tmp_path / "view.h5", "r+") as file:
        file["pixels"][3, 0, 0, 0] ^= 1
    result = Training(tmp_path, tmp_path).run()
    assert result.returncode == 1
    assert "view.h5: the pixels are not those that were packed" in result.stderr


def test_other_settings_start_anew(data, undisturbed, tmp_path):
    training = Training(data, tmp_path)
    training.run(strike_after=3, seed=2)
    result = training.run(seed=1)
    assert "removed the state of other settings" in result.stderr
    assert "continuing" not in result.stderr
    assert training.outputs() == undisturbed.outputs()


def test_the_model_file_describes_itself(undisturbed):
    model = torch.load(undisturbed.folder / "model.pt", weights_only=True)
    assert model["settings"] == EXPERIMENT
    assert model["columns"] == [f"target{i}" for i in range(37)]
    assert (model["size"], model["seed"], model["simulated"]) == (70, 1, True)


def test_predictions_are_those_of_the_trained_network(data, undisturbed, tmp_path):
    predict.main(
        *(data / "view.h5", data / "split.csv", undisturbed.folder / "model.pt", tmp_path / "predictions.h5"),
        experiment=EXPERIMENT,
        compute={"device": "cpu"},
        threads=1,
    )
    history = pd.read_csv(undisturbed.folder / "history.csv")
    with h5py.File(tmp_path / "predictions.h5") as file, h5py.File(data / "view.h5") as view:
        np.testing.assert_array_equal(file["ids"], 100 + np.arange(64))
        np.testing.assert_array_equal(file["split"], np.repeat([0, 1, 2], [32, 20, 12]))
        np.testing.assert_array_equal(file["labels"], view["labels"])
        errors = (file["predictions"][:] - file["labels"][:])[file["split"][:] == 1]
        assert list(file.attrs["columns"]) == list(view["labels"].attrs["columns"])
        assert file.attrs["simulated"]
    # the last row of the history was computed from the same weights
    assert np.sqrt((errors.astype(float) ** 2).mean()) == pytest.approx(history["val_rmse"].iloc[-1], rel=1e-6)


def test_predictions_of_another_experiment_or_view_are_refused(data, undisturbed, tmp_path):
    model = undisturbed.folder / "model.pt"
    rest = {"compute": {}, "threads": 1}
    other = {**EXPERIMENT, "network": {"architecture": "resnet50"}}
    with pytest.raises(DataError, match=r"'cnn'.*'resnet50'"):
        predict.main(data / "view.h5", data / "split.csv", model, tmp_path / "p.h5", experiment=other, **rest)
    write_view(tmp_path / "small.h5", size=64)
    with pytest.raises(DataError, match="70 px"):
        predict.main(tmp_path / "small.h5", data / "split.csv", model, tmp_path / "p.h5", experiment=EXPERIMENT, **rest)
    model = tmp_path / "cut.pt"
    model.write_bytes((undisturbed.folder / "model.pt").read_bytes()[:1000])
    with pytest.raises(DataError, match=r"cut\.pt"):
        predict.main(data / "view.h5", data / "split.csv", model, tmp_path / "p.h5", experiment=EXPERIMENT, **rest)


def test_a_complete_training_is_not_made_again(data, tmp_path):
    training = Training(data, tmp_path)
    assert training.run().returncode == 0
    made = {name: (tmp_path / name).read_bytes() for name in ("model.pt", "history.csv", "cost.json")}
    for name in made:
        (tmp_path / name).unlink()  # as Snakemake does before it runs a job again
    again = training.run()
    assert "this training was complete" in again.stderr
    assert {name: (tmp_path / name).read_bytes() for name in made} == made

    with (tmp_path / "history.csv").open("a") as history:
        history.write("edited")  # and with it the other name of this file
    again = training.run()
    assert "have been changed; training anew" in again.stderr
    assert (tmp_path / "history.csv").read_bytes() == made["history.csv"]

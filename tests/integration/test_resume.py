"""Trainings that are killed and restarted, as processes of the real script."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from small_views import write_split, write_view

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
EXPERIMENT = {
    "method": "regression",
    "view": "full_70",
    "network": {"architecture": "cnn", "filters": [8, 8, 8], "dense": [16], "dropout": [0.5]},
    "augmentation": {"rotation": 40, "shift": 0.2, "shear": 0.2, "zoom": [0.8, 1.2], "flip_horizontal": True},
    "optimiser": {"name": "adamax", "learning_rate": 0.001},
    "batch_size": 10,
    "epochs": 4,
}
STEPS_PER_EPOCH = 4  # 10 + 10 + 10 + 2 images

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
    assert not (training.folder / "checkpoints").exists()
    return training


@pytest.mark.parametrize("checkpoint_seconds", [0, 0.1], ids=["every_step", "sparse"])
def test_killed_at_random_steps_ends_bit_for_bit_the_same(data, undisturbed, tmp_path, checkpoint_seconds):
    training = Training(data, tmp_path)
    rng = np.random.default_rng(int(checkpoint_seconds * 10))
    for after in rng.integers(1, STEPS_PER_EPOCH + 2, 2):
        result = training.run(strike_after=after, checkpoint_seconds=checkpoint_seconds)
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert not (tmp_path / "model.pt").exists()
    result = training.run(checkpoint_seconds=checkpoint_seconds)
    assert result.returncode == 0, result.stderr
    if checkpoint_seconds == 0:
        assert "continuing after step" in result.stderr
        assert json.loads((tmp_path / "cost.json").read_text())["attempts"] == 3
    assert training.outputs() == undisturbed.outputs()


def test_a_signal_asks_for_another_attempt_that_ends_the_same(data, undisturbed, tmp_path):
    training = Training(data, tmp_path)
    process = training.start(checkpoint_seconds=1e6)
    for line in process.stderr:
        if "step 2/" in line:
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 75, rest
    assert "SIGTERM" in rest
    refused = training.run(experiment={**EXPERIMENT, "network": {**EXPERIMENT["network"], "filter": [3]}})
    assert refused.returncode == 1
    assert "unknown key 'filter'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_placeholder():
    time.sleep(0)
    assert h5py and torch

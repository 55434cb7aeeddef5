"""What a training step costs, in time and memory, on random images."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute, machine_of
from galaxies.data.device import Batch
from galaxies.errors import TrainingError
from galaxies.registry import named_module
from galaxies.training import Method, seed_everything

WARM_UP = 2  # steps that are not timed: they allocate memory and choose kernels
CHILD = "from galaxies.step_cost import print_peak_memory; print_peak_memory()"


class RandomImages:
    """8-bit images without labels on the device, served as `galaxies.data.device.Images` are."""

    view = "random images"
    dtype = torch.uint8

    def __init__(self, count: int, size: int, channels: int, compute: Compute, seed: int):
        self.size, self.shape = size, (count, channels, size, size)
        generator = torch.Generator().manual_seed(seed)
        images = torch.randint(256, self.shape, generator=generator, dtype=torch.uint8)
        self.images = images.to(compute.device)
        self.labels = torch.empty((count, 0), device=compute.device)

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Batch]:
        """Batches in `order`: int64 indices."""
        for indices in order.to(self.images.device).split(batch_size):
            yield Batch(self.images[indices], self.labels[indices])


class Stepper:
    """A method that has been built from an experiment without labels, and the images of one step."""

    def __init__(self, experiment: dict[str, Any], size: int, channels: int, compute: Compute, seed: int):
        methods = named_module("methods", experiment["method"])
        self.images_per_step = experiment["batch_size"] * getattr(methods, "BATCHES_PER_STEP", 1)
        self.compute = compute
        images = RandomImages(self.images_per_step, size, channels, compute, seed)
        seed_everything(seed)
        self.method: Method = methods.build(experiment, images, None, compute, {})
        self.batch = Batch(images.images, images.labels)
        self.generator = torch.Generator().manual_seed(seed)

    def seconds(self) -> float:
        """Wall time of one step, to the end of what the device has to do."""
        self._wait()
        started = time.perf_counter()
        self.method.training_step(self.batch, self.generator)
        self._wait()
        return time.perf_counter() - started

    def _wait(self) -> None:
        if self.compute.device.type == "cuda":
            torch.cuda.synchronize(self.compute.device)


def step_seconds(steppers: list[Stepper], steps: int) -> np.ndarray:
    """Seconds of `steps` steps of each, (len(steppers), steps); they take turns, each time in another order."""
    result = np.empty((len(steppers), WARM_UP + steps))
    for step in range(WARM_UP + steps):
        for turn in range(len(steppers)):
            position = (turn + step) % len(steppers)
            result[position, step] = steppers[position].seconds()
    return result[:, WARM_UP:]


def peak_memory(experiment: dict[str, Any], **settings: Any) -> int:
    """Largest memory in bytes that training takes, measured in a process of its own.

    On a GPU what torch allocates there, on the CPU what the process grows by. settings : size, channels, compute (as
    the configuration has it), threads, seed. Raises TrainingError if the process fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    question = json.dumps({"experiment": experiment, **settings})
    result = subprocess.run(
        [sys.executable, "-c", CHILD], input=question, env=environment, capture_output=True, text=True
    )
    if result.returncode:
        reason = " ".join(result.stderr.splitlines()[-2:]) or f"exit status {result.returncode}; is the memory enough?"
        raise TrainingError(
            f"the process that measures the memory of a step of {experiment['method']} failed: {reason}"
        )
    return int(result.stdout.split()[-1])


def print_peak_memory() -> None:
    """Print `peak_memory` of the settings on standard input; for a process of its own."""
    question = json.load(sys.stdin)
    compute = machine_of(question["compute"], question["threads"])
    before = 0 if compute.device.type == "cuda" else resident_memory("VmRSS")
    stepper = Stepper(question["experiment"], question["size"], question["channels"], compute, question["seed"])
    for _ in range(WARM_UP):
        stepper.seconds()
    after = compute.peak_memory() if compute.device.type == "cuda" else resident_memory("VmHWM")
    print(after - before)


def resident_memory(key: str) -> int:
    """Resident memory of this process in bytes, now (VmRSS) or at most (VmHWM); without /proc, at most.

    The system's other count of the maximum begins with that of the parent process.
    """
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else []:
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

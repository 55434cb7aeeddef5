"""The one training loop: steps, epochs, checkpoints, signals, progress. What is trained is a `Method`."""

import contextlib
import logging
import math
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from galaxies.checkpoints import Checkpoints, random_state, set_random_state
from galaxies.compute import Compute
from galaxies.errors import ConfigError, Interrupted, TrainingError
from galaxies.progress import Progress

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)  # Slurm sends one of the first two before it kills a job
Sums = dict[str, Tensor | float]


class Method(Protocol):
    """What is trained: networks, their optimisers, and one training step.

    A regression has one network and one optimiser, a GAN has two of each and no labels. All state lies in `networks`
    (an average of weights is one more network without optimiser, a counter is a buffer) and in `optimisers`; the loop
    saves and restores both.
    """

    networks: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]

    def training_step(self, batch: Any, generator: torch.Generator) -> Sums:
        """Update the networks with one batch; return quantities that the loop adds up over the epoch.

        Tensors are detached scalars on the device; nothing here should wait for the device. Random numbers beyond
        torch's own (dropout) come from `generator`, which lives on the CPU, so that they are the same on every device.
        """
        ...

    def epoch_metrics(self, sums: dict[str, float]) -> dict[str, float]:
        """Metrics of a whole or partial epoch from the sums of its steps."""
        ...

    def evaluate(self, check: Callable[[], None]) -> dict[str, float]:
        """Metrics of the networks as they are, at the end of an epoch.

        Takes no random numbers from the global generators and leaves the networks in training mode. Calls `check`
        between batches: it raises when the job has been asked to stop.
        """
        ...


class Data(Protocol):
    """Training examples in batches."""

    def __len__(self) -> int: ...

    def order(self, generator: torch.Generator) -> Tensor:
        """A random order of the examples of an epoch, int64 (len,)."""
        ...

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Any]:
        """Batches of examples in `order`, int64 indices (n,), n > 0."""
        ...


@dataclass(frozen=True)
class Settings:
    """Length and pace of a training.

    Exactly one of `epochs` (passes over the data) and `steps` is given. drop_last : leave out the last, smaller batch
    of an epoch. shuffle : another order of the examples in each epoch. checkpoint_seconds, log_seconds : wall time
    between saved states, and between log lines.
    """

    name: str
    seed: int
    batch_size: int
    epochs: int | None = None
    steps: int | None = None
    drop_last: bool = False
    shuffle: bool = True
    checkpoint_seconds: float = 60.0
    log_seconds: float = 10.0

    def __post_init__(self):
        if (self.epochs is None) == (self.steps is None):
            raise ConfigError(f"{self.name}: give either epochs or steps")
        for key in ("batch_size", "epochs", "steps"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ConfigError(f"{self.name}: {key} is {value}; it must be at least 1")


@dataclass(frozen=True)
class Result:
    """history : one row per epoch, free of clock values; cost : what the training took."""

    history: list[dict[str, float]]
    cost: dict[str, Any]


@dataclass
class _State:
    """Where a training stands; all of it is saved, together with networks, optimisers and random states."""

    generator: torch.Generator
    epoch: int = 0  # finished epochs
    position: int = 0  # finished steps of the current epoch
    sums: Sums = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)  # training alone, without evaluation
    seconds: float = 0.0  # of training in the current epoch
    images: int = 0  # in all training steps
    total_seconds: float = 0.0  # of all attempts, as far as they were saved
    attempts: list[dict[str, Any]] = field(default_factory=list)  # see _Run._begin_attempt


def seed_everything(seed: int) -> None:
    """Seed the global random generators of Python, NumPy and torch (CPU and CUDA)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def fit(
    method: Method,
    data: Data,
    settings: Settings,
    compute: Compute,
    checkpoints: Checkpoints,
    after_epoch: Callable[[], None] = lambda: None,
) -> Result:
    """Train `method` on `data`, from the state in `checkpoints` if there is one.

    Ends with the same weights and history whether or not it was stopped or killed in between, at whatever step: bit
    for bit on the CPU. On SIGTERM, SIGUSR1 or SIGINT it finishes the step, saves, and raises Interrupted. The caller
    writes the outputs and then removes the checkpoints. after_epoch : called after each evaluation; to look at, not to
    change, what is trained.

    Raises TrainingError for a loss that is not finite, or for a saved state that cannot be read.
    """
    return _Run(method, data, settings, compute, checkpoints, after_epoch).run()


class _Run:
    """One attempt at a training."""

    def __init__(
        self,
        method: Method,
        data: Data,
        settings: Settings,
        compute: Compute,
        checkpoints: Checkpoints,
        after_epoch: Callable[[], None],
    ):
        self.method, self.data, self.settings = method, data, settings
        self.compute, self.checkpoints, self.after_epoch = compute, checkpoints, after_epoch
        size = settings.batch_size
        self.epoch_steps = len(data) // size if settings.drop_last else math.ceil(len(data) / size)
        if self.epoch_steps == 0:
            raise ConfigError(
                f"{settings.name}: {len(data)} training images do not fill a batch of {size}",
                "lower batch_size, or take more images; where sets are taken side by side, the smallest counts",
            )
        self.steps = settings.steps or settings.epochs * self.epoch_steps
        self.state = _State(_generator(settings.seed, 0))
        self.saved = time.monotonic()
        self.finite_step = 0  # last step whose sums were seen to be finite

    @property
    def step(self) -> int:
        """Finished steps of the whole training."""
        return min(self.state.epoch * self.epoch_steps + self.state.position, self.steps)  # the last epoch may be short

    def run(self) -> Result:
        name = self.settings.name
        self._restore()
        self._begin_attempt()
        with (
            _StopOnSignal() as stop,
            Progress(name, self.steps, self.step, self.settings.log_seconds) as progress,
        ):
            try:
                while self.step < self.steps or self.state.position:  # or an evaluation is still to be done
                    self._train_epoch(stop.check, progress)
                    self._finish_epoch(stop.check, progress)
            except Interrupted as interruption:
                self.state.attempts[-1]["ended"] = str(interruption)
                self._save()
                raise Interrupted(
                    f"{name}: {interruption} after step {self.step} of {self.steps}; the state is saved, "
                    "and the next start continues from it",
                    progress=self.step >= self.state.attempts[-1]["first_step"],
                ) from None
        self.state.attempts[-1]["ended"] = "complete"
        self._count_time()
        return Result(self.state.history, self._cost())

    def _begin_attempt(self) -> None:
        """Begin the record of this attempt: what of it was kept, where it ran, and how it ended (killed: unknown)."""
        self.started, self.seconds_before = time.monotonic(), self.state.total_seconds
        self.processor_started = time.process_time()
        where = {"host": socket.gethostname(), "slurm_job": os.environ.get("SLURM_JOB_ID")}
        self.state.attempts.append({"first_step": self.step + 1, **where, "ended": None})
        self._count_time()

    def _count_time(self) -> None:
        seconds = time.monotonic() - self.started
        on_processor = time.process_time() - self.processor_started
        self.state.attempts[-1] |= {"last_step": self.step, "seconds": seconds, "cpu_seconds": on_processor}
        self.state.total_seconds = self.seconds_before + seconds

    def _train_epoch(self, check: Callable[[], None], progress: Progress) -> None:
        """The steps of the current epoch that are not done yet."""
        state, size = self.state, self.settings.batch_size
        order = self._order()[state.position * size : self._epoch_length() * size]
        self.epoch_started = time.monotonic() - state.seconds
        if not len(order):  # the state was saved after the last step, before the evaluation
            return
        with contextlib.closing(self.data.batches(order, size)) as batches:
            for batch, indices in zip(batches, order.split(size), strict=True):
                _add(state.sums, self.method.training_step(batch, state.generator))
                state.position += 1
                state.images += len(indices)
                if self.compute.device.type == "cpu":  # reading a value waits for a GPU; there it is done now and then
                    self._check_finite()
                progress.step(state.epoch + 1, len(indices), self._metrics)
                if time.monotonic() - self.saved >= self.settings.checkpoint_seconds:
                    self._save()
                check()

    def _finish_epoch(self, check: Callable[[], None], progress: Progress) -> None:
        """Evaluate and begin the next epoch. A stop in between leaves the state of the end of the last step."""
        state = self.state
        metrics = self._metrics()
        seconds = time.monotonic() - self.epoch_started
        metrics |= self.method.evaluate(check)
        state.seconds = seconds
        state.history.append({"epoch": state.epoch + 1, **metrics})
        state.epoch_seconds.append(seconds)
        state.epoch, state.position, state.sums, state.seconds = state.epoch + 1, 0, {}, 0.0
        progress.epoch(state.epoch, metrics)
        self.after_epoch()

    def _order(self) -> Tensor:
        """Order of the examples in the current epoch, int64."""
        if not self.settings.shuffle:
            return torch.arange(len(self.data))
        return self.data.order(_generator(self.settings.seed, 1 + self.state.epoch))

    def _epoch_length(self) -> int:
        """Steps of the current epoch: fewer in the last one if `steps` ends within it."""
        return min(self.epoch_steps, self.steps - self.state.epoch * self.epoch_steps)

    def _metrics(self) -> dict[str, float]:
        self._check_finite()
        return self.method.epoch_metrics({name: float(value) for name, value in self.state.sums.items()})

    def _check_finite(self) -> None:
        for name, value in self.state.sums.items():
            if not math.isfinite(value):
                where = f"step {self.step}"
                if self.finite_step < self.step - 1:
                    where = f"a step from {self.finite_step + 1} to {self.step}"
                raise TrainingError(
                    f"{self.settings.name}: {name} is {float(value)} since {where} (epoch {self.state.epoch + 1})",
                    "lower the learning_rate of the network that this is of; if precision is bfloat16, try float32; "
                    "look at the images and labels of this step",
                )
        self.finite_step = self.step

    def _save(self) -> None:
        self._check_finite()  # a good state must not be replaced by a spoilt one
        state, now = self.state, time.monotonic()
        self._count_time()
        if state.position:
            state.seconds = now - self.epoch_started
        self.checkpoints.save(
            {
                "networks": {name: network.state_dict() for name, network in self.method.networks.items()},
                "optimisers": {name: optimiser.state_dict() for name, optimiser in self.method.optimisers.items()},
                "random": random_state(state.generator),
                "compute": self.compute.describe(),
                "progress": {key: value for key, value in vars(state).items() if key != "generator"},
            }
        )
        self.saved = time.monotonic()

    def _restore(self) -> None:
        saved = self.checkpoints.load()
        if saved is None:
            return
        try:
            for name, network in self.method.networks.items():
                network.load_state_dict(saved["networks"][name])
            for name, optimiser in self.method.optimisers.items():
                optimiser.load_state_dict(saved["optimisers"][name])
            set_random_state(saved["random"], self.state.generator)
            self.state = _State(self.state.generator, **saved["progress"])
        except (KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{self.checkpoints.folder}: the saved state does not fit this training ({str(error)[:200]})",
                f"delete it to train from the start: `rm -r {self.checkpoints.folder}`",
            ) from error
        self.state.sums = {
            name: value.to(self.compute.device) if isinstance(value, Tensor) else value
            for name, value in self.state.sums.items()
        }
        self.finite_step = self.step
        now = self.compute.describe()
        changed = [f"{key} {before} -> {now[key]}" for key, before in saved["compute"].items() if now[key] != before]
        if changed:
            logger.warning("%s: continuing, but not bit for bit: %s", self.settings.name, ", ".join(changed))
        logger.info("%s: continuing after step %d of %d", self.settings.name, self.step, self.steps)

    def _cost(self) -> dict[str, Any]:
        state = self.state
        return {
            **self.compute.describe(),
            "parameters": {name: count_parameters(network) for name, network in self.method.networks.items()},
            "epochs": state.epoch,
            "steps": self.steps,
            "seconds_per_epoch": float(np.median(state.epoch_seconds)),
            "epoch_seconds": state.epoch_seconds,
            "images_per_second": state.images / sum(state.epoch_seconds),
            "total_seconds": state.total_seconds,
            "attempts": state.attempts,
            "peak_memory_bytes": self.compute.peak_memory(),
        }


class _StopOnSignal:
    """Notes a request to stop, for `check` to act on between steps. A second Ctrl-C stops at once."""

    def __init__(self):
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "_StopOnSignal":
        if threading.current_thread() is threading.main_thread():  # Python takes handlers from this thread alone
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if number == signal.SIGINT == self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.received is not None:
            raise Interrupted(f"stopped by {self.received.name}")


def count_parameters(network: nn.Module) -> int:
    """Number of weights and biases, frozen ones included, batch statistics not."""
    return sum(parameter.numel() for parameter in network.parameters())


def _generator(seed: int, stream: int) -> torch.Generator:
    """CPU generator for one use: stream 0 for draws in steps, 1 + epoch for the order of the images in an epoch."""
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state))


def _add(sums: Sums, step: Sums) -> None:
    """Add the sums of a step in double precision, on the device."""
    for name, value in step.items():
        value = value.detach().double() if isinstance(value, Tensor) else value
        sums[name] = sums[name] + value if name in sums else value

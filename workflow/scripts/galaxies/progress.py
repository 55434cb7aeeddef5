"""What a running training tells: a log line now and then, and a bar where someone is looking."""

import contextlib
import logging
import math
import sys
import time
from collections import deque
from collections.abc import Callable

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

logger = logging.getLogger(__name__)

PACE_LINES = 20  # speed and time left are those of so many log lines: a later phase may be a hundred times as slow


class Progress(contextlib.ExitStack):
    """Reports of a training of `steps` steps, of which `done` were finished before.

    name : shown in every line. seconds : time between log lines. The bar appears on standard error if that is a
    terminal; log lines then go above it.
    """

    def __init__(self, name: str, steps: int, done: int, seconds: float):
        super().__init__()
        self.name = name
        self.steps = steps
        self.done = done
        self.seconds = seconds
        self._images = 0
        self._marks = deque([(time.monotonic(), done, 0)], maxlen=PACE_LINES)  # when, steps, images
        self._bar = self.enter_context(
            tqdm(total=steps, initial=done, desc=name, unit="step", disable=not sys.stderr.isatty(), leave=False)
        )
        if not self._bar.disable:
            self.enter_context(logging_redirect_tqdm([logging.getLogger("galaxies")]))

    def step(self, epoch: int, images: int, metrics: Callable[[], dict[str, float]]) -> None:
        """Count one finished step of `images` images, and write a log line if one is due.

        metrics : called only for a log line, because reading values waits for the device.
        """
        self.done += 1
        self._images += images
        self._bar.update()
        now = time.monotonic()
        if now - self._marks[-1][0] < self.seconds:
            return
        then, steps_then, images_then = self._marks[0]
        left = (now - then) / (self.done - steps_then) * (self.steps - self.done)
        done = f"{self.name}: epoch {epoch}, step {self.done}/{self.steps}, {_line(metrics())}"
        logger.info("%s, %.0f images/s, %s left", done, (self._images - images_then) / (now - then), duration(left))
        self._marks.append((now, self.done, self._images))

    def epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Write the metrics of a finished epoch."""
        logger.info("%s: epoch %d done, %s", self.name, epoch, _line(metrics))


def _line(metrics: dict[str, float]) -> str:
    """Names and values, but for what is not measured yet; a loss that is not finite has ended the training before."""
    return " ".join(f"{name} {value:.5g}" for name, value in metrics.items() if not math.isnan(value))


def duration(seconds: float) -> str:
    """Time in words: 45 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"

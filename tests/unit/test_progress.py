"""What log lines say of a training, on a clock that the test winds."""

import logging
import math

import pytest

from galaxies import progress
from galaxies.progress import PACE_LINES, Progress


@pytest.fixture
def clock(monkeypatch):
    clock = type("Clock", (), {"now": 0.0, "monotonic": lambda self: self.now})()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="galaxies")
    logging.getLogger("galaxies").propagate = True
    return lambda: [record.getMessage() for record in caplog.records]


def test_time_left_follows_a_slower_phase(clock, lines):
    fast, slow = 8000, PACE_LINES + 1
    with Progress("test", steps=fast + slow + 100, done=0, seconds=10) as reports:
        for step in range(fast + slow):
            clock.now += 0.125 if step < fast else 60
            reports.step(1, 64, lambda: {"loss": 1})
    before, after = lines()[fast // 80 - 1], lines()[-1]
    assert f"step {fast}/" in before
    assert before.endswith(f"512 images/s, {(slow + 100) / 8:.0f} s left")
    assert after.endswith("1 images/s, 1 h 40 min left")


def test_lines_leave_out_what_is_not_measured_yet(clock, lines):
    with Progress("test", steps=1, done=0, seconds=1) as reports:
        clock.now += 2
        reports.step(1, 8, lambda: {"loss": 0.5, "generator_loss": math.nan})
        reports.epoch(1, {"loss": 0.25, "generator_loss": math.nan})
    assert lines() == ["test: epoch 1, step 1/1, loss 0.5, 4 images/s, 0 s left", "test: epoch 1 done, loss 0.25"]

"""Fixtures that the test files share."""

import logging
import os

import pytest
from small_gz2 import GZ2Sample, write_gz2

TOGETHER = "tests/workflow/"  # the tests of this folder share a run that takes minutes


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Deal the tests out to the processes one by one, but those of a folder together, to one process, and first.

    The mark `xdist_group` is for this, but pytest-xdist 3.8 does not see it under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):  # it begins with the largest group
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER if nodeid.startswith(TOGETHER) else nodeid

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _a_core_per_process() -> None:
    """Tests that run side by side would wait for each other's threads."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(autouse=True)
def _records_reach_caplog(monkeypatch) -> None:
    """`run_script` keeps the library's log records to itself; a test may want to see them."""
    monkeypatch.setattr(logging.getLogger("galaxies"), "propagate", True)


@pytest.fixture(scope="module")
def one_thread():
    """Threads that wait for each other cost more than the small networks of tests."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def gz2_sample(tmp_path) -> GZ2Sample:
    """Six galaxies, fresh for each test, so that a test may damage them."""
    return write_gz2(tmp_path / "gz2")

"""Fixtures that the test files share, and how several processes share the tests."""

import logging
import os

import pytest
from small_gz2 import GZ2Sample, write_gz2

LONG = (
    "tests/slurm/test_demo.py",
    "tests/slurm/test_faults.py",
    "tests/workflow/",
    "tests/workflow/test_contributing.py",
    "tests/workflow/test_commands.py",
)
"""Tests that are begun first when several processes share the work, as each of these takes minutes."""


def scope_of(nodeid: str) -> str:
    """What one process does as a whole, since its tests share what takes long to make: a file, or those of
    tests/workflow that look at one finished run."""
    return max((long for long in LONG if nodeid.startswith(long)), key=len, default=nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Deal the tests out file by file, in the order of their collection.

    `--dist loadfile` begins with the files of most tests instead, and would end with the longest tests of all.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones first, if anything runs beside them; alone, a failure of the others is seen earlier."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        rank = {name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: rank.get(scope_of(item.nodeid), len(LONG)))


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

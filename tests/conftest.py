"""Fixtures that the test files share."""

import logging

import pytest
from small_gz2 import GZ2Sample, write_gz2


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

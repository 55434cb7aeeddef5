"""Images of a split: the same batches from every placement."""

import numpy as np
import pytest
import torch
from small_views import write_split, write_view

from galaxies import compute as compute_module
from galaxies.compute import Compute, free_host_memory
from galaxies.data import device as device_module
from galaxies.data.device import Images, to_unit
from galaxies.data.rows import split_rows
from galaxies.errors import DataError

ROWS = np.array([5, 3, 40, 41, 0, 63, 17, 16, 15])


def machine(placement="auto"):
    return Compute(torch.device("cpu"), placement=placement)


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    path = tmp_path_factory.mktemp("view") / "view.h5"
    return path, write_view(path, size=12, columns=4)


@pytest.mark.parametrize("placement", ["device", "host", "disk"])
def test_batches_hold_the_asked_images_and_labels(view, placement):
    path, pixels = view
    images = Images(path, ROWS, machine(placement))
    assert len(images) == 9
    assert images.size == 12
    assert images.ids.tolist() == (100 + ROWS).tolist()
    order = torch.tensor([8, 0, 3, 3, 7, 1, 2])
    batches = list(images.batches(order, 3))
    assert [len(batch.images) for batch in batches] == [3, 3, 1]
    result = torch.cat([batch.images for batch in batches])
    assert result.dtype == torch.uint8
    np.testing.assert_array_equal(result, pixels[ROWS[order]])
    labels = torch.cat([batch.labels for batch in batches])
    assert labels.dtype == torch.float32
    assert torch.equal(labels, images.labels[order])


def test_reading_ahead_stops_with_its_reader(view):
    images = Images(view[0], ROWS, machine("disk"))
    batches = images.batches(torch.arange(9), 1)
    next(batches)
    batches.close()
    np.testing.assert_array_equal(next(images.batches(torch.arange(9), 9)).images, view[1][ROWS])


def test_auto_takes_memory_while_there_is_room_and_the_disk_after(view, monkeypatch):
    size = len(ROWS) * 3 * 12 * 12
    for free, expected in ((2 * size, "device"), (2 * size - 2, "disk")):
        monkeypatch.setattr(compute_module, "free_host_memory", lambda free=free: free)
        monkeypatch.setattr(device_module, "free_host_memory", lambda free=free: free)
        assert Images(view[0], ROWS, machine()).placement == expected


def test_free_memory_is_a_plausible_number():
    assert 2**26 < free_host_memory() < 2**45


def test_split_rows(view, tmp_path):
    split = tmp_path / "split.csv"
    write_split(split, train=10, validation=5, test=3)
    assert split_rows(view[0], split, "validation").tolist() == [10, 11, 12, 13, 14]
    write_split(split, train=10, validation=0, test=3)
    with pytest.raises(DataError, match="'validation'"):
        split_rows(view[0], split, "validation")
    write_split(split, train=100, validation=5, test=3)
    with pytest.raises(DataError, match="36 of 100"):
        split_rows(view[0], split, "train")


def test_bytes_become_float32_in_the_unit_interval():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    unit = to_unit(images)
    assert unit.dtype == torch.float32
    np.testing.assert_array_equal(unit, np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16) / np.float32(255))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("placement", ["device", "host", "disk"])
def test_batches_on_a_gpu(view, placement):
    images = Images(view[0], ROWS, Compute(torch.device("cuda"), placement=placement))
    batch = next(images.batches(torch.arange(9), 9))
    assert batch.images.device.type == batch.labels.device.type == "cuda"
    np.testing.assert_array_equal(batch.images.cpu(), view[1][ROWS])


def test_numbers_too_small_for_float32_count_as_zero_on_the_cpu():
    """With such gradients, convolutions take several times as long."""
    tiny = torch.full((8,), 1e-30)
    torch.set_flush_denormal(False)
    assert (tiny * 1e-10 > 0).all()
    Compute.choose(device="cpu")
    try:
        assert (tiny * 1e-10 == 0).all()
    finally:
        torch.set_flush_denormal(False)

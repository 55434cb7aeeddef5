"""Packed views: their pixels against independent computations, and everything that may go wrong on the way."""

import errno
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_gz2 import write_gz2

import pack_view
import prepare_catalogue
from galaxies.data import packing as packing_module
from galaxies.data.projections import crop_and_resize
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import sha256


class Packing:
    """A sample with its catalogue and split, and how to pack it."""

    def __init__(self, sample, folder: Path, frame: int):
        self.sample = sample
        self.settings = {
            "frame": frame,
            "images": None,
            "labels": [{"file": sample.solutions.name, "kind": "solutions"}],
        }
        self.catalogue, self.provenance = folder / "catalogue.csv", folder / "provenance.json"
        self.out = folder / "out"
        prepare_catalogue.main(
            sample.folder,
            self.catalogue,
            self.provenance,
            dataset="gz2_kaggle",
            source="simulated",
            unmatched="error",
            settings=self.settings,
        )

    def __call__(self, file="view.h5", *, name="full_8", threads=2, **settings) -> Path:
        view = self.out / file
        pack_view.main(
            self.catalogue,
            self.provenance,
            view,
            folder=self.sample.folder,
            dataset="gz2_kaggle",
            settings=self.settings | settings,
            name=name,
            threads=threads,
        )
        return view

    def left(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []


@pytest.fixture
def packing(gz2_sample, tmp_path) -> Packing:
    return Packing(gz2_sample, tmp_path, frame=424)


@pytest.fixture
def many(tmp_path, monkeypatch) -> Packing:
    """Sixty small images in chunks of seven."""
    monkeypatch.setattr(packing_module, "_BLOCK_BYTES", 7 * 3 * 8 * 8)
    return Packing(write_gz2(tmp_path / "gz2", count=60, frame=32), tmp_path, frame=32)


def triangle_filter(length: int, size: int) -> np.ndarray:
    """Weights (size, length) of an antialiased bilinear reduction: a triangle as wide as two output pixels."""
    scale = length / size
    centres = (np.arange(size) + 0.5) * scale
    distance = np.abs((np.arange(length) + 0.5) - centres[:, None]) / max(scale, 1)
    weights = np.clip(1 - distance, 0, None)
    return weights / weights.sum(axis=1, keepdims=True)


def resample(square: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(L, L, C) -> (S, S, C) with `weights` (S, L) along both axes."""
    return np.stack([weights @ channel @ weights.T for channel in np.moveaxis(square, 2, 0)], axis=2)


@pytest.mark.parametrize(("crop", "size"), [(0, 100), (250, 70), (424, 64), (249, 33)])
def test_crop_and_resize_against_an_explicit_filter(crop, size):
    pixels = np.random.default_rng(0).integers(0, 256, (424, 424, 3), dtype=np.uint8)
    found = np.asarray(crop_and_resize(Image.fromarray(pixels), crop, size))
    side = crop or 424
    first = (424 - side) // 2
    weights = triangle_filter(side, size)
    square = pixels[first : first + side, first : first + side].astype(float)
    expected = resample(square, weights)
    assert found.shape == (size, size, 3)
    # Rounding to integers after each of two passes: at most half a level each, and 8-bit fixed-point weights.
    assert np.abs(found - expected).max() <= 1.01


def test_resize_of_a_ramp_is_exact():
    """Away from the edges a symmetric filter keeps a linear ramp: pixel i of a 5-fold reduction is 5 i + 2."""
    pixels = np.zeros((424, 424, 3), dtype=np.uint8)
    pixels[87:337, 87:337] = np.arange(250)[None, :, None]
    found = np.asarray(crop_and_resize(Image.fromarray(pixels), 250, 50))
    np.testing.assert_array_equal(found[:, 1:-1, 0], np.tile(5 * np.arange(1, 49) + 2, (50, 1)))


def test_crop_without_resize_is_a_slice():
    pixels = np.random.default_rng(0).integers(0, 256, (424, 424, 3), dtype=np.uint8)
    found = np.asarray(crop_and_resize(Image.fromarray(pixels), 250, 250))
    np.testing.assert_array_equal(found, pixels[87:337, 87:337])
    np.testing.assert_array_equal(np.asarray(crop_and_resize(Image.fromarray(pixels), 0, 424)), pixels)


def test_view_holds_the_catalogue_and_the_pixels(packing):
    path = packing(name="crop250_50")
    table = pd.read_csv(packing.sample.solutions, index_col="GalaxyID").sort_index()
    with View(path) as view:
        assert view.shape == (6, 3, 50, 50)
        assert len(view) == 6
        assert view.pixels.dtype == np.uint8
        assert view.ids.tolist() == packing.sample.ids
        np.testing.assert_array_equal(view.labels, table.to_numpy(np.float32))
        assert view.columns == table.columns.tolist()
        weights = triangle_filter(250, 50)
        for row in range(6):
            with Image.open(packing.sample.image(row)) as image:
                square = np.asarray(image)[87:337, 87:337].astype(float)
            assert np.abs(view.pixels[row].transpose(1, 2, 0) - resample(square, weights)).max() <= 1.01
        assert view.attributes["catalogue_sha256"] == sha256(packing.catalogue)
        assert view.attributes["pixels_sha256"] == view.digest()
        assert set(json.loads(view.attributes["versions"])) >= {"numpy", "pillow", "h5py"}
        wanted = {"dataset": "gz2_kaggle", "view": "crop250_50", "source": "simulated", "simulated": True, "crop": 250}
        wanted |= {"size": 50, "units": "8-bit sRGB-like display values, 0..255", "format": "galaxies-view"}
        assert {key: view.attributes[key] for key in wanted} == wanted
    assert packing.left() == ["view.h5"]


def test_constant_images_stay_constant(packing):
    for row in range(6):
        colour = (40 * row, 255 - 40 * row, 90)
        Image.new("RGB", (424, 424), colour).save(packing.sample.image(row), quality=100, subsampling=0)
    with View(packing(name="crop250_70")) as view:
        for row in range(6):
            # Conversion to the colour space of JPEG and back costs up to one level.
            assert (
                np.abs(view.pixels[row].astype(int) - np.reshape([40 * row, 255 - 40 * row, 90], (3, 1, 1))).max() <= 1
            )


def test_same_bytes_from_any_threads_and_from_a_zip(many):
    archive = many.sample.folder / "images.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in many.sample.images.iterdir():
            file.write(path, f"images_training_rev1/{path.name}")
    expected = many("one.h5", threads=1).read_bytes()
    assert many("four.h5", threads=4).read_bytes() == expected
    assert many("zip.h5", images=archive.name, threads=2).read_bytes() == expected
    with View(many.out / "one.h5") as view:
        assert view.pixels.chunks == (7, 3, 8, 8)


@pytest.mark.parametrize("chosen", [[], [5], [59, 0, 3, 3, 17, 58], range(60), range(59, -1, -1)])
def test_read_any_rows(many, chosen):
    with View(many()) as view:
        found = view.read(np.asarray(chosen, dtype=int))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, view.pixels[:][np.asarray(chosen, dtype=int)])
        for rows in ([60], [-1], [[1]]):
            with pytest.raises(IndexError):
                view.read(rows)


def test_rows_of_ids(many):
    with View(many()) as view:
        chosen = [7, 59, 0, 0]
        rows = view.rows(np.asarray(many.sample.ids)[chosen])
        assert rows.dtype == np.int64
        assert rows.tolist() == chosen
        for absent in (1, 10**9):
            with pytest.raises(DataError, match=f"1 of 2 objects are not in the view: {absent}"):
                view.rows([view.ids[0], absent])


def test_few_blocks_are_under_way_at_a_time(monkeypatch):
    """Memory is bounded: the decoders wait for a slow writer."""
    started = []

    def decode(_images, ids, *_):
        started.append(ids[0])
        return np.zeros((len(ids), 3, 2, 2), np.uint8), []

    monkeypatch.setattr(packing_module, "_decode_block", decode)
    lead = []
    for first, _ in packing_module._decoded_blocks(None, np.arange(400), None, 4, threads=3):
        time.sleep(0.001)
        lead.append(len(started) - first // 4 - 1)
    assert len(started) == 100
    assert max(lead) <= 2 * 3 + 1


def test_all_bad_images_are_named_and_nothing_is_left(packing):
    packing.sample.image(1).write_bytes(b"")
    packing.sample.image(3).write_bytes(packing.sample.image(3).read_bytes()[:-500])
    Image.new("L", (424, 424)).save(packing.sample.image(5))
    with pytest.raises(DataError) as error:
        packing()
    for words in ("3 of 6", "0 bytes", "truncated", "greyscale", *(packing.sample.image(i).name for i in (1, 3, 5))):
        assert words in str(error.value)
    assert packing.left() == []


def test_each_kind_of_bad_image_gets_its_hint_once(packing, caplog):
    """Two files cut off, a greyscale and a large image; and nothing is reported as packed."""
    for index in (0, 4):
        packing.sample.image(index).write_bytes(packing.sample.image(index).read_bytes()[:-500])
    Image.new("L", (424, 424)).save(packing.sample.image(1))
    Image.new("RGB", (500, 500)).save(packing.sample.image(2))
    with caplog.at_level("INFO"), pytest.raises(DataError) as error:
        packing()
    hints = error.value.hint.splitlines()
    assert len(hints) == 3
    for hint, words in zip(hints, ("fetch it again", "convert it to RGB", "`frame` of the data set"), strict=True):
        assert words in hint
    assert str(error.value).count("Hint:") == 1
    assert "Packed" not in caplog.text
    for index in (0, 1, 4):
        packing.sample.image(index).write_bytes(packing.sample.image(3).read_bytes())
    with pytest.raises(DataError) as error:
        packing()
    assert "fetch" not in error.value.hint


def test_damaged_member_of_a_zip_gives_one_hint(packing):
    path = packing.sample.folder / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for image in packing.sample.images.iterdir():
            archive.write(image, image.name)
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match="is damaged") as error:
        packing(images=path.name)
    assert str(error.value).count("Hint:") == 1
    assert "fetch it again" in error.value.hint


def test_packed_images_are_counted_in_the_log(packing, caplog):
    with caplog.at_level("INFO"):
        packing()
    assert "Packed 6 of 6 images" in caplog.text


def test_a_folder_full_of_bad_images_stops_early(many):
    for path in many.sample.images.iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"at least 10 of 60") as error:
        many()
    assert str(error.value).count(".jpg") == 10
    assert many.left() == []


def test_failed_packing_keeps_the_old_view(packing):
    before = packing().read_bytes()
    packing.sample.image(1).write_bytes(b"no image")
    with pytest.raises(DataError):
        packing(name="full_16")
    assert packing.left() == ["view.h5"]
    assert (packing.out / "view.h5").read_bytes() == before


def test_image_removed_after_the_catalogue(packing):
    packing.sample.image(2).unlink()
    with pytest.raises(DataError, match=f"1 of 6 objects .* have no image: {packing.sample.ids[2]}") as error:
        packing()
    assert f"delete {packing.catalogue} and run the same command again" in error.value.hint
    assert packing.left() == []


@pytest.mark.parametrize("text", ["", "[]", '{"dataset": "gz2_kaggle"}'])
def test_damaged_provenance(packing, text):
    packing.provenance.write_text(text)
    with pytest.raises(DataError, match=r"provenance\.json: not a provenance file") as error:
        packing()
    assert error.value.hint == "delete the file and run the same command again"
    assert packing.left() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "crop425_8"}, "cuts 425 pixels out of images of 424"),
        ({"name": "pooled_53"}, "kinds full, crop"),
        ({"threads": 0}, "0 threads"),
    ],
)
def test_settings_that_cannot_be(packing, change, words):
    with pytest.raises(ConfigError, match=words):
        packing(**change)


def test_disk_too_small_is_said_before_the_work(packing, monkeypatch):
    free = type("Usage", (), {"free": 8 * 10**5})
    monkeypatch.setattr(packing_module.shutil, "disk_usage", lambda path: free)
    with pytest.raises(DataError, match=r"view\.h5: needs 1.1 MB of disk, 0.8 MB are free"):
        packing(name="full_250")
    assert packing.left() == []


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0.0 MB"), (1_240_000, "1.2 MB"), (9_900_000, "9.9 MB"), (12_340_000, "12 MB")]
)
def test_sizes_in_messages(size, text):
    assert packing_module._megabytes(size) == text


@pytest.mark.parametrize("limit", [0, 100, 4000, 9000, 12000])
def test_disk_full_while_writing(many, limit):
    """The limit on file sizes makes writes fail inside HDF5, early or late, as a full disk does."""
    size = len(many("whole.h5").read_bytes())
    assert size > 12000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(DataError, match=r"view\.h5: the disk is full [\s\S]*nothing was kept"):
            many()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert many.left() == ["whole.h5"]


def test_disk_full_when_flushing(packing, monkeypatch):
    """Network file systems report a full disk only when the file is flushed."""

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"view\.h5: the disk is full or a quota is reached \(No space left"):
        packing()
    assert packing.left() == []


def test_process_survives_a_full_disk(packing):
    """HDF5 left alone with a failed write crashes the interpreter when it ends."""
    script = Path(pack_view.__file__)
    arguments = {
        "catalogue": packing.catalogue,
        "provenance": packing.provenance,
        "view": packing.out / "view.h5",
        "folder": packing.sample.folder,
        "dataset": "gz2_kaggle",
        "settings": json.dumps(packing.settings),
        "name": "full_64",
        "threads": 1,
    }
    command = [sys.executable, script, *(f"--{key}={value}" for key, value in arguments.items())]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert done.returncode == 1
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert packing.left() == []


def test_pixels_are_read_back_before_the_view_appears(packing, monkeypatch):
    monkeypatch.setattr(View, "digest", lambda self: "another")
    with pytest.raises(DataError, match="read back differ"):
        packing()
    assert packing.left() == []


def test_truncated_view(many, tmp_path):
    data = many().read_bytes()
    path = tmp_path / "cut.h5"
    for length in (0, 10, 100, 3000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"cut\.h5: truncated, or no HDF5 file[\s\S]*run the same command again"):
            View(path)


def test_foreign_and_incomplete_files(packing, tmp_path):
    with pytest.raises(DataError, match=r"absent\.h5: no such packed view"):
        View(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(DataError, match=r"text\.h5: truncated, or no HDF5 file"):
        View(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["pixels"] = np.zeros(3)
    with pytest.raises(DataError, match=r"other\.h5: format and version are \(None, None\)"):
        View(tmp_path / "other.h5")


DAMAGES = {
    "no pixels": lambda file: file.__delitem__("pixels"),
    "no columns": lambda file: file["labels"].attrs.__delitem__("columns"),
    "fewer labels": lambda file: replace(file, "labels", file["labels"][:3]),
    "wrong type": lambda file: replace(file, "ids", file["ids"][:].astype(np.float64)),
    "channels last": lambda file: replace(file, "pixels", np.zeros((6, 8, 8, 3), np.uint8)),
    "not chunked": lambda file: replace(file, "pixels", file["pixels"][:]),
    "newer version": lambda file: file.attrs.__setitem__("format_version", 3),
    "group for pixels": lambda file: (file.__delitem__("pixels"), file.create_group("pixels")),
}


def replace(file, name, values):
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(attributes)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_views(packing, damage):
    path = packing()
    with h5py.File(path, "r+") as file:
        DAMAGES[damage](file)
    with pytest.raises(DataError, match=r"view\.h5: [\s\S]*pack_view"):
        View(path)

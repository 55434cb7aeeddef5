"""The archive of the whole Galaxy Challenge, which holds the published archives."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_cil import zip_folder
from small_gz2 import write_gz2

from galaxies.data.catalogue import build_catalogue
from galaxies.datasets.gz2_kaggle.files import find
from galaxies.datasets.gz2_kaggle.images import open_images
from galaxies.datasets.gz2_kaggle.labels import read_labels
from galaxies.errors import DataError

SETTINGS = {
    "frame": 16,
    "images": None,
    "labels": [{"file": "training_solutions_rev1", "kind": "solutions"}],
}


@pytest.fixture
def gz2(tmp_path):
    return write_gz2(tmp_path / "gz2", frame=16)


def challenge(sample, folder, prefix="", images_prefix="images_training_rev1/"):
    """The archive of the challenge, with test images and a benchmark that must not be taken."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "solutions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sample.solutions, "training_solutions_rev1.csv")
    zip_folder(folder / "images.zip", sample.images, images_prefix)
    zip_folder(folder / "test.zip", sample.images, "images_test_rev1/")
    path = folder / "galaxy-zoo-the-galaxy-challenge.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "test.zip", f"{prefix}images_test_rev1.zip")
        archive.write(folder / "images.zip", f"{prefix}images_training_rev1.zip")
        archive.write(folder / "solutions.zip", f"{prefix}training_solutions_rev1.zip")
        archive.writestr(f"{prefix}all_zeros_benchmark.csv", "GalaxyID,Class1.1\n1,0\n")
    for name in ("solutions.zip", "images.zip", "test.zip"):
        (folder / name).unlink()
    return folder


@pytest.mark.parametrize("prefix", ["", "challenge/"])
@pytest.mark.parametrize("images_prefix", ["images_training_rev1/", ""])
def test_archives_in_an_archive(gz2, tmp_path, prefix, images_prefix):
    files = find(challenge(gz2, tmp_path / "download", prefix, images_prefix), SETTINGS)
    with open_images(files, SETTINGS) as images:
        table, _ = build_catalogue(images.ids, read_labels(files, SETTINGS, images), "error")
        for position, number in enumerate(gz2.ids):
            with Image.open(gz2.image(position)) as expected:
                np.testing.assert_array_equal(np.asarray(images.load(number)), np.asarray(expected))
    expected = pd.read_csv(gz2.solutions, index_col="GalaxyID")
    np.testing.assert_array_equal(table[expected.columns], expected.loc[table.index])


def test_damaged_archive_in_an_archive(gz2, tmp_path):
    folder = challenge(gz2, tmp_path / "download")
    path = folder / "galaxy-zoo-the-galaxy-challenge.zip"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("images_training_rev1.zip").header_offset
    content[start + 200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"member 'images_training_rev1\.zip' is damaged"):
        open_images(find(folder, SETTINGS), SETTINGS)


def test_archive_in_an_archive_that_is_none(gz2, tmp_path):
    folder = challenge(gz2, tmp_path / "download")
    path = folder / "galaxy-zoo-the-galaxy-challenge.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images_training_rev1.zip", b"<html>")
        archive.writestr("training_solutions_rev1.zip", b"<html>")
    with pytest.raises(DataError, match=r"images_training_rev1\.zip: not a readable zip archive"):
        open_images(find(folder, SETTINGS), SETTINGS)
    with pytest.raises(DataError, match=r"training_solutions_rev1\.zip: not a readable zip archive"):
        read_labels(find(folder, SETTINGS), SETTINGS, None)

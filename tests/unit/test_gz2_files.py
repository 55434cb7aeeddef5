"""Where the files of a user are looked for, and what is said when they are not there."""

import pytest

from galaxies.datasets.gz2_kaggle.files import find_images, find_table
from galaxies.errors import DataError

IMAGES = "images_training_rev1"


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        (None, [f"{IMAGES}/5.jpg"], IMAGES),
        (None, [f"{IMAGES}.zip"], f"{IMAGES}.zip"),
        (None, [f"{IMAGES}/5.jpg", f"{IMAGES}.zip"], IMAGES),
        ("mine", ["mine/5.jpg", f"{IMAGES}.zip"], "mine"),
        ("mine.zip", ["mine.zip", f"{IMAGES}.zip"], "mine.zip"),
    ],
)
def test_images(tmp_path, name, there, expected):
    files(tmp_path, *there)
    assert find_images(str(tmp_path), name) == tmp_path / expected


def test_empty_folder_counts_only_without_an_archive(tmp_path):
    (tmp_path / IMAGES).mkdir()
    assert find_images(str(tmp_path)) == tmp_path / IMAGES
    files(tmp_path, f"{IMAGES}.zip", f"{IMAGES}/.DS_Store")
    assert find_images(str(tmp_path)) == tmp_path / f"{IMAGES}.zip"


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("own.csv", ["own.csv", "own.zip"], "own.csv"),
        ("own.CSV", ["own.CSV", "own.CSV.zip"], "own.CSV"),
        ("own.txt", ["own.txt", "own.txt.csv"], "own.txt"),
        ("own", ["own", "own.csv"], "own"),
        ("own", ["own/a.csv", "own.csv"], "own.csv"),
        ("own.v2", ["own.v2.zip"], "own.v2.zip"),
        ("labels/own", ["labels/own.csv"], "labels/own.csv"),
    ],
)
def test_tables(tmp_path, name, there, expected):
    files(tmp_path, *there)
    assert find_table(str(tmp_path), name) == tmp_path / expected


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files(tmp_path, "gz2/own.csv")
    assert find_table("~/gz2", "own") == tmp_path / "gz2" / "own.csv"


@pytest.mark.parametrize(
    ("find", "names"),
    [
        (lambda folder: find_images(folder), [IMAGES, f"{IMAGES}.zip"]),
        (lambda folder: find_images(folder, f"{IMAGES}.zip"), [f"{IMAGES}.zip"]),
        (lambda folder: find_table(folder, "training_solutions_rev1"), ["training_solutions_rev1.csv"]),
        (lambda folder: find_table(folder, "training_solutions_rev1.csv"), ["training_solutions_rev1.csv"]),
    ],
)
def test_published_files_that_are_absent(tmp_path, find, names):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match="kaggle competitions download") as error:
            find(str(folder))
        assert str(folder) in error.value.message
    assert "no such folder" in error.value.message
    with pytest.raises(DataError) as error:
        find(str(tmp_path))
    assert all(name in error.value.message for name in names)


@pytest.mark.parametrize(
    ("find", "names", "key"),
    [
        (lambda folder: find_images(folder, "mine"), "mine", "its key `images`"),
        (lambda folder: find_table(folder, "own"), "own, own.csv, own.zip", "the key `file` of its `labels`"),
        (lambda folder: find_table(folder, "own.zip"), "own.zip", "the key `file` of its `labels`"),
    ],
)
def test_own_files_that_are_absent(tmp_path, find, names, key):
    with pytest.raises(DataError) as error:
        find(str(tmp_path))
    assert error.value.message.startswith(f"{tmp_path}: ")
    assert f"(looked for {names})" in error.value.message
    assert key in error.value.hint
    assert "kaggle competitions" not in str(error.value)


@pytest.mark.parametrize("name", [f"data/{IMAGES}", f"data/{IMAGES}.zip", "data/mine"])
@pytest.mark.parametrize("find", [find_images, lambda folder: find_table(folder, "own")])
def test_path_is_the_images_themselves(tmp_path, name, find):
    path = tmp_path / name
    files(tmp_path, name if path.suffix else f"{name}/100008.jpg")
    with pytest.raises(DataError) as error:
        find(str(path))
    assert error.value.message.startswith(f"{path}: ")
    assert f"`path` of the data set is the folder that contains {IMAGES}" in error.value.hint
    assert f"set it to {path.parent}," in error.value.hint

"""Files are whole or absent."""

import hashlib
import json

import pytest

from galaxies.errors import DataError
from galaxies.files import atomic, reading, sha256, write_text


def test_success_replaces_the_old_file(tmp_path):
    path = tmp_path / "new" / "a.csv"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.csv"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_file_keeps_the_suffix(tmp_path):
    with atomic(tmp_path / "a.pdf") as temporary:
        assert temporary.suffix == ".pdf"
        assert temporary.parent == tmp_path
        temporary.touch()


def test_digest_agrees_with_hashlib(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"galaxy" * 1000)
    assert sha256(path) == hashlib.sha256(b"galaxy" * 1000).hexdigest()


def test_failed_write_names_the_file(tmp_path):
    with pytest.raises(OSError) as caught, atomic(tmp_path / "a.csv"):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(tmp_path / "a.csv")


def test_damaged_file_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("{")
    with pytest.raises(DataError, match=r"a\.json: damaged(.|\n)*delete it"), reading(path):
        json.loads(path.read_text())
    with pytest.raises(FileNotFoundError), reading(path):
        (tmp_path / "b").read_text()

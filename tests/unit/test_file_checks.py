"""Checks of downloaded files, against digests that other programs published or compute."""

import subprocess
import zipfile

import pytest

from galaxies.data.file_checks import archive_has, git_blob_is, md5_is, sha256_is
from galaxies.errors import DataError

# Of the text "abc": FIPS 180-2 (SHA-256), RFC 1321 (MD5).
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.fixture
def abc(tmp_path):
    path = tmp_path / "abc.txt"
    path.write_bytes(b"abc")
    return path


@pytest.mark.parametrize(("check", "digest"), [(sha256_is, SHA256), (md5_is, MD5)])
def test_published_digests(abc, check, digest):
    check(digest)(abc)
    check(digest.upper())(abc)
    with pytest.raises(DataError, match=rf"abc\.txt.*{digest}, expected 00"):
        check("00")(abc)


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 9000])
def test_git_names_a_file_so(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    command = ["git", "hash-object", "--no-filters", str(path)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    git_blob_is(name)(path)
    with pytest.raises(DataError, match=f"git object name is {name}, expected 00"):
        git_blob_is("00")(path)


def write_archive(path, names=("a/1.jpg", "a/2.JPG", "a/notes.txt"), size=5000):
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, bytes([number]) * size)
    return path


def test_an_archive_with_the_published_number_of_files(tmp_path):
    archive_has(2, ".jpg", member_limit=5000)(write_archive(tmp_path / "images.zip"))


@pytest.mark.parametrize(
    ("members", "suffix", "message"),
    [(5, ".jpg", r"holds 2 files \*\.jpg, expected 5: 3 are missing"), (1, ".jpg", "1 too many"), (1, ".csv", "1 are")],
)
def test_files_that_are_missing_are_counted(tmp_path, members, suffix, message):
    with pytest.raises(DataError, match=message):
        archive_has(members, suffix, member_limit=5000)(write_archive(tmp_path / "images.zip"))


def test_each_member_is_read(tmp_path):
    path = write_archive(tmp_path / "images.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"\1" * 5000) + 4999] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a/2\.JPG' is damaged"):
        archive_has(2, ".jpg", member_limit=5000)(path)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_cut_archive_is_refused(tmp_path, keep):
    path = write_archive(tmp_path / "images.zip")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataError, match="not a readable zip"):
        archive_has(2, ".jpg", member_limit=5000)(path)


def test_unsafe_members_are_refused(tmp_path):
    with pytest.raises(DataError, match="outside"):
        archive_has(1, ".jpg", member_limit=5000)(write_archive(tmp_path / "images.zip", ["../1.jpg"]))
    with pytest.raises(DataError, match="at most 4999"):
        archive_has(2, ".jpg", member_limit=4999)(write_archive(tmp_path / "images.zip"))

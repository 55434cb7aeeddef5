"""Checks that a file is the published one: by its digest, or by what an archive without a published digest must hold.

Each function here makes a check: a callable that takes a path and returns, or raises DataError with what was expected
and what was found.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from galaxies.data.archives import Archive
from galaxies.errors import DataError

Check = Callable[[Path], None]

_FETCH_HINT = "delete it and fetch it again; if that does not help, the published file has changed"


def sha256_is(expected: str) -> Check:
    """Check the SHA-256 of a file, 64 hexadecimal digits."""
    return _digest_is("SHA-256", expected, lambda _: hashlib.new("sha256"))


def md5_is(expected: str) -> Check:
    """Check the MD5 of a file, 32 hexadecimal digits: against transmission errors, not against forgery."""
    return _digest_is("MD5", expected, lambda _: hashlib.new("md5", usedforsecurity=False))


def git_blob_is(expected: str) -> Check:
    """Check the name that git gives to a file's content, 40 hexadecimal digits, as `git hash-object` prints it."""

    def start(path: Path):
        header = b"blob %d\0" % path.stat().st_size
        return hashlib.new("sha1", header, usedforsecurity=False)

    return _digest_is("git object name", expected, start)


def _digest_is(name: str, expected: str, start: Callable) -> Check:
    def check(path: Path) -> None:
        with Path(path).open("rb") as file:
            found = hashlib.file_digest(file, lambda: start(Path(path))).hexdigest()
        if found != expected.lower():
            raise DataError(f"{path}: its {name} is {found}, expected {expected.lower()}", _FETCH_HINT)

    return check


def archive_has(members: int, suffix: str, *, member_limit: int) -> Check:
    """Check that a file is a zip archive with `members` files whose names end with `suffix`, and that all are readable.

    Every member is unpacked once, one at a time, and its CRC-32 compared. suffix : such as `.jpg`, in any case.
    member_limit : largest size of one member in bytes, which bounds the memory too.
    """

    def check(path: Path) -> None:
        with Archive(path, member_limit) as archive:
            found = len({name for name in archive.members if name.lower().endswith(suffix.lower())})
            if found != members:
                difference = f"{members - found} are missing" if found < members else f"{found - members} too many"
                raise DataError(f"{path}: holds {found} files *{suffix}, expected {members}: {difference}", _FETCH_HINT)
            for name in archive.members:
                archive.read(name)

    return check

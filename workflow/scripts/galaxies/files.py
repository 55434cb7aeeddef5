"""Files that are either whole or absent, and their digests."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from galaxies.errors import DataError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds, delete it when it fails.

    The file is flushed to disk before the rename, so that a crash leaves the old file or the new one, never a part.
    The temporary name keeps the suffix of `path`, because writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")  # short, whatever the name
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is None and error.errno is not None:  # a failed write does not say which file it was
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def full_disk_as_data_error(path: Path, hint: str) -> Iterator[None]:
    """Turn a failed write for lack of room, by the disk, a quota or a limit, into a DataError that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DataError(f"{path}: the disk is full or a quota is reached ({error.strerror})", hint) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors that a damaged or foreign file causes while it is read into a DataError that names the file."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, KeyError, IndexError, ValueError, TypeError) as error:  # pandas' and JSON's are ValueErrors
        raise DataError(
            f"{path}: damaged, or not a file of this workflow ({type(error).__name__}: {str(error)[:80]})",
            "delete it and run the same command again; the workflow makes it anew",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits, read in blocks."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

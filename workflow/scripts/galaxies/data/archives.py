"""Zip archives read in place, member by member, without trusting their headers."""

import contextlib
import errno
import lzma
import re
import shutil
import struct
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

from galaxies.errors import DataError, quoted

MAX_MEMBERS = 10_000_000
MAX_NESTED_BYTES = 64 * 2**30
MAX_EXPANSION = 200  # deflate reaches 1032, with zeros; of the published files, a table of zeros comes to 25

_LITTER = {"thumbs.db", "desktop.ini"}


def is_litter(name: str) -> bool:
    """True for what operating systems leave behind: `__MACOSX/`, hidden files such as `.DS_Store`, `Thumbs.db`."""
    return any(
        part == "__MACOSX" or part.startswith(".") or part.lower() in _LITTER for part in PurePosixPath(name).parts
    )


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


@contextlib.contextmanager
def _damage_as_data_error(message: str, hint: str) -> Iterator[None]:
    """Turn what zipfile raises for damaged content into a DataError; errors of the disk pass."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DataError(f"{message} ({str(error)[:100]})", hint) from error


class Archive:
    """A zip archive open for reading; threads may share it.

    `members` lists the names of its files in archive order, without folders and litter. `content` is the open file when
    it is not the one at `path`, as for an archive within an archive.

    Raises
    ------
    DataError
        The file is no readable zip, it has more than `MAX_MEMBERS` members, a member's name is absolute or climbs out
        of the archive (`../`), a member is encrypted, or it would unpack to more than `member_limit` bytes or
        `MAX_EXPANSION` times its size. Archives inside have the limit `MAX_NESTED_BYTES` instead of the first.
    """

    def __init__(self, path: Path, member_limit: int, content: BinaryIO | None = None):
        self.path = Path(path)
        self._lock = threading.Lock()
        self._content = content
        with _damage_as_data_error(
            f"{self.path}: not a readable zip archive",
            "The download is probably incomplete; delete the file and fetch it again.",
        ):
            self._zip = zipfile.ZipFile(content or self.path)
        infos = self._zip.infolist()
        try:
            if len(infos) > MAX_MEMBERS:
                raise DataError(f"{self.path}: {len(infos)} members, at most {MAX_MEMBERS} expected")
            for info in infos:
                self._check(info, MAX_NESTED_BYTES if _is_zip(info.filename) else member_limit)
        except DataError:
            self.close()
            raise
        self.members: list[str] = [
            i.filename for i in infos if i.filename and not i.is_dir() and not is_litter(i.filename)
        ]

    def _check(self, info: zipfile.ZipInfo, member_limit: int) -> None:
        name = info.filename
        if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise DataError(
                f"{self.path}: member {quoted(name)} points outside the archive",
                "This is not the published archive; do not unpack it, fetch it again from its source.",
            )
        if info.flag_bits & 0x1:
            raise DataError(f"{self.path}: member {quoted(name)} is encrypted, expected an archive without password")
        limit = min(member_limit, MAX_EXPANSION * info.compress_size + 2**20)
        if info.file_size > limit:
            raise DataError(
                f"{self.path}: member {quoted(name)} would unpack to {info.file_size} bytes, at most {limit} expected"
            )

    def read(self, name: str) -> bytes:
        """Content of the member `name`; its checksum is verified. Raises DataError when it is damaged."""
        # zipfile counts its open members without a lock, so that threads could close the file under each other.
        info = self._zip.getinfo(name)
        with self._lock, self._reading(name), self._zip.open(info) as member:
            # With an explicit length zipfile never inflates more than that, whatever the header claims.
            return member.read(info.file_size + 1)

    def nested(self, name: str, member_limit: int) -> "Archive":
        """The archive that is the member `name` of this one.

        A zip must be read back and forth and a compressed member cannot, so it is copied to a temporary file without a
        name, which vanishes when the archive is closed. Raises DataError when it is damaged or unsafe.
        """
        content = tempfile.TemporaryFile()  # noqa: SIM115, the archive that is returned closes it
        try:
            with self._lock, self._reading(name), self._zip.open(self._zip.getinfo(name)) as member:
                shutil.copyfileobj(member, content, 2**20)
            return Archive(self.path / name, member_limit, content)
        except BaseException:
            content.close()
            raise

    def _reading(self, name: str) -> contextlib.AbstractContextManager[None]:
        return _damage_as_data_error(
            f"{self.path}: member {quoted(name)} is damaged", "damaged archive: fetch it again"
        )

    def close(self) -> None:
        self._zip.close()
        if self._content is not None:
            self._content.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

"""Zip archives read in place, member by member, without trusting their headers."""

import re
import shutil
import struct
import tempfile
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

from galaxies.errors import DataError

MAX_MEMBERS = 10_000_000
MAX_NESTED_BYTES = 64 * 2**30

_LITTER = {"thumbs.db", "desktop.ini"}


def is_litter(name: str) -> bool:
    """True for what operating systems leave behind: `__MACOSX/`, hidden files such as `.DS_Store`, `Thumbs.db`."""
    return any(
        part == "__MACOSX" or part.startswith(".") or part.lower() in _LITTER for part in PurePosixPath(name).parts
    )


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


class Archive:
    """A zip archive open for reading; threads may share it.

    `members` lists the names of its files in archive order, without folders and litter. `content` is the open file when
    it is not the one at `path`, as for an archive within an archive.

    Raises
    ------
    DataError
        The file is no readable zip, it has more than `MAX_MEMBERS` members, a member's name is absolute or climbs out
        of the archive (`../`), a member is encrypted, or it is larger than `member_limit` bytes when unpacked. Archives
        inside are exempt from that limit; they have one of their own, see `nested`.
    """

    def __init__(self, path: Path, member_limit: int, content: BinaryIO | None = None):
        self.path = Path(path)
        self._lock = threading.Lock()
        self._content = content
        try:
            self._zip = zipfile.ZipFile(content or self.path)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error) as error:
            raise DataError(
                f"{self.path}: not a readable zip archive ({error})",
                "The download is probably incomplete; delete the file and fetch it again.",
            ) from error
        infos = self._zip.infolist()
        try:
            if len(infos) > MAX_MEMBERS:
                raise DataError(f"{self.path}: {len(infos)} members, at most {MAX_MEMBERS} expected")
            for info in infos:
                self._check(info, MAX_NESTED_BYTES if _is_zip(info.filename) else member_limit)
        except DataError:
            self.close()
            raise
        self.members: list[str] = [i.filename for i in infos if not i.is_dir() and not is_litter(i.filename)]

    def _check(self, info: zipfile.ZipInfo, member_limit: int) -> None:
        name = info.filename
        if re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise DataError(
                f"{self.path}: member {name!r} points outside the archive",
                "This is not the published archive; do not unpack it, fetch it again from its source.",
            )
        if info.flag_bits & 0x1:
            raise DataError(f"{self.path}: member {name!r} is encrypted, expected an archive without password")
        if info.file_size > member_limit:
            raise DataError(
                f"{self.path}: member {name!r} would unpack to {info.file_size} bytes, at most {member_limit} expected"
            )

    def read(self, name: str) -> bytes:
        """Content of the member `name`; its checksum is verified. Raises DataError when it is damaged."""
        # zipfile counts its open members without a lock, so that threads could close the file under each other.
        with self._lock:
            try:
                info = self._zip.getinfo(name)
                with self._zip.open(info) as member:
                    # With an explicit length zipfile never inflates more than that, whatever the header claims.
                    return member.read(info.file_size + 1)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
                raise DataError(
                    f"{self.path}: member {name!r} is damaged ({error})", "damaged archive: fetch it again"
                ) from error

    def nested(self, name: str, member_limit: int) -> "Archive":
        """The archive that is the member `name` of this one.

        A zip must be read back and forth and a compressed member cannot, so it is copied to a temporary file without a
        name, which vanishes when the archive is closed. Raises DataError when it is damaged or unsafe.
        """
        content = tempfile.TemporaryFile()  # noqa: SIM115, the archive that is returned closes it
        try:
            with self._lock, self._zip.open(self._zip.getinfo(name)) as member:
                shutil.copyfileobj(member, content, 2**20)
            return Archive(self.path / name, member_limit, content)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            content.close()
            raise DataError(
                f"{self.path}: member {name!r} is damaged ({error})", "damaged archive: fetch it again"
            ) from error
        except BaseException:
            content.close()
            raise

    def close(self) -> None:
        self._zip.close()
        if self._content is not None:
            self._content.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

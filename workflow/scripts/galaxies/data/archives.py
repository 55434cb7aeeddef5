"""Zip archives read in place, member by member, without trusting their headers."""

import re
import threading
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Self

from galaxies.errors import DataError

_LITTER = {"thumbs.db", "desktop.ini"}


def is_litter(name: str) -> bool:
    """True for what operating systems leave behind: `__MACOSX/`, hidden files such as `.DS_Store`, `Thumbs.db`."""
    return any(
        part == "__MACOSX" or part.startswith(".") or part.lower() in _LITTER for part in PurePosixPath(name).parts
    )


class Archive:
    """A zip archive open for reading; threads may share it.

    `members` lists the names of its files in archive order, without folders and litter.

    Raises
    ------
    DataError
        The file is no readable zip, a member's name is absolute or climbs out of the archive (`../`), a member is
        encrypted, or it is larger than `member_limit` bytes when unpacked.
    """

    def __init__(self, path: Path, member_limit: int):
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            raise DataError(
                f"{self.path}: not a readable zip archive ({error})",
                "The download is probably incomplete; delete the file and fetch it again.",
            ) from error
        try:
            files = [info for info in self._zip.infolist() if not info.is_dir()]
            for info in self._zip.infolist():
                self._check(info, member_limit)
        except DataError:
            self.close()
            raise
        self.members: list[str] = [info.filename for info in files if not is_litter(info.filename)]

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

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

"""Folders of images by any names, as a user may have them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from galaxies.data.archives import is_litter
from galaxies.errors import DataError, quoted

LONGEST = 200
"""Bytes of a part of a file's name; a name has 255 at most."""


@dataclass(frozen=True)
class ImageFolder:
    """What a folder holds. names : of its images, by the names without suffix, in their order.

    bad : what is wrong with the other files, one error each. folders : names of sub-folders, which were not searched.
    """

    path: Path
    names: dict[str, str]
    bad: list[DataError]
    folders: list[str]


def list_images(path: Path, suffixes: tuple[str, ...]) -> ImageFolder:
    """Images directly inside a folder; their files are not opened.

    Litter of operating systems is passed over. Bad are files of other suffixes, folders with one of these, what is no
    regular file (nor a link to one), names that cannot be printed, and all of those that are alike but for the suffix.
    Raises DataError if `path` is no folder, or if there is nothing in it but litter and folders.
    """
    hint = f"name the folder that has the {suffixes[0]} files directly in it"
    if not path.is_dir():
        problem = "a file, expected a folder" if path.exists() else "no such folder"
        raise DataError(f"{path}: {problem} of images", hint)
    found: dict[str, list[str]] = {}
    problems: dict[str, str] = {}
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            file = PurePosixPath(entry.name)
            if is_litter(entry.name):
                continue
            if _is(entry.is_dir):
                if file.suffix.lower() in suffixes:
                    problems[entry.name] = "a folder, expected an image"
                else:
                    folders.append(entry.name)
            elif not entry.name.isprintable():  # it could not be written to a table, or would break its lines
                problems[entry.name] = "its name has characters that cannot be printed"
            elif file.suffix.lower() not in suffixes:
                problems[entry.name] = f"its name does not end in {' or '.join(suffixes)}"
            elif not _is(entry.is_file):
                problems[entry.name] = "no regular file, or a link to none"
            else:
                found.setdefault(file.stem, []).append(entry.name)
    if not found and not problems:
        searched = " (sub-folders are not searched)" if folders else ""
        raise DataError(f"{path}: no images in it{searched}", hint)
    for stem, names in found.items():
        if len(names) > 1:
            files = " and ".join(quoted(name) for name in sorted(names))
            problems |= dict.fromkeys(names, f"{files} are both {quoted(stem)} without their suffixes")
    bad = [DataError(f"{path}{os.sep}{quoted(name, 200)[1:-1]}: {problems[name]}") for name in sorted(problems)]
    return ImageFolder(path, {stem: found[stem][0] for stem in sorted(found) if len(found[stem]) == 1}, bad, folders)


def name_of_folder(path: str) -> str:
    """Name for a file about a folder: its path, percent-encoded where it has more than letters, digits and `-._~`.

    No two paths have the same, not even `a/b` and `a_b`; a plain name stays as it is. Raises DataError for a path that
    would make too long a name for a file, with room for what else stands in it.
    """
    name = re.sub(r"[^\w.-]", lambda found: quote(os.fsencode(found[0]), safe=""), os.path.normpath(path))
    if len(os.fsencode(name)) > LONGEST:
        raise DataError(f"{path}: too long for a name that a table can have", "name the folder by a shorter path")
    return name


def _is(kind) -> bool:
    """Whether a folder's entry is of a kind; False where the system cannot say, as for links in a circle."""
    try:
        return kind()
    except OSError:
        return False

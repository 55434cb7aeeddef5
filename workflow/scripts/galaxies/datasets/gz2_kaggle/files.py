"""Where the files of Galaxy Zoo 2 lie inside a folder of the user: as published, or unpacked."""

import os
from collections.abc import Callable
from pathlib import Path

from galaxies.data.archives import is_litter
from galaxies.errors import DataError

IMAGES, SOLUTIONS = "images_training_rev1", "training_solutions_rev1"
ID_COLUMN = "GalaxyID"
CHALLENGE = "galaxy-zoo-the-galaxy-challenge"  # name of the competition, and of the archive of all its files
DOWNLOADS = (f"{IMAGES}.zip", f"{SOLUTIONS}.zip")  # what source download brings

FETCH_HINT = (
    f"fetch the published files with `kaggle competitions download -c {CHALLENGE}` and put them there, set `path` of "
    "the data set to where they are, or set its `source` to download or simulated"
)
_OWN_IMAGES_HINT = "`path` of the data set names the folder, its key `images` the images in it"
_OWN_TABLE_HINT = "`path` of the data set names the folder, the key `file` of its `labels` the table in it"


def find(folder: Path, settings: dict) -> dict[str, Path]:
    """Places of the `images` and of each label table of `settings`, as `table <file>`.

    folder : also the archive of the whole challenge. Raises DataError naming the places looked at and what to do.
    """
    root = Path(folder).expanduser()
    if root.is_file() and root.suffix.lower() == ".zip":
        return {"images": root, **{f"table {table['file']}": root for table in settings["labels"]}}
    tables = {f"table {table['file']}": find_table(root, table["file"]) for table in settings["labels"]}
    return {"images": find_images(root, settings["images"]), **tables}


def find_images(folder: Path, name: str | None = None) -> Path:
    """Folder or zip archive with the images inside `folder`; `name` replaces the published names.

    An empty folder is taken only where there is no archive beside it.
    Raises DataError naming the places looked at and what to do.
    """
    names = [name] if name else [IMAGES, f"{IMAGES}.zip", f"{CHALLENGE}.zip"]
    hint = FETCH_HINT if Path(names[0]).stem == IMAGES else _OWN_IMAGES_HINT
    found = _find(folder, names, Path.exists, "images", hint)
    return next(filter(holds_files, found), found[0])


def find_table(folder: Path, name: str) -> Path:
    """Label table inside `folder`: the file `name` as it is, or with the suffix .csv or .zip.

    Raises DataError naming the places looked at and what to do.
    """
    names = [name] if Path(name).suffix.lower() in (".csv", ".zip") else [name, f"{name}.csv", f"{name}.zip"]
    if Path(name).stem == SOLUTIONS:
        return _find(folder, [*names, f"{CHALLENGE}.zip"], Path.is_file, "labels", FETCH_HINT)[0]
    return _find(folder, names, Path.is_file, "labels", _OWN_TABLE_HINT)[0]


def holds_files(path: Path) -> bool:
    """True for a file, and for a folder with anything but litter of operating systems in it."""
    if not path.is_dir():
        return path.exists()
    with os.scandir(path) as entries:  # unlike `iterdir`, stops at the first of many thousand
        return any(not is_litter(entry.name) for entry in entries)


def _find(folder: Path, names: list[str], accept: Callable[[Path], bool], what: str, hint: str) -> list[Path]:
    """The accepted places, at least one."""
    root = Path(folder).expanduser()
    if found := [root / name for name in names if accept(root / name)]:
        return found
    if root.is_file() or root.name == IMAGES or any(image.stem.isdigit() for image in root.glob("*.jpg")):
        hint = (
            f"`path` of the data set is the folder that contains {IMAGES} (or {IMAGES}.zip) and the label files: set "
            f"it to {root.parent}, and where the images have another name, the key `images` to that name"
        )
    if not root.exists():
        raise DataError(f"{root}: no such folder; {what} of the data set gz2_kaggle expected there", hint)
    if not root.is_dir():
        raise DataError(f"{root}: a file, expected a folder with {what} of the data set gz2_kaggle", hint)
    raise DataError(f"{root}: no {what} of the data set gz2_kaggle there (looked for {', '.join(names)})", hint)

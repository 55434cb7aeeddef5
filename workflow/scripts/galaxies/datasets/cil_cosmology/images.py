"""CIL cosmology images: PNG files of three subsets, in a folder or in the published archive."""

import os
from pathlib import Path, PurePosixPath

from galaxies.data.archives import Archive, is_litter
from galaxies.data.images import MAX_IMAGE_BYTES, ImageFiles, ImageFormat, files_by_id
from galaxies.data.names import GREY_LEVELS
from galaxies.data.projections import Projection, grey_levels
from galaxies.datasets.cil_cosmology.files import FETCH_HINT, PUBLISHED_FOLDER, TABLES
from galaxies.errors import DataError, quoted

CHANNELS = ("grey",)

SUBSETS = ("labeled", "scored", "query")
ID_RANGE = 10**7
"""Published ids have seven digits. Two ids of the query set are among the scored ones too, so an object id is the
position of the subset in `SUBSETS` times this number, plus the published id."""


def object_id(subset: str, published_id: int) -> int:
    """Id that is unique over the subsets."""
    return SUBSETS.index(subset) * ID_RANGE + published_id


def projection(view: str, settings: dict) -> Projection:
    """What makes the pixels of a view: (1, S, S) float32 grey levels, or (K,) counts of pixels."""
    return grey_levels(view, settings["frame"], GREY_LEVELS)


def open_images(files: dict[str, Path], settings: dict) -> ImageFiles:
    """Images `labeled/<Id>.png`, `scored/<Id>.png` and `query/<Id>.png` by object id; nothing is unpacked.

    files : `root` is the folder or archive that `files.find` returns. settings : `frame`, side of the images in pixels.

    Raises
    ------
    DataError
        There are no images, the archive is unsafe (see `Archive`), or a file name is no id of at most seven digits or
        means the same id as another.
    """
    root = files["root"]
    image_format = ImageFormat("PNG", "L", settings["frame"], "`frame` of the data set")
    if root.is_dir():
        return ImageFiles(root, _by_object_id(root, _names_in_folder(root), image_format), image_format)
    archive, prefix = open_archive(root)
    try:
        names = {
            subset: [name for name in archive.members if PurePosixPath(name).parent == prefix / subset]
            for subset in SUBSETS
        }
        return ImageFiles(root, _by_object_id(root, names, image_format), image_format, archive)
    except BaseException:
        archive.close()
        raise


def open_archive(path: Path) -> tuple[Archive, PurePosixPath]:
    """The archive with the data set, perhaps inside the one at `path`, and the folder in it that holds the tables.

    Raises DataError if it has no such folder.
    """
    archive = Archive(path, MAX_IMAGE_BYTES)
    try:
        inner = [name for name in archive.members if PurePosixPath(name).name == f"{PUBLISHED_FOLDER}.zip"]
        if inner:
            outer, archive = archive, archive.nested(inner[0], MAX_IMAGE_BYTES)
            outer.close()
        folders = [PurePosixPath(name).parent for name in archive.members if PurePosixPath(name).name == TABLES[0]]
        outermost = min((len(folder.parts) for folder in folders), default=0)
        folders = [folder for folder in folders if len(folder.parts) == outermost]  # it may be nested in itself
        if len(folders) != 1:
            raise DataError(f"{path}: holds {len(folders)} files {TABLES[0]} side by side, expected one", FETCH_HINT)
        return archive, folders[0]
    except BaseException:
        archive.close()
        raise


def _names_in_folder(root: Path) -> dict[str, list[str]]:
    names = {}
    for subset in SUBSETS:
        if (root / subset).is_dir():
            with os.scandir(root / subset) as entries:
                names[subset] = sorted(f"{subset}/{e.name}" for e in entries if e.is_file() and not is_litter(e.name))
    return names


def _by_object_id(root: Path, names: dict[str, list[str]], image_format: ImageFormat) -> dict[int, str]:
    files = {}
    for subset, members in names.items():
        found, _ = files_by_id(root, members, image_format.suffixes)
        for published, name in found.items():
            if published >= ID_RANGE:
                raise DataError(
                    f"{root}: the name of {quoted(name)} is no id of at most seven digits",
                    "call the image by its id in the tables of labels, or take the file out",
                )
            files[object_id(subset, published)] = name
    if not files:
        raise DataError(
            f"{root}: no images, expected {', '.join(f'{subset}/<Id>.png' for subset in SUBSETS)}", FETCH_HINT
        )
    return files

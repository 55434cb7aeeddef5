"""Images of Galaxy Zoo 2: JPEG files in a folder or in the published archive."""

import logging
import os
from pathlib import Path, PurePosixPath

from galaxies.data.archives import Archive, is_litter
from galaxies.data.images import MAX_IMAGE_BYTES, ImageFiles, ImageFormat, files_by_id
from galaxies.data.projections import Projection, bilinear
from galaxies.data.tables import listed
from galaxies.datasets.gz2_kaggle.files import FETCH_HINT, IMAGES, holds_files
from galaxies.errors import DataError

logger = logging.getLogger(__name__)

CHANNELS = ("R", "G", "B")
UNITS = "8-bit sRGB-like display values, 0..255"

_LAYOUT_HINT = f"expected {IMAGES}/<GalaxyID>.jpg, or {IMAGES}.zip with these files; {FETCH_HINT}"


def projection(view: str, settings: dict) -> Projection:
    """What makes the images (3, S, S) uint8 of a view: crop, then bilinear antialiased resize (Galaxy Zoo CNN: 424 to
    100, or 250 to 70 pixels)."""
    return bilinear(view, settings["frame"], CHANNELS, UNITS)


def open_images(files: dict[str, Path], settings: dict) -> ImageFiles:
    """Images in their published layout; nothing is unpacked.

    files : `images` is a folder of `<GalaxyID>.jpg`; a zip archive of them, inside a folder or not, or of that archive;
        or the folder in which `images_training_rev1` or `images_training_rev1.zip` lies.
    settings : `frame` is the side of the images in pixels.

    Raises
    ------
    DataError
        There is no such folder or archive, it holds no images, the archive is unsafe (see `Archive`), or a file name is
        no galaxy id or means the same id as another.
    """
    path = files["images"]
    image_format = ImageFormat("JPEG", "RGB", settings["frame"], "`frame` of the data set")
    if path.is_file():
        return _open_zip(path, image_format)
    if not path.is_dir():
        raise DataError(f"{path}: no such folder or zip archive of images", _LAYOUT_HINT)
    while (path / IMAGES).is_dir() and holds_files(path / IMAGES):
        path = path / IMAGES
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if not is_litter(entry.name) and entry.is_file())
    found = _by_id(path, names, image_format)
    if not found and (path / f"{IMAGES}.zip").is_file():
        return _open_zip(path / f"{IMAGES}.zip", image_format)
    if not found:
        raise DataError(f"{path}: the folder holds no .jpg file", _LAYOUT_HINT)
    return ImageFiles(path, found, image_format)


def _open_zip(path: Path, image_format: ImageFormat) -> ImageFiles:
    archive = Archive(path, MAX_IMAGE_BYTES)
    try:
        nested = next((name for name in archive.members if PurePosixPath(name).name == f"{IMAGES}.zip"), None)
        if nested:
            outer, archive = archive, archive.nested(nested, MAX_IMAGE_BYTES)
            outer.close()
        # An archive of the whole challenge has the test images beside the training images.
        inside = [name for name in archive.members if IMAGES in PurePosixPath(name).parent.parts]
        files = _by_id(path, inside or archive.members, image_format)
        if not files:
            raise DataError(f"{path}: the archive holds no .jpg file", _LAYOUT_HINT)
    except BaseException:
        archive.close()
        raise
    return ImageFiles(path, files, image_format, archive)


def _by_id(path: Path, names: list[str], image_format: ImageFormat) -> dict[int, str]:
    files, others = files_by_id(path, names, image_format.suffixes)
    if files and others:
        logger.warning("%s: ignored %d files that are not .jpg: %s", path, len(others), listed(others[:5]))
    return files

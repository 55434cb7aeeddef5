"""Galaxy images on disk: a folder of JPEG files or the published zip archive, read in place."""

import io
import logging
import os
import struct
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np
from PIL import Image

from galaxies.data.archives import Archive, is_litter
from galaxies.data.gz2 import parse_integer
from galaxies.data.local import FETCH, IMAGES, holds_files
from galaxies.errors import DataError

logger = logging.getLogger(__name__)

MAX_IMAGE_BYTES = 64 * 2**20
SIMULATED = b"simulated galaxy image"  # JPEG comment of simulated images, so that they never pass for real ones

_LAYOUT_HINT = f"expected {IMAGES}/<GalaxyID>.jpg, or {IMAGES}.zip with these files; {FETCH}"

# Each names its kind, for messages that list several bad images.
_DAMAGED_HINT = (
    "damaged image: fetch it again; or remove it, set data.gz2_kaggle.unmatched to drop, and its galaxy is left out"
)
_FORMAT_HINT = "image of another format: save it as JPEG; if it is no image at all, fetch it again"
_MODE_HINT = "image of another colour mode: convert it to RGB"
_SIZE_HINT = (
    "image of another size: all must be squares whose side in pixels is data.gz2_kaggle.frame; set that key to the "
    "side of your images, or resize them"
)


class ImageCollection:
    """Images by galaxy id. Made by `open_images`; threads may share it; close it or use it in a `with` block.

    name : last part of its path, for provenance.
    ids : (N,) int64, ascending.
    """

    def __init__(self, path: Path, files: dict[int, str], archive: Archive | None):
        self.path = path
        self.name = path.name
        self.ids = np.asarray(sorted(files), dtype=np.int64)
        self._files = files
        self._archive = archive

    def __len__(self) -> int:
        return len(self.ids)

    def location(self, image_id: int) -> str:
        """Where an image lies, for messages."""
        return f"{self.path}{':' if self._archive else os.sep}{self._files[int(image_id)]}"

    def load(self, image_id: int, frame: int) -> Image.Image:
        """One image as a decoded Pillow image of `frame` x `frame` RGB pixels. Raises like `decode`."""
        return _open_jpeg(self._read(image_id), self.location(image_id), frame)

    def decode(self, image_id: int, frame: int) -> np.ndarray:
        """One image as uint8 (frame, frame, 3), row 0 on top, channels R, G, B.

        Raises
        ------
        DataError
            The file is empty, truncated or no JPEG, is not RGB, or does not measure `frame` x `frame` pixels.
        """
        return np.asarray(self.load(image_id, frame))

    def are_simulated(self) -> bool:
        """Whether any of some images, evenly spread over the ids, carries the mark of the simulator."""
        some = self.ids[:: max(1, len(self) // 32)]
        return any(SIMULATED in self._read(image_id)[:1024] for image_id in some)

    def _read(self, image_id: int) -> bytes:
        name = self._files[int(image_id)]
        if self._archive:
            return self._archive.read(name)
        with (self.path / name).open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
        if len(data) > MAX_IMAGE_BYTES:
            raise DataError(f"{self.location(image_id)}: larger than {MAX_IMAGE_BYTES} bytes, expected a small JPEG")
        return data

    def close(self) -> None:
        if self._archive:
            self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def open_images(path: Path) -> ImageCollection:
    """Images of a data set in its published layout; nothing is unpacked.

    path : a folder of `<GalaxyID>.jpg`; a zip archive of them, inside a folder or not; or the folder in which
        `images_training_rev1` or `images_training_rev1.zip` lies.

    Raises
    ------
    DataError
        There is no such folder or archive, it holds no images, the archive is unsafe (see `Archive`), or a file name is
        no galaxy id or means the same id as another.
    """
    path = Path(path)
    if path.is_file():
        return _open_zip(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such folder or zip archive of images", _LAYOUT_HINT)
    while (path / IMAGES).is_dir() and holds_files(path / IMAGES):
        path = path / IMAGES
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if not is_litter(entry.name) and entry.is_file())
    files = _ids_of(path, names)
    if not files and (path / f"{IMAGES}.zip").is_file():
        return _open_zip(path / f"{IMAGES}.zip")
    if not files:
        raise DataError(f"{path}: the folder holds no .jpg file", _LAYOUT_HINT)
    return ImageCollection(path, files, None)


def _open_zip(path: Path) -> ImageCollection:
    archive = Archive(path, MAX_IMAGE_BYTES)
    try:
        # An archive of the whole challenge has the test images beside the training images.
        inside = [name for name in archive.members if IMAGES in PurePosixPath(name).parent.parts]
        files = _ids_of(path, inside or archive.members)
        if not files:
            nested = [name for name in archive.members if name.lower().endswith(".zip")]
            found = f"only further archives ({', '.join(nested[:3])}); unpack it once" if nested else "no .jpg file"
            raise DataError(f"{path}: the archive holds {found}", _LAYOUT_HINT)
    except DataError:
        archive.close()
        raise
    return ImageCollection(path, files, archive)


def _ids_of(path: Path, names: list[str]) -> dict[int, str]:
    """Galaxy id -> file name."""
    files: dict[int, str] = {}
    others = []
    for name in names:
        file = PurePosixPath(name)
        if file.suffix.lower() not in (".jpg", ".jpeg"):
            others.append(name)
            continue
        image_id = parse_integer(file.stem)
        if image_id is None:
            raise DataError(f"{path}: the name of {name!r} is no galaxy id, expected digits as in 100008.jpg")
        if image_id in files:
            raise DataError(f"{path}: {files[image_id]!r} and {name!r} are both images of GalaxyID {image_id}")
        files[image_id] = name
    if files and others:
        logger.warning("%s: ignored %d files that are not .jpg: %s", path, len(others), ", ".join(others[:5]))
    return files


def _open_jpeg(data: bytes, where: str, frame: int) -> Image.Image:
    if not data:
        raise DataError(f"{where}: the file is empty (0 bytes), expected a JPEG image", _DAMAGED_HINT)
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG",))  # reads the header only
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise DataError(f"{where}: not a JPEG image ({_without_object(error)})", _FORMAT_HINT) from error
    # Before decoding, so that a small file that claims a huge image costs no memory.
    if image.mode != "RGB":
        raise DataError(
            f"{where}: colour mode is {image.mode} ({_MODES.get(image.mode, 'other')}), expected RGB", _MODE_HINT
        )
    if image.size != (frame, frame):
        raise DataError(f"{where}: {image.width}x{image.height} pixels, expected {frame}x{frame}", _SIZE_HINT)
    # The decoder accepts a scan that lacks only its last bytes. FF D9 ends an image and cannot occur inside a scan,
    # which starts with FF DA.
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise DataError(f"{where}: truncated JPEG, {len(data)} bytes without the end-of-image marker", _DAMAGED_HINT)
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise DataError(f"{where}: damaged JPEG ({error})", _DAMAGED_HINT) from error
    return image


_MODES = {"L": "greyscale", "CMYK": "four-colour print"}


def _without_object(error: Exception) -> str:
    """Pillow's message without the memory address of the buffer that it names."""
    return str(error).partition(" <")[0]

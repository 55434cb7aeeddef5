"""Images of a data set on disk: files by id, in a folder or in a zip archive that is read in place."""

import io
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, Self

import numpy as np
from PIL import Image

from galaxies.data.archives import Archive
from galaxies.data.tables import parse_integer
from galaxies.errors import DataError, quoted

MAX_IMAGE_BYTES = 64 * 2**20
SIMULATED = b"simulated galaxy image"
"""Comment inside simulated image files, so that they never pass for real ones."""

# Each names its kind, for messages that list several bad images.
_DAMAGED_HINT = (
    "damaged image: fetch it again; or remove it, set `unmatched: drop` for this data set, and its object is left out"
)


class ImageSource(Protocol):
    """Images by object id. Threads may share it; close it or use it in a `with` block.

    path : folder or file that holds them. name : its last part, for provenance. ids : (N,) int64, ascending.
    """

    path: Path
    name: str
    ids: np.ndarray

    def load(self, object_id: int) -> Any:
        """One image, as the projections of the data set take it. Raises DataError if it is bad."""

    def are_simulated(self) -> bool:
        """Whether the files say that a simulator made them."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_) -> None: ...


@dataclass(frozen=True)
class ImageFormat:
    """What every image file of a data set must be.

    name : "JPEG" or "PNG". mode : Pillow's, "RGB" or "L". frame : side of the square images in pixels, and `frame_key`
    the configuration key that sets it.
    """

    name: str
    mode: str
    frame: int
    frame_key: str

    @property
    def suffixes(self) -> tuple[str, ...]:
        return {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",)}[self.name]


class ImageFiles:
    """An `ImageSource` of image files; `load` returns a decoded Pillow image of the format's mode and frame.

    files : name of each object's file inside `path` or the open `archive`, by id.
    """

    def __init__(self, path: Path, files: dict[int, str], image_format: ImageFormat, archive: Archive | None = None):
        self.path = path
        self.name = path.name
        self.ids = np.asarray(sorted(files), dtype=np.int64)
        self._files = files
        self._format = image_format
        self._archive = archive

    def __len__(self) -> int:
        return len(self.ids)

    def location(self, object_id: int) -> str:
        """Where an image lies, for messages."""
        name = self._files[int(object_id)]
        return f"{self.path}:{quoted(name, 200)[1:-1]}" if self._archive else f"{self.path}{os.sep}{name}"

    def load(self, object_id: int) -> Image.Image:
        """One image.

        Raises
        ------
        DataError
            The file is empty, truncated, damaged or of another format, colour mode or size.
        """
        return decode(self._read(object_id), self.location(object_id), self._format)

    def are_simulated(self) -> bool:
        """Whether any of some images, evenly spread over the ids, carries the mark of the simulator."""
        some = self.ids[:: max(1, len(self) // 32)]
        return any(SIMULATED in self._read(object_id)[:1024] for object_id in some)

    def check_members(self) -> None:
        """Read all files once, without decoding; DataError where an archive's checksum is wrong."""
        for object_id in self.ids:
            self._read(object_id)

    def _read(self, object_id: int) -> bytes:
        name = self._files[int(object_id)]
        if self._archive:
            return self._archive.read(name)
        with (self.path / name).open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_IMAGE_BYTES:
                raise DataError(
                    f"{self.location(object_id)}: larger than {MAX_IMAGE_BYTES} bytes, expected a small image"
                )
            return file.read()

    def close(self) -> None:
        if self._archive:
            self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def files_by_id(path: Path, names: Iterable[str], suffixes: tuple[str, ...]) -> tuple[dict[int, str], list[str]]:
    """Published id -> file name, and the names of files with other suffixes.

    Raises DataError for a name that is no id, or two names of one id; `path` is where they lie, for messages.
    """
    files: dict[int, str] = {}
    others = []
    for name in names:
        file = PurePosixPath(name)
        if file.suffix.lower() not in suffixes:
            others.append(name)
            continue
        object_id = parse_integer(file.stem)
        if object_id is None:
            raise DataError(
                f"{path}: the name of {quoted(name)} is no id, expected digits as in 100008{suffixes[0]}",
                "call the image by its id in the tables of labels, or take the file out",
            )
        if object_id in files:
            raise DataError(
                f"{path}: {quoted(files[object_id])} and {quoted(name)} are both images of id {object_id}",
                "take one of them out",
            )
        files[object_id] = name
    return files, others


def decode(data: bytes, where: str, image_format: ImageFormat) -> Image.Image:
    """Decoded image of the bytes of a file; `where` names it in messages. Raises like `ImageFiles.load`."""
    kind, frame = image_format.name, image_format.frame
    if not data:
        raise DataError(f"{where}: the file is empty (0 bytes), expected a {kind} image", _DAMAGED_HINT)
    try:
        image = Image.open(io.BytesIO(data), formats=(kind,))  # reads the header only
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise DataError(
            f"{where}: not a {kind} image ({_without_object(error)})",
            f"image of another format: save it as {kind}; if it is no image at all, fetch it again",
        ) from error
    # Before decoding, so that a small file that claims a huge image costs no memory.
    if image.mode != image_format.mode:
        raise DataError(
            f"{where}: colour mode is {_mode(image.mode)}, expected {_mode(image_format.mode)}",
            f"image of another colour mode: convert it to {_mode(image_format.mode)}",
        )
    if image.size != (frame, frame):
        raise DataError(
            f"{where}: {image.width}x{image.height} pixels, expected {frame}x{frame}",
            f"image of another size: all must be squares whose side in pixels is {image_format.frame_key}; set that "
            "key to the side of your images, or resize them",
        )
    try:
        _check_whole(data, image_format)
        image.load()
    except (OSError, SyntaxError, ValueError, IndexError, struct.error, zlib.error) as error:
        raise DataError(f"{where}: damaged {kind} ({error})", _DAMAGED_HINT) from error
    return image


def _check_whole(data: bytes, image_format: ImageFormat) -> None:
    """Raise what a decoder would if it were strict."""
    if image_format.name == "JPEG":
        # The decoder accepts a scan that lacks only its last bytes. FF D9 ends an image and cannot occur inside a scan,
        # which starts with FF DA.
        if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise ValueError(f"truncated, {len(data)} bytes without the end-of-image marker")
    else:
        with Image.open(io.BytesIO(data), formats=(image_format.name,)) as image:
            image.verify()  # checksums of all chunks, which decoding skips
        _check_rows(data, image_format)


def _check_rows(data: bytes, image_format: ImageFormat) -> None:
    """Raise ValueError for a PNG file, whole as a file, whose pixels end early; the decoder leaves the rest black."""
    pixels, position = [], 8  # after the signature
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IDAT":
            pixels.append(data[position + 8 : position + 8 + length])
        position += 12 + length
    bits = data[24] * len(image_format.mode)  # per pixel: "L" has one channel and "RGB" three
    needed = image_format.frame * (1 + -(-image_format.frame * bits // 8))  # each row has a byte for its filter
    found = len(zlib.decompressobj().decompress(b"".join(pixels), needed))
    if found < needed:
        raise ValueError(f"its pixels are {found} bytes, expected {needed}")


def _mode(mode: str) -> str:
    return {"L": "L (8-bit greyscale)", "CMYK": "CMYK (four-colour print)"}.get(mode, mode)


def _without_object(error: Exception) -> str:
    """Pillow's message without the memory address of the buffer that it names."""
    return str(error).partition(" <")[0]

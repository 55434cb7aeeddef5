"""Views: all images of a data set at one crop and size, packed with ids, labels and splits in one HDF5 file."""

import contextlib
import errno
import hashlib
import io
import json
import logging
import platform
import shutil
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import h5py
import numpy as np
import pandas as pd
import PIL
from PIL import Image

from galaxies.data.catalogue import read_catalogue
from galaxies.data.images import ImageCollection
from galaxies.data.splits import SPLIT_CODES, UNUSED, read_split
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, sha256

logger = logging.getLogger(__name__)

FORMAT, FORMAT_VERSION = "galaxies-view", 1
UNITS = "8-bit sRGB-like display values, 0..255"

_CHUNK_BYTES = 2**20
_MAX_BAD_IMAGES = 10  # in one message
_PROGRESS_SECONDS = 10
_REBUILD_HINT = "delete the file and run the same command again; the rule `pack_view` makes it"


class View:
    """A packed data set, open for reading. Close it or use it in a `with` block; open it anew in each process.

    ids : (N,) int64, ascending.
    labels : (N, K) float32 in [0, 1]; `columns` names the K targets.
    images : h5py data set uint8 (N, 3, S, S), channels R, G, B, row 0 on top, read on access.
    attributes : provenance, as listed in `pack_view`.

    Raises
    ------
    DataError
        The file is missing, truncated, incomplete, or no view.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(
                f"{self.path}: no such packed view", "run the workflow; its rule `pack_view` makes the file"
            )
        try:
            # Views are renamed into place complete and never change, and locks fail on some network file systems.
            # Without a chunk cache HDF5 reads only the rows asked for: random batches are four times as fast.
            self._file = h5py.File(self.path, "r", locking=False, rdcc_nbytes=0)
        except OSError as error:
            raise DataError(f"{self.path}: truncated, or no HDF5 file ({error})", _REBUILD_HINT) from error
        try:
            self._load()
        except DataError:
            self.close()
            raise
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            self.close()
            raise DataError(f"{self.path}: incomplete or damaged view ({error})", _REBUILD_HINT) from error

    def _load(self) -> None:
        self.attributes = dict(self._file.attrs)
        found = (self.attributes.get("format"), self.attributes.get("format_version"))
        if found != (FORMAT, FORMAT_VERSION):
            raise DataError(
                f"{self.path}: format and version are {found}, expected {(FORMAT, FORMAT_VERSION)}", _REBUILD_HINT
            )
        self.images: h5py.Dataset = self._file["images"]
        self.shape: tuple[int, int, int, int] = self.images.shape
        self.ids: np.ndarray = self._file["ids"][:]
        self.labels: np.ndarray = self._file["labels"][:]
        self.columns: list[str] = list(self._file["labels"].attrs["columns"])
        self._splits = {paper: dataset[:] for paper, dataset in self._file["split"].items()}
        count, size = len(self.ids), self.attributes["size"]
        shapes = {
            "images": (self.images, (count, 3, size, size), np.uint8),
            "ids": (self.ids, (count,), np.int64),
            "labels": (self.labels, (count, len(self.columns)), np.float32),
        } | {f"split/{paper}": (codes, (count,), np.int8) for paper, codes in self._splits.items()}
        for name, (array, shape, kind) in shapes.items():
            if array.shape != shape or array.dtype != kind:
                raise DataError(
                    f"{self.path}: {name!r} is {array.dtype} {array.shape}, expected {np.dtype(kind)} {shape}",
                    _REBUILD_HINT,
                )

        if self.images.chunks is None:
            raise DataError(f"{self.path}: 'images' is stored in one piece, expected chunks", _REBUILD_HINT)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Row of each id, int64 in the shape of `ids`. Raises DataError naming ids that the view lacks."""
        ids = np.asarray(ids, dtype=np.int64)
        rows = np.searchsorted(self.ids, ids)
        absent = self.ids[np.minimum(rows, len(self.ids) - 1)] != ids
        if absent.any():
            raise DataError(
                f"{self.path}: {absent.sum()} of {ids.size} galaxies are not in the view: {_first(ids[absent])}",
                "the split belongs to another data set, or one of the two files is out of date",
            )
        return rows

    def split(self, paper: str) -> np.ndarray:
        """Code of each row in the split of a paper, int8 (N,): those of `SPLIT_CODES`, or `UNUSED`."""
        if paper not in self._splits:
            raise DataError(f"{self.path}: no split of {paper!r}, it has those of: {', '.join(self._splits)}")
        return self._splits[paper]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images of any rows, in the given order: uint8 (len(rows), 3, S, S).

        Each chunk of the file is read at most once, and no more than one chunk is held beside the result.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if rows.ndim != 1 or (rows.size and not 0 <= rows.min() <= rows.max() < len(self)):
            raise IndexError(f"rows must be a list of numbers in [0, {len(self)})")
        order = np.argsort(rows, kind="stable")
        result = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        chunks = rows[order] // self.images.chunks[0]
        for group in np.split(order, np.flatnonzero(np.diff(chunks)) + 1):
            if group.size:
                first, last = rows[group[0]], rows[group[-1]]
                result[group] = self.images[first : last + 1][rows[group] - first]
        return result

    def digest(self) -> str:
        """SHA-256 over all pixels in order, read chunk by chunk; equals the attribute `images_sha256`."""
        digest = hashlib.sha256()
        for first in range(0, len(self), self.images.chunks[0]):
            digest.update(self.images[first : first + self.images.chunks[0]])
        return digest.hexdigest()

    def check_pixels(self) -> None:
        """Raise DataError if the pixels are not those that were packed; reads the whole file once."""
        if self.digest() != self.attributes["images_sha256"]:
            raise DataError(
                f"{self.path}: the pixels have changed since they were packed",
                "delete the file and run the same command again; look at the disk if it happens twice",
            )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def pack_view(
    images: ImageCollection,
    catalogue: Path,
    provenance: Path,
    splits: dict[str, Path],
    view: Path,
    *,
    name: str,
    crop: int,
    size: int,
    frame: int,
    threads: int,
) -> None:
    """Decode the image of every galaxy of the catalogue, crop its centre, resize it, and pack all into one HDF5 file.

    catalogue, provenance : files of the script `prepare_catalogue`.
    splits : split file of each paper.
    crop : side of the central square in pixels, 0 for the full frame (for an odd margin, the extra pixel is right and
        below). It is cut before the resize, which is bilinear and antialiased (Galaxy Zoo CNN: 424 to 100, or 250 to
        70 pixels).
    frame : expected side of the images in pixels.
    threads : how many images are decoded at a time; the file does not depend on it.

    The file holds `images`, `ids`, `labels`, `split/<paper>` as described in `View`, with the root attributes
    `dataset`, `view`, `source`, `simulated`, `crop`, `size`, `units`, `catalogue_sha256`, `images_sha256` (see
    `View.digest`), `versions` (JSON), `format` and `format_version`. It appears only complete, after its pixels
    were read back and compared. Memory does not grow with the number of images, apart from their labels.

    Raises
    ------
    DataError
        Images are missing or bad (up to ten are named), an id of a split is not in the catalogue, or the disk is full.
    ConfigError
        The crop does not fit into the frame, or a size is not positive.
    """
    if not 0 <= crop <= frame or size < 1 or threads < 1:
        raise ConfigError(
            f"view {name}: crop {crop}, size {size}, frame {frame}, threads {threads}; "
            "expected 0 <= crop <= frame, and size and threads of at least 1"
        )
    table = read_catalogue(catalogue)
    ids = table.index.to_numpy()
    absent = np.setdiff1d(ids, images.ids)
    if absent.size:
        raise DataError(
            f"{images.path}: {absent.size} of {len(ids)} galaxies of {catalogue} have no image: {_first(absent)}",
            f"the catalogue was made from other images; delete {catalogue} and run the same command again",
        )
    codes = {paper: _split_codes(path, ids) for paper, path in splits.items()}
    attributes = _origin(provenance) | {
        "view": name,
        "crop": crop,
        "size": size,
        "units": UNITS,
        "catalogue_sha256": sha256(catalogue),
        "versions": json.dumps(_versions(), sort_keys=True),
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
    }
    shape = (len(ids), 3, size, size)
    view.parent.mkdir(parents=True, exist_ok=True)
    _check_space(view, shape)
    with _full_disk_as_data_error(view), atomic(view) as temporary:
        with _HDF5Target(temporary) as target, h5py.File(target, "w") as file:
            file.attrs.update(attributes)
            file["ids"] = ids
            file["labels"] = table.to_numpy(dtype=np.float32)
            file["labels"].attrs["columns"] = list(table.columns)
            for paper, values in codes.items():
                file[f"split/{paper}"] = values
            file.require_group("split")
            chunk = min(len(ids), max(1, _CHUNK_BYTES // (3 * size * size)))
            pixels = file.create_dataset("images", shape, dtype=np.uint8, chunks=(chunk, *shape[1:]))
            digest = hashlib.sha256()
            for first, block in _decoded_blocks(images, ids, chunk, crop, size, frame, threads):
                pixels[first : first + len(block)] = block
                target.check()
                digest.update(block)
            file.attrs["images_sha256"] = digest.hexdigest()
        with View(temporary) as packed:
            if packed.digest() != digest.hexdigest():
                raise DataError(f"{view}: the pixels read back differ from those written", "check the disk")


def _decoded_blocks(
    images: ImageCollection, ids: np.ndarray, block: int, crop: int, size: int, frame: int, threads: int
) -> Iterator[tuple[int, np.ndarray]]:
    """First row and uint8 (n, 3, size, size) of each block of rows, in order; DataError at the end if any is bad.

    Threads, because Pillow lets go of the interpreter lock while it decodes and resizes: as fast as processes when
    measured, without their start, pickling and orphans. Few blocks are under way at a time, so memory is bounded.
    """
    bad: list[DataError] = []
    pending: deque[tuple[int, Future]] = deque()
    started = reported = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        starts = iter(range(0, len(ids), block))
        while len(bad) < _MAX_BAD_IMAGES:
            while len(pending) <= 2 * threads and (first := next(starts, None)) is not None:
                rows = ids[first : first + block]
                pending.append((first, pool.submit(_decode_block, images, rows, crop, size, frame)))
            if not pending:
                break
            first, future = pending.popleft()
            pixels, problems = future.result()
            bad += problems
            if bad:
                continue
            yield first, pixels
            now = time.monotonic()
            done = min(first + block, len(ids))
            if now - reported > _PROGRESS_SECONDS or done == len(ids):
                reported = now
                logger.info("Packed %d of %d images, %.0f per second", done, len(ids), done / (now - started))
    if bad:
        listed = bad[:_MAX_BAD_IMAGES]
        problems = "\n  ".join(problem.message for problem in listed)
        hints = dict.fromkeys(problem.hint for problem in listed if problem.hint)  # one of each kind, in order
        count = f"at least {_MAX_BAD_IMAGES}" if len(bad) >= _MAX_BAD_IMAGES else len(bad)
        raise DataError(f"{images.path}: bad images ({count} of {len(ids)}):\n  {problems}", "\n  ".join(hints))


def _decode_block(
    images: ImageCollection, ids: np.ndarray, crop: int, size: int, frame: int
) -> tuple[np.ndarray, list[DataError]]:
    """Pixels of some galaxies, and what is wrong with the bad ones."""
    pixels = np.empty((len(ids), 3, size, size), dtype=np.uint8)
    problems = []
    for row, image_id in enumerate(ids):
        try:
            image = images.load(image_id, frame)
        except DataError as error:
            problems.append(error)
            continue
        pixels[row] = np.asarray(crop_and_resize(image, crop, size)).transpose(2, 0, 1)
    return pixels, problems


def crop_and_resize(image: Image.Image, crop: int, size: int) -> Image.Image:
    """Central `crop` x `crop` pixels of a square image (0: all of it), resized to `size` x `size`."""
    if crop:
        margin = (image.width - crop) // 2
        image = image.crop((margin, margin, margin + crop, margin + crop))
    # reducing_gap would trade exactness of the antialiasing for speed.
    return image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=None)


def _split_codes(path: Path, ids: np.ndarray) -> np.ndarray:
    split = read_split(path)
    absent = np.setdiff1d(split["GalaxyID"], ids)
    if absent.size:
        raise DataError(
            f"{path}: {absent.size} of {len(split)} galaxies are not in the catalogue: {_first(absent)}",
            "the split was made from another catalogue; delete the file and run the same command again",
        )
    codes = np.full(len(ids), UNUSED, dtype=np.int8)
    codes[np.searchsorted(ids, split["GalaxyID"])] = split["split"].map(SPLIT_CODES)
    return codes


def _origin(provenance: Path) -> dict:
    """The attributes that say where the images come from."""
    try:
        origin = json.loads(provenance.read_text(encoding="utf-8"))
        return {key: origin[key] for key in ("dataset", "source", "simulated")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{provenance}: not a provenance file ({error!r})",
            "delete the file and run the same command again",
        ) from error


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "pillow": PIL.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
    }


class _HDF5Target(io.FileIO):
    """A file for HDF5 to write to, which keeps the first failure for `check` and discards what follows.

    HDF5 cannot close a file after a failed write, on a full disk for instance, and crashes the process when it ends;
    so it is not told. Leaving the `with` block raises the failure.
    """

    def __init__(self, path: Path):
        super().__init__(path, "w+")
        self._error: OSError | None = None

    def write(self, data) -> int:
        rest = memoryview(data).cast("B")
        try:
            while rest and self._error is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._error = error
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size or 0

    def check(self) -> None:
        if self._error:
            raise self._error

    def __exit__(self, *_) -> None:
        self.close()
        self.check()


def _check_space(view: Path, shape: tuple[int, ...]) -> None:
    needed, free = int(np.prod(shape)), shutil.disk_usage(view.parent).free
    if needed > free:
        raise DataError(
            f"{view}: needs {_megabytes(needed)} of disk, {_megabytes(free)} are free",
            "make room, or put the results folder on a larger disk",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.{1 if size < 10e6 else 0}f} MB"


@contextlib.contextmanager
def _full_disk_as_data_error(view: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise DataError(
            f"{view}: the disk is full or a quota is reached ({error.strerror}); nothing was kept",
            "make room, or put the results folder on a larger disk",
        ) from error


def _first(ids: np.ndarray, count: int = 5) -> str:
    return ", ".join(map(str, ids[:count])) + (", ..." if len(ids) > count else "")

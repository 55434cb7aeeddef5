"""Packing: from images on disk to views, whole or in shards that are joined without copying."""

import hashlib
import io
import json
import logging
import os
import platform
import shutil
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import PIL

from galaxies.data.catalogue import Catalogue, read_catalogue
from galaxies.data.images import ImageSource
from galaxies.data.projections import Projection
from galaxies.data.store import FORMAT, FORMAT_VERSION, View, first_few
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.progress import duration
from galaxies.views import parse_view

logger = logging.getLogger(__name__)

_BLOCK_BYTES = 2**20
_BLOCK_ROWS = 256  # at most, so that views of a few numbers per image are decoded in parallel too
_MAX_BAD_IMAGES = 10  # in one message
_PROGRESS_SECONDS = 10
_ROOM_HINT = "nothing was kept; make room, or put the results folder on a larger disk"
_SHARED = ("dataset", "view", "source", "simulated", "crop", "size", "units", "channels", "dtype", "block")


def pack_view(
    images: ImageSource,
    projection: Projection,
    catalogue: Path,
    provenance: Path,
    view: Path,
    *,
    name: str,
    threads: int,
    rows: range | None = None,
) -> None:
    """Project the image of every object of the catalogue, and pack all into one HDF5 file.

    catalogue, provenance : files of the script `prepare_catalogue`. name : of the view.
    threads : how many images are decoded at a time; the file does not depend on it.
    rows : of the catalogue, to pack one shard of a large data set.

    The file holds `pixels`, `ids` and `labels` as described in `View`, with the root attributes `dataset`, `view`,
    `source`, `simulated`, `crop`, `size`, `units`, `channels`, `dtype`, `block` (rows read at a time),
    `catalogue_sha256`, `pixels_sha256` (see `View.digest`), `versions` (JSON), `format` and `format_version`. It
    appears only complete, after its pixels were read back and compared. Memory does not grow with the number of images,
    apart from their labels.

    Raises
    ------
    DataError
        Images are missing or bad (up to ten are named), or the disk is full.
    ConfigError
        `threads` is not positive.
    """
    if threads < 1:
        raise ConfigError(f"view {name}: {threads} threads, expected at least 1")
    table = read_catalogue(catalogue, rows)
    absent = np.setdiff1d(table.ids, images.ids)
    if absent.size:
        raise DataError(
            f"{images.path}: {absent.size} of {len(table)} objects of {catalogue} have no image: {first_few(absent)}",
            f"the catalogue was made from other images; delete {catalogue} and run the same command again",
        )
    shape = (len(table), *projection.shape)
    row_bytes = int(np.prod(projection.shape)) * np.dtype(projection.dtype).itemsize
    block = min(_BLOCK_ROWS, max(1, _BLOCK_BYTES // row_bytes))
    attributes = _origin(provenance) | _attributes(name, projection, block, catalogue)
    for left in view.parent.glob(f".{view.stem}.*.part{view.suffix}"):  # of a packing that was killed
        left.unlink(missing_ok=True)
    _check_space(view, shape, projection.dtype)
    with full_disk_as_data_error(view, _ROOM_HINT), atomic(view) as temporary:
        with _HDF5Target(temporary) as target, h5py.File(target, "w") as file:
            _write_table(file, table, attributes)
            chunks = (min(len(table), block), *projection.shape)
            pixels = file.create_dataset("pixels", shape, dtype=projection.dtype, chunks=chunks)
            digest = hashlib.sha256()
            for first, values in _decoded_blocks(images, table.ids, projection, block, threads):
                pixels[first : first + len(values)] = values
                target.check()
                digest.update(values)
            file.attrs["pixels_sha256"] = digest.hexdigest()
        with View(temporary) as packed:
            if packed.digest() != digest.hexdigest():
                raise DataError(f"{view}: the pixels read back differ from those written", "check the disk")


def join_shards(shards: Sequence[Path], catalogue: Path, view: Path) -> None:
    """Make a view of `shards`, views of consecutive rows of the catalogue, without copying their pixels.

    The file refers to the shards by their place relative to it. All pixels are read once, so that the digest is that
    of the same view packed in one piece. Memory does not grow with the number of images, apart from their labels.

    Raises
    ------
    DataError
        A shard is bad, they differ in kind, or together they are not the rows of the catalogue.
    """
    table = read_catalogue(catalogue)
    digest = hashlib.sha256()
    parts = [_checked_shard(path, digest) for path in shards]
    shared = [{key: _plain(attributes[key]) for key in _SHARED} for attributes, _, _ in parts]
    different = next((path for path, part in zip(shards, shared, strict=True) if part != shared[0]), None)
    if different:
        raise DataError(f"{different}: packed otherwise than {shards[0]}", "delete the shards and run again")
    own = sha256(catalogue)
    other = [path for path, part in zip(shards, parts, strict=True) if part[0]["catalogue_sha256"] != own]
    if other or not np.array_equal(np.concatenate([ids for _, _, ids in parts]), table.ids):
        raise DataError(
            f"{view}: its {len(shards)} shards do not hold the objects of {catalogue} in order",
            "delete the shards and run the same command again",
        )
    common, shape, _ = parts[0]
    layout = h5py.VirtualLayout((len(table), *shape[1:]), dtype=common["dtype"])
    first = 0
    for path, (_, part, _) in zip(shards, parts, strict=True):
        layout[first : first + part[0]] = h5py.VirtualSource(os.path.relpath(path, view.parent), "pixels", shape=part)
        first += part[0]
    with full_disk_as_data_error(view, _ROOM_HINT), atomic(view) as temporary, h5py.File(temporary, "w") as file:
        attributes = {"catalogue_sha256": own, "pixels_sha256": digest.hexdigest()}
        _write_table(file, table, {**common, **attributes})
        file.create_virtual_dataset("pixels", layout)
        file["pixels"].attrs["shards"] = [str(part["pixels_sha256"]) for part, _, _ in parts]
    logger.info("Joined %d shards, %d images", len(shards), len(table))


def _checked_shard(shard: Path, total: "hashlib._Hash") -> tuple[dict, tuple[int, ...], np.ndarray]:
    """Attributes, shape and ids of a shard; its pixels, found to be those that were packed, are added to `total`."""
    with View(shard) as opened:
        own = hashlib.sha256()
        for _, block in opened.blocks():
            own.update(block)
            total.update(block)
        opened.expect_digest(own.hexdigest())
        return opened.attributes, opened.shape, opened.ids


def _plain(value) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _attributes(name: str, projection: Projection, block: int, catalogue: Path) -> dict:
    _, crop, size = parse_view(name)
    return {
        "view": name,
        "crop": crop,
        "size": size,
        "units": projection.units,
        "channels": list(projection.channels),
        "dtype": projection.dtype,
        "block": block,
        "catalogue_sha256": sha256(catalogue),
        "versions": json.dumps(_versions(), sort_keys=True),
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
    }


def _write_table(file: h5py.File, table: Catalogue, attributes: dict) -> None:
    file.attrs.update(attributes)
    file["ids"] = table.ids
    file["labels"] = table.labels.to_numpy(dtype=np.float32)
    file["labels"].attrs["columns"] = list(table.labels.columns)


def _decoded_blocks(
    images: ImageSource, ids: np.ndarray, projection: Projection, block: int, threads: int
) -> Iterator[tuple[int, np.ndarray]]:
    """First row and pixels of each block of rows, in order; DataError at the end if any image is bad.

    Threads, because Pillow and numpy let go of the interpreter lock while they decode and resize: as fast as processes
    when measured, without their start, pickling and orphans. Few blocks are under way at a time, so memory is bounded.
    """
    bad: list[DataError] = []
    pending: deque[tuple[int, Future]] = deque()
    started = reported = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        starts = iter(range(0, len(ids), block))
        while len(bad) < _MAX_BAD_IMAGES:
            while len(pending) <= 2 * threads and (first := next(starts, None)) is not None:
                pending.append((first, pool.submit(_decode_block, images, ids[first : first + block], projection)))
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
                reported, rate = now, done / (now - started)
                left = duration((len(ids) - done) / rate)
                logger.info("Packed %d of %d images, %.0f per second, %s left", done, len(ids), rate, left)
    if bad:
        shown = bad[:_MAX_BAD_IMAGES]
        problems = "\n  ".join(problem.message for problem in shown)
        hints = dict.fromkeys(problem.hint for problem in shown if problem.hint)  # one of each kind, in order
        count = f"at least {_MAX_BAD_IMAGES}" if len(bad) >= _MAX_BAD_IMAGES else len(bad)
        raise DataError(f"{images.path}: bad images ({count} of {len(ids)}):\n  {problems}", "\n  ".join(hints))


def _decode_block(images: ImageSource, ids: np.ndarray, projection: Projection) -> tuple[np.ndarray, list[DataError]]:
    """Pixels of some objects, and what is wrong with the bad ones."""
    pixels = np.empty((len(ids), *projection.shape), dtype=projection.dtype)
    problems = []
    for row, object_id in enumerate(ids):
        try:
            pixels[row] = projection.make(images.load(object_id))
        except DataError as error:
            problems.append(error)
    return pixels, problems


def _origin(provenance: Path) -> dict:
    """The attributes that say where the images come from."""
    try:
        origin = json.loads(provenance.read_text(encoding="utf-8"))
        texts = [origin[key] for key in ("dataset", "source")]
        if not all(isinstance(text, str) and text.isprintable() for text in texts):
            raise ValueError("dataset and source must be text")
        if not isinstance(origin["simulated"], bool):
            raise ValueError("simulated must be true or false")
        return {key: origin[key] for key in ("dataset", "source", "simulated")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{provenance}: not a provenance file ({type(error).__name__}: {str(error)[:80]})",
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


def _check_space(view: Path, shape: tuple[int, ...], dtype: str) -> None:
    view.parent.mkdir(parents=True, exist_ok=True)
    needed, free = int(np.prod(shape)) * np.dtype(dtype).itemsize, shutil.disk_usage(view.parent).free
    if needed > free:
        raise DataError(
            f"{view}: needs {_megabytes(needed)} of disk, {_megabytes(free)} are free",
            "make room, or put the results folder on a larger disk",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.{1 if size < 10e6 else 0}f} MB"

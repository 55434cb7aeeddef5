"""Views: all images of a data set in one projection, with ids and labels, in one HDF5 file."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from galaxies.errors import DataError

FORMAT, FORMAT_VERSION = "galaxies-view", 2

REBUILD_HINT = "delete the file and run the same command again; the rule `pack_view` makes it"


class View:
    """A packed data set, open for reading. Close it or use it in a `with` block; open it anew in each process.

    ids : (N,) int64, ascending.
    labels : (N, K) float32, NaN where a label is missing; `columns` names the K labels.
    pixels : h5py data set uint8 or float32 (N, C, S, S), row 0 on top; of a view of features (N, F). Read on access.
    channels : names of the C channels or F features.
    attributes : provenance, as listed in `packing.pack_view`.

    Raises
    ------
    DataError
        The file is missing, truncated, incomplete, or no view; or it was joined from shards that are no longer there.
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
            raise DataError(f"{self.path}: truncated, or no HDF5 file ({error})", REBUILD_HINT) from error
        try:
            self._load()
        except DataError:
            self.close()
            raise
        except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            self.close()
            raise DataError(f"{self.path}: incomplete or damaged view ({error})", REBUILD_HINT) from error

    def _load(self) -> None:
        self.attributes = dict(self._file.attrs)
        found = (self.attributes.get("format"), self.attributes.get("format_version"))
        if found != (FORMAT, FORMAT_VERSION):
            raise DataError(
                f"{self.path}: format and version are {found}, expected {(FORMAT, FORMAT_VERSION)}", REBUILD_HINT
            )
        for name in ("pixels", "ids", "labels"):
            self._check_stored(name)
        self.pixels: h5py.Dataset = self._file["pixels"]
        self.shape: tuple[int, ...] = self.pixels.shape
        self.dtype: np.dtype = self.pixels.dtype
        self.ids: np.ndarray = self._file["ids"][:]
        self.labels: np.ndarray = self._file["labels"][:]
        self.columns: list[str] = list(self._file["labels"].attrs["columns"])
        self.channels: list[str] = list(self.attributes["channels"])
        self.block = int(self.attributes["block"])
        count, size = len(self.ids), self.attributes["size"]
        image = (len(self.channels), size, size) if self.pixels.ndim == 4 else (len(self.channels),)
        shapes = {
            "pixels": (self.pixels, (count, *image), np.dtype(self.attributes["dtype"])),
            "ids": (self.ids, (count,), np.dtype(np.int64)),
            "labels": (self.labels, (count, len(self.columns)), np.dtype(np.float32)),
        }
        for name, (array, shape, kind) in shapes.items():
            if array.shape != shape or array.dtype != kind:
                raise DataError(
                    f"{self.path}: {name!r} is {array.dtype} {array.shape}, expected {kind} {shape}", REBUILD_HINT
                )
        if self.dtype not in (np.uint8, np.float32) or self.block < 1:
            raise DataError(f"{self.path}: 'pixels' is {self.dtype} in blocks of {self.block}", REBUILD_HINT)
        if self.pixels.is_virtual:
            self._check_shards()
        elif self.pixels.chunks is None:
            raise DataError(f"{self.path}: 'pixels' is stored in one piece, expected chunks", REBUILD_HINT)

    def _check_stored(self, name: str) -> None:
        """A damaged file may claim any size; HDF5 reads zeros where nothing is stored."""
        stored: h5py.Dataset = self._file[name]
        size = stored.id.get_storage_size()
        if not stored.is_virtual and size < stored.nbytes:
            raise DataError(
                f"{self.path}: {name!r} has {size} bytes, expected {stored.nbytes} for {stored.shape}", REBUILD_HINT
            )

    def _check_shards(self) -> None:
        """HDF5 reads zeros where a source of a virtual data set is missing, without a word."""
        names = dict.fromkeys(source.file_name for source in self.pixels.virtual_sources())
        missing = [name for name in names if not (self.path.parent / name).is_file()]
        if missing:
            raise DataError(
                f"{self.path}: {len(missing)} of its {len(names)} shards are missing: {', '.join(missing[:5])}",
                "a view of a large data set refers to its shards beside it: keep, move or copy them together",
            )
        for name, packed in zip(names, self.pixels.attrs["shards"], strict=True):
            with View(self.path.parent / name) as shard:
                shard.expect_digest(packed)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Row of each id, int64 in the shape of `ids`. Raises DataError naming ids that the view lacks."""
        ids = np.asarray(ids, dtype=np.int64)
        rows = np.searchsorted(self.ids, ids)
        absent = self.ids[np.minimum(rows, len(self.ids) - 1)] != ids
        if absent.any():
            raise DataError(
                f"{self.path}: {absent.sum()} of {ids.size} objects are not in the view: {first_few(ids[absent])}",
                "the split belongs to another data set, or one of the two files is out of date",
            )
        return rows

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Pixels of any rows, in the given order: (len(rows), C, S, S), or (len(rows), F) of features.

        Each block of the file is read at most once, and no more than one block is held beside the result.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if rows.ndim != 1 or (rows.size and not 0 <= rows.min() <= rows.max() < len(self)):
            raise IndexError(f"rows must be a list of numbers in [0, {len(self)})")
        order = np.argsort(rows, kind="stable")
        result = np.empty((len(rows), *self.shape[1:]), dtype=self.dtype)
        blocks = rows[order] // self.block
        for group in np.split(order, np.flatnonzero(np.diff(blocks)) + 1):
            if group.size:
                first, last = rows[group[0]], rows[group[-1]]
                result[group] = self._stored(first, last + 1)[rows[group] - first]
        return result

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """First row and pixels of consecutive blocks of rows, in order; each is small."""
        for first in range(0, len(self), self.block):
            yield first, self._stored(first, first + self.block)

    def _stored(self, first: int, last: int) -> np.ndarray:
        """Pixels of the rows from `first` to before `last`."""
        try:
            return self.pixels[first:last]
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(
                f"{self.path}: rows {first} to {last - 1} cannot be read ({error})", REBUILD_HINT
            ) from error

    def column(self, name: str) -> int:
        """Position of a label among `columns`. Raises DataError if the view lacks it."""
        if name not in self.columns:
            raise DataError(f"{self.path}: no label {name!r}; it has: {', '.join(self.columns)}")
        return self.columns.index(name)

    def digest(self) -> str:
        """SHA-256 over all pixels in order, read block by block; equals the attribute `pixels_sha256`."""
        digest = hashlib.sha256()
        for _, block in self.blocks():
            digest.update(block)
        return digest.hexdigest()

    def check_pixels(self) -> None:
        """Raise DataError if the pixels are not those that were packed; reads the whole file once."""
        self.expect_digest(self.digest())

    def expect_digest(self, digest: str) -> None:
        """Raise DataError if `digest` is not that of the pixels that were packed."""
        if digest != self.attributes["pixels_sha256"]:
            raise DataError(
                f"{self.path}: the pixels are not those that were packed",
                "delete the file and run the same command again; look at the disk if it happens twice",
            )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def first_few(ids: np.ndarray, count: int = 5) -> str:
    """The first ids for a message."""
    return ", ".join(map(str, ids[:count])) + (", ..." if len(ids) > count else "")

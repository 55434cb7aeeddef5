"""HST stamps: one FITS image per galaxy, of different sizes, in one band."""

import contextlib
import struct
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from galaxies.data.projections import Projection
from galaxies.errors import ConfigError, DataError, quoted
from galaxies.views import parse_view

CHANNELS = ("F814W",)
UNITS = "counts per second"
_MAGIC = b"SIMPLE  ="
MAX_SIDE = 4096  # pixels of a stamp; the largest published ones are a few hundred


def projection(view: str, settings: dict) -> Projection:
    """What makes the pixels (1, S, S) float32 of a view `crop<S>_<S>`: the centre, with zeros around small stamps."""
    kind, crop, size = parse_view(view)
    if kind != "crop" or crop != size:
        raise ConfigError(f"view {view}: stamps are cut and not resampled, write crop{size}_{size}")
    return Projection((1, size, size), "float32", UNITS, CHANNELS, lambda stamp: centred(stamp, size)[None])


def centred(stamp: np.ndarray, size: int) -> np.ndarray:
    """Central `size` x `size` pixels of an image (H, W); where it is smaller, zeros lie around it."""
    for axis, length in enumerate(stamp.shape):
        before = abs(size - length) // 2  # of an odd rest, the larger half comes after
        if length >= size:
            stamp = stamp.take(range(before, before + size), axis=axis)
        else:
            widths = [(0, 0), (0, 0)]
            widths[axis] = (before, size - length - before)
            stamp = np.pad(stamp, widths)
    return stamp


class Stamps:
    """An `ImageSource` of FITS stamps by IDENT; `load` returns float32 (H, W)."""

    def __init__(self, path: Path, places: dict[int, tuple[Path, int]]):
        self.path = path
        self.name = path.name
        self.ids = np.asarray(sorted(places), dtype=np.int64)
        self._places = places
        self._open: dict[Path, fits.HDUList] = {}
        self._lock = threading.Lock()  # astropy's files are not made to be shared

    def __len__(self) -> int:
        return len(self.ids)

    def load(self, object_id: int) -> np.ndarray:
        """One stamp. Raises DataError if it is absent, no image, too large, or not finite."""
        path, number = self._places[int(object_id)]
        with self._lock, reading_fits(path):
            if path not in self._open:
                self._open[path] = open_fits(path, memmap=True)
            header = self._open[path][number].header
            shape = tuple(header.get(f"NAXIS{axis}", 0) for axis in (2, 1))
            if header.get("NAXIS") != 2 or not all(isinstance(n, int) and 0 < n <= MAX_SIDE for n in shape):
                raise DataError(f"{path}, HDU {number}: no image of at most {MAX_SIDE} x {MAX_SIDE} pixels")
            stamp = np.array(self._open[path][number].data, dtype=np.float32)
        if stamp.shape != shape or not np.isfinite(stamp).all():
            raise DataError(f"{path}, HDU {number}: the stamp of IDENT {object_id} is damaged", "fetch the file again")
        return stamp

    def are_simulated(self) -> bool:
        return False

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def open_images(files: dict[str, Path], settings: dict) -> Stamps:
    """The stamps that the catalogue lists. Raises DataError for a bad catalogue."""
    path = files["catalogue"]
    table = read_fits_table(path, {"IDENT": "i", "GAL_FILENAME": "U", "GAL_HDU": "i"})
    places = {}
    for ident, name, number in zip(table["IDENT"], table["GAL_FILENAME"], table["GAL_HDU"], strict=True):
        name = str(name).strip()
        if Path(name).name != name or name in ("", "..") or not name.isprintable():
            raise DataError(f"{path}: GAL_FILENAME {quoted(name)} of IDENT {ident} is no file beside the catalogue")
        if number < 0:
            raise DataError(f"{path}: GAL_HDU of IDENT {ident} is {number}, expected the number of an HDU from 0")
        if int(ident) in places or int(ident) < 0:
            raise DataError(f"{path}: IDENT {ident} occurs twice, or is negative")
        places[int(ident)] = (path.parent / name, int(number))
    return Stamps(path, places)


def read_fits_table(path: Path, columns: dict[str, str]) -> dict[str, np.ndarray]:
    """Columns (N,) of the first extension of a FITS file, a table.

    columns : name -> kinds of numpy types that its values may have: "i" integers, "f" floats, "U" text.
    Raises DataError if the file is damaged, or the table is empty, lacks a column or has one of another kind.
    """
    with reading_fits(path), open_fits(path, memmap=False) as file:
        table = file[1].data
        names = table.names if isinstance(table, fits.FITS_rec) else []
        missing = [name for name in columns if name not in names]
        if missing:
            raise DataError(f"{path}: the first extension is no table with the column(s) {', '.join(missing)}")
        # The record decodes text and applies scales; an array made of it directly would not.
        values = {name: np.array(table[name]) for name in columns}
    for name, kinds in columns.items():
        if values[name].ndim != 1 or not len(values[name]) or values[name].dtype.kind not in kinds:
            raise DataError(f"{path}: column {name} is {values[name].dtype} {values[name].shape}, expected one per row")
    return values


def open_fits(path: Path, memmap: bool) -> fits.HDUList:
    """An uncompressed FITS file; astropy would unpack compressed ones of any size. Raises DataError for others."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise DataError(f"{path}: no FITS file, or a compressed one", "fetch the file again, or unpack it")
    return fits.open(path, memmap=memmap, disable_image_compression=True)


@contextlib.contextmanager
def reading_fits(path: Path) -> Iterator[None]:
    """Turn what astropy raises for a damaged or foreign file into a DataError that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyUserWarning)  # truncated files are only warned of
            yield
    except DataError:
        raise
    except (
        AstropyUserWarning,
        fits.VerifyError,
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        OSError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise DataError(
            f"{path}: damaged, or no FITS file of stamps ({type(error).__name__}: {str(error)[:100]})",
            "fetch the file again",
        ) from error

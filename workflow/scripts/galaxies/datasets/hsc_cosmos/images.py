"""HSC cut-outs: one numpy array of all images, read in place."""

import csv
import warnings
from pathlib import Path
from tokenize import TokenError
from typing import Self

import numpy as np

from galaxies.data.projections import Projection, array_pixels
from galaxies.datasets.hsc_cosmos.files import CATALOGUE, IDS, IMAGES
from galaxies.errors import DataError

CHANNELS = ("g", "i", "y")
UNITS = "logarithm-like scale of the flux, as stored"


def projection(view: str, settings: dict) -> Projection:
    """What makes the pixels (3, S, S) float32 of a view: the stored values, unscaled (galaxy_cgan_augmentation)."""
    return array_pixels(view, settings["frame"], CHANNELS, UNITS)


class ArrayImages:
    """An `ImageSource` of the rows of an array; `load` returns float32 (3, H, W), channels g, i, y."""

    def __init__(self, path: Path, ids: np.ndarray, pixels: np.ndarray, simulated: bool):
        self.path = path
        self.name = path.name
        self.ids = ids
        self._pixels = pixels
        self._simulated = simulated

    def __len__(self) -> int:
        return len(self.ids)

    def load(self, object_id: int) -> np.ndarray:
        """One image. Raises DataError if it has a value that is not finite."""
        row = int(np.searchsorted(self.ids, object_id))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an overflow is found below
            image = np.asarray(self._pixels[row], dtype=np.float32)
        bad = int((~np.isfinite(image)).sum())
        if bad:
            raise DataError(
                f"{self.path}, row {row} (HSC id {object_id}): {bad} of {image.size} values are not finite",
                "damaged image: fetch the file again",
            )
        return image

    def are_simulated(self) -> bool:
        return self._simulated

    def close(self) -> None:
        self._pixels = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def open_images(files: dict[str, Path], settings: dict) -> ArrayImages:
    """The cut-outs by HSC id. settings : `frame` is the side of the images in pixels.

    Raises
    ------
    DataError
        An array is damaged, of another shape or type than int64 (N,) and float (N, 3, frame, frame), or the ids do not
        ascend.
    """
    ids, pixels = _array(files[IDS]), _array(files[IMAGES])
    frame = settings["frame"]
    if ids.dtype != np.int64 or ids.ndim != 1 or not len(ids):
        raise DataError(f"{files[IDS]}: {ids.dtype} {ids.shape}, expected int64 (N,)")
    if (ids[1:] <= ids[:-1]).any() or ids[0] < 0:  # differences may overflow
        raise DataError(f"{files[IDS]}: the ids do not ascend strictly from 0", "fetch the file again")
    if pixels.dtype not in (np.float32, np.float64) or pixels.shape != (len(ids), 3, frame, frame):
        hint = None
        if pixels.ndim == 4 and pixels.shape[-1] == 3:
            hint = "the last axis is 3: the channels g, i, y must come before the rows and columns"
        elif pixels.ndim == 4 and pixels.shape[2:] != (frame, frame):
            hint = "`frame` of the data set is the side of the images in pixels"
        raise DataError(
            f"{files[IMAGES]}: {pixels.dtype} {pixels.shape}, expected float32 {(len(ids), 3, frame, frame)}", hint
        )
    return ArrayImages(files[IMAGES], np.array(ids), pixels, _says_simulated(files[CATALOGUE]))


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, PermissionError):
        raise
    # What numpy's reader of headers raises is not documented.
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RecursionError,
        SyntaxError,
        TokenError,
        TypeError,
        ValueError,
    ) as error:
        raise DataError(
            f"{path}: damaged, or not a numpy array ({str(error)[:100]})", "delete the file and fetch it again"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(f"{path}: an archive of arrays, expected one array", "delete the file and fetch it again")
    return array


def _says_simulated(catalogue: Path) -> bool:
    """Whether the catalogue has the column by which the simulator marks its own."""
    with catalogue.open(encoding="utf-8", errors="replace") as file:
        header = file.readline(10_000)
    return "simulated" in next(csv.reader([header]), [])

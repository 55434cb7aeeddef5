"""Projections: from one image as it is stored to one row of a packed view."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from galaxies.errors import ConfigError
from galaxies.views import parse_view

_LEVELS = 256  # of an 8-bit image
FILTERS = {"nearest": Image.Resampling.NEAREST, "lanczos": Image.Resampling.LANCZOS}


@dataclass(frozen=True)
class Projection:
    """How a view is made, image by image.

    shape : of one row, (C, S, S) for images or (K,) for features. dtype : "uint8" or "float32". units : of the values.
    channels : names of the C channels or K features. make : turns what `ImageSource.load` returns into such a row.
    """

    shape: tuple[int, ...]
    dtype: str
    units: str
    channels: tuple[str, ...]
    make: Callable[[Any], np.ndarray]


def bilinear(view: str, frame: int, channels: tuple[str, ...], units: str) -> Projection:
    """`full_<S>` and `crop<C>_<S>` of 8-bit Pillow images: centre crop, then antialiased bilinear resize, as uint8."""
    _, crop, size = _checked(view, frame, ("full", "crop"))
    _check_not_enlarged(view, crop or frame, size)

    def make(image: Image.Image) -> np.ndarray:
        pixels = np.asarray(crop_and_resize(image, crop, size))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    return Projection((len(channels), size, size), "uint8", units, channels, make)


def grey_levels(view: str, frame: int, units: str) -> Projection:
    """Views of 8-bit greyscale Pillow images, as float32, because sparse fields lose their faint sources to rounding.

    `full_<S>` and `crop<C>_<S>` average over areas (see `area_average`), `nearest_<S>` samples, and `lanczos_<S>` has
    whole levels that Lanczos' filter gives (the code of intergalactic_vae_cnn's authors). `pooled_<S>` averages
    2x2 pixels with "same" padding until S is reached (two_in_one: 1000, 500, 250, 125, 63). `histogram_<K>` counts
    pixels in K equal bins between the image's own extremes (numpy's convention, which widens the range of a constant
    image by 0.5 on both sides).
    """
    kind, crop, size = _checked(view, frame, ("full", "crop", *FILTERS, "pooled", "histogram"))
    if kind == "histogram":
        if size > _LEVELS:
            raise ConfigError(f"view {view}: images of {_LEVELS} grey levels have no more than so many bins")
        names = tuple(f"bin{number}" for number in range(size))
        return Projection((size,), "float32", "pixels", names, lambda image: level_histogram(image, size))
    if kind == "pooled":
        if size not in pooled_sizes(frame):
            sizes = ", ".join(map(str, pooled_sizes(frame)))
            raise ConfigError(f"view {view}: images of {frame} pixels can be pooled to {sizes}")
        return Projection((1, size, size), "float32", units, ("grey",), lambda image: pooled(image, size)[None])
    _check_not_enlarged(view, crop or frame, size)

    def make(image: Image.Image) -> np.ndarray:
        if kind in FILTERS:
            return np.asarray(image.resize((size, size), FILTERS[kind]))[None]
        return area_average(np.asarray(_centre(image, crop)), size)[None]

    return Projection((1, size, size), "float32", units, ("grey",), make)


def array_pixels(view: str, frame: int, channels: tuple[str, ...], units: str) -> Projection:
    """`full_<S>` and `crop<C>_<S>` of float arrays (C, H, W), without resampling: S must be the side of what is cut."""
    _, crop, size = _checked(view, frame, ("full", "crop"))
    if size != (crop or frame):
        raise ConfigError(f"view {view}: these images are not resampled, write {view.split('_')[0]}_{crop or frame}")
    margin = (frame - size) // 2
    cut = slice(margin, margin + size)
    return Projection((len(channels), size, size), "float32", units, channels, lambda image: image[:, cut, cut])


def crop_and_resize(image: Image.Image, crop: int, size: int) -> Image.Image:
    """Central `crop` x `crop` pixels of a square image (0: all of it), resized to `size` x `size`."""
    # reducing_gap would trade exactness of the antialiasing for speed.
    return _centre(image, crop).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=None)


def area_average(pixels: np.ndarray, size: int) -> np.ndarray:
    """Mean grey level (S, S) float32 of the areas that a square uint8 image (N, N), N >= S, is divided into.

    A source pixel on an edge counts in both areas with the parts that lie in them, so that the flux is conserved
    wherever a source lies; Pillow's BOX gives it to one of them, an error of up to a quarter for 1000 to 128 pixels.
    """
    sums = _strip_sums(_strip_sums(pixels.astype(np.int32), size).T, size).T
    return (sums * (size / len(pixels)) ** 2).astype(np.float32)


def _strip_sums(pixels: np.ndarray, size: int) -> np.ndarray:
    """Sums (S, M) of pixels (N, M) over `size` equal strips of rows, with fractions of the rows on their edges."""
    edges = np.arange(size + 1) * (len(pixels) / size)
    rows = np.minimum(edges.astype(int), len(pixels) - 1)
    fractions = (edges - rows)[:, None]
    fractions[-1] = 0  # the last strip ends with the image
    sums = np.add.reduceat(pixels, rows[:-1], axis=0)
    return sums - fractions[:-1] * pixels[rows[:-1]] + fractions[1:] * pixels[rows[1:]]


def pooled_sizes(frame: int) -> list[int]:
    """Sides that halving with rounding up reaches from `frame`, descending to 1."""
    sizes = [frame]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def pooled(image: Image.Image | np.ndarray, size: int) -> np.ndarray:
    """Repeated 2x2 average pooling with stride 2 and "same" padding: (S, S) float32.

    Windows at an odd edge average only the pixels that exist (two_in_one, layers 1 to 4). Each stage averages the
    averages of the stage before, as the network does.
    """
    pixels = np.asarray(image, dtype=np.float32)
    while pixels.shape[0] > size:
        odd = pixels.shape[0] % 2
        if odd:  # repeating the edge makes the average of the window that of its real pixels
            pixels = np.pad(pixels, ((0, 1), (0, 1)), mode="edge")
        above, below = pixels[0::2], pixels[1::2]
        pixels = (above[:, 0::2] + below[:, 0::2] + above[:, 1::2] + below[:, 1::2]) / np.float32(4)
    return pixels


def level_histogram(image: Image.Image, bins: int) -> np.ndarray:
    """Pixels (bins,) of an 8-bit image in equal bins between its own extremes, as `np.histogram` counts them."""
    counts = np.asarray(image.histogram())
    levels = np.flatnonzero(counts)  # the bin of a pixel depends on its level alone, and there are few levels
    return np.histogram(levels, bins=bins, weights=counts[levels])[0]


def _centre(image: Image.Image, crop: int) -> Image.Image:
    if not crop:
        return image
    margin = (image.width - crop) // 2  # of an odd rest, the extra pixel is right and below
    return image.crop((margin, margin, margin + crop, margin + crop))


def _check_not_enlarged(view: str, side: int, size: int) -> None:
    if size > side:
        raise ConfigError(f"view {view}: images of {side} pixels are not enlarged")


def _checked(view: str, frame: int, kinds: tuple[str, ...]) -> tuple[str, int, int]:
    """Kind, crop and size of a view's name; ConfigError for a kind or crop that the images cannot give."""
    kind, crop, size = parse_view(view)
    if kind not in kinds:
        raise ConfigError(f"view {view}: this data set has views of the kinds {', '.join(kinds)}")
    if crop > frame:
        raise ConfigError(f"view {view} cuts {crop} pixels out of images of {frame}")
    return kind, crop, size

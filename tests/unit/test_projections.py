"""Projections of images to rows of a view, against independent computations."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from galaxies.data.projections import array_pixels, bilinear, grey_levels, pooled, pooled_sizes
from galaxies.errors import ConfigError


def sparse(side, seed=0):
    """A dark field with some bright pixels."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (side, side)) * (rng.random((side, side)) < 0.05)).astype(np.uint8)


def grey(view, pixels):
    made = grey_levels(view, len(pixels), "grey levels")
    row = np.asarray(made.make(Image.fromarray(pixels)))
    assert row.shape == made.shape
    return row if view.startswith("histogram") else row[0]


def halved(pixels):
    """Averages of 2x2 windows, pixel by pixel; a window at an odd edge has the pixels that exist."""
    side = (len(pixels) + 1) // 2
    result = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            window = pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            result[row, column] = sum(map(float, window.ravel())) / window.size
    return result


@pytest.mark.parametrize("side", [1, 2, 3, 16, 25, 30, 31])
def test_pooling_against_a_loop(side):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side), dtype=np.uint8)
    expected = pixels.astype(float)
    for size in pooled_sizes(side):
        np.testing.assert_allclose(grey(f"pooled_{size}", pixels), expected, rtol=1e-6)
        expected = halved(expected)


def test_pooling_against_torch():
    pixels = sparse(1000)
    pool = torch.nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
    expected = torch.from_numpy(pixels[None, None].astype(np.float32))
    for _ in range(4):
        expected = pool(expected)
    assert expected.shape == (1, 1, 63, 63)
    np.testing.assert_allclose(grey("pooled_63", pixels), expected[0, 0].numpy(), rtol=1e-6, atol=1e-7)


def test_sizes_of_pooling():
    assert pooled_sizes(1000) == [1000, 500, 250, 125, 63, 32, 16, 8, 4, 2, 1]
    for view in ("pooled_62", "pooled_64", "pooled_1001"):
        with pytest.raises(ConfigError, match="can be pooled to 1000, 500, 250, 125, 63"):
            grey_levels(view, 1000, "")


def test_pooling_leaves_its_input_alone():
    pixels = np.random.default_rng(0).random((6, 6), dtype=np.float32)
    before = pixels.copy()
    pooled(pixels, 3)
    np.testing.assert_array_equal(pixels, before)


def counted(pixels, bins):
    """Counts in equal bins between the extremes; each bin has its lower limit, the last one both."""
    low, high = float(pixels.min()), float(pixels.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    counts = [int(((pixels >= a) & (pixels < b)).sum()) for a, b in itertools.pairwise(edges)]
    counts[-1] += int((pixels == high).sum())
    return counts


@pytest.mark.parametrize(
    "pixels",
    [
        sparse(40),
        sparse(40) // 3 + 20,
        np.zeros((9, 9), np.uint8),
        np.full((9, 9), 7, np.uint8),
        np.full((9, 9), 255, np.uint8),
        np.arange(64, dtype=np.uint8).reshape(8, 8),
    ],
    ids=["sparse", "from 20", "zeros", "constant", "white", "ramp"],
)
@pytest.mark.parametrize("bins", [1, 5, 10])
def test_histograms(pixels, bins):
    found = grey(f"histogram_{bins}", pixels)
    assert found.tolist() == counted(pixels, bins) == np.histogram(pixels, bins=bins)[0].tolist()
    assert found.sum() == pixels.size


def test_features_have_names():
    made = grey_levels("histogram_10", 40, "grey levels")
    assert (made.shape, made.dtype, made.units) == ((10,), "float32", "pixels")
    assert made.channels == tuple(f"bin{i}" for i in range(10))


@pytest.mark.parametrize(("view", "crop"), [("full_40", 200), ("full_200", 200), ("full_1", 200), ("crop120_30", 120)])
def test_areas_are_averaged(view, crop):
    pixels = sparse(200)
    size = int(view.split("_")[1])
    cut = slice((200 - crop) // 2, (200 + crop) // 2)
    block = crop // size
    expected = pixels[cut, cut].astype(float).reshape(size, block, size, block).mean((1, 3))
    found = grey(view, pixels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.sum(dtype=float) * block**2, pixels[cut, cut].sum(dtype=float), rtol=1e-5)


@pytest.mark.parametrize(("side", "size"), [(1000, 128), (1000, 140), (41, 8)])
def test_flux_is_conserved_where_the_size_does_not_divide(side, size):
    """One bright pixel, wherever it is: its light goes to the areas that it overlaps, as much as lies in each."""
    rng = np.random.default_rng(0)
    ratio = side / size
    for row, column in rng.integers(0, side, (20, 2)):
        pixels = np.zeros((side, side), np.uint8)
        pixels[row, column] = 240
        edges = np.arange(size + 1) * ratio
        overlap = [np.clip(np.minimum(edges[1:], p + 1) - np.maximum(edges[:-1], p), 0, 1) for p in (row, column)]
        np.testing.assert_allclose(
            grey(f"full_{size}", pixels) * ratio**2, 240 * np.outer(*overlap), rtol=1e-5, atol=1e-5
        )


def test_faint_sources_are_kept():
    """A single pixel of one grey level, averaged over an area of 25, would be zero as an integer."""
    pixels = np.zeros((40, 40), np.uint8)
    pixels[3, 4] = 1
    assert grey("full_8", pixels)[0, 0] == pytest.approx(1 / 25)


@pytest.mark.parametrize(("side", "size"), [(40, 10), (40, 40), (1000, 128), (41, 7)])
def test_nearest_is_indexing(side, size):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    at = [int((i + 0.5) * side / size) for i in range(size)]
    np.testing.assert_array_equal(grey(f"nearest_{size}", pixels), pixels[np.ix_(at, at)])


@pytest.mark.parametrize(("view", "box"), [("full_100", (0, 0, 424, 424)), ("crop250_70", (87, 87, 337, 337))])
def test_bilinear_is_that_of_pillow(view, box):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (424, 424, 3), dtype=np.uint8))
    size = int(view.split("_")[1])
    made = bilinear(view, 424, ("R", "G", "B"), "")
    expected = np.asarray(image.crop(box).resize((size, size), Image.Resampling.BILINEAR))
    found = made.make(image)
    assert found.shape == made.shape == (3, size, size)
    assert made.dtype == found.dtype == "uint8"
    np.testing.assert_array_equal(found.transpose(1, 2, 0), expected)


def test_arrays_are_cut_and_not_resampled():
    pixels = np.random.default_rng(0).normal(size=(3, 9, 9)).astype(np.float32)
    np.testing.assert_array_equal(array_pixels("full_9", 9, ("g", "i", "y"), "").make(pixels), pixels)
    np.testing.assert_array_equal(array_pixels("crop4_4", 9, ("g", "i", "y"), "").make(pixels), pixels[:, 2:6, 2:6])


@pytest.mark.parametrize(
    ("make", "view"),
    [
        (lambda view: bilinear(view, 424, ("R", "G", "B"), ""), "pooled_53"),
        (lambda view: bilinear(view, 424, ("R", "G", "B"), ""), "nearest_53"),
        (lambda view: bilinear(view, 424, ("R", "G", "B"), ""), "histogram_10"),
        (lambda view: bilinear(view, 424, ("R", "G", "B"), ""), "crop425_100"),
        (lambda view: grey_levels(view, 40, ""), "crop41_10"),
        (lambda view: array_pixels(view, 50, ("g", "i", "y"), ""), "full_25"),
        (lambda view: array_pixels(view, 50, ("g", "i", "y"), ""), "crop30_20"),
        (lambda view: array_pixels(view, 50, ("g", "i", "y"), ""), "pooled_25"),
    ],
)
def test_views_that_images_cannot_give(make, view):
    with pytest.raises(ConfigError, match=view):
        make(view)


def test_lanczos_has_whole_levels_of_windowed_sincs():
    """The filter written out: sinc(x) sinc(x / 3) over three widths of the new pixels, in both directions."""
    pixels = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    scale = 100 / 8
    distances = (np.arange(100)[None] + 0.5 - (np.arange(8)[:, None] + 0.5) * scale) / scale
    weights = np.where(np.abs(distances) < 3, np.sinc(distances) * np.sinc(distances / 3), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    found = grey("lanczos_8", pixels)
    np.testing.assert_array_equal(found, np.round(found))
    np.testing.assert_allclose(found, weights @ pixels @ weights.T, atol=1.1)  # rounded after each direction

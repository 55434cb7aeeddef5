"""Batched augmentation against Keras's matrices, written independently and applied with SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform

from galaxies.data.augmentation import Augmentation, transform
from galaxies.errors import ConfigError

PAPER = Augmentation(rotation=40, shift=0.2, shear=0.2, zoom=(0.8, 1.2), flip_horizontal=True)


def keras(image, theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0, flip_h=False, flip_v=False):
    """Keras's apply_transform of a (C, S, S) image: angles in radians, tx and ty in pixels along rows and columns."""
    rotation = np.array([[math.cos(theta), -math.sin(theta), 0], [math.sin(theta), math.cos(theta), 0], [0, 0, 1]])
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    shearing = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
    zoom = np.diag([zx, zy, 1.0])
    centre = image.shape[-1] / 2 - 0.5
    to_centre = np.array([[1, 0, centre], [0, 1, centre], [0, 0, 1]])
    from_centre = np.array([[1, 0, -centre], [0, 1, -centre], [0, 0, 1]])
    matrix = to_centre @ rotation @ shift @ shearing @ zoom @ from_centre
    result = np.stack(
        [affine_transform(channel, matrix[:2, :2], matrix[:2, 2], order=1, mode="nearest") for channel in image]
    )
    if flip_h:
        result = result[:, :, ::-1]
    if flip_v:
        result = result[:, ::-1, :]
    return result


def images(count=1, side=24, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


@pytest.fixture
def drawn(monkeypatch):
    """Function that augments with given uniform values: rotation, rows, columns, shear, zoom y, zoom x, flips."""

    def augment(augmentation, batch, values):
        values = torch.tensor(values, dtype=torch.float64).expand(len(batch), 8)
        monkeypatch.setattr(torch, "rand", lambda *shape, **options: values.clone())
        return augmentation(batch, torch.Generator())

    return augment


MIDDLE = [0.5] * 8  # no rotation, shift or shear, middle of the zoom range, no flip


def test_no_change_is_the_identity():
    batch = images(3)
    # float32 positions are off by about 1e-6 of a pixel
    torch.testing.assert_close(Augmentation()(batch, torch.Generator()), batch, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [24, 25])
def test_paper_settings_agree_with_scipy(drawn, side):
    rng = np.random.default_rng(1)
    batch = images(1, side)
    for _ in range(20):
        values = rng.random(8)
        signed = 2 * values - 1
        expected = keras(
            batch[0].numpy().astype(np.float64),
            theta=math.radians(40 * signed[0]),
            tx=0.2 * signed[1] * side,
            ty=0.2 * signed[2] * side,
            shear=math.radians(0.2 * signed[3]),
            zx=0.8 + 0.4 * values[4],
            zy=0.8 + 0.4 * values[5],
            flip_h=values[6] < 0.5,
        )
        result = drawn(PAPER, batch, values.tolist())[0]
        np.testing.assert_allclose(result, expected, atol=2e-5)  # float32 positions in an image of slope <= 1 per px


def test_strong_shear_in_radians_and_both_flips_agree_with_scipy(drawn):
    augmentation = Augmentation(
        rotation=90, shear=0.5, shear_unit="radians", zoom=(0.5, 2), flip_horizontal=True, flip_vertical=True
    )
    batch = images(1)
    result = drawn(augmentation, batch, [0.8, 0.5, 0.5, 0.9, 0.2, 0.7, 0.1, 0.1])[0]
    expected = keras(
        batch[0].numpy().astype(np.float64),
        theta=math.radians(54),
        shear=0.4,
        zx=0.8,
        zy=1.55,
        flip_h=True,
        flip_v=True,
    )
    np.testing.assert_allclose(result, expected, atol=5e-5)


def test_shift_of_whole_pixels_moves_and_repeats_the_edge(drawn):
    batch = images(2, side=20)
    result = drawn(Augmentation(shift=0.2), batch, [0.5, 0.5, 1.0, *MIDDLE[3:]])  # +4 px along the columns
    torch.testing.assert_close(result[..., :16], batch[..., 4:], atol=1e-5, rtol=0)
    torch.testing.assert_close(result[..., 16:], batch[..., -1:].expand(-1, -1, -1, 4), atol=1e-5, rtol=0)


def test_quarter_turn_is_exact(drawn):
    batch = images(2, side=9)
    result = drawn(Augmentation(rotation=90), batch, [1.0, *MIDDLE[1:]])
    torch.testing.assert_close(result, torch.rot90(batch, -1, (2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("key", "index", "axis"), [("flip_horizontal", 6, 3), ("flip_vertical", 7, 2)])
def test_flip(drawn, key, index, axis):
    batch = images(2)
    values = list(MIDDLE)
    values[index] = 0.49
    torch.testing.assert_close(drawn(Augmentation(**{key: True}), batch, values), batch.flip(axis), atol=1e-5, rtol=0)
    torch.testing.assert_close(drawn(Augmentation(**{key: True}), batch, MIDDLE), batch, atol=1e-5, rtol=0)


def test_parameters_are_uniform_and_independent():
    count = 20_000
    matrices = Augmentation(zoom=(0.8, 1.2), flip_horizontal=True).draw(count, torch.Generator().manual_seed(0)).numpy()
    zoom_x, zoom_y = np.abs(matrices[:, 0, 0]), matrices[:, 1, 1]
    for zoom in (zoom_x, zoom_y):
        assert zoom.min() >= 0.8
        assert zoom.max() <= 1.2
        assert abs(zoom.mean() - 1) < 5 * 0.4 / math.sqrt(12 * count)  # 5 standard errors
    assert abs(np.corrcoef(zoom_x, zoom_y)[0, 1]) < 5 / math.sqrt(count)
    assert abs((matrices[:, 0, 0] < 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(count)


def test_each_image_has_its_own_change_and_the_seed_decides():
    batch = images(1).expand(4, -1, -1, -1)
    first = PAPER(batch, torch.Generator().manual_seed(5))
    again = PAPER(batch, torch.Generator().manual_seed(5))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


def test_values_stay_within_those_of_the_image():
    batch = images(8)
    result = PAPER(batch, torch.Generator().manual_seed(0))
    assert result.min() >= batch.min() - 1e-6
    assert result.max() <= batch.max() + 1e-6


def test_memory_layout_does_not_matter():
    batch = images(4)
    matrices = PAPER.draw(4, torch.Generator().manual_seed(0))
    other = transform(batch.contiguous(memory_format=torch.channels_last), matrices)
    torch.testing.assert_close(other, transform(batch, matrices))


@pytest.mark.parametrize("settings", [{"shear_unit": "grad"}, {"zoom": [1.2, 0.8]}, {"zoom": [0, 1]}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        Augmentation(**settings)

"""What the morphology classifier sees, against the published chain of crops, resizings and changes done one by one."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from galaxies.data.morphology_inputs import MorphologyInputs, standardised
from galaxies.errors import ConfigError

pytestmark = pytest.mark.usefixtures("one_thread")


def images(size, count=3, seed=0):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def centre(image, side):
    margin = (image.shape[-1] - side) // 2
    return image[..., margin : margin + side, margin : margin + side]


def resized(image, side):
    return interpolate(image, (side, side), mode="bilinear", align_corners=False)


def by_numpy(image):
    """TensorFlow's documented per-image standardisation."""
    image = image.double().numpy()
    return (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))


def test_test_images_are_cropped_resized_cropped_and_standardised():
    whole = images(424)
    found = MorphologyInputs().plain(whole, "full_424")
    expected = centre(resized(255 * centre(whole, 220), 80), 64)
    assert found.shape == (3, 3, 64, 64)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), by_numpy(other), atol=2e-4)


def test_a_view_of_half_the_resolution_shows_the_same_field():
    """crop256_128: 110 of its pixels are the 220 of the published images."""
    view = images(128)
    found = MorphologyInputs().plain(view, "crop256_128")
    expected = centre(resized(255 * centre(view, 110), 80), 64)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), by_numpy(other), atol=2e-4)


def blob(size, field):
    """A wide elliptical blob off the centre, the same on the sky whatever the size and the field (original pixels)."""
    x = ((torch.arange(size) + 0.5) / size - 0.5) * field
    shape = torch.exp(-(((x[None, :] - 12) / 30) ** 2) - ((x[:, None] + 7) / 18) ** 2)
    return torch.stack([shape, 0.5 * shape, 0.2 * shape])[None]


def test_all_views_give_the_galaxy_the_same_size_and_place():
    inputs = MorphologyInputs(frame=400)
    whole = inputs.plain(blob(400, 400), "full_400")
    for view, size, field in (("crop256_128", 128, 256), ("full_200", 200, 400), ("crop300_100", 100, 300)):
        # The blob is smooth: resampling it once more moves no value by more than a few hundredths of its deviation.
        assert (inputs.plain(blob(size, field), view) - whole).abs().max() < 0.06


def one_by_one(image, crop, corner, turns, flip, brightness, contrast):
    """The chain of the authors' code for one image (1, 3, S, S) in [0, 1]."""
    x = resized(255 * centre(image, crop), 80)
    row, column = corner
    x = x[..., row : row + 64, column : column + 64]
    x = torch.rot90(x, turns, (2, 3))
    x = x.flip(3) if flip else x
    x = x + brightness
    mean = x.mean((2, 3), keepdim=True)
    return by_numpy(((x - mean) * contrast + mean)[0])


def test_random_changes_are_those_of_the_code():
    """Turn and flip of each image are found by trying; the other draws are known."""
    inputs = MorphologyInputs(crop=(200, 202), frame=424)
    whole, rng = images(424, count=12, seed=5), torch.Generator().manual_seed(8)
    state = rng.get_state()
    found = inputs.augmented(whole, "full_424", rng)
    rng.set_state(state)
    matrices, brightness, contrast = inputs.draw(12, "full_424", rng)
    seen = set()
    for image, result, matrix, b, c in zip(whole, found, matrices, brightness, contrast, strict=True):
        crop = round((torch.linalg.norm(matrix[0, :2]) * 424 * 80 / 64).item())
        column, row = (((matrix[:, 2] * 424 / crop + 1) * 80 - 64) / 2).round().int().tolist()
        if crop % 2:  # an odd crop has no centre among whole pixels
            continue
        expected = {
            (turns, flip): one_by_one(image[None], crop, (row, column), turns, flip, b.item(), c.item())
            for turns in range(4)
            for flip in (False, True)
        }
        errors = {change: abs(result.numpy() - values).max() for change, values in expected.items()}
        change = min(errors, key=errors.get)
        assert errors[change] < 5e-4
        assert sorted(errors.values())[1] > 0.5
        seen.add(change)
    assert len(seen) >= 4


def test_draws_are_uniform_over_their_ranges_and_one_per_image():
    inputs, count = MorphologyInputs(), 20_000
    matrices, brightness, contrast = inputs.draw(count, "crop256_128", torch.Generator().manual_seed(0))
    crop = torch.linalg.norm(matrices[:, 0, :2], dim=1) * 256 * 80 / 64
    corner = ((matrices[:, :, 2] * 256 / crop[:, None] + 1) * 80 - 64) / 2
    for values, low, high in ((crop, 170, 241), (corner[:, 0], 0, 16), (corner[:, 1], 0, 16)):
        whole = values.round()
        torch.testing.assert_close(values, whole, atol=1e-9, rtol=0)
        numbers, found = whole.unique(return_counts=True)
        assert numbers.tolist() == list(range(low, high + 1))
        expected = count / (high + 1 - low)
        assert (found - expected).abs().max() < 5 * expected**0.5  # five standard deviations of a Poisson count
    directions = (matrices[:, :, :2] / torch.linalg.norm(matrices[:, 0, :2], dim=1)[:, None, None]).round().flatten(1)
    kinds, found = directions.unique(dim=0, return_counts=True)
    assert len(kinds) == 8
    assert (found - count / 8).abs().max() < 5 * (count / 8) ** 0.5
    for values, low, high in ((brightness, -63, 63), (contrast, 0.2, 1.8)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high >= values.max() > high - 0.01 * (high - low)
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=5 * (high - low) / (12 * count) ** 0.5)


def test_the_same_generator_gives_the_same_changes():
    inputs, view = MorphologyInputs(), images(128)
    one, other = (inputs.augmented(view, "crop256_128", torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, other)
    rng = torch.Generator().manual_seed(4)
    inputs.augmented(view, "crop256_128", rng)
    assert not torch.equal(one, inputs.augmented(view, "crop256_128", rng))


def test_brightness_is_undone_by_the_standardisation_and_contrast_between_channels_is_not():
    view = images(128) * torch.tensor([1, 0.5, 0.2])[:, None, None]
    usual, no_brightness, no_contrast = (
        MorphologyInputs(**change).augmented(view, "crop256_128", torch.Generator().manual_seed(4))
        for change in ({}, {"brightness": 0}, {"contrast": (1, 1)})
    )
    torch.testing.assert_close(usual, no_brightness, atol=1e-4, rtol=0)
    assert (usual - no_contrast).abs().max() > 0.01


def test_standardised_images():
    found = standardised(255 * images(20))
    for one in found.double():
        assert abs(one.mean()) < 1e-6
        assert one.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    faint = torch.full((1, 3, 8, 8), 7.0)
    faint[0, 0, 0, 0] += 0.01
    np.testing.assert_allclose(standardised(faint)[0].numpy(), by_numpy(faint[0]), rtol=1e-3, atol=1e-6)
    assert not standardised(torch.full((1, 3, 8, 8), 7.0)).any()


def test_fields_that_are_too_small_and_images_of_other_views_are_refused():
    inputs = MorphologyInputs()
    with pytest.raises(ConfigError, match="crops of up to 241 px, and the view crop200_64 shows 200 px"):
        inputs.plain(images(64), "crop200_64")
    with pytest.raises(ValueError, match="images have 64 x 64 px, those of crop256_128 have 128"):
        inputs.plain(images(64), "crop256_128")
    with pytest.raises(ConfigError, match="histogram_10 is neither"):
        inputs.plain(images(64), "histogram_10")

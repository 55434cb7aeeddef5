"""Paired differences: intervals that cover, tests of the right size, adjusted p-values."""

import itertools

import numpy as np
import pytest
from scipy import stats

from galaxies.paired import (
    joint_interval,
    resampling_interval,
    resampling_weights,
    seed_interval,
    sign_flip_test,
    smallest_p_value,
)


def test_sign_flips_agree_with_scipy():
    differences = np.random.default_rng(0).normal(0.5, 1, (3, 8))
    raw, _ = sign_flip_test(differences)
    for row, p_value in zip(differences, raw, strict=True):
        found = stats.permutation_test((row,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert p_value == pytest.approx(found.pvalue)


def test_a_clear_difference_reaches_the_smallest_p_value():
    for seeds in (1, 2, 5, 6, 12):
        raw, adjusted = sign_flip_test(np.linspace(1, 2, seeds)[None])
        assert raw[0] == adjusted[0] == smallest_p_value(seeds) == 2 / 2**seeds
    raw, _ = sign_flip_test(np.linspace(1, 2, 20)[None])
    assert raw[0] == smallest_p_value(20) == 1e-4


def test_no_difference_has_p_one():
    raw, adjusted = sign_flip_test(np.zeros((2, 5)))
    assert raw.tolist() == adjusted.tolist() == [1, 1]


def test_equal_differences_without_scatter():
    raw, _ = sign_flip_test(np.full((1, 6), 0.01))
    assert raw[0] == 2 / 2**6


def test_the_test_does_not_depend_on_scale_or_sign():
    differences = np.random.default_rng(1).normal(size=(4, 7))
    scaled = differences * np.array([1e-6, -1, 30, 1e5])[:, None]
    np.testing.assert_allclose(sign_flip_test(differences), sign_flip_test(scaled))


def test_undefined_differences_stay_undefined():
    differences = np.array([[np.nan, 1, 2], [1, 2, 3], [-1, 0.5, 2]])
    raw, adjusted = sign_flip_test(differences)
    assert np.isnan([raw[0], adjusted[0]]).all()
    np.testing.assert_allclose([raw[1:], adjusted[1:]], sign_flip_test(differences[1:]))


def westfall_young(differences: np.ndarray) -> np.ndarray:
    """Step-down max-T by its definition, with Student's t and explicit loops."""

    def t(values):
        return abs(values.mean()) / (values.std(ddof=1) / np.sqrt(len(values)))

    found = [t(row) for row in differences]
    order = sorted(range(len(found)), key=lambda arm: -found[arm])
    signs = list(itertools.product((1, -1), repeat=differences.shape[1]))
    flipped = np.array([[t(row * np.array(sign)) for row in differences] for sign in signs])
    adjusted, largest = {}, 0.0
    for position, arm in enumerate(order):
        reached = flipped[:, order[position:]].max(axis=1) >= found[arm] * (1 - 1e-9)
        largest = max(largest, reached.mean())
        adjusted[arm] = largest
    return np.array([adjusted[arm] for arm in range(len(found))])


@pytest.mark.parametrize("seed", range(4))
def test_adjusted_values_follow_the_definition(seed):
    differences = np.random.default_rng(seed).normal([[0.0], [0.8], [1.6], [0.3]], 1, (4, 6))
    raw, adjusted = sign_flip_test(differences)
    np.testing.assert_allclose(adjusted, westfall_young(differences))
    assert (adjusted >= raw - 1e-12).all() and adjusted.max() <= 1


def test_one_arm_needs_no_adjustment():
    raw, adjusted = sign_flip_test(np.random.default_rng(2).normal(size=(1, 6)))
    assert raw == adjusted


def test_copies_of_an_arm_cost_nothing():
    """Ten arms that are the same comparison are one comparison; Bonferroni would multiply by ten."""
    differences = np.random.default_rng(3).normal(1, 1, (1, 8))
    raw, adjusted = sign_flip_test(np.repeat(differences, 10, axis=0))
    np.testing.assert_allclose(adjusted, raw)


def test_false_alarms_are_as_rare_as_they_should_be():
    """Six null arms that share a baseline: any of them is significant at 5 % in at most 5 % of experiments."""
    draw = np.random.default_rng(4)
    raw, adjusted = np.empty((2, 1000, 6))
    for trial in range(1000):
        scores = draw.normal(size=(7, 8))
        raw[trial], adjusted[trial] = sign_flip_test(scores[1:] - scores[0])
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert (adjusted.min(axis=1) <= 0.05).mean() <= limit
    assert (raw <= 0.05).mean() <= limit
    assert (raw.min(axis=1) <= 0.05).mean() > 0.1  # what the adjustment is for


def test_one_seed_has_no_interval():
    assert np.isnan(seed_interval(np.array([0.3]))).all()
    raw, adjusted = sign_flip_test(np.array([[0.3]]))
    assert raw == adjusted == 1
    assert np.isnan(joint_interval(np.array([0.3]), np.array([[0.1, 0.5]]))).all()
    assert np.isnan(joint_interval(np.array([0.3, 0.4]), np.full((2, 9), np.nan))).all()


def test_interval_over_seeds_is_student_s():
    differences = np.random.default_rng(5).normal(size=6)
    expected = stats.t.interval(0.95, 5, loc=differences.mean(), scale=stats.sem(differences))
    assert seed_interval(differences) == pytest.approx(expected)


def test_resamples_draw_each_object_once_on_average():
    weights = resampling_weights(50, 2000)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(50), abs=5 / np.sqrt(2000))
    np.testing.assert_array_equal(weights, resampling_weights(50, 2000))


def test_bootstrap_interval_of_a_mean_agrees_with_the_normal_one():
    values = np.random.default_rng(6).normal(size=400)
    interval = resampling_interval(values.mean(), resampling_weights(400, 4000) @ values / 400)
    half = 1.96 * values.std() / 20
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.08 * half)


def test_undefined_resamples_do_not_count():
    low, high = resampling_interval(1.0, np.array([np.nan, 0.0, 1.0, 2.0]))
    assert low < 1 < high
    assert np.isnan(resampling_interval(1.0, np.full(3, np.nan))).all()


def test_joint_interval_of_seeds_that_see_all_images_alike_is_student_s():
    differences = np.random.default_rng(8).normal(size=4)
    constant = np.repeat(differences[:, None], 50, axis=1)
    assert joint_interval(differences, constant) == pytest.approx(seed_interval(differences))


def test_joint_interval_of_seeds_that_are_alike_is_the_bootstrap_s():
    resampled = np.tile(np.random.default_rng(9).normal(1, 0.1, 4000), (3, 1))
    half = 1.959964 * resampled[0].std()
    assert joint_interval(np.ones(3), resampled) == pytest.approx((1 - half, 1 + half))


def test_joint_interval_of_two_sources_adds_squares_by_hand():
    """Means of 2 and 4 with images that shift both alike: no noise is counted twice."""
    shift = np.array([-0.3, -0.1, 0.1, 0.3])
    half = np.hypot(stats.t.ppf(0.975, 1) * 1.0, stats.norm.ppf(0.975) * shift.std())
    expected = (3 - half, 3 + half)
    assert joint_interval(np.array([2.0, 4.0]), np.array([2 + shift, 4 + shift])) == pytest.approx(expected)


def coverage(of_seeds: float, of_images: float, of_both: float, seeds: int = 5, images: int = 60) -> float:
    """How often the joint interval covers the true mean, 0, over new seeds and new images; scales of the effects."""
    draw = np.random.default_rng(7)
    weights = resampling_weights(images, 200).T / images
    covered, trials = 0, 1500
    for _ in range(trials):
        loss = of_seeds * draw.normal(size=(seeds, 1)) + of_images * draw.normal(size=images)
        loss += of_both * draw.normal(size=(seeds, images))
        low, high = joint_interval(loss.mean(axis=1), loss @ weights)
        covered += low <= 0 <= high
    return covered / trials


@pytest.mark.parametrize(
    ("effects", "highest"),
    [
        ((0.5, 0.1, 0.1), 0.965),  # seeds alone: exact
        ((0.001, 1.0, 0.01), 0.965),  # images alone: exact but for the bootstrap
        ((0.5, 1.0, 0.5), 0.97),
        ((0.2, 1.0, 0.5), 0.975),
        ((0.0, 0.7, 1.0), 0.98),  # noise of both: it would be 99 % if that counted twice
        ((0.0, 0.0, 1.0), 0.985),
    ],
)
def test_joint_interval_covers_over_new_seeds_and_new_images(effects, highest):
    """Neither less than 95 % nor much more; the error of the simulation is 0.6 %."""
    assert 0.935 <= coverage(*effects) <= highest


def test_few_seeds_are_covered_too():
    assert 0.94 <= coverage(0.5, 1.0, 0.5, seeds=2) <= 0.985
    assert 0.94 <= coverage(0.5, 1.0, 0.5, seeds=3) <= 0.975


def test_choices_count_without_the_noise_of_their_judges():
    """Two judges see choices of variance 0.04 with noise of their own, of variance 1."""
    draw = np.random.default_rng(10)
    choices = 0.2 * draw.normal(size=20_000) + draw.normal(size=(2, 20_000))
    resampled = 0.3 * draw.normal(size=20_000)
    low, high = resampling_interval(0.0, resampled, choices)
    half = 1.96 * np.sqrt(0.3**2 + 0.2**2)
    assert (low, high) == pytest.approx((-half, half), rel=0.05)
    alike = np.tile(choices, (3, 1, 1))
    assert joint_interval(np.zeros(3), np.tile(resampled, (3, 1)), alike) == pytest.approx((-half, half), rel=0.05)
    plain = resampling_interval(0.0, resampled)
    assert resampling_interval(0.0, resampled, np.full((2, 5), np.nan)) == plain
    assert resampling_interval(0.0, resampled, np.array([[0.0, 1.0], [1.0, 0.0]])) == plain  # judges contradict

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
    assert np.isnan(joint_interval(0.3, seed_interval(np.array([0.3])), (0.1, 0.5))).all()


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


def test_joint_interval_adds_squares_on_each_side():
    assert joint_interval(1.0, (0.7, 1.4), (0.6, 1.3)) == pytest.approx((0.5, 1.5))


def test_joint_interval_covers_over_new_seeds_and_new_images():
    """Differences with an effect of the seed, one of the image, and noise of both; the true mean is 0."""
    draw = np.random.default_rng(7)
    weights = resampling_weights(60, 200)
    covered = {"seeds": 0, "images": 0, "both": 0}
    trials = 400
    for _ in range(trials):
        loss = 0.2 * draw.normal(size=(5, 1)) + draw.normal(size=60) + 0.5 * draw.normal(size=(5, 60))
        mean = loss.mean()
        seeds = seed_interval(loss.mean(axis=1))
        images = resampling_interval(mean, weights @ loss.mean(axis=0) / 60)
        for name, (low, high) in zip(covered, (seeds, images, joint_interval(mean, seeds, images)), strict=True):
            covered[name] += low <= 0 <= high
    assert covered["both"] / trials >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / trials)
    assert covered["seeds"] / trials < 0.92 and covered["images"] / trials < 0.92  # each alone promises too much

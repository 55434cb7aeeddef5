"""Measures of predicted probabilities against scikit-learn, closed forms and properties."""

import numpy as np
import pytest
from sklearn import metrics as reference

from galaxies.classification_metrics import (
    BINS,
    METRICS,
    average_precision,
    brier,
    calibration_error,
    equal_count_bins,
    log_loss,
    prior_log_loss,
    reliability,
    roc_auc,
)

REFERENCES = {
    "log_loss": lambda y, p, w: reference.log_loss(y, p, sample_weight=w),
    "roc_auc": lambda y, p, w: reference.roc_auc_score(y, p, sample_weight=w),
    "average_precision": lambda y, p, w: reference.average_precision_score(y, p, sample_weight=w),
    "brier": lambda y, p, w: reference.brier_score_loss(y, p, sample_weight=w),
}


def sample(ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities float32 (97,), targets (97,) and weights (5, 97), some of them 0."""
    draw = np.random.default_rng(seed)
    target = (draw.random(97) < 0.3).astype(np.uint8)
    probability = np.clip(0.3 * draw.random(97) + 0.2 * target + 0.2, 0, 1)
    probability = (np.round(probability, 1) if ties else probability).astype(np.float32)
    return probability, target, draw.multinomial(97, np.full(97, 1 / 97), size=5).astype(float)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", REFERENCES)
def test_agrees_with_scikit_learn(name, ties):
    probability, target, weights = sample(ties)
    assert METRICS[name](probability, target) == pytest.approx(REFERENCES[name](target, probability, None), rel=1e-6)
    expected = [REFERENCES[name](target, probability, w) for w in weights]
    np.testing.assert_allclose(METRICS[name](probability, target, weights), expected, rtol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_weights_count_objects(name):
    """A weight of 2 is the object twice, one of 0 its absence, as far as the bins stay the same."""
    probability, target, _ = sample(ties=False)
    weights = np.full(97, 2.0)
    doubled = METRICS[name](np.repeat(probability, 2), np.repeat(target, 2))
    assert METRICS[name](probability, target, weights) == pytest.approx(doubled, rel=1e-6)
    assert METRICS[name](probability, target, weights[None])[0] == METRICS[name](probability, target, weights)


def test_perfect_and_reversed_ranking():
    target = np.array([0, 0, 1, 1])
    assert roc_auc(np.array([0.1, 0.2, 0.3, 0.4]), target) == 1
    assert average_precision(np.array([0.1, 0.2, 0.3, 0.4]), target) == 1
    assert roc_auc(np.array([0.4, 0.3, 0.2, 0.1]), target) == 0
    assert average_precision(np.array([0.4, 0.3, 0.2, 0.1]), target) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_a_constant_prediction_ranks_nothing():
    target = np.array([0, 1, 0, 0])
    constant = np.full(4, 0.25)
    assert roc_auc(constant, target) == 0.5
    assert average_precision(constant, target) == 0.25
    assert calibration_error(constant, target) == 0


def test_one_class_has_no_ranking():
    assert np.isnan(roc_auc(np.array([0.2, 0.3]), np.array([0, 0])))
    assert np.isnan(average_precision(np.array([0.2, 0.3]), np.array([0, 0])))
    assert np.isnan(roc_auc(np.array([0.2, 0.3]), np.array([1, 1])))


def test_certain_and_wrong_is_finite():
    value = log_loss(np.array([0, 1], dtype=np.float32), np.array([1, 0]))
    assert value == pytest.approx(-np.log(np.finfo(np.float32).eps))


def test_losses_of_many_epochs_at_once():
    probability = np.random.default_rng(1).random((3, 20)).astype(np.float32)
    target = np.arange(20) % 2
    expected = [reference.log_loss(target, row) for row in probability]
    np.testing.assert_allclose(log_loss(probability, target), expected, rtol=1e-6)


def test_prior_of_the_same_rate_is_the_entropy():
    target = np.repeat([1, 0], [521, 1345])  # the 1866 galaxies of HSC x COSMOS: 0.592203 nats
    assert prior_log_loss(521 / 1866, target) == pytest.approx(0.592203, abs=1e-6)
    assert prior_log_loss(0.4, target) > prior_log_loss(521 / 1866, target)
    assert np.isfinite(prior_log_loss(0.0, target))


def test_bins_hold_equally_many_and_keep_ties_together():
    draw = np.random.default_rng(2)
    values = draw.permutation(320).astype(float)
    assert np.bincount(equal_count_bins(values)).tolist() == [32] * BINS
    tied = np.round(draw.random(320), 1)
    bins = equal_count_bins(tied)
    assert all(len(set(bins[tied == value])) == 1 for value in np.unique(tied))
    assert np.all(np.diff(bins[np.argsort(tied)]) >= 0)


def test_calibration_error_of_a_known_shift():
    """Bins of 32 with 8 positives each, predictions 0.1 above the share of 0.25."""
    target = np.tile([1, 0, 0, 0], 80)
    probability = 0.35 + 1e-6 * np.arange(320) / 320
    assert calibration_error(probability, target) == pytest.approx(0.1, abs=1e-5)


def test_calibration_error_falls_with_the_number_of_objects():
    draw = np.random.default_rng(3)
    errors = []
    for number in (320, 32_000):
        probability = draw.beta(2, 5, number)
        errors.append(calibration_error(probability, draw.random(number) < probability))
    assert 0.03 < errors[0] < 0.1 and errors[1] < 0.015


def test_reliability_counts_and_shares():
    draw = np.random.default_rng(4)
    probability, target = draw.random((3, 50)), draw.random(50) < 0.4
    weights = np.stack([np.ones(50), (np.arange(50) < 25).astype(float)])
    curve = reliability(probability, target, weights)
    assert curve["count"].tolist() == [15] * BINS
    assert curve["positive_share"] @ curve["count"] == pytest.approx(3 * target.sum())
    assert curve["mean_probability"] @ curve["count"] == pytest.approx(probability.sum())
    np.testing.assert_allclose(curve["resampled_share"][0], curve["positive_share"])
    lowest = np.argsort(probability.ravel())[:15] % 50
    kept = lowest[lowest < 25]
    assert curve["resampled_share"][1, 0] == pytest.approx(target[kept].mean())


def test_reliability_leaves_out_empty_bins():
    curve = reliability(np.full((2, 10), 0.3), np.arange(10) < 3, np.ones((1, 10)))
    assert curve["count"].tolist() == [20]
    assert curve["positive_share"].tolist() == pytest.approx([0.3])


def test_brier_of_a_coin():
    assert brier(np.full(6, 0.5), np.array([0, 1, 1, 0, 0, 0])) == 0.25

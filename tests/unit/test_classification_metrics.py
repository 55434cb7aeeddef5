"""Measures of predicted log-odds against scikit-learn, closed forms and properties."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn import metrics as reference

from galaxies.classification_metrics import (
    BINS,
    METRICS,
    average_precision,
    brier,
    calibration_error,
    calibration_noise,
    equal_count_bins,
    log_loss,
    prior_log_loss,
    reliability,
    roc_auc,
)

REFERENCES = {
    "log_loss": lambda y, x, w: reference.log_loss(y, expit(x.astype(float)), sample_weight=w),
    "roc_auc": lambda y, x, w: reference.roc_auc_score(y, x, sample_weight=w),
    "average_precision": lambda y, x, w: reference.average_precision_score(y, x, sample_weight=w),
    "brier": lambda y, x, w: reference.brier_score_loss(y, expit(x.astype(float)), sample_weight=w),
}


def sample(ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits float32 (97,), targets (97,) and weights (5, 97), some of them 0."""
    draw = np.random.default_rng(seed)
    target = (draw.random(97) < 0.3).astype(np.uint8)
    values = 2 * draw.normal(size=97) + target - 1
    values = (np.round(values) if ties else values).astype(np.float32)
    return values, target, draw.multinomial(97, np.full(97, 1 / 97), size=5).astype(float)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", REFERENCES)
def test_agrees_with_scikit_learn(name, ties):
    values, target, weights = sample(ties)
    assert METRICS[name](values, target) == pytest.approx(REFERENCES[name](target, values, None), rel=1e-6)
    expected = [REFERENCES[name](target, values, w) for w in weights]
    np.testing.assert_allclose(METRICS[name](values, target, weights), expected, rtol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_weights_count_objects(name):
    """A weight of 2 is the object twice, one of 0 its absence, as far as the bins stay the same."""
    values, target, _ = sample(ties=False)
    weights = np.full(97, 2.0)
    doubled = METRICS[name](np.repeat(values, 2), np.repeat(target, 2))
    assert METRICS[name](values, target, weights) == pytest.approx(doubled, rel=1e-6)
    assert METRICS[name](values, target, weights[None])[0] == METRICS[name](values, target, weights)


def test_perfect_and_reversed_ranking():
    target = np.array([0, 0, 1, 1])
    assert roc_auc(np.array([0.1, 0.2, 0.3, 0.4]), target) == 1
    assert average_precision(np.array([0.1, 0.2, 0.3, 0.4]), target) == 1
    assert roc_auc(np.array([0.4, 0.3, 0.2, 0.1]), target) == 0
    assert average_precision(np.array([0.4, 0.3, 0.2, 0.1]), target) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_a_constant_prediction_ranks_nothing():
    target = np.array([0, 1, 0, 0])
    constant = np.full(4, logit(0.25))
    assert roc_auc(constant, target) == 0.5
    assert average_precision(constant, target) == 0.25
    assert calibration_error(constant, target) == pytest.approx(0)


def test_one_class_has_no_ranking():
    assert np.isnan(roc_auc(np.array([0.2, 0.3]), np.array([0, 0])))
    assert np.isnan(average_precision(np.array([0.2, 0.3]), np.array([0, 0])))
    assert np.isnan(roc_auc(np.array([0.2, 0.3]), np.array([1, 1])))


def test_certain_and_wrong_costs_its_log_odds():
    """Closed form: log(1 + exp(200)); float32 probabilities would be 0 and 1, with a loss of 16 or infinity."""
    value = log_loss(np.array([-200, 200], dtype=np.float32), np.array([1, 0]))
    assert value == pytest.approx(200)
    assert log_loss(np.array([-200.0, 200.0]), np.array([0, 1])) == pytest.approx(np.exp(-200))


def test_saturated_predictions_keep_their_order():
    """All are a probability of 1 in float32."""
    values, target = np.array([30, 40, 50, 60], dtype=np.float32), np.array([0, 0, 1, 1])
    assert (expit(values) == 1).all()
    assert roc_auc(values, target) == average_precision(values, target) == 1


def test_losses_of_many_epochs_at_once():
    values = np.random.default_rng(1).normal(size=(3, 20)).astype(np.float32)
    target = np.arange(20) % 2
    expected = [reference.log_loss(target, expit(row.astype(float))) for row in values]
    np.testing.assert_allclose(log_loss(values, target), expected, rtol=1e-6)


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
    assert calibration_error(logit(probability), target) == pytest.approx(0.1, abs=1e-5)


def test_calibration_error_falls_with_the_number_of_objects():
    draw = np.random.default_rng(3)
    errors = []
    for number in (320, 32_000):
        probability = draw.beta(2, 5, number)
        errors.append(calibration_error(logit(probability), draw.random(number) < probability))
    assert 0.03 < errors[0] < 0.1 and errors[1] < 0.015


def test_noise_is_the_error_of_a_perfectly_calibrated_prediction():
    """Bins of 32 at probability 1/2: the mean distance of a binomial share from its mean, E|X - 16| / 32."""
    values = 1e-6 * np.arange(320)
    share = stats.binom(32, 0.5)
    expected = sum(abs(x - 16) * share.pmf(x) for x in range(33)) / 32
    assert calibration_noise(values) == pytest.approx(expected, rel=0.02)
    assert calibration_noise(values) == calibration_noise(values)
    draw = np.random.default_rng(5)
    values = draw.normal(-1, 1, 320)
    errors = [calibration_error(values, draw.random(320) < expit(values)) for _ in range(300)]
    assert calibration_noise(values) == pytest.approx(np.mean(errors), rel=0.05)


def test_reliability_bins_each_network_by_itself():
    """A network that is too low and one that is too high are each in bins of their own order."""
    draw = np.random.default_rng(4)
    values, target = draw.normal(size=(3, 50)) + np.array([[-3], [0], [3]]), draw.random(50) < 0.4
    weights = np.stack([np.ones(50), (np.arange(50) < 25).astype(float)])
    curve = reliability(values, target, weights)
    assert curve["count"].tolist() == [5] * BINS
    lowest = np.argsort(values, axis=1)[:, :5]
    assert curve["mean_probability"][0] == pytest.approx(
        np.mean([expit(v[i]) for v, i in zip(values, lowest, strict=True)])
    )
    assert curve["positive_share"][0] == pytest.approx(np.mean([target[i] for i in lowest]))
    np.testing.assert_allclose(curve["resampled_share"][0], curve["positive_share"])
    kept = [target[i[i < 25]].mean() for i in lowest]
    assert curve["resampled_share"][1, 0] == pytest.approx(np.mean(kept), nan_ok=True)


def test_points_and_error_agree_where_networks_are_alike():
    """Copies of one network: the error is the mean distance of the points from the diagonal."""
    values, target, _ = sample(ties=False)
    curve = reliability(np.stack([values, values]), target, np.ones((1, 97)))
    distance = np.abs(curve["mean_probability"] - curve["positive_share"])
    assert distance @ curve["count"] / 97 == pytest.approx(calibration_error(values, target))


def test_reliability_leaves_out_empty_bins():
    curve = reliability(np.full((2, 10), -0.3), np.arange(10) < 3, np.ones((1, 10)))
    assert curve["count"].tolist() == [10]
    assert curve["positive_share"].tolist() == pytest.approx([0.3])


def test_a_network_without_a_bin_does_not_count_there():
    constant, sorted_values = np.zeros(10), np.arange(10.0)
    curve = reliability(np.stack([constant, sorted_values]), np.arange(10) >= 5, np.ones((1, 10)))
    assert curve["positive_share"][0] == pytest.approx((0.5 + 0) / 2)
    assert curve["positive_share"][-1] == curve["resampled_share"][0, -1] == 1


def test_brier_of_a_coin():
    assert brier(np.zeros(6), np.array([0, 1, 1, 0, 0, 0])) == 0.25

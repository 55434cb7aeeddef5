"""Errors and intervals against scikit-learn, SciPy and closed forms."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_squared_error

from galaxies.metrics import rmse
from galaxies.stats import summarise


def test_rmse_is_the_global_one():
    rng = np.random.default_rng(0)
    truth, predictions = rng.random((2, 50, 37)).astype(np.float32)
    assert rmse(predictions, truth) == pytest.approx(np.sqrt(mean_squared_error(truth.ravel(), predictions.ravel())))


def test_interval_agrees_with_scipy():
    values = [0.135, 0.1361, 0.1342, 0.1366]
    summary = summarise(values)
    low, high = stats.t.interval(0.95, df=3, loc=np.mean(values), scale=stats.sem(values))
    assert (summary.ci95_low, summary.ci95_high) == pytest.approx((low, high))
    assert (summary.mean, summary.std, summary.n) == pytest.approx((np.mean(values), np.std(values, ddof=1), 4))


def test_p_value_agrees_with_scipy():
    values = [0.001, -0.002, 0.004, 0.003]
    assert summarise(values).p_value_of_zero == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_prediction_interval_covers_the_next_value_as_often_as_it_says():
    rng = np.random.default_rng(2)
    draws = [(summarise(rng.normal(size=3)), rng.normal()) for _ in range(4000)]
    covered = [s.prediction95_low <= value <= s.prediction95_high for s, value in draws]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.014)  # four binomial standard deviations


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = [s.ci95_low <= 0 <= s.ci95_high for s in (summarise(rng.normal(size=3)) for _ in range(4000))]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.014)  # four binomial standard deviations


def test_one_value_has_no_interval():
    summary = summarise([0.2])
    assert summary.mean == 0.2
    assert np.isnan([summary.std, summary.ci95_low, summary.prediction95_high, summary.p_value_of_zero]).all()


def test_no_value_is_an_error():
    with pytest.raises(ValueError, match="no values"):
        summarise([])

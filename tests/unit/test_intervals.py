"""When a mean over seeds has an interval, in tables and in figures."""

import numpy as np
import pytest
from scipy import stats

from galaxies.plots import new_figure, seeds_as_points
from galaxies.stats import interval_over_seeds

SPREAD = [0.2, 0.9, 0.95]


def test_an_interval_is_that_of_student_within_the_bounds_of_the_quantity():
    whole = stats.t.interval(0.95, df=2, loc=np.mean(SPREAD), scale=stats.sem(SPREAD))
    assert whole[0] < 0 and whole[1] > 1
    assert interval_over_seeds(SPREAD) == pytest.approx(whole)
    assert interval_over_seeds(SPREAD, (0, 1)) == (0, 1)
    assert interval_over_seeds(SPREAD, (0, np.inf)) == pytest.approx((0, whole[1]))


@pytest.mark.parametrize("values", [[], [0.3], [0.3, 0.4], [0.3, 0.3, 0.3]])
def test_few_or_equal_seeds_have_no_interval(values):
    assert np.isnan(interval_over_seeds(values)).all()


def drawn(values, bounds):
    """Positions of the marks with something to see: of the interval, of the mean, of the seeds."""
    _, axes = new_figure(1, 1, 2, 2)
    seeds_as_points(axes[0, 0], 1.0, np.array(values), "black", bounds)
    return [line.get_xdata() for line in axes[0, 0].lines if np.isfinite(line.get_xdata()).all()]


def test_two_seeds_are_drawn_as_two_points_and_three_with_mean_and_interval():
    (points,) = drawn(SPREAD[:2], (0, 1))
    assert list(points) == SPREAD[:2]
    interval, mean, points = drawn(SPREAD, (0, 1))
    assert list(interval) == [0, 1] and mean == pytest.approx([np.mean(SPREAD)]) and list(points) == SPREAD

"""Means over training seeds and their uncertainty."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit  # Student's t; scipy.stats takes a second longer to import

FEWEST_SEEDS = 3
"""Fewer decide nothing: the intervals of two are so wide that they hold nearly any value."""


@dataclass(frozen=True)
class Summary:
    """What independent values, such as one score per training seed, say of their mean; NaN where undefined.

    std : standard deviation (ddof 1). ci95 : 95 % interval of the mean. prediction95 : 95 % interval of one more
    value. p_value_of_zero : two-sided p-value of the mean being 0. All by Student's t, so for normal scatter.
    """

    mean: float
    std: float
    n: int
    ci95_low: float
    ci95_high: float
    prediction95_low: float
    prediction95_high: float
    p_value_of_zero: float


def summarise(values: list[float] | np.ndarray) -> Summary:
    """Summary of independent values.

    With q = t(0.975, n - 1): ci95 is mean -/+ q std / sqrt(n), prediction95 is mean -/+ q std sqrt(1 + 1 / n).
    Raises ValueError for no value.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0:
        raise ValueError("no values to summarise")
    mean, n = float(values.mean()), int(values.size)
    if n == 1:
        return Summary(mean, float("nan"), n, *(float("nan"),) * 5)
    std = float(values.std(ddof=1))
    quantile = float(stdtrit(n - 1, 0.975))
    half, wide = quantile * std / np.sqrt(n), quantile * std * np.sqrt(1 + 1 / n)
    p_value = 2 * float(stdtr(n - 1, -abs(mean) / (std / np.sqrt(n)))) if std else float("nan")
    return Summary(mean, std, n, mean - half, mean + half, mean - wide, mean + wide, p_value)


def interval_over_seeds(
    values: list[float] | np.ndarray, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """Ends of the 95 % interval of the mean by Student's t, cut to the `bounds` of the quantity.

    values : one per seed. NaN where there is none: fewer than FEWEST_SEEDS values say too little, and equal ones have
    an interval without width, although another seed could differ.
    """
    if len(values) < FEWEST_SEEDS or not np.ptp(values):
        return math.nan, math.nan
    summary, (lowest, highest) = summarise(values), bounds
    return max(summary.ci95_low, lowest), min(summary.ci95_high, highest)


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the median of independent values of any one distribution: two of them, by their ranks.

    The number of values below the median is binomial. Raises ValueError for fewer than six values, which have none.
    """
    values = np.sort(np.asarray(values, dtype=np.float64))
    n = len(values)
    left_out = int((bdtr(np.arange(n), n, 0.5) <= 0.025).sum())  # at each end
    if not left_out:
        raise ValueError(f"{n} values have no 95 % interval of the median; six are needed")
    return float(values[left_out - 1]), float(values[n - left_out])

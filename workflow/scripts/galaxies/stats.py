"""Means over training seeds and their uncertainty."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # Student's quantile; scipy.stats takes a second longer to import


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation (ddof 1), number of values and 95 % interval of the mean; NaN where undefined."""

    mean: float
    std: float
    n: int
    ci95_low: float
    ci95_high: float


def summarise(values: list[float] | np.ndarray) -> Summary:
    """Summary of independent values, such as one score per training seed.

    The interval is Student's, mean -/+ t(0.975, n - 1) std / sqrt(n); it and the deviation are NaN for one value.
    Raises ValueError for no value.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0:
        raise ValueError("no values to summarise")
    mean, n = float(values.mean()), int(values.size)
    if n == 1:
        return Summary(mean, float("nan"), n, float("nan"), float("nan"))
    std = float(values.std(ddof=1))
    half_width = float(stdtrit(n - 1, 0.975)) * std / np.sqrt(n)
    return Summary(mean, std, n, mean - half_width, mean + half_width)

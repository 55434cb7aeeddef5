"""Where the mean of a quantity over training seeds lies, as tables and figures say it."""

import math

import numpy as np

from galaxies.stats import summarise
from galaxies.verdicts import FEWEST_SEEDS


def interval_over_seeds(
    values: list[float] | np.ndarray, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """Ends of the 95 % interval of the mean by Student's t, cut to the `bounds` of the quantity.

    values : one per seed. NaN where there is none: of fewer than `FEWEST_SEEDS` values it is too wide to say anything,
    of equal ones it has no width, although another seed could differ.
    """
    if len(values) < FEWEST_SEEDS or not np.ptp(values):
        return math.nan, math.nan
    summary, (lowest, highest) = summarise(values), bounds
    return max(summary.ci95_low, lowest), min(summary.ci95_high, highest)

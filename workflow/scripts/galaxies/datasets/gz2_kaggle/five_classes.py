"""The five classes of the clean sample of Galaxy Zoo 2 by Dai and Tong (2018, arXiv:1807.10406)."""

import numpy as np
import pandas as pd

CLASSES = {
    "completely_round_smooth": {"Class1.1": 0.469, "Class7.1": 0.50},
    "in_between_smooth": {"Class1.1": 0.469, "Class7.2": 0.50},
    "cigar_shaped_smooth": {"Class1.1": 0.469, "Class7.3": 0.50},
    "edge_on": {"Class1.2": 0.430, "Class2.1": 0.602},
    "spiral": {"Class1.2": 0.430, "Class2.2": 0.715, "Class4.1": 0.619},
}
"""Class -> least vote fraction in each of its columns; a galaxy is of the first class that it reaches.

The thresholds are those of Willett et al. (2013, table 3), here for the cumulative fractions of the Kaggle challenge.
"""

CLEAN_SAMPLE = 28_790
"""Galaxies of the published table that have a class, after the paper's abstract."""

CLEAN_SAMPLE_SLACK = 10
"""By how many a count may miss CLEAN_SAMPLE: others who apply the same rule report 28 793."""

MEANING = {
    name: {"kind": "class", "unit": " and ".join(f"{column} >= {low:g}" for column, low in rule.items())}
    | {"range": [0.0, 1.0]}
    for name, rule in CLASSES.items()
}


def five_classes(solutions: pd.DataFrame) -> pd.DataFrame:
    """One column of 0 and 1 for each class, float64 (M, 5), of those galaxies that have a class.

    solutions : vote fractions (N, 37) as `read_solutions` returns them. The index and its order are kept.
    """
    reached = pd.DataFrame({name: _reaches(solutions, rule) for name, rule in CLASSES.items()})
    of_a_class = reached.any(axis=1).to_numpy()
    first = reached.to_numpy()[of_a_class].argmax(axis=1)
    return pd.DataFrame(np.eye(len(CLASSES))[first], index=solutions.index[of_a_class], columns=list(CLASSES))


def _reaches(solutions: pd.DataFrame, rule: dict[str, float]) -> pd.Series:
    return (solutions[list(rule)] >= pd.Series(rule)).all(axis=1)

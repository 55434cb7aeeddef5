"""Scores of the simulated images, and what kind of frame an image with a given score is.

The numbers are computed from the published table of 9600 scores and from the blob statistics of 5858 of these images.
"""

from enum import Enum

import numpy as np

JUNK_BELOW = 0.1
"""Frames with a lower score show no clean star field; the published scores have a gap here."""
JUNK_SHARE = 1192 / 9600
"""Share of the published scores below `JUNK_BELOW`."""

# Percentiles 0, 1, ..., 100 of the published scores.
_PERCENTILES = np.array(
    [
        *(0.000059, 0.000395, 0.000504, 0.000565, 0.000652, 0.000741, 0.000849, 0.000982, 0.001165, 0.001479),
        *(0.002098, 0.004583, 0.016649, 0.300192, 0.377471, 0.440377, 0.50177, 0.567947, 0.627371, 0.685211),
        *(0.742905, 0.806493, 0.868512, 0.949008, 1.028713, 1.10159, 1.1699, 1.196068, 1.216453, 1.234156),
        *(1.249193, 1.265108, 1.275748, 1.289439, 1.299551, 1.309035, 1.321283, 1.331065, 1.342702, 1.353349),
        *(1.364943, 1.375178, 1.388911, 1.400261, 1.4117, 1.428746, 1.44021, 1.455613, 1.470903, 1.487757),
        *(1.502722, 1.520008, 1.540614, 1.558747, 1.575812, 1.596573, 1.615472, 1.636295, 1.654623, 1.678216),
        *(1.701987, 1.726891, 1.756053, 1.786749, 1.817729, 1.854063, 1.883147, 1.923557, 1.962268, 1.996187),
        *(2.04155, 2.085867, 2.124092, 2.171202, 2.215785, 2.269344, 2.314752, 2.363526, 2.423028, 2.475351),
        *(2.519022, 2.563575, 2.61405, 2.67564, 2.739405, 2.80009, 2.872192, 2.943616, 3.011013, 3.077948),
        *(3.150918, 3.220737, 3.317014, 3.408833, 3.516199, 3.640163, 3.804822, 4.023609, 4.263927, 4.66398),
        6.249791,
    ]
)
# The gap between junk and fields is narrower than one percentile: 9 scores lie in 0.1 to 0.2.
_RANKS = np.insert(np.linspace(0, 1, 101), 13, [JUNK_SHARE, JUNK_SHARE + 9 / 9600])
_QUANTILES = np.insert(_PERCENTILES, 13, [JUNK_BELOW, 0.2])


class Frame(Enum):
    """What an image shows: stars on a sky of 0 to 3 grey levels, stars drowned in noise, or no stars at all."""

    FIELD_0 = 0
    FIELD_1 = 1
    FIELD_2 = 2
    FIELD_3 = 3
    NOISE = "noise"
    PICTURE = "picture"


# Shares of the kinds of frames among the published images with a score from the one edge to the next.
_JUNK_EDGES = np.array([0, 0.0004, 0.001, 0.0015, 0.002, 0.004, 0.01, JUNK_BELOW])
_JUNK_KINDS = (Frame.NOISE, Frame.PICTURE)
_JUNK_COUNTS = np.array([[1, 60], [75, 257], [28, 90], [29, 21], [35, 11], [31, 8], [42, 1]])
_FIELD_EDGES = np.array([JUNK_BELOW, 0.5, 0.8, 1.1, 1.25, 1.4, 1.7, 2.2, 2.8, 3.5, 8])
_FIELD_KINDS = (Frame.FIELD_0, Frame.FIELD_1, Frame.FIELD_2, Frame.FIELD_3)
_FIELD_COUNTS = np.array(
    [
        [11, 66, 86, 39],
        [33, 101, 126, 34],
        [54, 79, 83, 25],
        [200, 46, 31, 7],
        [680, 42, 27, 9],
        [865, 53, 65, 16],
        [638, 87, 81, 13],
        [530, 83, 58, 2],
        [428, 82, 35, 0],
        [281, 59, 13, 0],
    ]
)


def draw_score(rng: np.random.Generator) -> float:
    """A score with the distribution of the published ones, 0.000059 to 6.25."""
    return float(np.interp(rng.random(), _RANKS, _QUANTILES))


def draw_labeled_score(is_galaxy: bool, rng: np.random.Generator) -> float:
    """A score of a star field, at least `JUNK_BELOW`, or of a frame that shows none."""
    low, high = (JUNK_SHARE, 1) if is_galaxy else (0, JUNK_SHARE)
    return float(np.interp(rng.uniform(low, high), _RANKS, _QUANTILES))


def draw_frame(score: float, rng: np.random.Generator) -> Frame:
    """What an image of this score shows, as often as in the published images."""
    if score < JUNK_BELOW:
        edges, kinds, counts = _JUNK_EDGES, _JUNK_KINDS, _JUNK_COUNTS
    else:
        edges, kinds, counts = _FIELD_EDGES, _FIELD_KINDS, _FIELD_COUNTS
    row = counts[np.searchsorted(edges, score, side="right") - 1]
    return kinds[rng.choice(len(kinds), p=row / row.sum())]

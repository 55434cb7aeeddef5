"""Votes of simulated volunteers who walk the Galaxy Zoo 2 decision tree."""

import numpy as np

from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS, QUESTIONS
from galaxies.datasets.gz2_kaggle.morphology import Galaxy

VOLUNTEERS = (40, 50)
"""Smallest and largest number of volunteers who look at one galaxy (Willett et al. 2013: 44 in the median)."""


def answer_probabilities(galaxy: Galaxy, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Probability of each answer, given that the question is asked: question number -> (answers,), sum 1.

    Features count as much as blurring and noise let them be seen; scatter on the log-odds makes some galaxies harder
    to judge than others, and no answer is certain.
    """
    visible = galaxy.visibility
    arms, bar, ring = galaxy.arm_strength * visible, galaxy.bar * visible, galaxy.ring * visible
    clumps = galaxy.clumpiness * visible
    disturbed = galaxy.disturbance * (0.3 + 0.7 * visible)
    q = galaxy.axis_ratio
    edge_on = galaxy.kind == "edge_on"
    flat = 1 / (1 + np.exp((q - 0.33) / 0.05))

    features = {
        "smooth": 0.25 + 0.14 * flat,
        "lens": 0.35,
        "disk": 0.08 + 0.26 * (1 - galaxy.bulge_fraction) * (0.3 + 0.7 * visible) + 0.25 * flat,
        "merger": 0.25,
        "edge_on": 0.5 + 0.42 * visible,
        "irregular": 0.45 + 0.35 * visible,
        "star": 0.1,
        "artifact": 0.15,
    }[galaxy.kind]
    for strength, weight in ((min(1.0, 1.25 * arms), 0.9), (bar, 0.7), (ring, 0.7), (clumps, 0.35), (disturbed, 0.3)):
        features = 1 - (1 - features) * (1 - weight * strength)
    features = _scatter(features, 0.8 if galaxy.kind == "smooth" else 0.5, rng)
    not_galaxy = {"star": 0.8, "artifact": 0.45}.get(galaxy.kind, 0.008 + 0.012 * rng.exponential())

    bulge = min(galaxy.bulge_fraction, 0.5) if galaxy.kind in ("disk", "irregular") else 0.3
    prominence = np.log(bulge + 0.01) + rng.normal(0, 0.25)
    bulge_steps = -(((prominence - np.log([0.012, 0.09, 0.33, 0.85])) / 0.62) ** 2) / 2

    odd = 0.06 + 0.05 * rng.exponential()
    odd_features = {
        "ring": ring,
        "lens_or_arc": galaxy.arc * (0.5 + 0.5 * visible),
        "disturbed": 0.8 * disturbed * (galaxy.kind != "irregular") * (galaxy.companion == 0),
        "irregular": (0.35 + 0.5 * disturbed) * (galaxy.kind == "irregular"),
        "other": 0.5 * (galaxy.kind == "artifact"),
        "merger": 0.95 * min(1.0, 0.35 + galaxy.companion) * (galaxy.companion > 0),
        "dust_lane": 0.9 * galaxy.dust * visible,
    }
    for strength in odd_features.values():
        odd = 1 - (1 - odd) * (1 - 0.85 * strength)
    background = np.array([0.012, 0.003, 0.02, 0.02, 0.035, 0.03, 0.004])

    rounded = _thresholds(q + rng.normal(0, 0.02), edges=(0.385, 0.78), width=0.07)[::-1]

    edge_bulges = {"rounded": (0.86, 0.05, 0.09), "boxy": (0.4, 0.5, 0.1), "none": (0.14, 0.03, 0.83)}
    edge_bulge = _soften(edge_bulges[galaxy.edge_on_bulge], visible) if edge_on else (0.75, 0.03, 0.22)

    winding = _thresholds(galaxy.pitch + rng.normal(0, 1.5), edges=(13.5, 22.0), width=2.2)
    number = np.full(6, 0.012)
    number[min(galaxy.arms, 5) - 1 if galaxy.arms else 5] += 0.15 + 1.3 * arms * (1 - 0.3 * galaxy.flocculence)
    if 2 <= galaxy.arms <= 5:
        number[[galaxy.arms - 2, galaxy.arms - 1 if galaxy.arms < 5 else 4]] += 0.08
    number[5] += 0.12 + 0.35 * (1 - arms)

    probabilities = {
        1: [(1 - not_galaxy) * (1 - features), (1 - not_galaxy) * features, not_galaxy],
        2: _pair(_scatter((0.68 + 0.29 * visible) if edge_on else 0.015 + 0.5 * flat, 0.6, rng)),
        3: _pair(_scatter(0.03 + 0.9 * bar, 0.4, rng)),
        4: _pair(_scatter(0.1 + 0.88 * min(1.0, 1.32 * arms), 0.4, rng)),
        5: _normalised(np.exp(bulge_steps) + 1e-4),
        6: _pair(_scatter(odd, 0.3, rng)),
        7: rounded,
        8: _normalised(background + np.array(list(odd_features.values()))),
        9: edge_bulge,
        10: winding,
        11: number,
    }
    return {question: _normalised(np.asarray(values, dtype=np.float64)) for question, values in probabilities.items()}


def cast_votes(probabilities: dict[int, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Cumulative vote fractions (37,) in the order of `COLUMNS`, of 40 to 50 volunteers.

    Each volunteer answers a question only if their answer before leads to it, so small fractions of a parent are
    coarse and zeros are exact. "Anything odd" is asked of those who see a galaxy; its fractions sum to 1 for every
    object, as in the released table. Where nobody is asked, the probabilities stand for the votes.
    """
    volunteers = int(rng.integers(VOLUNTEERS[0], VOLUNTEERS[1] + 1))
    counts: dict[str, int] = {}
    fractions: dict[str, float] = {}
    for question in QUESTIONS:
        if question.number == 6:
            asked = volunteers - counts["Class1.3"]
        else:
            asked = volunteers if question.parent is None else counts[question.parent]
        total = 1.0 if question.parent is None else fractions[question.parent]
        answers = rng.multinomial(asked, probabilities[question.number])
        shares = answers / asked if asked else probabilities[question.number]
        counts.update(zip(question.columns, answers.tolist(), strict=True))
        fractions.update(zip(question.columns, (shares * total).tolist(), strict=True))
    return np.array([fractions[column] for column in COLUMNS])


def _scatter(probability: float, width: float, rng: np.random.Generator) -> float:
    """Probability moved by a normal deviate of standard deviation `width` in log-odds."""
    probability = min(max(probability, 1e-3), 1 - 1e-3)
    return float(1 / (1 + np.exp(-(np.log(probability / (1 - probability)) + rng.normal(0, width)))))


def _pair(yes: float) -> list[float]:
    return [yes, 1 - yes]


def _thresholds(value: float, edges: tuple[float, float], width: float) -> np.ndarray:
    """Probabilities (3,) that a judgement of `value`, logistic scatter `width`, is below, between or above `edges`."""
    below = 1 / (1 + np.exp((value - np.array(edges)) / width))
    return np.array([below[0], below[1] - below[0], 1 - below[1]])


def _soften(probabilities: tuple[float, ...], visible: float) -> np.ndarray:
    """Mix with equal answers: a feature that is hardly visible is guessed."""
    return np.array(probabilities) * (0.4 + 0.6 * visible) + (0.6 - 0.6 * visible) / len(probabilities)


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()

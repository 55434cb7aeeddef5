"""Early stopping that is judged on objects other than those that chose its epoch.

The objects are halved. Each half is evaluated at the epoch with the smallest log-loss of the other, so that the noise
of the objects that chose an epoch does not flatter it.

With other objects, other epochs would be chosen and the same epochs would be judged differently. A bootstrap of both at
once counts the noise of the judging objects twice, since the curves that it chooses from have it already. So the two
are kept apart: resamples judge epochs that stay, and `reselect` shows what another choice changes.
"""

import numpy as np

from galaxies.classification_metrics import METRICS, RANKING, log_losses


def halves_of(target: np.ndarray, seed: int = 0) -> np.ndarray:
    """A random half of the objects, bool (N,), with half of each class as far as that goes; always the same one."""
    draw = np.random.default_rng(seed)
    first = np.zeros(len(target), dtype=bool)
    for number, label in enumerate((0, 1)):  # of two odd classes, one half has more of one, the other of the other
        members = draw.permutation(np.flatnonzero(target == label))
        first[members[: (len(members) + number) // 2]] = True
    return first


def choose_epochs(logit: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Epochs, counted from 0, at which the first half and the other are evaluated: (B, 2).

    logit : (E, N). weights : (B, N), how often each object is in each resample.
    """
    losses, first = log_losses(logit, target), halves_of(target)
    return np.stack([(weights[:, half] @ losses[:, half].T).argmin(axis=1) for half in (~first, first)], axis=1)


def stopped(logit: np.ndarray, target: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Logits (N,) of (E, N), each half at its epoch of `epochs` (2,)."""
    return np.where(halves_of(target), logit[epochs[0]], logit[epochs[1]])


def measure_stopped(logit: np.ndarray, target: np.ndarray, epochs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values (metrics, B) of METRICS with each half at its epoch of `epochs` (2,).

    Ranking metrics are means of the two halves, as the scores of two epochs have no common scale.
    """
    values, first = stopped(logit, target, epochs), halves_of(target)

    def value(name: str) -> np.ndarray:
        if name not in RANKING:
            return METRICS[name](values, target, weights)
        parts = [METRICS[name](values[half], target[half], weights[:, half]) for half in (first, ~first)]
        return (parts[0] + parts[1]) / 2

    return np.stack([value(name) for name in METRICS])


def reselect(logit: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values (metrics, 2, B) at the epochs that each resample chooses, as two disjoint sets of objects judge them.

    The noise of the two judges is independent, so their covariance over resamples is the variance of the choice alone.
    """
    judges = np.zeros((2, len(target)))
    for half in (halves_of(target), ~halves_of(target)):
        members = np.flatnonzero(half)
        part = halves_of(target[members])
        judges[0, members[part]] = judges[1, members[~part]] = 1
    pairs, chosen = np.unique(choose_epochs(logit, target, weights), axis=0, return_inverse=True)
    values = np.stack([measure_stopped(logit, target, epochs, judges) for epochs in pairs], axis=-1)
    return values[..., chosen]

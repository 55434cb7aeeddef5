"""Measures of a predicted class, for one sample of objects or for many resamples of it at once.

All take logit (N,), the predicted log-odds of class 1, target (N,) of 0 and 1, and weights (..., N), such as how often
each object occurs in each resample; they return (...) values, one without weights. NaN where a measure is undefined.
Probabilities are computed in float64 from the logits, which stay apart where probabilities would be rounded to 0 or 1.
"""

import numpy as np
from scipy.special import expit
from scipy.special import logit as log_odds

BINS = 10  # of calibration: 32 objects each with the 320 of the HSC images
SMALLEST = np.finfo(np.float32).eps  # share of a class that training images lack, as a prior


def log_losses(logit: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Negative logarithm of the probability of the true class, (..., N) nats, of logits (..., N)."""
    return np.logaddexp(0, np.where(target == 1, -1.0, 1.0) * logit)


def log_loss(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean negative logarithm of the probability of the true class, in nats; logits may be (..., N) here."""
    return _mean(log_losses(logit, target), weights)


def brier(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean squared difference between probability and target (Brier 1950, for one of two classes)."""
    return _mean((probability_of(logit) - target) ** 2, weights)


def roc_auc(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: how often an object of class 1 ranks above one of class 0; ties count half."""
    (positive, weight), (negative, other) = _by_class(logit, target, weights)
    lower, not_higher = (
        _sums_before(other).take(np.searchsorted(negative, positive, side), axis=-1) for side in ("left", "right")
    )
    return _ratio(np.vecdot(weight, lower + not_higher) / 2, weight.sum(-1) * other.sum(-1))


def average_precision(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over the objects of class 1 of the precision among all that rank at least as high (no interpolation)."""
    (positive, weight), (negative, other) = _by_class(logit, target, weights)
    true, false = (
        part.sum(-1, keepdims=True) - _sums_before(part).take(np.searchsorted(values, positive), axis=-1)
        for values, part in ((positive, weight), (negative, other))
    )
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    return _ratio(np.vecdot(weight, precision), weight.sum(-1))


def calibration_error(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over BINS bins of |mean probability - share of class 1|, each weighted by its objects.

    The bins are those of `equal_count_bins`, for all weights the same. Scatter makes the value of a well calibrated
    prediction positive, see `calibration_noise`.
    """
    excess = (probability_of(logit) - target)[:, None] * _members(equal_count_bins(logit))
    weights = np.ones(len(target)) if weights is None else weights
    return np.abs(weights @ excess).sum(-1) / weights.sum(-1)


def calibration_noise(logit: np.ndarray, draws: int = 1000, seed: int = 0) -> float:
    """Mean calibration error of logits (N,) if they were perfectly calibrated: over targets drawn from them."""
    probability = probability_of(logit)
    targets = np.random.default_rng(seed).random((draws, len(logit))) < probability
    excess = (probability - targets) @ _members(equal_count_bins(logit))
    return float(np.abs(excess).sum(axis=1).mean() / len(logit))


METRICS = {
    "log_loss": log_loss,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "brier": brier,
    "calibration_error": calibration_error,
}
RANKING = ("roc_auc", "average_precision")  # metrics of the order alone; of these, higher is better


BOUNDS = {name: (0.0, np.inf if name == "log_loss" else 1.0) for name in METRICS}  # lowest and highest value


def prior_log_loss(positive_rate: float, target: np.ndarray) -> float:
    """Log-loss of a prediction that is `positive_rate`, kept off 0 and 1, for every object."""
    prior = log_odds(np.clip(positive_rate, SMALLEST, 1 - SMALLEST))
    return float(log_loss(np.full(len(target), prior), target))


def probability_of(logit: np.ndarray) -> np.ndarray:
    """Probability of class 1, float64."""
    return expit(np.asarray(logit, np.float64))


def equal_count_bins(values: np.ndarray) -> np.ndarray:
    """Bin 0..BINS - 1 of each value (N,), by rank; equal values share a bin, else all bins have equally many."""
    return np.searchsorted(np.sort(values), values) * BINS // len(values)


def reliability(logit: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """What share of the objects is of class 1 at each predicted probability: bins of each network, averaged over them.

    logit : (S, N) of S networks for the same N objects. weights : (B, N) resamples. Each network has its own bins,
    those of `calibration_error`; the k-th of all networks make one point. Returns for the points that have members
    `count`, the mean number of objects, `mean_probability`, `positive_share`, and `resampled_share` (B, points), NaN
    where a resample leaves a bin empty.
    """
    members = np.stack([_members(equal_count_bins(one)) for one in logit])  # (S, N, BINS)
    members = members[..., members.any(axis=(0, 1))]
    count, everyone = members.sum(axis=1), np.ones(len(target))
    probability = probability_of(logit)[..., None]

    def share(weights: np.ndarray) -> np.ndarray:
        return np.stack([_ratio(weights @ (one * target[:, None]), weights @ one) for one in members])

    of_resamples = share(weights)
    of_resamples[np.broadcast_to(count[:, None] == 0, of_resamples.shape)] = 0  # networks without this bin
    networks = (count > 0).sum(axis=0)
    return {
        "count": count.sum(axis=0) / networks,
        "mean_probability": np.nanmean(_ratio((members * probability).sum(axis=1), count), axis=0),
        "positive_share": np.nanmean(share(everyone), axis=0),
        "resampled_share": of_resamples.sum(axis=0) / networks,
    }


def _by_class(logit: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """(logits ascending, weights in that order) of the objects of class 1, and of those of class 0."""
    weights = np.ones(len(target)) if weights is None else weights
    parts = []
    for label in (1, 0):
        members = np.flatnonzero(target == label)
        members = members[np.argsort(logit[members])]
        parts.append((logit[members], weights.take(members, axis=-1)))
    return parts


def _sums_before(weights: np.ndarray) -> np.ndarray:
    """Sum of the weights (..., N) in front of each position 0..N."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, axis=-1, out=sums[..., 1:])
    return sums


def _members(bins: np.ndarray) -> np.ndarray:
    return (bins[:, None] == np.arange(BINS)).astype(np.float64)


def _mean(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return values.mean(axis=-1) if weights is None else weights @ values / weights.sum(-1)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below != 0)

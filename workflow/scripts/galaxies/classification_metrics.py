"""Measures of predicted probabilities of a class, for one sample of objects or for many resamples of it at once.

All take probability (N,) of class 1, target (N,) of 0 and 1, and weights (..., N), such as how often each object
occurs in each resample; they return (...) values, one without weights. NaN where a measure is undefined.
"""

import numpy as np

SMALLEST = np.finfo(np.float32).eps  # nearest to 0 and to 1 that a probability counts as: they are float32
BINS = 10  # of calibration: 32 objects each with the 320 of the HSC images


def log_loss(probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean negative logarithm of the probability of the true class, in nats; probabilities may be (..., N) here."""
    p = np.clip(np.asarray(probability, np.float64), SMALLEST, 1 - SMALLEST)
    return _mean(-np.log(np.where(target == 1, p, 1 - p)), weights)


def brier(probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean squared difference between probability and target (Brier 1950, for one of two classes)."""
    return _mean((np.asarray(probability, np.float64) - target) ** 2, weights)


def roc_auc(probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: how often an object of class 1 ranks above one of class 0; ties count half."""
    (positive, weight), (negative, other) = _by_class(probability, target, weights)
    lower, not_higher = (
        _sums_before(other).take(np.searchsorted(negative, positive, side), axis=-1) for side in ("left", "right")
    )
    return _ratio(np.vecdot(weight, lower + not_higher) / 2, weight.sum(-1) * other.sum(-1))


def average_precision(probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over the objects of class 1 of the precision among all that rank at least as high (no interpolation)."""
    (positive, weight), (negative, other) = _by_class(probability, target, weights)
    true, false = (
        part.sum(-1, keepdims=True) - _sums_before(part).take(np.searchsorted(values, positive), axis=-1)
        for values, part in ((positive, weight), (negative, other))
    )
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    return _ratio(np.vecdot(weight, precision), weight.sum(-1))


def calibration_error(probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean over BINS bins of |mean probability - share of class 1|, each weighted by its objects.

    The bins are those of `equal_count_bins`, for all weights the same. Scatter makes the value of a well calibrated
    prediction positive, about 0.06 for 320 objects.
    """
    excess = (np.asarray(probability, np.float64) - target)[:, None] * _members(equal_count_bins(probability))
    weights = np.ones(len(target)) if weights is None else weights
    return np.abs(weights @ excess).sum(-1) / weights.sum(-1)


METRICS = {
    "log_loss": log_loss,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "brier": brier,
    "calibration_error": calibration_error,
}
RANKING = ("roc_auc", "average_precision")  # metrics of the order alone; of these, higher is better


def prior_log_loss(positive_rate: float, target: np.ndarray) -> float:
    """Log-loss of a prediction that is `positive_rate` for every object."""
    return float(log_loss(np.full(len(target), positive_rate), target))


def equal_count_bins(probability: np.ndarray) -> np.ndarray:
    """Bin 0..BINS - 1 of each value (N,), by rank; equal values share a bin, else all bins have equally many."""
    return np.searchsorted(np.sort(probability), probability) * BINS // len(probability)


def reliability(probability: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """What share of the objects is of class 1 at each predicted probability.

    probability : (S, N) of S networks for the same N objects, binned together. weights : (B, N) resamples.
    Returns for the bins that have members `count` (of the S N predictions), `mean_probability`, `positive_share`, and
    `resampled_share` (B, bins), NaN where a resample leaves a bin empty.
    """
    seeds, objects = probability.shape
    member = _members(equal_count_bins(probability.ravel())).reshape(seeds, objects, BINS)
    count, total = member.sum(axis=(0, 1)), (member * probability[:, :, None]).sum(axis=(0, 1))
    used = count > 0
    of_object = member.sum(axis=0)[:, used]  # in how many networks an object is in a bin
    positive = of_object * target[:, None]
    return {
        "count": count[used].astype(int),
        "mean_probability": total[used] / count[used],
        "positive_share": positive.sum(axis=0) / count[used],
        "resampled_share": _ratio(weights @ positive, weights @ of_object),
    }


def _by_class(
    probability: np.ndarray, target: np.ndarray, weights: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(probability ascending, weights in that order) of the objects of class 1, and of those of class 0."""
    weights = np.ones(len(target)) if weights is None else weights
    parts = []
    for label in (1, 0):
        members = np.flatnonzero(target == label)
        members = members[np.argsort(probability[members])]
        parts.append((probability[members], weights.take(members, axis=-1)))
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

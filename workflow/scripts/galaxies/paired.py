"""Differences between arms of an experiment that share their seeds and their validation objects.

Two things make a difference uncertain: another seed would train another network, and other objects would have been
validated on. Each has its interval here, and both together have one.
"""

import itertools

import numpy as np
from scipy.special import ndtri, stdtrit  # quantiles of the normal distribution and of Student's t

from galaxies.stats import summarise

EXACT_SEEDS = 12  # with more, the 2^n patterns of signs are drawn and no longer enumerated
RANDOM_FLIPS = 10_000
ROUNDING = 1e-9  # statistics that differ by less are tied; they are of order 1


def seed_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of differences (n,), one per seed, by Student's t; NaN for one seed."""
    summary = summarise(differences)
    return summary.ci95_low, summary.ci95_high


def resampling_weights(objects: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each object is drawn in each bootstrap resample, float64 (resamples, objects)."""
    draw = np.random.default_rng(seed)
    return draw.multinomial(objects, np.full(objects, 1 / objects), size=resamples).astype(np.float64)


def resampling_interval(
    estimate: float, resampled: np.ndarray, reselected: np.ndarray | None = None
) -> tuple[float, float]:
    """95 % bootstrap interval: quantiles of the resampled values (B,) about their mean, placed at the estimate.

    A measure that grows with scatter, as a calibration error does, is larger in resamples; that shift is left out.
    reselected : (2, C), see `galaxies.early_stopping.reselect`; widens the interval by what another choice adds to the
    variance. Resamples where the measure is undefined do not count; NaN if all are.
    """
    valid = resampled[np.isfinite(resampled)]
    if not len(valid):
        return float("nan"), float("nan")
    variance = valid.var()
    wider = np.sqrt(1 + _choice_variance(reselected) / variance) if variance else 1
    low, high = estimate + wider * (np.quantile(valid, (0.025, 0.975)) - valid.mean())
    return float(low), float(high)


def joint_interval(
    differences: np.ndarray, resampled: np.ndarray, reselected: np.ndarray | None = None
) -> tuple[float, float]:
    """95 % interval of the mean of differences (n,), one per seed, over other seeds and other objects.

    resampled : the differences in bootstrap resamples of the objects, (n, B). reselected : (n, 2, C), as above.
    Half-widths for seeds (Student's t) and for objects (normal) add in squares, the method of variance estimates
    recovery (Zou and Donner 2008, Statistics in Medicine 27, 1693). Noise of single objects in single seeds is in the
    scatter of both; it is estimated from what resamples change in one seed beside the mean of the seeds, and counted
    once. NaN for one seed, or if no resample is defined.
    """
    resampled = resampled[:, np.isfinite(resampled).all(axis=0)]
    seeds, estimate = len(differences), differences.mean()
    if seeds == 1 or not resampled.size:
        return float("nan"), float("nan")
    reselected = np.zeros((seeds, 2, 1)) if reselected is None else reselected
    of_seeds, means = differences.var(ddof=1) / seeds, (resampled.mean(axis=0), reselected.mean(axis=0))
    of_objects = means[0].var() + _choice_variance(means[1])
    counted_twice = ((resampled - means[0]).var(axis=1).mean() + _choice_variance(reselected - means[1])) / (seeds - 1)
    t, z = stdtrit(seeds - 1, 0.975), ndtri(0.975)
    added = t**2 * of_seeds + z**2 * max(of_objects - counted_twice, 0)
    half = np.sqrt(max(added, z**2 * of_objects))
    return float(estimate - half), float(estimate + half)


def _choice_variance(reselected: np.ndarray | None) -> float:
    """Covariance of two judges (..., 2, C) over choices, mean over the first axes, at least 0."""
    if reselected is None:
        return 0.0
    defined = np.isfinite(reselected).reshape(-1, reselected.shape[-1]).all(axis=0)
    if not defined.any():
        return 0.0
    scatter = reselected[..., defined] - reselected[..., defined].mean(axis=-1, keepdims=True)
    return max(float((scatter[..., 0, :] * scatter[..., 1, :]).mean()), 0.0)


def smallest_p_value(seeds: int) -> float:
    """Smallest p-value that `sign_flip_test` can give."""
    return 2.0 ** (1 - seeds) if seeds <= EXACT_SEEDS else 1 / RANDOM_FLIPS


def sign_flip_test(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided permutation p-values of zero differences (A, n) of A arms over n seeds, and the same adjusted for A.

    Without an effect, a difference is as likely as its negative, so every pattern of signs over the seeds is as likely
    as the one found; the same pattern flips all arms. The adjusted values hold for all arms together (step-down max-T,
    Westfall and Young 1993; Ge, Dudoit and Speed 2003, TEST 12, box 2). Exact up to 12 seeds. NaN for an arm with an
    undefined difference, which then does not count as a comparison.
    """
    differences = np.asarray(differences, dtype=np.float64)
    defined = np.isfinite(differences).all(axis=1)
    raw, adjusted = np.full((2, len(differences)), np.nan)
    if defined.any():
        raw[defined], adjusted[defined] = _flip(differences[defined])
    return raw, adjusted


def _flip(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The sum over the root of the sum of squares orders as Student's t does, and is finite without scatter.
    norm = np.sqrt(np.square(differences).sum(axis=1))
    scaled = differences / np.where(norm > 0, norm, 1)[:, None]
    found, flipped = np.abs(scaled.sum(axis=1)), np.abs(_signs(differences.shape[1]) @ scaled.T)
    raw = (flipped >= found - ROUNDING).mean(axis=0)
    order = np.argsort(-found, kind="stable")
    largest_of_rest = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
    adjusted = np.empty_like(raw)
    adjusted[order] = np.maximum.accumulate((largest_of_rest >= found[order] - ROUNDING).mean(axis=0))
    return raw, adjusted


def _signs(seeds: int) -> np.ndarray:
    """Patterns of signs (patterns, seeds), the one found, all +1, among them."""
    if seeds <= EXACT_SEEDS:
        return np.array(list(itertools.product((1.0, -1.0), repeat=seeds)))
    drawn = np.random.default_rng(0).choice((1.0, -1.0), size=(RANDOM_FLIPS, seeds))
    drawn[0] = 1
    return drawn

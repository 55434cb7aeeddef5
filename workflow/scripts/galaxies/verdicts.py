"""Whether a run reproduces a published value, and whether its metrics support a claim. Closed rules, no files."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from scipy.special import stdtr, stdtrit  # Student's t, its probabilities and quantiles

from galaxies.ledger import metrics_of
from galaxies.paired import sign_flip_test, smallest_p_value
from galaxies.stats import FEWEST_SEEDS, summarise

REPRODUCED, NOT_REPRODUCED, NOT_COMPARABLE = "reproduced", "not reproduced", "not comparable"
AS_CONFIGURED = "as configured"  # a setting, which a run equals by construction
SUPPORTED, REFUTED, INCONCLUSIVE, NOT_TESTED = "supported", "refuted", "inconclusive", "not tested"
OVER_SEEDS = "seeds"
LEVEL = 0.05


@dataclass(frozen=True)
class Measured:
    """Values of a metric: by seed, or one without a seed (key None), which may have a 95 % interval of its own.

    over : what that interval is over. trainings : how many trainings such a value is of; None if it is of none.
    """

    by_seed: dict[int | None, float]
    low: float = float("nan")
    high: float = float("nan")
    over: str = ""
    trainings: int | None = None

    @property
    def has_seeds(self) -> bool:
        return None not in self.by_seed


@dataclass(frozen=True)
class Effect:
    """What a comparison found.

    low, high : 95 % interval of the effect. above, below : what it is said to be, NaN for no bound. p_value : of the
    nearest bound by signs, NaN without seeds. p_refuted : that of the interval, of an effect that lies outside the
    bounds. n : seeds, or trainings, 0 if it is of none. metrics : names of those that it is of.
    """

    verdict: str
    text: str
    effect: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    above: float = float("nan")
    below: float = float("nan")
    p_value: float = float("nan")
    smallest_p_value: float = float("nan")
    p_refuted: float = float("nan")
    n: int = 0
    over: str = ""
    reason: str = ""
    metrics: list[str] = field(default_factory=list)


# Published values


def rounding(value: str, approximate: bool) -> float:
    """Half a unit of the last digit of a published number.

    If it is approximate, half a unit of its last digit other than 0, but no more than a quarter of the number: 10 000
    is no rounded 5000.
    """
    number = Decimal(value)
    if not approximate:
        return 0.5 * 10.0 ** number.as_tuple().exponent
    return min(0.5 * 10.0 ** number.normalize().as_tuple().exponent, float(abs(number)) / 4)


def judge_published(
    published: str,
    approximate: bool,
    values: np.ndarray,
    kind: str,
    relation: str,
    reasons: list[str],
    interval: tuple[float, float] = (float("nan"), float("nan")),
) -> tuple[str, str]:
    """Verdict and why, of a published number as it is printed.

    values : ours; of kind "seeds" one per seed, of kind "fact" a number of the data, of kind "setting" what the run was
    told, of kind "estimate" what was measured without a seed, with its 95 % `interval` over images. reasons : why they
    are not comparable; empty if they are.
    A published value stands for all numbers that are rounded to it. It is reproduced if one of these lies in the 95 %
    prediction interval of one more seed, which a published training is, unless that is wider than the value; or if a
    fact is equal to one of them, or at least or at most the published value where this says so; or if the interval of
    an estimate holds one of them, since no paper names the images that it is of. A setting that is alike is as
    configured, and reproduces nothing.
    """
    if reasons:
        return NOT_COMPARABLE, "; ".join(reasons)
    half, stated = rounding(published, approximate), float(published)
    if relation != "equals":
        holds = values.mean() >= stated - half if relation == "at_least" else values.mean() <= stated + half
        how = f"said to be {relation.replace('_', ' ')} this value"
    else:
        holds, how = abs(values[0] - stated) <= half * (1 + 1e-9), "compared within rounding"
    if kind == "setting":
        return (AS_CONFIGURED, "a setting of the run") if holds else (NOT_COMPARABLE, "the run has another setting")
    if kind == "fact" or relation != "equals":
        return (REPRODUCED if holds else NOT_REPRODUCED), how
    if kind == "estimate":
        if np.isnan(interval).any():
            return NOT_COMPARABLE, "neither seeds nor an interval over images"
        return _in_or_outside(stated, half, interval, "interval over images")
    if len(values) < FEWEST_SEEDS:
        return NOT_COMPARABLE, too_few(len(values))
    summary = summarise(values)
    interval = summary.prediction95_low, summary.prediction95_high
    if interval[1] - interval[0] > abs(stated):
        return NOT_COMPARABLE, f"seeds scatter too much: one more lies in {interval[0]:.4g} to {interval[1]:.4g}"
    return _in_or_outside(stated, half, interval, "prediction interval of one more seed")


def _in_or_outside(stated: float, half: float, interval: tuple[float, float], name: str) -> tuple[str, str]:
    """Whether an interval holds a number within `half` of what is stated."""
    low, high = interval
    holds = low - half <= stated <= high + half
    text = f"{'in' if holds else 'outside'} the 95 % {name}, {low:.4g} to {high:.4g}"
    return (REPRODUCED if holds else NOT_REPRODUCED), text


def too_few(seeds: int) -> str:
    """Why so many seeds decide nothing."""
    return f"{seeds} seed{'s' if seeds > 1 else ''}, {FEWEST_SEEDS} are needed"


# Claims


def judge_claim(effects: list[Effect]) -> str:
    """Verdict of a claim that says all of its comparisons hold.

    It is supported if each of them is, which needs no correction for their number (intersection-union test). Any one
    refutes it, which does: its p-value counts as often as there are comparisons (Bonferroni).
    """
    verdicts = [effect.verdict for effect in effects]
    if any(effect.verdict == REFUTED and effect.p_refuted * len(effects) <= LEVEL for effect in effects):
        return REFUTED
    if NOT_TESTED in verdicts:
        return NOT_TESTED
    return SUPPORTED if set(verdicts) == {SUPPORTED} else INCONCLUSIVE


def judge_comparisons(comparison: dict, metrics: dict[str, Measured], missing: dict[str, str]) -> list[Effect]:
    """Effects of one comparison as in config/claims.yaml; a chain of `less` has one for each of its pairs.

    missing : name -> why a metric has no values.
    """
    if "less" in comparison:
        pairs = zip(comparison["less"], comparison["less"][1:], strict=False)
        return [e for a, b in pairs for e in judge_comparisons({"difference": [a, b], "below": 0.0}, metrics, missing)]
    text, names = _text(comparison), metrics_of(comparison)
    if absent := [missing.get(name, "no values") for name in names if name not in metrics]:
        return [Effect(NOT_TESTED, text, reason="; ".join(dict.fromkeys(absent)), metrics=names)]
    bounds = {end: comparison.get(end, float("nan")) for end in ("above", "below")}
    given = {"text": text, "metrics": names, **bounds}
    first = metrics[names[0]]
    if "value" in comparison and not first.has_seeds:
        return [_of_table(first, given, bounds)]
    kind, measured = "ratio" if "ratio" in comparison else "difference", [metrics[name] for name in names]
    values, undefined = _paired(kind, measured)
    if not len(values):
        return [Effect(NOT_TESTED, **given, reason="undefined in all seeds")]
    return [_over_seeds(values, _half_width_of_facts(kind, measured, values.mean()), given, bounds, undefined)]


def _of_table(measured: Measured, given: dict, bounds: dict) -> Effect:
    """Effect of a value without a seed, by the interval that its table has."""
    (value,) = measured.by_seed.values()
    facts = {"effect": value, "low": measured.low, "high": measured.high, "over": measured.over}
    facts |= {"n": measured.trainings or 0}
    if measured.trainings is not None and measured.trainings < FEWEST_SEEDS:
        return Effect(INCONCLUSIVE, **given, **facts, reason=too_few(measured.trainings))
    reason = "" if np.isfinite([measured.low, measured.high]).all() else "no interval"
    return Effect(**_within(value, measured.low, measured.high, **bounds), **given, **facts, reason=reason)


def _paired(kind: str, measured: list[Measured]) -> tuple[np.ndarray, int]:
    """First value, or first minus second, or first over second, seed by seed; and in how many seeds it is undefined.

    A value without a seed goes with every seed of the other.
    """
    with_seeds = [set(one.by_seed) for one in measured if one.has_seeds]
    seeds = sorted(set.intersection(*with_seeds)) if with_seeds else [None]
    columns = [
        np.array([one.by_seed[seed] if one.has_seeds else next(iter(one.by_seed.values())) for seed in seeds])
        for one in measured
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (
            columns[0] if len(columns) == 1 else columns[0] / columns[1] if kind == "ratio" else columns[0] - columns[1]
        )
    defined = np.isfinite(values)
    return values[defined], int((~defined).sum())


def _half_width_of_facts(kind: str, measured: list[Measured], effect: float) -> float:
    """Half-width of the effect's interval that comes from values without seeds; 0 where these are exact."""
    halves = [(one, (one.high - one.low) / 2) for one in measured if not one.has_seeds and np.isfinite(one.low)]
    if kind == "ratio":  # relative errors add
        halves = [(one, half * abs(effect / next(iter(one.by_seed.values())))) for one, half in halves]
    return float(np.sqrt(sum(half**2 for _, half in halves)))


def _over_seeds(values: np.ndarray, of_facts: float, given: dict, bounds: dict, undefined: int) -> Effect:
    """Effect of values, one per seed, by Student's t; the p-value is that of signs about the nearest bound.

    of_facts : half-width that a value without seeds adds, in squares. undefined : number of further seeds without a
    value, which may be those of the worst trainings.
    """
    summary = summarise(values)
    facts = {"effect": summary.mean, "n": summary.n, "over": f"{OVER_SEEDS} and images" if of_facts else OVER_SEEDS}
    equal = np.allclose(values, values[0], rtol=1e-9, atol=0)  # without width, no other seed could differ
    reasons = [f"undefined in {undefined} of {summary.n + undefined} seeds"] if undefined else []
    if summary.n < FEWEST_SEEDS or equal:
        reasons.append(too_few(summary.n) if summary.n < FEWEST_SEEDS else "all seeds are equal")
    if reasons:
        return Effect(INCONCLUSIVE, **given, **facts, reason="; ".join(reasons))
    bound = min((end for end in bounds.values() if not np.isnan(end)), key=lambda end: abs(end - summary.mean))
    (p_value,), _ = sign_flip_test(values[None] - bound)
    half = float(np.hypot(summary.ci95_high - summary.mean, of_facts))
    facts |= {"low": summary.mean - half, "high": summary.mean + half}
    facts |= {"p_value": float(p_value), "smallest_p_value": smallest_p_value(summary.n)}
    return Effect(**_within(summary.mean, facts["low"], facts["high"], summary.n - 1, **bounds), **given, **facts)


def _within(effect: float, low: float, high: float, degrees: float = np.inf, *, above: float, below: float) -> dict:
    """`verdict`: supported if the whole interval is within the bounds, refuted if none of it is; and `p_refuted`.

    degrees : of freedom of the interval.
    """
    if np.isnan([low, high]).any():
        return {"verdict": INCONCLUSIVE}
    above, below = -np.inf if np.isnan(above) else above, np.inf if np.isnan(below) else below
    if low > above and high < below:
        return {"verdict": SUPPORTED}
    if high > above and low < below:
        return {"verdict": INCONCLUSIVE}
    distance, half = (above - effect, high - effect) if high <= above else (effect - below, effect - low)
    p_value = 2 * stdtr(degrees, -distance / half * stdtrit(degrees, 1 - LEVEL / 2)) if half else 0.0
    return {"verdict": REFUTED, "p_refuted": float(p_value)}


def _text(comparison: dict) -> str:
    """A comparison in a line."""
    names = metrics_of(comparison)
    sign = " / " if "ratio" in comparison else " - "
    if comparison.get("below") == 0 and "difference" in comparison and "above" not in comparison:
        return " < ".join(names)
    bounds = [f"{word} {comparison[end]:g}" for end, word in (("above", ">"), ("below", "<")) if end in comparison]
    return f"{sign.join(names)} {' and '.join(bounds)}"

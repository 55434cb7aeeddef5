"""Closed cases of the rules: what reproduces a published value, and what supports a claim."""

import numpy as np
import pytest
from scipy import stats

from galaxies.verdicts import (
    AS_CONFIGURED,
    INCONCLUSIVE,
    NOT_COMPARABLE,
    NOT_REPRODUCED,
    NOT_TESTED,
    REFUTED,
    REPRODUCED,
    SUPPORTED,
    Effect,
    Measured,
    judge_claim,
    judge_comparisons,
    judge_published,
    rounding,
)

SEEDS = np.array([0.30, 0.32, 0.34, 0.31, 0.33])


def seeds(*values):
    return Measured(dict(enumerate(values)))


def fact(value, low=float("nan"), high=float("nan")):
    return Measured({None: value}, low, high, "images")


def judge(comparison, missing=None, **metrics):
    return judge_comparisons(comparison, metrics, missing or {})


# Published values


@pytest.mark.parametrize(
    ("value", "approximate", "half"),
    [
        ("0.1364", False, 0.00005),
        ("8000", False, 0.5),
        ("2000", True, 500),
        ("0.8", True, 0.05),
        ("3.0", False, 0.05),
        ("10000", True, 2500),
    ],
)
def test_a_printed_number_stands_for_all_that_round_to_it(value, approximate, half):
    assert rounding(value, approximate) == pytest.approx(half)


def test_the_prediction_interval_of_one_more_seed_decides():
    """Against scipy: a published single run is one more draw from the distribution of the seeds."""
    half = stats.t.ppf(0.975, 4) * SEEDS.std(ddof=1) * np.sqrt(1 + 1 / 5)
    for published, verdict in (
        (0.32 + 0.99 * half, REPRODUCED),
        (0.32 - 0.99 * half, REPRODUCED),
        (0.32 + 1.01 * half, NOT_REPRODUCED),
        (0.32 - 1.01 * half, NOT_REPRODUCED),
    ):
        assert judge_published(f"{published:.6f}", False, SEEDS, "seeds", "equals", [])[0] == verdict
    # The interval of the mean, which is narrower, would refuse what one more seed often gives.
    assert half > 2 * stats.t.ppf(0.975, 4) * SEEDS.std(ddof=1) / np.sqrt(5)


@pytest.mark.parametrize(
    ("published", "approximate", "ours", "relation", "verdict"),
    [
        ("8640", False, 8640, "equals", REPRODUCED),
        ("8640", False, 8641, "equals", NOT_REPRODUCED),
        ("2000", True, 1866, "equals", REPRODUCED),
        ("2000", True, 1400, "equals", NOT_REPRODUCED),
        ("0.74", False, 0.742905, "equals", REPRODUCED),
        ("0.74", False, 0.7451, "equals", NOT_REPRODUCED),
        ("2600", True, 2609, "at_least", REPRODUCED),
        ("2600", True, 2000, "at_least", NOT_REPRODUCED),
        ("400", False, 450, "at_least", REPRODUCED),
        ("500", False, 450, "at_most", REPRODUCED),
        ("500", False, 501, "at_most", NOT_REPRODUCED),
    ],
)
def test_facts_are_compared_within_rounding(published, approximate, ours, relation, verdict):
    assert judge_published(published, approximate, np.array([float(ours)]), "fact", relation, [])[0] == verdict


def test_a_setting_that_is_alike_reproduces_nothing():
    assert judge_published("64", False, np.array([64.0]), "setting", "equals", [])[0] == AS_CONFIGURED
    assert judge_published("64", False, np.array([32.0]), "setting", "equals", [])[0] == NOT_COMPARABLE
    assert judge_published("400", False, np.array([450.0, 450]), "setting", "at_least", [])[0] == AS_CONFIGURED
    assert judge_published("500", False, np.array([4.0, 4]), "setting", "at_most", ["short"])[0] == NOT_COMPARABLE


def test_what_is_not_comparable_is_not_judged_however_near_it_is():
    reasons = ["simulated data", "epochs 4 (published 20)"]
    verdict, why = judge_published("0.32", False, SEEDS, "seeds", "equals", reasons)
    assert (verdict, why) == (NOT_COMPARABLE, "simulated data; epochs 4 (published 20)")


def test_seeds_that_hold_nearly_any_value_reproduce_none():
    verdict, why = judge_published("0.1364", False, np.array([0.5, 0.6, 0.9]), "seeds", "equals", [])
    assert verdict == NOT_COMPARABLE and "scatter" in why


@pytest.mark.parametrize(("number", "words"), [(1, "1 seed, 3 are needed"), (2, "2 seeds, 3 are needed")])
def test_few_seeds_judge_nothing(number, words):
    assert judge_published("0.32", False, SEEDS[:number], "seeds", "equals", []) == (NOT_COMPARABLE, words)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [((0.70, 0.80), REPRODUCED), ((0.76, 0.80), NOT_REPRODUCED), ((float("nan"),) * 2, NOT_COMPARABLE)],
)
def test_an_estimate_without_seeds_is_judged_by_its_interval_over_images(interval, verdict):
    assert judge_published("0.752", False, np.array([0.77]), "estimate", "equals", [], interval)[0] == verdict


# Claims


def test_a_difference_is_paired_by_seed():
    """Seeds that scatter far more than the two differ: unpaired, nothing would be seen."""
    base = np.array([1.0, 5.0, 9.0, 3.0])
    gaps = np.array([0.10, 0.12, 0.09, 0.11])
    (effect,) = judge({"less": ["a", "b"]}, a=seeds(*base), b=seeds(*(base + gaps)))
    reference = stats.ttest_rel(base, base + gaps).confidence_interval(0.95)
    assert effect.verdict == SUPPORTED
    assert (effect.low, effect.high) == pytest.approx((reference.low, reference.high))
    assert effect.effect == pytest.approx(-gaps.mean())
    assert effect.p_value == effect.smallest_p_value == 2 / 16  # all signs agree: two of the patterns of four seeds
    (effect,) = judge({"less": ["b", "a"]}, a=seeds(*base), b=seeds(*(base + gaps)))
    assert effect.verdict == REFUTED
    (effect,) = judge({"less": ["a", "b"]}, a=seeds(*base), b=seeds(*(base + gaps * [1, -1, 1, -1])))
    assert effect.verdict == INCONCLUSIVE


def test_a_chain_has_a_comparison_for_each_of_its_pairs():
    effects = judge({"less": ["a", "b", "c"]}, a=seeds(1, 1.1, 1), b=seeds(2, 2.1001, 2), c=seeds(3, 3.1, 3.01))
    assert [effect.text for effect in effects] == ["a < b", "b < c"]
    assert [effect.verdict for effect in effects] == [SUPPORTED, SUPPORTED]


@pytest.mark.parametrize(
    ("comparison", "verdict"),
    [
        ({"ratio": ["b", "a"], "above": 1.5}, SUPPORTED),
        ({"ratio": ["b", "a"], "above": 1.9, "below": 2.1}, SUPPORTED),
        ({"ratio": ["b", "a"], "below": 1.5}, REFUTED),
        ({"ratio": ["b", "a"], "above": 2.0}, INCONCLUSIVE),
        ({"value": "a", "above": 0.5}, SUPPORTED),
        ({"value": "a", "above": 2}, REFUTED),
        ({"difference": ["b", "a"], "above": 0.9, "below": 1.1}, SUPPORTED),
        ({"difference": ["b", "a"], "above": -0.1, "below": 0.1}, REFUTED),
    ],
)
def test_bounds(comparison, verdict):
    (effect,) = judge(comparison, a=seeds(1.0, 1.01, 0.99, 1.0), b=seeds(2.0, 2.03, 1.98, 2.0))
    assert effect.verdict == verdict


def test_a_value_without_seeds_goes_with_every_seed():
    (effect,) = judge({"less": ["prior", "loss"]}, prior=fact(0.5), loss=seeds(0.6, 0.61, 0.62))
    assert (effect.verdict, effect.n) == (SUPPORTED, 3)
    assert effect.effect == pytest.approx(-0.11)


def test_only_seeds_that_both_have_are_compared():
    a, b = Measured({0: 1.0, 1: 1.1, 2: 1.2, 7: 50.0}), Measured({0: 2.0, 1: 2.2, 2: 2.1, 9: -50.0})
    (effect,) = judge({"less": ["a", "b"]}, a=a, b=b)
    assert (effect.n, effect.verdict) == (3, SUPPORTED)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.001, 0.015, SUPPORTED), (0.03, 0.05, REFUTED), (0.01, 0.03, INCONCLUSIVE)]
)
def test_an_interval_of_the_table_is_used_as_it_is(low, high, verdict):
    (effect,) = judge({"value": "copies", "below": 0.02}, copies=fact((low + high) / 2, low, high))
    assert (effect.verdict, effect.over) == (verdict, "images")
    assert np.isnan(effect.p_value)


@pytest.mark.parametrize(
    ("trainings", "verdict"), [(1, INCONCLUSIVE), (2, INCONCLUSIVE), (3, SUPPORTED), (None, SUPPORTED)]
)
def test_what_few_trainings_made_is_inconclusive_whatever_its_interval(trainings, verdict):
    copies = Measured({None: 0.008}, 0.001, 0.015, "images", trainings)
    (effect,) = judge({"value": "copies", "below": 0.02}, copies=copies)
    assert (effect.verdict, effect.n) == (verdict, trainings or 0)


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (seeds(1.0), seeds(2.0), "1 seed,"),
        (seeds(1.0, 1.1), seeds(2.0, 2.2), "2 seeds,"),
        (seeds(1.0, 2.0, 4.0), seeds(2.0, 3.0, 5.0), "equal"),
        (seeds(1.0, 1.0, 1.0), seeds(0.1, 0.1, 0.1 + 1e-12), "equal"),
        (seeds(1.0, 1.1, 1.2, float("nan")), seeds(2.0, 2.1, 2.3, 2.0), "undefined in 1 of 4 seeds"),
        (seeds(1.0, float("nan")), seeds(2.0, 3.0), "undefined in 1 of 2 seeds; 1 seed,"),
    ],
)
def test_what_has_no_interval_is_inconclusive(a, b, why):
    (effect,) = judge({"less": ["a", "b"]}, a=a, b=b)
    assert effect.verdict == INCONCLUSIVE and why in effect.reason


def test_a_value_without_an_interval_is_inconclusive():
    (effect,) = judge({"value": "a", "below": 1}, a=fact(0.5))
    assert effect.verdict == INCONCLUSIVE and "no interval" in effect.reason


def test_what_the_run_lacks_is_not_tested_and_says_why():
    (effect,) = judge({"less": ["a", "b"]}, {"b": "the run does not include b"}, a=seeds(1, 2))
    assert (effect.verdict, effect.reason) == (NOT_TESTED, "the run does not include b")
    (effect,) = judge({"ratio": ["a", "b"], "above": 1}, a=seeds(1, 2), b=seeds(0, 0))
    assert (effect.verdict, effect.reason) == (NOT_TESTED, "undefined in all seeds")


def test_the_interval_of_a_value_without_seeds_widens_that_over_seeds():
    """Independent errors add in squares; of a ratio, relative ones."""
    generated = seeds(0.60, 0.62, 0.61, 0.63)
    (exact,) = judge({"less": ["a", "real"]}, a=generated, real=fact(0.66))
    (uncertain,) = judge({"less": ["a", "real"]}, a=generated, real=fact(0.66, 0.56, 0.76))
    assert (exact.verdict, uncertain.verdict) == (SUPPORTED, INCONCLUSIVE)
    assert uncertain.high - uncertain.effect == pytest.approx(np.hypot(exact.high - exact.effect, 0.1))
    (ratio,) = judge({"ratio": ["a", "real"], "below": 1}, a=generated, real=fact(0.66, 0.56, 0.76))
    (exact,) = judge({"ratio": ["a", "real"], "below": 1}, a=generated, real=fact(0.66))
    assert ratio.high - ratio.effect == pytest.approx(np.hypot(exact.high - exact.effect, exact.effect * 0.1 / 0.66))


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([SUPPORTED, INCONCLUSIVE], INCONCLUSIVE),
        ([SUPPORTED, NOT_TESTED, INCONCLUSIVE], NOT_TESTED),
        ([NOT_TESTED, REFUTED, SUPPORTED], REFUTED),
    ],
)
def test_all_comparisons_of_a_claim_must_hold(verdicts, verdict):
    assert judge_claim([Effect(one, "", p_refuted=0.001) for one in verdicts]) == verdict


def test_more_comparisons_need_more_to_refute_a_claim():
    effects = [Effect(REFUTED, "", p_refuted=0.02), Effect(SUPPORTED, ""), Effect(SUPPORTED, "")]
    assert judge_claim(effects[:2]) == REFUTED
    assert judge_claim(effects) == INCONCLUSIVE


def test_the_p_value_of_a_refutation_is_students():
    values = np.array([1.2, 1.3, 1.1, 1.25])
    (effect,) = judge({"value": "a", "below": 1}, a=seeds(*values))
    assert effect.verdict == REFUTED
    assert effect.p_refuted == pytest.approx(stats.ttest_1samp(values, 1).pvalue)
    (effect,) = judge({"value": "a", "below": 1}, a=fact(1.3, 1.1, 1.5))
    assert effect.p_refuted == pytest.approx(2 * stats.norm.sf(0.3 / 0.2 * stats.norm.ppf(0.975)))


def test_false_support_is_rare():
    """Two networks that do not differ: support and refutation come in 2.5 % of the runs each."""
    draw = np.random.default_rng(1)
    verdicts = [
        judge({"less": ["a", "b"]}, a=seeds(*draw.normal(size=5)), b=seeds(*draw.normal(size=5)))[0].verdict
        for _ in range(2000)
    ]
    for verdict in (SUPPORTED, REFUTED):
        assert verdicts.count(verdict) / 2000 == pytest.approx(0.025, abs=0.011)  # three standard errors

"""Measures of several classes against scikit-learn and values worked out by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference

from galaxies import multiclass_metrics as ours


def predictions(count=500, classes=5, seed=0):
    """Log-probabilities that differ with the seed, and true classes that do not."""
    frequency = np.arange(1, classes + 1)
    true = np.random.default_rng(0).choice(classes, count, p=frequency / frequency.sum())
    logits = np.random.default_rng(seed).standard_normal((count, classes)) + 2 * np.eye(classes)[true]
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), true


def test_all_measures_are_those_of_scikit_learn():
    given, true = predictions()
    named = given.argmax(axis=1)
    assert ours.confusion(given, true).tolist() == reference.confusion_matrix(true, named).tolist()
    assert ours.accuracy(given, true) == pytest.approx(reference.accuracy_score(true, named))
    assert ours.class_accuracies(given, true) == pytest.approx(reference.recall_score(true, named, average=None))
    assert ours.class_precisions(given, true) == pytest.approx(reference.precision_score(true, named, average=None))
    assert ours.macro_f1(given, true) == pytest.approx(reference.f1_score(true, named, average="macro"))
    assert ours.log_loss(given, true) == pytest.approx(reference.log_loss(true, np.exp(given)))


def test_classes_without_objects_are_left_out():
    """Class 2 is neither true nor named, class 1 is named once and never true."""
    given = np.log([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])
    true = np.zeros(3, dtype=int)
    assert ours.confusion(given, true).tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(ours.class_accuracies(given, true), [2 / 3, np.nan, np.nan])
    np.testing.assert_allclose(ours.class_precisions(given, true), [1, 0, np.nan])
    assert ours.macro_f1(given, true) == pytest.approx((4 / 5 + 0) / 2)


def test_confidence_error_of_two_kinds_of_predictions():
    """Half of the objects are named with 0.9 and right in 0.6 of the cases, half with 0.5 and right in all."""
    given = np.log(np.repeat([[0.9, 0.05, 0.05], [0.5, 0.25, 0.25]], 50, axis=0))
    true = np.array([0] * 30 + [1] * 20 + [0] * 50)
    assert ours.confidence_error(given, true) == pytest.approx((0.3 + 0.5) / 2)


def test_a_calibrated_prediction_has_a_small_confidence_error():
    rng = np.random.default_rng(1)
    given, _ = predictions(20_000)
    true = np.array([rng.choice(5, p=np.exp(row) / np.exp(row).sum()) for row in given])
    assert ours.confidence_error(given, true) < 0.02  # ten bins of 2000: a deviation of up to 0.011 each
    assert ours.confidence_error(3 * given - np.log(np.exp(3 * given).sum(axis=1, keepdims=True)), true) > 0.05


def test_probabilities_that_round_to_one_stay_finite():
    given = np.array([[0.0, -800.0, -900.0], [-800.0, 0.0, -900.0]])
    assert ours.log_loss(given, np.array([1, 1])) == 400
    assert ours.confidence_error(given, np.array([0, 1])) == 0

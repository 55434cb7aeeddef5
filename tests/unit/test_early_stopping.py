"""Early stopping that is judged on other objects: against its definition, written out, and against new samples."""

import numpy as np
from scipy.special import expit
from sklearn import metrics as reference

from galaxies.classification_metrics import METRICS
from galaxies.early_stopping import choose_epochs, halves_of, measure_stopped, reselect
from galaxies.paired import resampling_interval, resampling_weights


def sample(objects: int = 90, epochs: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits (E, N) whose epochs differ, targets (N,) and weights (4, N)."""
    draw = np.random.default_rng(0)
    target = (draw.random(objects) < 0.4).astype(int)
    logit = target - 0.4 + draw.normal(size=(epochs, objects)) + 0.5 * draw.normal(size=(epochs, 1))
    return logit, target, resampling_weights(objects, 4, seed=3)


def repeated(members: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Positions of a resample, each as often as it was drawn."""
    return np.repeat(np.flatnonzero(members), weight[members].astype(int))


def loss(target: np.ndarray, logit: np.ndarray) -> float:
    return -np.log(np.where(target == 1, expit(logit), 1 - expit(logit))).mean()


def test_resamples_choose_what_repeated_objects_choose():
    logit, target, weights = sample()
    first, chosen = halves_of(target), choose_epochs(logit, target, weights)
    for weight, found in zip(weights, chosen, strict=True):
        for other, epoch in zip((~first, first), found, strict=True):
            rows = repeated(other, weight)
            assert epoch == np.argmin([loss(target[rows], values[rows]) for values in logit])
    assert len(np.unique(chosen, axis=0)) > 1


def test_resampled_metrics_are_those_of_repeated_objects():
    logit, target, weights = sample()
    first, epochs = halves_of(target), np.array([1, 4])
    values = dict(zip(METRICS, measure_stopped(logit, target, epochs, weights), strict=True))
    for position, weight in enumerate(weights):
        rows = [repeated(half, weight) for half in (first, ~first)]
        scores, truth = [logit[e, r] for e, r in zip(epochs, rows, strict=True)], [target[r] for r in rows]
        everything = np.concatenate(truth), expit(np.concatenate(scores))
        ranked = [
            (reference.roc_auc_score(t, s), reference.average_precision_score(t, s))
            for t, s in zip(truth, scores, strict=True)
        ]
        expected = {
            "log_loss": reference.log_loss(*everything),
            "brier": reference.brier_score_loss(*everything),
            "roc_auc": np.mean([one[0] for one in ranked]),
            "average_precision": np.mean([one[1] for one in ranked]),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(values[name][position], value, err_msg=name)


def test_judges_are_disjoint_and_see_the_chosen_epochs():
    """Log-losses of the two judges have the mean that all objects give, epochs being those of the resample."""
    logit, target, weights = sample(objects=160)
    values = reselect(logit, target, weights)[list(METRICS).index("log_loss")]
    assert values.shape == (2, 4) and (values[0] != values[1]).all()
    ones = np.ones((1, 160))
    whole = [measure_stopped(logit, target, epochs, ones)[0, 0] for epochs in choose_epochs(logit, target, weights)]
    np.testing.assert_allclose(values.mean(axis=0), whole, atol=0.02)  # judges differ by an object or two


def test_early_stopping_is_honest_where_the_best_epoch_is_not():
    """Epochs that differ by noise alone: the best one looks better than it is, the selected one does not."""
    draw = np.random.default_rng(0)
    best, selected, ones = [], [], np.ones((1, 100))
    for _ in range(200):
        target = (draw.random(100) < 0.3).astype(int)
        logit = 0.5 * draw.normal(size=(20, 100)) - 0.8
        best.append(min(loss(target, values) for values in logit))
        (epochs,) = choose_epochs(logit, target, ones)
        selected.append(measure_stopped(logit, target, epochs, ones)[0, 0])
    drawn = expit(0.5 * draw.normal(size=200_000) - 0.8)
    expected = -np.mean(0.3 * np.log(drawn) + 0.7 * np.log(1 - drawn))
    error = np.std(selected) / np.sqrt(200)
    assert abs(np.mean(selected) - expected) < 4 * error
    assert np.mean(best) < expected - 4 * error


def test_interval_over_objects_covers_other_choices_too():
    """Jittery curves: the mean over new samples is covered in about 95 %; with the epochs held fixed in 88 %."""
    draw = np.random.default_rng(0)
    objects, weights = 80, resampling_weights(80, 200)
    ones, jitter = np.ones((1, objects)), 0.5 * (-1.0) ** np.arange(8)[:, None]
    rows = []
    for _ in range(250):
        target = (draw.random(objects) < 0.4).astype(int)
        logit = jitter + draw.normal(size=(8, objects)) + (target - 0.4)
        (epochs,) = choose_epochs(logit, target, ones)
        value, *resampled = measure_stopped(logit, target, epochs, np.concatenate([ones, weights]))[0]
        rows.append((value, *resampling_interval(value, np.array(resampled), reselect(logit, target, weights[:60])[0])))
    value, low, high = np.array(rows).T
    assert 0.905 <= np.mean((low <= value.mean()) & (value.mean() <= high)) <= 0.985

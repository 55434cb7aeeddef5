"""Regressions of scores from histograms of grey levels: the baselines of two_in_one.

A file of a fitted baseline is written and read by skops, which makes objects of the types that it is told to trust and
runs nothing.
"""

import logging
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from joblib import parallel_config
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from skops.io.exceptions import UntrustedTypesFoundException

from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic
from galaxies.score_range import clipped

logger = logging.getLogger(__name__)

METHODS = {"ridge": ("alphas", "alpha"), "random_forest": ("trees", "n_estimators")}
"""Name of a method -> key of its grid in the settings, parameter of scikit-learn that the grid is of."""

TRUSTED = ("sklearn.tree._tree.Tree",)  # beside those that skops trusts anyway; `_is_sound` looks into it
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, MemoryError, UntrustedTypesFoundException),
    *(ValueError, TypeError, LookupError, AttributeError, ImportError, RuntimeError),
)


@dataclass(frozen=True)
class Baseline:
    """estimator : fitted, of scikit-learn. search : for each value of the grid, in its order, `parameter`, `value`,
    `mae_mean` and `mae_std` (ddof 1) over the folds, `folds`, and whether it was `chosen`."""

    estimator: Ridge | RandomForestRegressor
    search: list[dict[str, Any]]


def fit(features: np.ndarray, scores: np.ndarray, settings: dict[str, Any], seed: int, threads: int = 1) -> Baseline:
    """Choose the value of the grid with the lowest cross-validated mean absolute error, and fit with it to all rows.

    features : (N, K), raw counts. scores : (N,). settings : `method`, `folds` and, for ridge, the grid `alphas`; for
    random_forest the grid `trees` and the `criterion` of scikit-learn. Folds are consecutive rows, as scikit-learn
    deals them out by default; predictions in them are not clipped. The seed draws the bootstrap samples of the forest.
    The number of threads changes nothing but the time. Source: two_in_one, section IV-A and the authors' code.

    Raises
    ------
    ConfigError
        There is no such method.
    DataError
        There are fewer rows than folds, or a value is not finite.
    """
    if settings["method"] not in METHODS:
        raise ConfigError(f"no baseline has the method {settings['method']!r}; known: {', '.join(METHODS)}")
    features, scores, folds = _plain(features), _plain(scores), settings["folds"]
    if len(features) < folds:
        raise DataError(f"{len(features)} images to fit to, {folds} folds need at least as many", "fit to more images")
    if bad := int((~np.isfinite(np.column_stack([features, scores]))).any(axis=1).sum()):
        raise DataError(f"{bad} of {len(features)} images to fit to have a feature or a score that is not finite")
    key, parameter = METHODS[settings["method"]]
    estimator = _estimator(settings, seed)
    with parallel_config(backend="threading"):
        search = GridSearchCV(
            estimator,
            {parameter: settings[key]},
            scoring="neg_mean_absolute_error",
            cv=KFold(folds),
            refit=False,
            error_score="raise",
            n_jobs=threads,
        ).fit(features, scores)
    chosen = search.best_params_[parameter]
    _warn_at_edge(key, chosen, settings[key])
    estimator = clone(estimator).set_params(**{parameter: chosen})
    if isinstance(estimator, RandomForestRegressor):
        estimator.set_params(oob_score=True, n_jobs=threads)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some inputs do not have OOB scores")  # of few trees, as a grid may have
        estimator.fit(features, scores)
    if isinstance(estimator, RandomForestRegressor):
        estimator.set_params(n_jobs=1)  # several threads would add up the trees in any order
    errors = -np.stack([search.cv_results_[f"split{fold}_test_score"] for fold in range(folds)])
    return Baseline(
        estimator,
        [
            {
                "parameter": key,
                "value": value,
                "mae_mean": float(of_value.mean()),
                "mae_std": float(of_value.std(ddof=1)),
                "folds": folds,
                "chosen": number == int(search.best_index_),
            }
            for number, (value, of_value) in enumerate(zip(settings[key], errors.T, strict=True))
        ],
    )


def predict(fitted: Baseline, features: np.ndarray) -> np.ndarray:
    """Scores float64 (N,), clipped to their range, of features (N, K).

    Raises DataError for another K than the baseline was fitted to, or a feature that is not finite.
    """
    features, wanted = _plain(features), fitted.estimator.n_features_in_
    if features.ndim != 2 or features.shape[1] != wanted:
        raise DataError(
            f"features of shape {features.shape}; the baseline was fitted to {wanted} per image",
            "use the view that it was fitted to",
        )
    if not np.isfinite(features).all():
        raise DataError("a feature to predict from is not finite")
    return clipped(fitted.estimator.predict(features)) if len(features) else np.empty(0)


def save(fitted: Baseline, path: Path) -> None:
    """Write a baseline, whole or not at all."""
    with atomic(path) as temporary:
        skops.io.dump(
            {"estimator": fitted.estimator, "search": fitted.search}, temporary, compression=zipfile.ZIP_DEFLATED
        )


def load(path: Path) -> Baseline:
    """Read a baseline. Raises DataError if the file is missing, damaged, holds something else or an untrusted type."""
    hint = "delete it and run the same command again; the rule `fit_baseline` makes it"
    try:
        content = skops.io.load(path, trusted=list(TRUSTED))
        fitted = Baseline(content["estimator"], content["search"])
        if type(fitted.estimator) not in (Ridge, RandomForestRegressor):
            raise TypeError(f"it holds a {type(fitted.estimator).__name__}")
        if isinstance(fitted.estimator, RandomForestRegressor):
            features = fitted.estimator.n_features_in_
            if not all(_is_sound(member.tree_, features) for member in fitted.estimator.estimators_):
                raise ValueError("a tree refers to what it does not have")
        if fitted.estimator.predict(np.zeros((1, fitted.estimator.n_features_in_))).shape != (1,):
            raise ValueError("it predicts several values")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file", hint) from error
    except PermissionError:
        raise
    except DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise DataError(f"{path}: no baseline of this workflow, or damaged ({reason})", hint) from error
    return fitted


def _plain(values: np.ndarray) -> np.ndarray:
    """Float64, row by row in memory: sums over columns that lie otherwise differ in the last digit."""
    return np.ascontiguousarray(values, dtype=np.float64)


def _estimator(settings: dict[str, Any], seed: int) -> Ridge | RandomForestRegressor:
    """The method of the settings; its value of the grid is yet to be set."""
    if settings["method"] == "ridge":
        # The bins of every image have the same sum: their covariance is singular, its Cholesky factor noise.
        return Ridge(solver="svd")
    return RandomForestRegressor(criterion=settings["criterion"], max_features=1.0, random_state=seed, n_jobs=1)


def _warn_at_edge(key: str, chosen: float, grid: list[float]) -> None:
    """A better value may lie beyond the edge; with trees it always does, and costs time."""
    if len(grid) > 1 and chosen in (min(grid), max(grid)):
        lowest, highest = min(grid), max(grid)
        logger.warning("The best value %g of %s is the edge of its grid, %g to %g.", chosen, key, lowest, highest)


def _is_sound(tree: Any, features: int) -> bool:
    """Whether the nodes of a tree refer to later nodes and to features that exist, as predicting takes for granted."""
    if tree.node_count < 1 or tree.node_count != tree.capacity:
        return False
    left, right, node = tree.children_left, tree.children_right, np.arange(tree.node_count)
    inner = left != -1
    children = np.stack([left, right])[:, inner]
    return bool(
        (children > node[inner]).all()
        and (children < tree.node_count).all()
        and (right[~inner] == -1).all()
        and ((tree.feature[inner] >= 0) & (tree.feature[inner] < features)).all()
    )

"""Baselines of two_in_one against normal equations, scikit-learn itself and folds dealt out by hand."""

import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor
from small_scores import write_features, write_scores
from small_views import write_view

import fit_baseline
from galaxies import baselines
from galaxies.baselines import Baseline
from galaxies.errors import ConfigError, DataError
from galaxies.score_predictions import read_predictions

RIDGE = {"method": "ridge", "folds": 3, "alphas": [0.01, 1.0, 30.0, 3000.0]}
FOREST = {"method": "random_forest", "folds": 3, "trees": [2, 9], "criterion": "squared_error"}


def rows(count=40, columns=3, noise=0.5, seed=0):
    """Features (N, K), and scores within the range that they decide up to noise."""
    rng = np.random.default_rng(seed)
    features = rng.normal(3, 2, (count, columns))
    return features, 4 + 0.3 * (features - 3).sum(axis=1) + noise * rng.uniform(-1, 1, count)


def by_normal_equations(features, scores, alpha, new):
    centred = features - features.mean(axis=0)
    weights = np.linalg.solve(
        centred.T @ centred + alpha * np.eye(features.shape[1]), centred.T @ (scores - scores.mean())
    )
    return scores.mean() + (new - features.mean(axis=0)) @ weights


def of_folds(features, scores, alpha, folds):
    """Mean absolute error in each of consecutive folds."""
    errors = []
    for left_out in np.array_split(np.arange(len(scores)), folds):
        kept = np.setdiff1d(np.arange(len(scores)), left_out)
        predicted = by_normal_equations(features[kept], scores[kept], alpha, features[left_out])
        errors.append(np.abs(predicted - scores[left_out]).mean())
    return errors


def test_ridge_solves_the_normal_equations_with_the_value_that_is_best_in_the_folds():
    features, scores = rows(count=41)
    fitted = baselines.fit(features, scores, RIDGE, seed=0)
    errors = [of_folds(features, scores, alpha, 3) for alpha in RIDGE["alphas"]]
    best = int(np.argmin(np.mean(errors, axis=1)))
    assert [row["value"] for row in fitted.search] == RIDGE["alphas"]
    np.testing.assert_allclose([row["mae_mean"] for row in fitted.search], np.mean(errors, axis=1))
    np.testing.assert_allclose([row["mae_std"] for row in fitted.search], np.std(errors, axis=1, ddof=1))
    assert [row["chosen"] for row in fitted.search] == [number == best for number in range(4)]
    expected = by_normal_equations(features, scores, RIDGE["alphas"][best], features)
    np.testing.assert_allclose(baselines.predict(fitted, features), expected.clip(0, 8))


def test_ridge_of_histograms_whose_bins_have_the_same_sum(tmp_path):
    """Their covariance is singular; without penalty the fit is the least squares one of smallest norm."""
    table = write_scores(tmp_path)
    features, scores = table[[f"b{n}" for n in range(5)]].to_numpy(), table["truth"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = baselines.fit(features, scores, RIDGE | {"alphas": [1e-5]}, seed=0)
    centred = features - features.mean(axis=0)
    expected = scores.mean() + centred @ np.linalg.lstsq(centred, scores - scores.mean(), rcond=1e-9)[0]
    np.testing.assert_allclose(baselines.predict(fitted, features), expected.clip(0, 8), atol=1e-6)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error"])
def test_forest_is_scikit_learns_with_all_features_and_the_seed(criterion):
    features, scores = rows(count=50)
    fitted = baselines.fit(features, scores, FOREST | {"criterion": criterion}, seed=10)
    trees = next(row["value"] for row in fitted.search if row["chosen"])
    reference = RandomForestRegressor(trees, criterion=criterion, max_features=3, random_state=10)
    expected = reference.fit(features, scores).predict(features)
    np.testing.assert_array_equal(baselines.predict(fitted, features), expected)
    assert fitted.estimator.oob_prediction_.shape == (50,)
    other = baselines.fit(features, scores, FOREST | {"criterion": criterion}, seed=11)
    assert not np.array_equal(baselines.predict(other, features), expected)


@pytest.mark.parametrize("settings", [RIDGE, FOREST])
def test_threads_change_nothing(settings):
    features, scores = rows()
    one, three = (baselines.fit(features, scores, settings, seed=1, threads=threads) for threads in (1, 3))
    assert one.search == three.search
    np.testing.assert_array_equal(baselines.predict(one, features), baselines.predict(three, features))


def test_predictions_stay_in_the_range_of_the_scores():
    features, scores = rows(noise=0)
    fitted = baselines.fit(features, scores, RIDGE | {"alphas": [1e-3]}, seed=0)
    np.testing.assert_array_equal(baselines.predict(fitted, [[-90.0] * 3, [90.0] * 3]), [0, 8])
    assert len(baselines.predict(fitted, np.empty((0, 3)))) == 0


@pytest.mark.parametrize(
    ("alphas", "warned"), [([0.01, 1.0], True), ([1e6, 1e7], True), ([1e-3, 40.0, 1e6], False), ([1.0], False)]
)
def test_a_best_value_at_the_edge_of_its_grid_is_reported(alphas, warned, caplog):
    """Columns of noise beside one that matters a little, so that the best penalty is neither small nor large."""
    rng = np.random.default_rng(3)
    features = rng.standard_normal((30, 8))
    scores = 4 + 0.5 * features[:, 0] + rng.standard_normal(30)
    errors = [np.mean(of_folds(features, scores, alpha, 3)) for alpha in alphas]
    assert (len(alphas) > 1 and np.argmin(errors) in (0, len(alphas) - 1)) == warned
    baselines.fit(features, scores, RIDGE | {"alphas": alphas}, seed=0)
    assert ("is the edge of its grid" in caplog.text) == warned


def test_what_cannot_be_fitted_is_refused():
    features, scores = rows(count=6)
    with pytest.raises(DataError, match="2 images to fit to, 3 folds"):
        baselines.fit(features[:2], scores[:2], RIDGE, seed=0)
    for place in (features, scores):
        bad = [features.copy(), scores.copy()]
        bad[place is scores][2] = np.nan
        with pytest.raises(DataError, match="1 of 6 images"):
            baselines.fit(*bad, RIDGE, seed=0)
    with pytest.raises(ConfigError, match="known: ridge, random_forest"):
        baselines.fit(features, scores, {**RIDGE, "method": "lasso"}, seed=0)


def test_what_cannot_be_predicted_from_is_refused():
    features, scores = rows()
    fitted = baselines.fit(features, scores, RIDGE, seed=0)
    with pytest.raises(DataError, match="fitted to 3 per image"):
        baselines.predict(fitted, features[:, :2])
    with pytest.raises(DataError, match="fitted to 3 per image"):
        baselines.predict(fitted, features[0])
    with pytest.raises(DataError, match="not finite"):
        baselines.predict(fitted, np.full((1, 3), np.inf))


@pytest.mark.parametrize("settings", [RIDGE, FOREST, FOREST | {"criterion": "absolute_error"}])
def test_a_saved_baseline_is_the_same(settings, tmp_path):
    features, scores = rows()
    fitted = baselines.fit(features, scores, settings, seed=0, threads=2)
    baselines.save(fitted, tmp_path / "model.skops")
    loaded = baselines.load(tmp_path / "model.skops")
    np.testing.assert_array_equal(baselines.predict(loaded, features), baselines.predict(fitted, features))
    assert loaded.search == fitted.search
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]


@pytest.fixture
def forest(tmp_path) -> Path:
    baselines.save(baselines.fit(*rows(), FOREST, seed=0), tmp_path / "model.skops")
    return tmp_path / "model.skops"


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(forest, kept):
    content = forest.read_bytes()
    forest.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DataError, match=r"model\.skops: no baseline of this workflow, or damaged"):
        baselines.load(forest)


def test_flipped_bits_are_noticed(forest):
    """A flip may hit what does not matter, such as the date of a member; then the predictions are the same."""
    content, rng, features = forest.read_bytes(), np.random.default_rng(0), rows()[0]
    expected, noticed = baselines.predict(baselines.load(forest), features), 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        forest.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(baselines.predict(baselines.load(forest), features), expected)
        except DataError:
            noticed += 1
    assert noticed > 30


class Foreign:
    """A type that skops does not know."""


@pytest.mark.parametrize(
    "content",
    [
        {"estimator": Foreign(), "search": []},
        {"estimator": Ridge(), "search": []},  # not fitted
        {"estimator": LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), "search": []},
        {"estimator": Ridge().fit([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]]), "search": []},
        {"search": []},
        [1, 2],
    ],
    ids=["untrusted type", "not fitted", "another regression", "two outputs", "no estimator", "no mapping"],
)
def test_other_content_is_refused(content, tmp_path):
    skops.io.dump(content, tmp_path / "model.skops")
    with pytest.raises(DataError, match="no baseline of this workflow, or damaged"):
        baselines.load(tmp_path / "model.skops")


def test_no_file_and_no_skops_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        baselines.load(tmp_path / "absent.skops")
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(DataError, match="damaged"):
        baselines.load(tmp_path / "model.skops")


@pytest.mark.parametrize(
    ("field", "value"), [("left_child", 0), ("left_child", 10**6), ("right_child", -7), ("feature", 99)]
)
def test_a_tree_that_refers_to_what_does_not_exist_is_refused(field, value, tmp_path):
    """Predicting would loop for ever, or read memory that is not the tree's."""
    fitted = baselines.fit(*rows(), FOREST, seed=0)
    tree = fitted.estimator.estimators_[-1]
    assert isinstance(tree, DecisionTreeRegressor)
    state = tree.tree_.__getstate__()
    state["nodes"][field][0] = value
    tree.tree_.__setstate__(state)
    baselines.save(Baseline(fitted.estimator, fitted.search), tmp_path / "model.skops")
    with pytest.raises(DataError, match="a tree refers to what it does not have"):
        baselines.load(tmp_path / "model.skops")


OUTPUTS = ("model.skops", "predictions.csv", "search.csv")


def run(folder, settings=RIDGE, **changes):
    outputs = [folder / name for name in OUTPUTS]
    experiment = {"train_on": ["scored_train"], "view": "histogram_5", **settings, **changes}
    fit_baseline.main(
        *(folder / name for name in ("view.h5", "split.csv", "catalogue.csv")),
        *outputs,
        experiment=experiment,
        seed=4,
        threads=1,
    )
    return outputs


@pytest.mark.parametrize("settings", [RIDGE, FOREST])
def test_script_predicts_all_scored_and_query_images_from_the_training_set_alone(settings, tmp_path):
    table = write_scores(tmp_path)
    model, predictions, search = run(tmp_path, settings)
    found = read_predictions(predictions)
    wanted = table[table["subset"] != "labeled"]
    assert found["object_id"].tolist() == wanted["object_id"].tolist()
    assert found["set"].tolist() == wanted["set"].tolist()
    bins = [f"b{n}" for n in range(5)]
    train = table[table["set"] == "scored_train"]
    fitted = baselines.fit(train[bins].to_numpy(), train["score"].to_numpy(), settings, seed=4)
    np.testing.assert_array_equal(found["predicted"], baselines.predict(fitted, wanted[bins].to_numpy()))
    loaded = baselines.predict(baselines.load(model), wanted[bins].to_numpy())
    np.testing.assert_array_equal(found["predicted"], loaded)
    columns = ["parameter", "value", "mae_mean", "mae_std", "folds", "chosen"]
    grid = pd.read_csv(search)
    assert list(grid.columns) == columns
    assert grid["value"].tolist() == settings[{"ridge": "alphas", "random_forest": "trees"}[settings["method"]]]
    assert grid["chosen"].sum() == 1


def test_scored_images_in_no_set_are_not_predicted(tmp_path):
    table = write_scores(tmp_path)
    split = pd.read_csv(tmp_path / "split.csv")
    split[split["split"] != "scored_test"].to_csv(tmp_path / "split.csv", index=False)
    found = read_predictions(run(tmp_path)[1])
    assert not set(found["object_id"]) & set(table.loc[table["set"] == "scored_test", "object_id"])


def nothing_written(folder):
    return not any((folder / name).exists() for name in OUTPUTS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_on": ["scored_trian"]}, "no scored image is in the set 'scored_trian'; the sets are: scored_train"),
        ({"train_on": ["labeled_train"]}, "no scored image is in the set 'labeled_train'"),
        ({"folds": 61}, "60 images to fit to, 61 folds"),
    ],
)
def test_script_refuses_bad_settings_before_it_writes(changes, message, tmp_path):
    write_scores(tmp_path)
    with pytest.raises(DataError, match=message):
        run(tmp_path, **changes)
    assert nothing_written(tmp_path)


def test_script_names_images_without_a_score(tmp_path):
    table = write_scores(tmp_path)
    catalogue = pd.read_csv(tmp_path / "catalogue.csv")
    chosen = table.index[table["set"] == "scored_train"][:2]
    catalogue.loc[chosen, "score"] = np.nan
    catalogue.to_csv(tmp_path / "catalogue.csv", index=False, na_rep="nan")
    first = table.loc[chosen[0], "object_id"]
    with pytest.raises(DataError, match=f"2 of 60 images have no score: {first}"):
        run(tmp_path)
    catalogue.drop(columns="score").to_csv(tmp_path / "catalogue.csv", index=False, na_rep="nan")
    with pytest.raises(DataError, match="the catalogue has no score"):
        run(tmp_path)
    assert nothing_written(tmp_path)


def test_script_refuses_a_view_of_images_and_one_of_other_images(tmp_path):
    table = write_scores(tmp_path)
    write_view(tmp_path / "view.h5")
    with pytest.raises(DataError, match="images, expected features"):
        run(tmp_path)
    ids = table["object_id"].to_numpy()
    write_features(tmp_path / "view.h5", ids[:-1], np.ones((len(ids) - 1, 5)))
    with pytest.raises(DataError, match=f"1 of 90 objects are not in the view: {ids[-1]}"):
        run(tmp_path)
    assert nothing_written(tmp_path)

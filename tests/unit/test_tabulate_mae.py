"""Table I of two_in_one: errors against sums written out, intervals against what they must cover."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_scores import QUERY, write_scores

import tabulate_mae
import write_query_predictions
from galaxies.errors import DataError
from galaxies.paired import resampling_weights
from galaxies.reported import read_reported
from galaxies.score_predictions import read_predictions, write_predictions

REPORTED = Path(__file__).parents[2] / "config/reported.csv"
NAMES = {
    "two_in_one": "two_in_one_score_discriminator",
    "ridge": "ridge_alpha_1000",
    "random_forest": "random_forest_100_trees",
    "few_filters": None,
}
NOISE = {"two_in_one": 0.5, "ridge": 0.7, "random_forest": 0.2, "few_filters": 0.5}


class Study:
    """A small data set, and scorers whose predictions are its true scores with noise."""

    def __init__(self, folder, simulated=True, **numbers):
        self.folder, self.simulated = folder, simulated
        self.images = write_scores(folder, simulated=simulated, **numbers)
        self.images = self.images[self.images["subset"] != "labeled"].reset_index(drop=True)
        origin = {"simulated": simulated, "published_tables": {"labeled.csv, scored.csv": True}}
        (folder / "provenance.json").write_text(json.dumps(origin))
        self.trainings, self.paths, self.predicted = [], [], {}

    def add(self, experiment, seed, predicted=None, differences=(), random=True, **more):
        draw = np.random.default_rng((seed, list(NAMES).index(experiment)))
        if predicted is None:
            predicted = self.images["truth"] + NOISE[experiment] * draw.standard_normal(len(self.images))
        self.predicted[experiment, seed] = np.clip(predicted, 0, 8)
        self.paths.append(self.folder / experiment / f"{seed}.csv")
        write_predictions(self.paths[-1], self.images[["object_id", "set"]], np.asarray(predicted))
        facts = {"label": experiment.replace("_", " "), "reported_as": NAMES[experiment], "random": random}
        facts |= {"epoch_chosen_on": None, "truncate_scores": None, **more}
        training = {"experiment": experiment, "seed": seed, "differences": list(differences), **facts}
        self.trainings.append(training)

    def table(self, reference="two_in_one", paper="two_in_one"):
        files = [self.folder / name for name in ("catalogue.csv", "provenance.json")]
        outputs = [self.folder / f"table1_mae{end}" for end in (".csv", "_per_seed.csv", ".md")]
        options = {"trainings": self.trainings, "paper": paper, "reference": reference}
        options["train_on"] = ["scored_train"]
        tabulate_mae.main(self.paths, *files, REPORTED, *outputs, **options)
        self.per_seed = pd.read_csv(outputs[1])
        self.markdown = outputs[2].read_text()
        return pd.read_csv(outputs[0]).set_index(["set", "experiment"])

    def errors(self, experiment, seed, rows):
        return np.abs(self.predicted[experiment, seed] - self.images["truth"])[rows].to_numpy()


@pytest.fixture
def study(tmp_path):
    study = Study(tmp_path)
    for experiment in NAMES:
        for seed in (0, 1, 2):
            study.add(experiment, seed)
    return study


def test_errors_are_means_over_images_and_seeds(study):
    table = study.table()
    for part, name in (("scored_validation", "validation"), ("scored_test", "test")):
        rows = study.images["set"] == part
        for experiment in NAMES:
            values = [study.errors(experiment, seed, rows).mean() for seed in (0, 1, 2)]
            row = table.loc[name, experiment]
            assert row["mae_mean"] == pytest.approx(sum(values) / 3)
            assert row["mae_std"] == pytest.approx(np.std(values, ddof=1))
            half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # Student's t of 2 degrees of freedom
            assert row["ci95_seeds_high"] == pytest.approx(sum(values) / 3 + half, rel=1e-6)
            assert (row["n_seeds"], row["images"]) == (3, rows.sum())
    assert list(dict.fromkeys(table.index.get_level_values(0))) == ["validation", "test", "sim_public", "sim_private"]


def test_errors_of_each_seed_stand_beside_their_means(study):
    table = study.table()
    seeds = study.per_seed[study.per_seed["experiment"] != "constant_median"]
    for (name, experiment), rows in seeds.groupby(["set", "experiment"]):
        assert sorted(rows["seed"]) == [0, 1, 2]
        assert rows["mae"].mean() == pytest.approx(table.loc[(name, experiment), "mae_mean"])
        assert set(rows["images"]) == {table.loc[(name, experiment), "images"]}
    judged = table.loc[("validation", "ridge"), "comparable"]
    rows = seeds[(seeds["set"] == "validation") & (seeds["experiment"] == "ridge")]
    assert set(rows["comparable"]) == {judged}


def test_intervals_over_images_are_those_of_a_resampling_written_out(study):
    table = study.table()
    rows = study.images["set"] == "scored_validation"
    draws = [np.repeat(np.arange(12), count.astype(int)) for count in resampling_weights(12, tabulate_mae.RESAMPLES, 0)]
    ours, theirs = (
        np.mean([study.errors(experiment, seed, rows) for seed in (0, 1, 2)], axis=0)
        for experiment in ("ridge", "two_in_one")
    )
    for columns, values in (("ci95_images", ours), ("difference_ci95_images", ours - theirs)):
        resampled = np.array([values[draw].mean() for draw in draws])
        low, high = np.quantile(resampled, (0.025, 0.975)) - resampled.mean() + values.mean()
        found = table.loc["validation", "ridge"]
        assert (found[f"{columns}_low"], found[f"{columns}_high"]) == pytest.approx((low, high))
    assert table.loc[("validation", "ridge"), "difference"] == pytest.approx((ours - theirs).mean())


def test_interval_over_images_covers_the_error_on_all_images_as_often_as_it_says():
    """Absolute errors of normal noise have the mean sqrt(2 / pi); a bootstrap of 96 of them covers a little less."""
    draw, covered = np.random.default_rng(0), 0
    for _ in range(500):
        errors = {0: np.abs(draw.standard_normal(96))}
        weights = resampling_weights(96, 300, int(draw.integers(2**31))) / 96
        row = tabulate_mae._errors(errors, weights)
        covered += row["ci95_images_low"] <= np.sqrt(2 / np.pi) <= row["ci95_images_high"]
    assert covered / 500 == pytest.approx(0.943, abs=0.041)  # four binomial standard deviations


def test_a_constant_stands_beside_the_models(study):
    row = study.table().loc["test", "constant_median"]
    train = study.images["set"] == "scored_train"
    median = np.median(study.images.loc[train, "truth"])
    rows = study.images["set"] == "scored_test"
    constant = np.abs(study.images["truth"] - median)[rows]
    assert row["mae_mean"] == pytest.approx(constant.mean())
    assert row["n_seeds"] == 0
    assert np.isnan([row["mae_std"], row["ci95_seeds_low"], row["published"]]).all()
    reference = np.mean([study.errors("two_in_one", seed, rows).mean() for seed in (0, 1, 2)])
    assert row["difference"] == pytest.approx(constant.mean() - reference)
    assert f"constant {median:.2f}, the median" in study.markdown


def test_halves_of_the_query_images_are_judged_by_their_hidden_scores(study):
    table = study.table()
    query = study.images["set"] == "query"
    both = [table.loc[(name, "ridge"), "mae_mean"] for name in ("sim_public", "sim_private")]
    whole = np.mean([study.errors("ridge", seed, query).mean() for seed in (0, 1, 2)])
    assert np.mean(both) == pytest.approx(whole)  # two halves of four images that share none
    assert both[0] != both[1]
    assert table.loc[("sim_public", "ridge"), "images"] == table.loc[("sim_private", "ridge"), "images"] == 4
    pd.testing.assert_frame_equal(table, study.table())  # the same halves again


def test_published_values_stand_beside_the_sets_that_they_belong_to(study):
    table = study.table()
    published = table["published"].unstack(0)
    assert published.loc["two_in_one", ["validation", "sim_public", "sim_private"]].tolist() == [
        0.55622,
        0.61219,
        0.63589,
    ]
    assert published.loc["random_forest", ["validation", "sim_private"]].tolist() == [0.31236, 0.33127]
    assert published["test"].isna().all() and published.loc[["few_filters", "constant_median"]].isna().all(axis=None)
    row = table.loc["sim_public", "ridge"]
    assert (row["published_set"], row["published_source"]) == ("kaggle_public_test", "paper: Table I")
    assert row["comparable"] == "no: simulated data; other test images"
    network = table.loc[("sim_public", "two_in_one"), "comparable"]
    assert network == "no: simulated data; other test images; the authors' code learns whole-number scores"
    assert table.loc[("validation", "ridge"), "comparable"] == "no: simulated data"
    assert set(table["data"]) == {"simulated"}


def test_real_data_have_no_hidden_scores_and_may_be_compared(tmp_path):
    study = Study(tmp_path, simulated=False)
    study.add("two_in_one", 0, differences=["few filters"])
    study.add("ridge", 0)
    table = study.table()
    assert set(table.index.get_level_values(0)) == {"validation", "test"}
    assert table.loc[("validation", "ridge"), "comparable"] == "yes"
    code = "no: the authors' code evaluates on all scored images"
    whole = "the authors' code learns whole-number scores"
    assert table.loc[("validation", "two_in_one"), "comparable"] == f"{code}; {whole}; few filters"
    study.trainings[0]["truncate_scores"] = True
    assert study.table().loc[("validation", "two_in_one"), "comparable"] == f"{code}; few filters"
    assert "Not comparable with the paper's numbers: two in one (the authors' code" in study.markdown
    assert "query_pred_<experiment>.csv can be submitted" in study.markdown
    provenance = {"simulated": False, "published_tables": {"labeled.csv, scored.csv": False}}
    (tmp_path / "provenance.json").write_text(json.dumps(provenance))
    assert study.table().loc[("validation", "ridge"), "comparable"] == "no: other tables of scores"


def test_differences_are_paired_by_seed_and_image(tmp_path):
    """Errors that are larger by 0.1 everywhere differ by exactly that, however much they scatter over images."""
    study = Study(tmp_path)
    for seed in (0, 1, 2):
        off = np.random.default_rng(seed).uniform(0.1, 1, len(study.images))
        study.add("two_in_one", seed, study.images["truth"] + off)
        study.add("ridge", seed, study.images["truth"] + off + 0.1)
    row = study.table().loc["test", "ridge"]
    columns = [f"difference_ci95_{over}_{end}" for over in ("images", "both") for end in ("low", "high")]
    assert row[["difference", *columns]].astype(float).tolist() == pytest.approx([0.1] * 5)


def test_an_interval_over_seeds_needs_two_of_them(tmp_path):
    study = Study(tmp_path)
    study.add("two_in_one", 0)
    study.add("ridge", 0)
    row = study.table().loc["test", "ridge"]
    assert np.isfinite(row["difference_ci95_images_low"])
    assert row[["difference_ci95_both_low", "ci95_seeds_low", "mae_std"]].isna().all()
    images_only = f"{row['difference_ci95_images_low']:+.3f}"
    assert images_only in study.markdown
    study.add("two_in_one", 1)
    study.add("ridge", 1)
    row = study.table().loc["test", "ridge"]
    assert row["difference_ci95_both_low"] < row["difference"] < row["difference_ci95_both_high"]
    assert f"{row['difference_ci95_both_low']:+.3f}" in study.markdown


def test_the_reference_has_no_difference_and_may_be_absent(study, tmp_path):
    table = study.table()
    assert table.xs("two_in_one", level=1)["difference"].isna().all()
    assert table.xs("ridge", level=1)["difference"].notna().all()
    assert (table["minus"] == "two_in_one").all()
    table = study.table(reference="absent")
    assert table["difference"].isna().all()
    assert "minus" not in study.markdown


def test_markdown_says_which_order_the_models_have(study):
    study.table()
    table = [line for line in study.markdown.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5
    assert len({line.count("|") for line in table}) == 1
    assert "validation (12 images)" in table[0] and "paper, kaggle private test" in table[0]
    assert "Order on validation: random forest < two in one < ridge (as in the paper)." in study.markdown
    assert "Simulated images: no number is comparable with the paper's." in study.markdown


def test_markdown_says_so_when_the_order_is_another(tmp_path):
    study = Study(tmp_path)
    study.add("two_in_one", 0, study.images["truth"])
    study.add("random_forest", 0)
    study.table()
    assert "two in one < random forest (in the paper: random forest < two in one)" in study.markdown


def test_predictions_for_other_images_are_refused(study):
    table = pd.read_csv(study.paths[4])
    for changed in (table.iloc[:-1], table.assign(set=table["set"].replace("scored_test", "scored_validation"))):
        changed.to_csv(study.paths[4], index=False)
        with pytest.raises(DataError, match="predictions for other images, or in other sets"):
            study.table()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(predicted=9.0), "row 2: predicted is 9.0, expected 0 to 8"),
        (lambda table: table.assign(predicted=[np.nan, *table["predicted"][1:]]), "row 2: predicted is nan"),
        (lambda table: table.assign(predicted="much"), "no table of predictions"),
        (lambda table: table.rename(columns={"set": "split"}), "expected rows of object_id,set,predicted"),
        (lambda table: table.iloc[:0], "expected rows of"),
        (lambda table: pd.concat([table, table[:1]]), "expected each image once"),
        (lambda table: table.assign(set=None), "expected each image once, with a set"),
    ],
)
def test_other_tables_are_refused(change, message, study):
    path = study.paths[0]
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(DataError, match=message):
        study.table()
    assert not (study.folder / "table1_mae.csv").exists()


def test_nothing_to_evaluate_on_and_nothing_trained_on(tmp_path):
    study = Study(tmp_path, simulated=False)
    study.images["set"] = "scored_train"
    study.add("ridge", 0)
    with pytest.raises(DataError, match="no image with a score is in the sets scored_validation, scored_test"):
        study.table()
    study.images["set"] = "scored_test"
    study.paths, study.trainings = [], []
    study.images = study.images[: 60 + 12 + 10]
    study.add("ridge", 0)
    with pytest.raises(DataError, match="no image is in the sets scored_train"):
        study.table()


def test_one_image_has_no_interval(tmp_path):
    study = Study(tmp_path, validation=1)
    study.add("two_in_one", 0)
    study.add("ridge", 0)
    row = study.table().loc["validation", "ridge"]
    assert np.isfinite(row["mae_mean"]) and np.isnan(row["ci95_images_low"])


def test_written_predictions_are_clipped_and_read_back_the_same(tmp_path):
    images = pd.DataFrame({"object_id": [10_000_001, 20_000_001, 20_000_002], "set": ["scored_test", "query", "query"]})
    third = 1 / 3 + 1e-16
    write_predictions(tmp_path / "predictions.csv", images, np.array([-1.0, third, 11.0]))
    assert read_predictions(tmp_path / "predictions.csv")["predicted"].tolist() == [0, third, 8]
    with pytest.raises(DataError, match="1 of 3 predicted scores are not finite"):
        write_predictions(tmp_path / "other.csv", images, np.array([1.0, np.nan, 2.0]))
    assert not (tmp_path / "other.csv").exists()


def test_query_predictions_have_the_published_ids(study):
    write_query_predictions.main(study.paths[0], study.folder / "query_pred_two_in_one.csv")
    text = (study.folder / "query_pred_two_in_one.csv").read_text()
    found = pd.read_csv(study.folder / "query_pred_two_in_one.csv")
    query = study.images["set"] == "query"
    assert text.startswith("Id,Predicted\n")
    assert (found["Id"] + QUERY).tolist() == study.images.loc[query, "object_id"].tolist()
    np.testing.assert_array_equal(found["Predicted"], study.predicted["two_in_one", 0][query])


def test_a_data_set_without_query_images_gives_a_header_alone(tmp_path, caplog):
    study = Study(tmp_path, query=0, simulated=False)
    study.add("ridge", 0)
    assert set(study.table().index.get_level_values(0)) == {"validation", "test"}
    write_query_predictions.main(study.paths[0], tmp_path / "query.csv")
    assert (tmp_path / "query.csv").read_text() == "Id,Predicted\n"
    assert "no query images" in caplog.text


def test_a_model_without_randomness_is_compared_with_all_seeds_of_the_reference(tmp_path):
    study = Study(tmp_path)
    study.add("ridge", 0, random=False)
    for seed in (0, 1, 2):
        study.add("two_in_one", seed)
    row = study.table().loc["test", "ridge"]
    rows = study.images["set"] == "scored_test"
    pairs = [study.errors("ridge", 0, rows) - study.errors("two_in_one", seed, rows) for seed in (0, 1, 2)]
    assert row["n_seeds"] == 0
    assert np.isnan(row["mae_std"])
    assert row["difference"] == pytest.approx(np.mean(pairs))
    assert row["difference_ci95_both_low"] < row["difference"] < row["difference_ci95_both_high"]


def vae_cnn(folder, **options):
    """A network whose epoch the images of `test` chose, and a discriminator, as intergalactic_vae_cnn has them."""
    study = Study(folder, **options)
    study.add("two_in_one", 0, reported_as="cnn_scorer_140px", label="CNN", epoch_chosen_on="scored_test")
    study.add("ridge", 0, reported_as="dcgan_discriminator_score", label="DCGAN", differences=["steps 3"])
    return study, study.table(paper="intergalactic_vae_cnn")


def test_each_paper_has_published_values_of_its_own_sets(tmp_path):
    study, table = vae_cnn(tmp_path)
    published = table["published"].unstack(0)
    assert published.loc[["two_in_one", "ridge"], "test"].tolist() == [0.63485, 1.2]
    assert published[["validation", "sim_public", "sim_private"]].isna().all(axis=None)
    assert set(table["published_set"].dropna()) == {"kaggle_leaderboard"}
    assert "test: paper, kaggle leaderboard" in study.markdown
    study.table(paper="a_study")
    assert "paper, " not in study.markdown


def test_an_error_on_the_images_that_chose_the_epoch_is_marked(tmp_path):
    study, table = vae_cnn(tmp_path)
    assert table["chose_epoch"][table["chose_epoch"]].index.tolist() == [("test", "two_in_one")]
    assert (
        "The images of test chose the epoch of CNN: on them, these errors are optimistic, and so are differences to "
        "them; those of validation and sim_public and sim_private chose nothing." in study.markdown
    )
    assert "validation: minus CNN" in study.markdown  # not on the images that flatter the CNN
    assert table.loc[("test", "two_in_one"), "comparable"].endswith("the test images chose the epoch")


def test_real_test_images_are_not_those_of_the_leaderboard(tmp_path):
    _, table = vae_cnn(tmp_path, simulated=False, validation=0)
    comparable = table["comparable"].unstack(0)["test"]
    assert comparable["two_in_one"] == "no: other test images; the test images chose the epoch"
    assert comparable["ridge"] == "no: other test images; steps 3"


def test_published_sets_are_those_of_reported_errors():
    reported = read_reported(REPORTED).query("metric == 'mae'")
    for paper, sets in tabulate_mae.PUBLISHED.items():
        assert set(sets.values()) <= set(reported.loc[reported["paper"] == paper, "dataset_split"])
    assert set(tabulate_mae.SAME_IMAGES) <= set(reported["dataset_split"])

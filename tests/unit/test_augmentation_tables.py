"""Tables, answer and figures of the augmentation experiment, from predictions whose truth is known."""

from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from small_augmentation import ARMS, TRAIN, study, write_predictions

import plot_augmentation_calibration
import plot_augmentation_data_efficiency
import plot_augmentation_effects
import plot_augmentation_learning_curves
import plot_classifier_curves
import tabulate_augmentation
from galaxies.augmentation_figures import mark_exit
from galaxies.augmentation_predictions import read_predictions
from galaxies.early_stopping import halves_of
from galaxies.errors import ConfigError, DataError
from galaxies.paired import joint_interval, resampling_interval, resampling_weights
from galaxies.plots import new_figure, save_figure

PROJECT = Path(__file__).parents[2]
REPORTED = PROJECT / "config" / "reported.csv"
RECORDED = PROJECT / "config" / "recorded_curves.csv"
TABLES = ("summary", "table", "effects", "calibration", "answer")
CHANGES = ["epochs 12 (published 100)"]
FEW = ["real", "real_flips", "gan_only", "gan_only_published"]


def tabulate(predictions: Path, described: dict, **options) -> SimpleNamespace:
    """Make the tables beside the predictions and read them."""
    folder = predictions.parent
    paths = {name: folder / f"{name}.csv" for name in TABLES}
    texts = {name: folder / f"{name}.md" for name in ("markdown", "answer_markdown")}
    arguments = {"paper": "galaxy_cgan_augmentation", "study": described, "notes": {}} | options
    tabulate_augmentation.main(predictions, REPORTED, **paths, **texts, **arguments)
    tables = {name: pd.read_csv(path, dtype={"size": str}) for name, path in paths.items()}
    return SimpleNamespace(folder=folder, **tables, **{name: path.read_text() for name, path in texts.items()})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four arms, two sizes, five seeds."""
    path = tmp_path_factory.mktemp("augmentation") / "predictions.h5"
    write_predictions(path, FEW, sizes=(96,), seeds=5, epochs=12, images=101)
    return SimpleNamespace(predictions=path, **vars(tabulate(path, study(FEW))))


def contents(path: Path) -> SimpleNamespace:
    """The file of predictions, read without the code under test."""
    with h5py.File(path) as file:
        arrays = {name: file[name][:] for name in file}
    arrays["probability"] = expit(arrays["logit"].astype(float))
    arrays["arm"], arrays["size"] = (np.array([text.decode() for text in arrays[name]]) for name in ("arm", "size"))
    return SimpleNamespace(**arrays)


def changed(path: Path, source: Path, change) -> Path:
    """Copy of a file of predictions after `change(logit, arm, target)`, which edits the first in place."""
    path.write_bytes(source.read_bytes())
    found = contents(source)
    with h5py.File(path, "r+") as file:
        change(found.logit, found.arm, found.target)
        file["logit"][:] = found.logit
    return path


def test_one_row_per_training(made):
    found = contents(made.predictions)
    assert list(zip(made.summary["arm"], made.summary["size"], made.summary["seed"], strict=True)) == list(
        zip(found.arm, found.size, found.seed, strict=True)
    )
    assert (made.summary["data"] == "simulated").all()
    leaked = made.summary.groupby("arm")["generator_saw_validation"].all()
    assert leaked[leaked].index.tolist() == ["gan_only_published"]
    assert made.summary.loc[made.summary["arm"] == "real", "generator"].isna().all()


def test_metrics_agree_with_scikit_learn(made):
    found = contents(made.predictions)
    for row, probability in zip(made.summary.itertuples(), found.probability, strict=True):
        last, target = probability[-1].astype(float), found.target
        assert row.log_loss_final == pytest.approx(log_loss(target, last), rel=1e-6)
        assert row.roc_auc_final == pytest.approx(roc_auc_score(target, last))
        assert row.average_precision_final == pytest.approx(average_precision_score(target, last))
        assert row.brier_final == pytest.approx(brier_score_loss(target, last))
        by_epoch = [log_loss(target, epoch.astype(float)) for epoch in probability]
        assert (row.best_epoch, row.log_loss_best) == (np.argmin(by_epoch) + 1, pytest.approx(min(by_epoch), rel=1e-6))
    rate = found.positive_rate[0]
    expected = log_loss(found.target, np.full(len(found.target), rate))
    assert made.summary["prior_log_loss"][0] == pytest.approx(expected)
    assert made.summary["train_log_loss_final"].to_numpy() == pytest.approx(found.train_loss[:, -1])


def test_early_stopping_never_sees_what_it_is_judged_on(made):
    """The metric by its definition: each half at the epoch that is best for the other."""
    found = contents(made.predictions)
    first = halves_of(found.target)
    assert abs(first.sum() - (~first).sum()) <= 1
    assert abs(found.target[first].sum() - found.target[~first].sum()) <= 1
    probability = found.probability[7].astype(float)
    total, areas = 0.0, []
    for chosen, judged in ((first, ~first), (~first, first)):
        epoch = np.argmin([log_loss(found.target[chosen], p[chosen]) for p in probability])
        total += log_loss(found.target[judged], probability[epoch][judged]) * judged.sum()
        areas.append(roc_auc_score(found.target[judged], probability[epoch][judged]))
    assert made.summary["log_loss_selected"][7] == pytest.approx(total / len(first), rel=1e-6)
    assert made.summary["roc_auc_selected"][7] == pytest.approx(np.mean(areas))


def test_effects_are_paired_by_seed(made):
    wide = made.summary.pivot(index=["size", "seed"], columns="arm", values="roc_auc_selected")
    row = made.effects.query("arm == 'gan_only' and size == '96' and metric == 'roc_auc_selected'").iloc[0]
    differences = (wide["gan_only"] - wide["real"]).loc["96"]
    expected = stats.t.interval(0.95, 4, loc=differences.mean(), scale=stats.sem(differences))
    assert (row["ci95_seeds_low"], row["ci95_seeds_high"]) == pytest.approx(expected)
    assert row["difference_mean"] == pytest.approx(differences.mean())
    assert (row["n_seeds"], row["smallest_p_value"], row["lower_is_better"]) == (5, 2 / 2**5, False)
    assert row["ci95_both_low"] <= row["ci95_seeds_low"] <= row["ci95_images_high"] <= row["ci95_both_high"]


def test_arms_are_compared_with_those_of_their_size(made):
    counts = made.effects.groupby("size")["arms_compared"].first()
    assert counts.to_dict() == {"96": 2, "all": 3}
    assert "real" not in set(made.effects["arm"])
    assert (made.effects["p_value_adjusted"] >= made.effects["p_value"]).all()
    assert (made.effects["p_value"] >= made.effects["smallest_p_value"]).all()


def test_interval_over_images_is_that_of_the_mean_over_seeds(made):
    """For a mean over images the bootstrap must agree with the standard error."""
    found = contents(made.predictions)
    target, last = found.target, found.probability[:, -1].astype(float)
    loss = -np.log(np.where(target == 1, last, 1 - last))
    whole = found.size == "all"
    by_image = (loss[whole & (found.arm == "gan_only")] - loss[whole & (found.arm == "real")]).mean(axis=0)
    half = 1.96 * by_image.std() / np.sqrt(len(target))
    row = made.effects.query("arm == 'gan_only' and size == 'all' and metric == 'log_loss_final'").iloc[0]
    width = (row["ci95_images_high"] - row["ci95_images_low"]) / 2
    assert width == pytest.approx(half, rel=0.15)  # 1000 resamples give an end to 4 %; skewness does the rest


def test_an_arm_that_is_the_baseline_has_no_effect(made, tmp_path):
    def copy_baseline(logits, arm, target):
        logits[arm == "real_flips"] = logits[arm == "real"]

    tables = tabulate(changed(tmp_path / "same.h5", made.predictions, copy_baseline), study(FEW))
    rows = tables.effects[tables.effects["arm"] == "real_flips"]
    assert (rows["difference_mean"] == 0).all() and (rows["p_value"] == 1).all()
    assert rows.filter(like="ci95").abs().to_numpy().max() == 0


@pytest.mark.parametrize(("share", "word"), [(0.5, "better"), (-0.5, "worse"), (0.0, "no clear difference")])
def test_the_answer_follows_the_truth(made, tmp_path, share, word):
    """An arm whose log-odds are moved towards the truth, or away from it."""

    def move(logits, arm, target):
        base = logits[arm == "real"][-5:]
        logits[arm == "gan_only_published"] = base + share * np.where(target == 1, 1, -1)

    described = study(FEW) | {"question": {"arm": "gan_only_published", "against": "real", "text": "Does it help?"}}
    tables = tabulate(changed(tmp_path / "moved.h5", made.predictions, move), described)
    row = tables.answer.iloc[0]
    assert (len(tables.answer), row["answer"], row["data"]) == (1, word, "simulated")
    assert np.sign(row["difference_mean"]) == -np.sign(share)
    assert row["difference_mean"] == pytest.approx(row["arm_mean"] - row["against_mean"])
    assert tables.answer_markdown.startswith("Simulated data") and tables.answer_markdown.count("\n") == 1
    assert f"**{word.capitalize()}**" in tables.answer_markdown
    assert "had seen the validation images" in tables.answer_markdown


def test_published_values_stand_beside(made):
    row = made.table.query("arm == 'real_flips' and size == 'all' and metric == 'log_loss_best'").iloc[0]
    assert [float(value) for value in row["published"].split(" | ")] == pytest.approx(
        [0.5327, 0.5587, 0.5672], abs=1e-4
    )
    assert "ced3856" in row["published_source"]
    assert row["comparable"].split(" | ") == [
        "no: bands g, i, z; another split; simulated data",
        "no: plots from bands g, i, z; another split; simulated data",
        "no: simulated data",
    ]
    assert made.table.query("size == '96'")["published"].isna().all()
    assert made.table.query("metric == 'brier_final'")["published"].isna().all()
    assert "simulated data" in made.markdown and "published 0.6144‡, 0.6075‡, 0.5837‡" in made.markdown


def test_real_data_at_published_settings_may_be_compared(tmp_path):
    path = write_predictions(tmp_path / "real.h5", FEW, sizes=(), seeds=2, epochs=3, images=40, simulated=False)
    tables = tabulate(path, study(FEW), notes={"gan_only_published": ["epochs 3 (published 100)"]})
    rows = tables.table[tables.table["metric"] == "log_loss_final"].set_index("arm")
    verdicts = rows.loc["real_flips", "comparable"].split(" | ")
    assert [verdict.partition(":")[0] for verdict in verdicts] == ["no", "no", "yes"]
    assert "published 0.6144‡, 0.6075‡, 0.5837 |" in tables.markdown
    earlier = "no: an earlier GAN, 170 epochs, labels not standardised; epochs 3 (published 100)"
    assert rows.loc["gan_only_published", "comparable"] == earlier
    assert not tables.answer_markdown.startswith("Simulated") and (tables.summary["data"] == "real").all()


def test_calibration_is_that_of_the_same_images_in_every_seed(made):
    counts = made.calibration.groupby(["arm", "size", "kind"])["count"].sum()
    assert (counts == 101).all() and len(counts) == 2 * 7
    found = contents(made.predictions)
    rows = made.calibration.query("arm == 'real' and size == '96' and kind == 'final'")
    inside = (rows["ci95_low"] <= rows["positive_share"]) & (rows["positive_share"] <= rows["ci95_high"])
    assert inside.all()
    assert (rows["positive_share"] * rows["count"]).sum() == pytest.approx(found.target.sum())


def test_calibration_of_early_stopping_is_of_the_chosen_epochs(made):
    """The mean probability over the points, against the epochs that the summary names."""
    found, first = contents(made.predictions), halves_of(contents(made.predictions).target)
    for kind in ("final", "selected"):
        rows = made.calibration.query("arm == 'gan_only' and size == 'all' and kind == @kind")
        means = []
        for row in np.flatnonzero((found.arm == "gan_only") & (found.size == "all")):
            chosen = made.summary.loc[row, ["selected_epoch_1", "selected_epoch_2"]].astype(int) - 1
            epochs = np.where(first, *chosen) if kind == "selected" else np.full(101, -1)
            means.append(found.probability[row, epochs, np.arange(101)].mean())
        assert (rows["mean_probability"] * rows["count"]).sum() / 101 == pytest.approx(np.mean(means))
    assert {"calibration_noise_final", "calibration_noise_selected"} <= set(made.summary)


def test_intervals_over_images_of_ranks_have_their_width(made):
    """Of the difference of two AUCs with early stopping, over repeated images, epochs kept; new choices only add."""
    found, first = contents(made.predictions), halves_of(contents(made.predictions).target)
    rows = [np.flatnonzero((found.arm == arm) & (found.size == "96")) for arm in ("gan_only", "real")]
    draw, values = np.random.default_rng(3), []
    for _ in range(150):
        drawn = draw.integers(0, 101, 101)
        means = []
        for row in np.concatenate(rows):
            areas = []
            for half, name in ((first, "selected_epoch_1"), (~first, "selected_epoch_2")):
                images, epoch = drawn[half[drawn]], made.summary[name][row] - 1
                scores, positive = found.logit[row, epoch, images], found.target[images] == 1
                areas.append((scores[positive, None] > scores[~positive]).mean())
            means.append(np.mean(areas))
        values.append(np.mean(means[:5]) - np.mean(means[5:]))
    row = made.effects.query("arm == 'gan_only' and size == '96' and metric == 'roc_auc_selected'").iloc[0]
    half = (row["ci95_images_high"] - row["ci95_images_low"]) / 2
    assert 0.85 * 1.96 * np.std(values) < half < 1.35 * 1.96 * np.std(values)


def test_intervals_of_effects_are_of_the_resamples_and_of_other_choices(made):
    found = read_predictions(made.predictions)
    values, reselected = tabulate_augmentation.measure(found, resampling_weights(101, 1000))
    names = tabulate_augmentation.MEASURES
    assert (reselected[:, names.index("roc_auc_final")] == 0).all()
    assert (reselected[:, names.index("roc_auc_selected")].std(axis=-1) > 0).all()
    ours, theirs = found.rows("gan_only", "96"), found.rows("real", "96")
    for name in ("log_loss_final", "roc_auc_selected"):
        row = made.effects.query("arm == 'gan_only' and size == '96' and metric == @name").iloc[0]
        one, choice = (
            array[ours, names.index(name)] - array[theirs, names.index(name)] for array in (values, reselected)
        )
        expected = joint_interval(one[:, 0], one[:, 1:], choice)
        assert (row["ci95_both_low"], row["ci95_both_high"]) == pytest.approx(expected)
        expected = resampling_interval(row["difference_mean"], one[:, 1:].mean(axis=0), choice.mean(axis=0))
        assert (row["ci95_images_low"], row["ci95_images_high"]) == pytest.approx(expected)


def test_the_end_of_a_curve_that_leaves_the_axis_is_written():
    figure, axes = new_figure(1, 2, 4, 2)
    for axis, end in zip(axes[0], (0.9, 3.0), strict=True):
        axis.set_ylim(0, 1)
        mark_exit(axis, np.array([0.5, 0.8, end]), "black")
    texts = [[text.get_text() for text in axis.texts] for axis in axes[0]]
    save_figure(figure)
    assert texts == [[], ["ends at 3.00"]]


def test_images_are_counted_where_they_were_seen(made):
    counts = made.table.groupby(["arm", "size"])[["classifier_images", "generator_images"]].first()
    assert counts.loc[("gan_only", "96")].tolist() == [0, 96]
    assert counts.loc[("gan_only_published", "all")].tolist() == [0, TRAIN + 101]
    assert counts.loc[("real", "all")].tolist() == [TRAIN, 0]
    assert f"| 0 | {TRAIN + 101} | 5 |" in made.markdown


def test_intervals_of_two_seeds_stay_in_the_range_of_the_metric(tmp_path):
    path = write_predictions(tmp_path / "two.h5", FEW, sizes=(), seeds=2, epochs=3, images=40)
    tables = tabulate(path, study(FEW))
    ends = tables.table.set_index("metric")[["ci95_low", "ci95_high"]]
    assert ends.min().min() >= 0 and ends.loc[["roc_auc_final", "brier_final"]].max().max() <= 1
    ranks = tables.effects["metric"].str.startswith("roc_auc")
    assert tables.effects[ranks].filter(regex="ci95").abs().max().max() <= 1


def test_one_seed_is_described_without_intervals(tmp_path):
    path = write_predictions(tmp_path / "one.h5", FEW, sizes=(96,), seeds=1, epochs=3, images=40)
    tables = tabulate(path, study(FEW))
    assert tables.effects["ci95_seeds_low"].isna().all() and tables.effects["ci95_both_low"].isna().all()
    assert tables.effects["ci95_images_low"].notna().all()
    assert (tables.effects["p_value"] == 1).all()
    assert tables.answer["answer"].tolist() == ["no clear difference"]


def one_class(path: Path) -> Path:
    """One seed, one epoch, and validation images without class 1."""
    write_predictions(path, FEW, sizes=(), seeds=1, epochs=1, images=40)
    with h5py.File(path, "r+") as file:
        file["target"][:] = 0
    return path


def test_one_class_ranks_nothing(tmp_path):
    tables = tabulate(one_class(tmp_path / "one_class.h5"), study(FEW))
    assert tables.summary["roc_auc_final"].isna().all() and tables.summary["log_loss_final"].notna().all()
    ranks = tables.effects["metric"].str.startswith("roc_auc")
    assert tables.effects.loc[ranks, "p_value_adjusted"].isna().all()


def test_seeds_must_pair(made, tmp_path):
    path = tmp_path / "broken.h5"
    path.write_bytes(made.predictions.read_bytes())
    with h5py.File(path, "r+") as file:
        file["seed"][0] = 99
    with pytest.raises(DataError, match=r"has the seeds \[0, 1, 2, 3, 4\], arm real has \[1, 2, 3, 4, 99"):
        tabulate(path, study(FEW))


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["logit"] = np.zeros(3)
    with pytest.raises(DataError, match="damaged, or not a file of this workflow"):
        read_predictions(path)


def test_the_effects_figure_prints_adjusted_p_values(made):
    """And they are the adjusted ones: raw values would be below."""
    rows = made.effects.query("metric == 'log_loss_final' and size == 'all'")
    rows = rows.assign(p_value=0.011, p_value_adjusted=0.77).set_index(["arm", "size"])
    lines = {key: float(-position) for position, key in enumerate(rows.index)}
    figure, axes = new_figure(1, 1, 4, 3)
    seeds = {key: np.array([-0.1, 0.1]) for key in lines}
    plot_augmentation_effects.draw_panel(axes[0, 0], rows, seeds, lines, {"all": "black"})
    texts = [text.get_text() for text in axes[0, 0].texts]
    save_figure(figure)
    assert texts == ["0.77"] * len(lines)


def test_generated_images_stand_at_the_number_of_the_generator(made):
    table = plot_augmentation_data_efficiency.with_real_images(made.summary)
    places = table.query("size == 'all'").groupby("arm")["real_images"].first()
    assert places.to_dict() == {
        "real": TRAIN,
        "real_flips": TRAIN,
        "gan_only": TRAIN,
        "gan_only_published": TRAIN + 101,
    }


def test_the_classifier_figure_says_what_sets_recorded_runs_apart():
    caveats = {"classifier_real_run1": "bands g, i, z", "classifier_real_run3": ""}
    assert plot_classifier_curves.caveats_of(caveats) == [
        "Recorded runs that are not comparable: classifier real run1 (bands g, i, z)."
    ]
    assert plot_classifier_curves.caveats_of({"classifier_real_run3": ""}) == []


def draw_all(predictions: Path, folder: Path, described: dict) -> list[Path]:
    """Every figure of the experiment, from the tables in `folder`."""
    files = {name: folder / f"{name}.csv" for name in TABLES}

    def to(name):
        return {"png": folder / f"{name}.png", "pdf": folder / f"{name}.pdf", "study": described}

    plot_augmentation_learning_curves.main(predictions, **to("curves"))
    plot_augmentation_effects.main(files["effects"], files["summary"], **to("effects"), differences=CHANGES)
    plot_augmentation_data_efficiency.main(files["summary"], **to("efficiency"))
    plot_augmentation_calibration.main(files["calibration"], files["summary"], **to("calibration"), differences=CHANGES)
    draw_classifier(predictions, folder, described)
    return [folder / f"{name}.png" for name in ("curves", "effects", "efficiency", "calibration", "fig5")]


def draw_classifier(predictions: Path, folder: Path, described: dict, **options) -> None:
    arguments = {"arm": "gan_only_published", "recorded": ["gan_only_early_gan"], "recorded_as": "recorded"}
    plot_classifier_curves.main(
        predictions,
        RECORDED,
        *(folder / f"fig5.{kind}" for kind in ("png", "pdf", "csv")),
        study=described,
        title="GAN only",
        notes=["An earlier GAN."],
        differences=["epochs 3 (published 100)"],
        **arguments | options,
    )


def test_every_figure_is_drawn(made):
    for path in draw_all(made.predictions, made.folder, study(FEW)):
        with Image.open(path) as image:
            assert min(image.size) > 400 and len(image.convert("RGB").getcolors(2**24)) > 50
        assert path.with_suffix(".pdf").stat().st_size > 1000


@pytest.mark.slow
def test_all_arms_and_two_seeds(tmp_path):
    """The widest intervals that there are must not rule the axes."""
    path = write_predictions(tmp_path / "two.h5", sizes=(48,), seeds=2, epochs=4, images=80)
    tables = tabulate(path, study())
    assert set(tables.summary["arm"]) == set(ARMS)
    for figure in draw_all(path, tables.folder, study()):
        assert figure.is_file()


@pytest.mark.slow
def test_figures_of_next_to_nothing(tmp_path):
    path = one_class(tmp_path / "one_class.h5")
    tables = tabulate(path, study(FEW))
    for figure in draw_all(path, tables.folder, study(FEW)):
        assert figure.is_file()


def test_numbers_of_the_classifier_figure(made):
    draw_classifier(made.predictions, made.folder, study(FEW))
    found = contents(made.predictions)
    table = pd.read_csv(made.folder / "fig5.csv")
    assert list(table.columns) == ["seed", "epoch", "train_loss", "val_loss", "prior"]
    row = int(np.flatnonzero((found.arm == "gan_only_published") & (found.seed == 3))[0])
    of_seed = table[table["seed"] == 3]
    assert of_seed["epoch"].tolist() == list(range(1, 13))
    assert of_seed["train_loss"].to_numpy() == pytest.approx(found.train_loss[row])
    expected = [log_loss(found.target, p.astype(float)) for p in found.probability[row]]
    assert of_seed["val_loss"].to_numpy() == pytest.approx(expected, rel=1e-6)


def test_what_the_classifier_figure_lacks_is_said(made):
    with pytest.raises(DataError, match="no curves of lost"):
        draw_classifier(made.predictions, made.folder, study(FEW), recorded=["lost"])
    with pytest.raises(ConfigError, match="no arm 'real_geometric'"):
        draw_classifier(made.predictions, made.folder, study(FEW), arm="real_geometric")

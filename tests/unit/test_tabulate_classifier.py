"""Tables and figure of the morphology classifiers, from predictions written here."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_multiclass_metrics import predictions

import plot_confusion
import tabulate_classifier
from galaxies.errors import DataError

FIVE = ["completely_round_smooth", "in_between_smooth", "cigar_shaped_smooth", "edge_on", "spiral"]
REPORTED = Path(__file__).parents[2] / "config/reported.csv"


def write_predictions(path, seed, classes=FIVE):
    given, true = predictions(60, len(classes), seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["ids"], file["true_class"], file["log_probabilities"] = np.arange(60), true, given
        file.attrs["classes"] = classes
    return given, true


def run(tmp_path, seeds=(0, 1, 2), classes=FIVE, differences=(), simulated=False, rows=28_792, experiments=("a",)):
    """The two tables and what they were made from: per experiment and seed (log-probabilities, true classes)."""
    trainings, paths, given = [], [], {}
    for number, experiment in enumerate(experiments):
        for seed in seeds:
            paths.append(tmp_path / experiment / f"{seed}.h5")
            given[experiment, seed] = write_predictions(paths[-1], 10 * number + seed, classes)
            facts = {"reported_as": "external_5_class_classifier", "differences": list(differences)}
            trainings.append({"experiment": experiment, "label": experiment.upper(), "seed": seed, **facts})
    origin = {"simulated": simulated, "rows": rows, "labels": [{"file": "training_solutions_rev1.csv"}]}
    (tmp_path / "provenance.json").write_text(json.dumps(origin))
    tables = [tmp_path / name for name in ("metrics.csv", "per_seed.csv", "confusion.csv")]
    tabulate_classifier.main(paths, tmp_path / "provenance.json", REPORTED, *tables, trainings=trainings)
    return *(pd.read_csv(table, keep_default_na=False, na_values=[""]) for table in (tables[0], tables[2])), given


def test_means_and_intervals_over_seeds_beside_the_published_values(tmp_path):
    table, _, given = run(tmp_path)
    table = table.set_index("metric")
    accuracies = [100 * (p.argmax(axis=1) == true).mean() for p, true in given.values()]
    row = table.loc["accuracy_overall"]
    assert row["mean"] == pytest.approx(np.mean(accuracies))
    assert row["std"] == pytest.approx(np.std(accuracies, ddof=1))
    seeds = pd.read_csv(tmp_path / "per_seed.csv").set_index(["metric", "seed"])["value"]
    assert seeds["accuracy_overall"].to_dict() == pytest.approx(dict(enumerate(accuracies)))
    half = 4.302653 * np.std(accuracies, ddof=1) / np.sqrt(3)  # Student's t of 2 degrees of freedom
    assert row["ci95_low"] == pytest.approx(np.mean(accuracies) - half, rel=1e-6)
    assert row["sampling_std"] == pytest.approx(np.sqrt(row["mean"] * (100 - row["mean"]) / 60))
    assert (row["published"], row["comparable"], row["n_seeds"], row["images"]) == (95.2083, "yes", 3, 60)
    true = next(iter(given.values()))[1]
    for number, name in enumerate(FIVE):
        rates = [100 * (p.argmax(axis=1) == number)[true == number].mean() for p, _ in given.values()]
        assert table.loc[f"accuracy_{name}", "mean"] == pytest.approx(np.mean(rates))
        assert table.loc[f"accuracy_{name}", "images"] == (true == number).sum()
    published = table.loc[[f"accuracy_{name}" for name in FIVE], "published"]
    assert published.tolist() == [96.6785, 94.4238, 58.6207, 94.359, 97.6953]
    assert table.loc["largest_class", "mean"] == pytest.approx(100 * np.bincount(true).max() / 60)
    losses = [-np.mean(p[np.arange(60), true]) for p, true in given.values()]
    assert table.loc["log_loss", "mean"] == pytest.approx(np.mean(losses))
    assert table.loc["log_loss", "unit"] == "nats"
    assert pd.isna(table.loc["f1_macro", "published"]) and pd.isna(table.loc["f1_macro", "comparable"])


def test_confusion_adds_up(tmp_path):
    _, table, given = run(tmp_path)
    true = next(iter(given.values()))[1]
    images = table.pivot(index="true_class", columns="predicted_class", values="images_mean").loc[FIVE, FIVE]
    assert images.sum(axis=1).tolist() == pytest.approx(np.bincount(true))
    assert table.groupby("true_class")["share_mean"].sum().tolist() == pytest.approx([1] * 5)
    expected = np.mean([((p.argmax(1) == 3) & (true == 4)).sum() for p, _ in given.values()])
    assert images.loc["spiral", "edge_on"] == pytest.approx(expected)


def test_what_is_not_comparable_says_why(tmp_path):
    notes = {"differences": ["steps 9 (published 100000)"], "simulated": True}
    table = run(tmp_path, **notes)[0].set_index("metric")
    expected = "no: simulated data; steps 9 (published 100000)"
    assert table.loc["accuracy_overall", "comparable"] == expected
    assert set(table["data"]) == {"simulated"}
    table = run(tmp_path, rows=900)[0].set_index("metric")
    assert table.loc["accuracy_spiral", "comparable"] == "no: 900 galaxies, 28790 are published"
    others = run(tmp_path, classes=["elliptical", "spiral"])[0]
    assert others["published"].isna().all()
    assert others["comparable"].isna().all()


def test_one_seed_has_no_interval(tmp_path):
    table, confusion, _ = run(tmp_path, seeds=(0,))
    assert table["ci95_low"].isna().all()
    assert confusion["share_std"].isna().all()


def test_seeds_of_other_test_images_are_refused(tmp_path):
    trainings = [{"experiment": "a", "label": "A", "seed": s, "reported_as": None, "differences": []} for s in (0, 1)]
    paths = [tmp_path / f"{seed}.h5" for seed in (0, 1)]
    for path in paths:
        write_predictions(path, 0)
    with h5py.File(paths[1], "r+") as file:
        file["ids"][0] = 77
    (tmp_path / "provenance.json").write_text(json.dumps({"simulated": True, "rows": 1, "labels": []}))
    tables = [tmp_path / name for name in ("metrics.csv", "per_seed.csv", "confusion.csv")]
    with pytest.raises(DataError, match="the seeds of a have other classes or test images"):
        tabulate_classifier.main(paths, tmp_path / "provenance.json", REPORTED, *tables, trainings=trainings)
    assert not tables[0].exists()


@pytest.mark.parametrize(("seeds", "experiments"), [((0, 1, 2), ("a", "b")), ((0,), ("a",))])
def test_figure_has_a_panel_for_each_classifier_and_is_byte_stable(tmp_path, seeds, experiments):
    run(tmp_path, seeds=seeds, experiments=experiments)
    files = []
    for number in range(2):
        files.append((tmp_path / f"{number}.png", tmp_path / f"{number}.pdf"))
        plot_confusion.main(tmp_path / "metrics.csv", tmp_path / "confusion.csv", *files[-1])
    assert files[0][0].read_bytes() == files[1][0].read_bytes()
    assert files[0][1].read_bytes() == files[1][1].read_bytes()
    with Image.open(files[0][0]) as image:
        assert image.width > 700 * len(experiments)

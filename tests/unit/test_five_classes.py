"""The five classes of Galaxy Zoo 2 by thresholds, and classes that are merged from values of a column."""

import logging

import numpy as np
import pandas as pd
import pytest
from small_gz2 import gz2_fractions, write_gz2

import prepare_catalogue
from galaxies.data.catalogue import read_catalogue
from galaxies.datasets.gz2_kaggle.five_classes import CLASSES, MEANING, five_classes
from galaxies.datasets.gz2_kaggle.labels import read_labels
from galaxies.errors import ConfigError, DataError

NAMES = ["completely_round_smooth", "in_between_smooth", "cigar_shaped_smooth", "edge_on", "spiral"]


def class_by_hand(votes):
    """Number of the class of one galaxy by the published rule, None without one."""
    if votes["Class1.1"] >= 0.469:
        for number, answer in enumerate(("Class7.1", "Class7.2", "Class7.3")):
            if votes[answer] >= 0.5:
                return number
    if votes["Class1.2"] >= 0.430:
        if votes["Class2.1"] >= 0.602:
            return 3
        if votes["Class2.2"] >= 0.715 and votes["Class4.1"] >= 0.619:
            return 4
    return None


def test_the_rule_on_random_galaxies_of_all_kinds():
    """Few random trees give a class, so their largest answers are made larger."""
    table = gz2_fractions(list(range(1000, 5000)), seed=1)
    rng = np.random.default_rng(2)
    for column in ("Class1.1", "Class1.2", "Class2.1", "Class2.2", "Class4.1", "Class7.1", "Class7.2", "Class7.3"):
        chosen = rng.random(len(table)) < 0.5
        table.loc[chosen, column] = rng.random(chosen.sum())
    found = five_classes(table)
    expected = {galaxy: class_by_hand(votes) for galaxy, votes in table.iterrows()}
    with_class = [galaxy for galaxy, number in expected.items() if number is not None]
    assert list(found.columns) == NAMES
    assert found.index.tolist() == with_class
    assert found.to_numpy().tolist() == np.eye(5)[[expected[galaxy] for galaxy in with_class]].tolist()
    assert (found.sum() > 20).all()


@pytest.mark.parametrize(
    ("votes", "number"),
    [
        ({"Class1.1": 1, "Class7.1": 0.5, "Class7.2": 0.5}, 0),  # an exact tie
        ({"Class1.1": 1, "Class7.2": 0.5, "Class7.3": 0.5}, 1),
        ({"Class1.1": 0.5, "Class7.3": 0.5, "Class1.2": 0.5, "Class2.1": 0.5}, 2),
        ({"Class1.1": 0.4689, "Class7.1": 0.4689}, None),
        ({"Class1.2": 0.602, "Class2.1": 0.602}, 3),
        ({"Class1.2": 0.602, "Class2.1": 0.6019}, None),
        ({"Class1.2": 0.715, "Class2.2": 0.715, "Class4.1": 0.619}, 4),
        ({"Class1.2": 0.715, "Class2.2": 0.7149, "Class4.1": 0.619}, None),
        ({"Class1.2": 0.9, "Class2.2": 0.9, "Class4.1": 0.6189}, None),
    ],
)
def test_thresholds_are_reached_by_equal_votes_and_the_first_class_wins(votes, number):
    table = gz2_fractions([7]) * 0
    for column, value in votes.items():
        table[column] = float(value)
    found = five_classes(table)
    assert found.to_numpy().tolist() == ([] if number is None else [np.eye(5)[number].tolist()])


def test_each_class_says_what_it_means():
    assert list(CLASSES) == list(MEANING) == NAMES
    assert MEANING["spiral"]["unit"] == "Class1.2 >= 0.43 and Class2.2 >= 0.715 and Class4.1 >= 0.619"


@pytest.fixture
def sample(tmp_path):
    """Six galaxies of which two are of a class."""
    sample = write_gz2(tmp_path / "gz2", frame=32)
    votes = pd.read_csv(sample.solutions, index_col=0) * 0
    votes[["Class1.3", "Class6.2"]] = 1.0
    votes.loc[sample.ids[1], ["Class1.1", "Class1.3", "Class7.2"]] = [1.0, 0.0, 1.0]
    votes.loc[sample.ids[4], ["Class1.2", "Class1.3", "Class2.1", "Class9.1"]] = [1.0, 0.0, 1.0, 1.0]
    votes.to_csv(sample.solutions)
    return sample


def prepare(sample, tmp_path, unmatched, table):
    catalogue = tmp_path / "catalogue.csv"
    settings = {"images": None, "frame": 32, "labels": [table]}
    options = {"dataset": "classes", "layout": "gz2_kaggle", "source": "local", "unmatched": unmatched}
    prepare_catalogue.main(sample.folder, catalogue, tmp_path / "provenance.json", settings=settings, **options)
    return read_catalogue(catalogue)


def test_galaxies_of_no_class_are_dropped_and_counted(sample, tmp_path, caplog):
    table = {"file": "training_solutions_rev1", "kind": "five_classes"}
    with caplog.at_level(logging.INFO):
        catalogue = prepare(sample, tmp_path, "drop", table)
    assert catalogue.ids.tolist() == [sample.ids[1], sample.ids[4]]
    assert catalogue.labels.to_numpy().tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert "2 of 6 galaxies are of a class" in caplog.text
    assert '"without_class": {\n    "training_solutions_rev1.csv": 4' in (tmp_path / "provenance.json").read_text()
    with pytest.raises(DataError, match=r"4 of 6 images have no row .* 4 rows of none of[\s\S]*unmatched: drop"):
        prepare(sample, tmp_path, "error", table)


def test_a_sample_without_any_class_is_refused(sample, tmp_path):
    votes = pd.read_csv(sample.solutions, index_col=0)
    votes.drop(index=[sample.ids[1], sample.ids[4]]).to_csv(sample.solutions)
    with pytest.raises(DataError, match="none of 4 galaxies is of one of the classes completely_round_smooth"):
        prepare(sample, tmp_path, "drop", {"file": "training_solutions_rev1", "kind": "five_classes"})


def merged(tmp_path, classes, values=("0", "1", "2", "3", "1", "4")):
    path = tmp_path / "classes.csv"
    path.write_text("OBJID,CLASS\n" + "".join(f"{100 + row},{value}\n" for row, value in enumerate(values)))
    table = {"file": "classes.csv", "kind": "class", "column": "CLASS", "id_column": "OBJID", "classes": classes}
    return read_labels({"table classes.csv": path}, {"labels": [table]}, None)[0]


def test_named_classes_take_values_together_and_leave_out_the_others(tmp_path):
    table = merged(tmp_path, {"spiral": [1, "2"], "elliptical": [0]})
    assert list(table.table.columns) == list(table.columns) == ["spiral", "elliptical"]
    assert table.table.index.tolist() == [100, 101, 102, 104]
    assert table.table.to_numpy().tolist() == [[0, 1], [1, 0], [1, 0], [1, 0]]
    assert table.origin == {"without_class": 2}


def test_impossible_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"classes.csv: `classes` has '7'.*its values: '0', '1', '2', '3', '4'"):
        merged(tmp_path, {"a": [0], "b": [7]})
    with pytest.raises(ConfigError, match="`classes` has the value '1' of 'CLASS' twice"):
        merged(tmp_path, {"a": [0, 1], "b": [1]})

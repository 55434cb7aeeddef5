"""Splits are disjoint, of the sizes asked for, and the same every time."""

import numpy as np
import pandas as pd
import pytest

import split_dataset
from galaxies.data.catalogue import Catalogue
from galaxies.data.splits import ids_of, make_split, read_split, write_split
from galaxies.errors import ConfigError, DataError

SIZES = {"train": 8, "validation": 3, "test": 4}
IDS = np.random.default_rng(3).choice(1_000_000, 40, replace=False)


def catalogue(ids, subset="all"):
    """Objects in ascending order, in tables (one per subset) that list them as `ids` does."""
    ids = np.asarray(ids, dtype=np.int64)
    rows = np.argsort(ids, kind="stable")
    labels = pd.DataFrame({"a": np.zeros(len(ids))}, index=pd.Index(ids[rows], name="object_id"))
    subset = np.broadcast_to(np.asarray(subset, dtype=object), len(ids))
    order = pd.Series(subset).groupby(subset).cumcount().to_numpy()
    return Catalogue(ids[rows], subset[rows], order[rows], labels)


@pytest.mark.parametrize("selection", ["lowest_ids", "random"])
def test_sizes_disjointness_and_independence_of_order(selection):
    split = make_split(catalogue(IDS), selection, SIZES, seed=0)
    assert split["object_id"].is_unique
    assert split["object_id"].is_monotonic_increasing
    assert set(split["object_id"]) <= set(IDS)
    assert split["split"].value_counts().to_dict() == SIZES
    pd.testing.assert_frame_equal(split, make_split(catalogue(np.sort(IDS)), selection, SIZES, seed=0))


def test_lowest_ids():
    split = make_split(catalogue(IDS), "lowest_ids", SIZES, seed=0)
    assert split["object_id"].tolist() == sorted(IDS)[:15]
    assert split["split"].tolist() == ["train"] * 8 + ["validation"] * 3 + ["test"] * 4
    pd.testing.assert_frame_equal(split, make_split(catalogue(IDS), "lowest_ids", SIZES, seed=9))


def test_random_draws_every_galaxy_equally_often():
    first, second = (make_split(catalogue(IDS), "random", SIZES, seed=seed) for seed in (0, 1))
    assert not first.equals(second)
    draws = 400
    counts = dict.fromkeys(IDS, 0)
    for seed in range(draws):
        split = make_split(catalogue(IDS), "random", SIZES, seed)
        for galaxy in split["object_id"][split["split"] == "train"]:
            counts[galaxy] += 1
    # Each count is binomial with p = 8 / 40; five standard deviations for 40 galaxies.
    p = 8 / 40
    assert abs(np.array(list(counts.values())) - draws * p).max() < 5 * np.sqrt(draws * p * (1 - p))


def test_all_galaxies_may_be_used():
    assert len(make_split(catalogue(range(15)), "random", SIZES, 0)) == 15


def test_impossible_split_gives_the_counts():
    sizes = {"train": 8000, "validation": 2000, "test": 2000}
    with pytest.raises(DataError, match=r"12000 images \(train 8000, validation 2000, test 2000\).* has 3927") as error:
        make_split(catalogue(range(3927)), "lowest_ids", sizes, 0)
    assert "Hint:" in str(error.value)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        SIZES | {"test": "half"},
        SIZES | {"train": 0},
        SIZES | {"test": -1},
        SIZES | {"test": 2.5},
        SIZES | {"test": True},
    ],
)
def test_sizes_that_cannot_be(sizes):
    with pytest.raises(ConfigError, match="split sizes"):
        make_split(catalogue(IDS), "random", sizes, 0)


def test_other_mistakes():
    with pytest.raises(ConfigError, match="'highest_ids'"):
        make_split(catalogue(IDS), "highest_ids", SIZES, 0)
    with pytest.raises(ConfigError, match="more than one set takes the rest"):
        make_split(catalogue(IDS), "random", {"train": "rest", "test": "rest"}, 0)
    with pytest.raises(DataError, match="asks for 40 images"):
        make_split(catalogue(IDS), "random", {"train": 40, "test": "rest"}, 0)


def test_permutation_is_that_of_the_papers_code():
    """galaxy_cgan_augmentation: numpy seed 0, a shuffle of the rows, the first ones validate."""
    np.random.seed(0)
    rows = np.arange(40)
    np.random.shuffle(rows)
    split = make_split(catalogue(IDS), "permutation", {"validation": 10, "train": "rest"}, seed=0)
    validation = split["object_id"][split["split"] == "validation"]
    assert sorted(validation) == sorted(IDS[rows[:10]])
    assert (split["split"] == "train").sum() == 30


def test_lost_objects_leave_the_others_where_they_were():
    """A set that takes the first rows of the permutation loses those that are gone, and is filled from the next."""
    sizes = {"validation": 10, "train": "rest"}
    whole = make_split(catalogue(IDS), "permutation", sizes, seed=0)
    full = catalogue(IDS)
    kept = full.ids != full.ids[7]
    part = Catalogue(full.ids[kept], full.subset[kept], full.order[kept], full.labels[kept])
    fewer = make_split(part, "permutation", sizes, seed=0)
    before, after = (set(split["object_id"][split["split"] == "validation"]) for split in (whole, fewer))
    assert len(after) == 10
    assert len(before & after) >= 9


def test_subsets_are_dealt_from_one_stream():
    """two_in_one: numpy seed 10, one permutation of the scored rows, the next one of the labelled rows."""
    subset = np.array(["labeled"] * 15 + ["scored"] * 20 + ["query"] * 5)
    np.random.seed(10)
    scored, labeled = np.random.permutation(IDS[15:35]), np.random.permutation(IDS[:15])
    sizes = {
        "scored_validation": 4,
        "scored_train": "rest",
        "labeled_validation": 2,
        "labeled_train": 7,
        "query": "rest",
    }
    split = make_split(catalogue(IDS, subset), "permutation", sizes, seed=10).set_index("split")["object_id"]
    assert sorted(split["scored_validation"]) == sorted(scored[:4])
    assert sorted(split["scored_train"]) == sorted(scored[4:])
    assert sorted(split["labeled_validation"]) == sorted(labeled[:2])
    assert sorted(split["labeled_train"]) == sorted(labeled[2:9])
    assert sorted(split["query"]) == sorted(IDS[35:])
    with pytest.raises(ConfigError, match=r"the set 'train' belongs to no subset[\s\S]*scored"):
        make_split(catalogue(IDS, subset), "permutation", {"train": 3}, seed=10)
    with pytest.raises(DataError, match="the subset query has 5"):
        make_split(catalogue(IDS, subset), "permutation", {"query": 6}, seed=10)


def test_ids_of_a_set(tmp_path):
    write_split(tmp_path / "split.csv", make_split(catalogue(IDS), "lowest_ids", SIZES, 0))
    assert ids_of(tmp_path / "split.csv", "validation").tolist() == sorted(IDS)[8:11]
    with pytest.raises(DataError, match=r"no object is in the set 'query'; the sets are: test, train, validation"):
        ids_of(tmp_path / "split.csv", "query")


def test_written_and_read_again(tmp_path):
    split = make_split(catalogue(IDS), "random", SIZES, 0)
    write_split(tmp_path / "split.csv", split)
    found = read_split(tmp_path / "split.csv")
    assert found["object_id"].dtype == np.int64
    assert found.to_numpy().tolist() == split.to_numpy().tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["split.csv"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a CSV table"),
        ("object_id,split\n", "0 rows"),
        ("object_id,set\n1,train\n", "expected rows of object_id,split"),
        (f"{'a,' * 999}b\n", r"0 rows of 'a,a\S{57}\.\.\.', expected"),
        ("object_id,split\n1,train\n2\n", "row 3: no name of a set"),
        ("object_id,split\n99999999999999999999,train\n", "no integers"),
        ("object_id,split\n1,train\n1,test\n", "row 3: object_id 1 occurs twice"),
        ("object_id,split\n1.5,train\n", "no integers"),
    ],
)
def test_damaged_split_file(tmp_path, text, words):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as error:
        read_split(path)
    assert str(path) in str(error.value)
    assert "delete the file and run the same command again; the rule `split_dataset`" in error.value.hint


def test_absent_split_file(tmp_path):
    with pytest.raises(DataError, match="no such split file"):
        read_split(tmp_path / "split.csv")


def test_script(tmp_path):
    table, split = tmp_path / "catalogue.csv", tmp_path / "out" / "split.csv"
    rows = [f"{galaxy},all,{row},0.5" for row, galaxy in enumerate(sorted(IDS))]
    table.write_text("\n".join(["object_id,subset,order,a", *rows]) + "\n")
    split_dataset.main(table, split, selection="lowest_ids", sizes=SIZES, seed=0)
    assert read_split(split)["object_id"].tolist() == sorted(IDS)[:15]
    split.unlink()
    with pytest.raises(DataError, match="catalogue has 40"):
        split_dataset.main(table, split, selection="lowest_ids", sizes=SIZES | {"train": 99}, seed=0)
    assert not list(split.parent.iterdir())


def with_classes(counts, seed=0):
    """A catalogue with one-hot classes of these sizes, in a random order of ids."""
    kinds = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    ids = np.sort(np.random.default_rng(seed + 1).choice(10 * len(kinds), len(kinds), replace=False))
    labels = pd.DataFrame(np.eye(len(counts))[kinds], index=ids, columns=list("abcde")[: len(counts)])
    return Catalogue(ids, np.full(len(ids), "all", dtype=object), np.arange(len(ids)), labels), kinds


def class_counts(split, name, table, kinds):
    return np.bincount(kinds[np.searchsorted(table.ids, split["object_id"][split["split"] == name])], minlength=3)


def test_stratified_split_has_the_published_test_images():
    """Dai and Tong: a tenth of each class of Galaxy Zoo 2, 2879 test images."""
    table, kinds = with_classes([8434, 8069, 578, 3903, 7806])
    split = make_split(table, "stratified", {"test": 0.1, "train": "rest"}, seed=0)
    assert class_counts(split, "test", table, kinds).tolist() == [843, 807, 58, 390, 781]
    assert len(split) == 28790
    assert split["object_id"].is_unique
    again = make_split(table, "stratified", {"test": 2879, "train": "rest"}, seed=0)
    pd.testing.assert_frame_equal(split, again)
    other = make_split(table, "stratified", {"test": 0.1, "train": "rest"}, seed=1)
    assert class_counts(other, "test", table, kinds).tolist() == [843, 807, 58, 390, 781]
    assert not split.equals(other)


def test_every_set_of_a_stratified_split_has_the_classes_in_their_proportion():
    counts = [53, 31, 7]
    table, kinds = with_classes(counts)
    sizes = {"train": 40, "validation": 0.25, "test": 20}
    split = make_split(table, "stratified", sizes, seed=3)
    assert split["split"].value_counts().to_dict() == {"train": 40, "validation": 23, "test": 20}
    for name, size in (("train", 40), ("validation", 23), ("test", 20)):
        quota = np.array(counts) * size / 91
        assert (abs(class_counts(split, name, table, kinds) - quota) <= 1).all()


def test_a_stratified_draw_takes_every_object_of_a_class_equally_often():
    table, kinds = with_classes([30, 10])
    taken = np.zeros(40)
    for seed in range(300):
        split = make_split(table, "stratified", {"test": 8, "train": "rest"}, seed)
        taken += np.isin(table.ids, split["object_id"][split["split"] == "test"])
    # Each count is binomial with p = 1 / 5, in both classes; five standard deviations for 40 objects.
    assert abs(taken - 60).max() < 5 * np.sqrt(300 * 0.2 * 0.8)
    assert taken[kinds == 1].mean() == taken[kinds == 0].mean() == 60


def test_stratified_split_ignores_labels_that_are_no_classes():
    table, _ = with_classes([40, 20])
    more = Catalogue(table.ids, table.subset, table.order, table.labels.assign(mass=np.linspace(8, 9, 60)))
    one, other = (make_split(t, "stratified", {"test": 0.1, "train": "rest"}, 0) for t in (table, more))
    pd.testing.assert_frame_equal(one, other)
    with pytest.raises(DataError, match="a stratified split needs classes, and no label is 0 or 1"):
        make_split(Catalogue(table.ids, table.subset, table.order, more.labels[["mass"]]), "stratified", {"test": 3}, 0)


def test_fractions_of_other_selections():
    split = make_split(catalogue(IDS), "lowest_ids", {"train": 0.6, "test": 5}, 0)
    assert split["split"].tolist() == ["train"] * 24 + ["test"] * 5
    with pytest.raises(DataError, match=r"asks for 0 images \(test 0\)"):
        make_split(catalogue(IDS), "random", {"test": 0.01}, 0)

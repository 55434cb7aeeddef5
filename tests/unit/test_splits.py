"""Splits are disjoint, of the sizes asked for, and the same every time."""

import numpy as np
import pandas as pd
import pytest
from small_gz2 import gz2_fractions

import split_dataset
from galaxies.data.splits import make_split, read_split, write_split
from galaxies.errors import ConfigError, DataError

SIZES = {"train": 8, "validation": 3, "test": 4}
IDS = np.random.default_rng(3).choice(1_000_000, 40, replace=False)


@pytest.mark.parametrize("selection", ["lowest_ids", "random"])
def test_sizes_disjointness_and_independence_of_order(selection):
    split = make_split(IDS, selection, SIZES, seed=0)
    assert split["GalaxyID"].is_unique
    assert split["GalaxyID"].is_monotonic_increasing
    assert set(split["GalaxyID"]) <= set(IDS)
    assert split["split"].value_counts().to_dict() == SIZES
    pd.testing.assert_frame_equal(split, make_split(np.sort(IDS), selection, SIZES, seed=0))
    pd.testing.assert_frame_equal(split, make_split(IDS, selection, dict(reversed(SIZES.items())), seed=0))


def test_lowest_ids():
    split = make_split(IDS, "lowest_ids", SIZES, seed=0)
    assert split["GalaxyID"].tolist() == sorted(IDS)[:15]
    assert split["split"].tolist() == ["train"] * 8 + ["validation"] * 3 + ["test"] * 4
    pd.testing.assert_frame_equal(split, make_split(IDS, "lowest_ids", SIZES, seed=9))


def test_random_draws_every_galaxy_equally_often():
    first, second = (make_split(IDS, "random", SIZES, seed=seed) for seed in (0, 1))
    assert not first.equals(second)
    draws = 400
    counts = dict.fromkeys(IDS, 0)
    for seed in range(draws):
        split = make_split(IDS, "random", SIZES, seed)
        for galaxy in split["GalaxyID"][split["split"] == "train"]:
            counts[galaxy] += 1
    # Each count is binomial with p = 8 / 40; five standard deviations for 40 galaxies.
    p = 8 / 40
    assert abs(np.array(list(counts.values())) - draws * p).max() < 5 * np.sqrt(draws * p * (1 - p))


def test_all_galaxies_may_be_used():
    assert len(make_split(range(15), "random", SIZES, 0)) == 15


def test_impossible_split_gives_the_counts():
    sizes = {"train": 8000, "validation": 2000, "test": 2000}
    with pytest.raises(DataError, match=r"12000 images \(train 8000, validation 2000, test 2000\).* has 3927") as error:
        make_split(range(3927), "lowest_ids", sizes, 0)
    assert "Hint:" in str(error.value)


@pytest.mark.parametrize(
    "sizes",
    [
        {"train": 5, "test": 5},
        SIZES | {"valid": 2},
        SIZES | {"train": 0},
        SIZES | {"test": -1},
        SIZES | {"test": 2.5},
        SIZES | {"test": True},
    ],
)
def test_sizes_that_cannot_be(sizes):
    with pytest.raises(ConfigError, match="split sizes"):
        make_split(IDS, "random", sizes, 0)


def test_other_mistakes():
    with pytest.raises(ConfigError, match="'highest_ids'"):
        make_split(IDS, "highest_ids", SIZES, 0)
    with pytest.raises(DataError, match="twice"):
        make_split([*IDS, IDS[0]], "random", SIZES, 0)


def test_written_and_read_again(tmp_path):
    split = make_split(IDS, "random", SIZES, 0)
    write_split(tmp_path / "split.csv", split)
    found = read_split(tmp_path / "split.csv")
    assert found["GalaxyID"].dtype == np.int64
    assert found.to_numpy().tolist() == split.to_numpy().tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["split.csv"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a CSV table"),
        ("GalaxyID,split\n", "0 rows"),
        ("GalaxyID,set\n1,train\n", "expected rows of GalaxyID,split"),
        (f"{'a,' * 999}b\n", r"0 rows of 'a,a\S{57}\.\.\.', expected"),
        (f"GalaxyID,split\n1,{'x' * 999}\n", r"row 2: split is 'x{60}\.\.\.', expected"),
        ("GalaxyID,split\n1,train\n2,valid\n", "row 3: split is 'valid'"),
        ("GalaxyID,split\n1,train\n2\n", "row 3: split is nan"),
        ("GalaxyID,split\n1,train\n1,test\n", "row 3: GalaxyID 1 occurs twice"),
        ("GalaxyID,split\n1.5,train\n", "no integers"),
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
    catalogue, split = tmp_path / "catalogue.csv", tmp_path / "out" / "split.csv"
    gz2_fractions(sorted(int(i) for i in IDS)).to_csv(catalogue)
    split_dataset.main(catalogue, split, selection="lowest_ids", sizes=SIZES, seed=0)
    assert read_split(split)["GalaxyID"].tolist() == sorted(IDS)[:15]
    split.unlink()
    with pytest.raises(DataError, match="catalogue has 40"):
        split_dataset.main(catalogue, split, selection="lowest_ids", sizes=SIZES | {"train": 99}, seed=0)
    assert not list(split.parent.iterdir())

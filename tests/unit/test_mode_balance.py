"""Class histograms, against scipy's measures and counts that are known."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as scipy_entropy
from small_judged import CLASSES, logits_of, read, training, write_judged

import tabulate_mode_balance
from galaxies.mode_balance import class_counts, entropy, jensen_shannon, total_variation


def test_measures_agree_with_scipy():
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 30, (2, 5))
        assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, base=2) ** 2, abs=1e-12)
        assert entropy(first) == pytest.approx(scipy_entropy(first, base=2))
        assert total_variation(first, second) == pytest.approx(
            max(abs((first[c] / first.sum() - second[c] / second.sum()).sum()) for c in subsets(5))
        )


def subsets(count: int) -> list[list[int]]:
    return [[i for i in range(count) if number >> i & 1] for number in range(2**count)]


def test_ends_of_the_measures():
    for function in (total_variation, jensen_shannon):
        assert function(np.array([3, 0]), np.array([0, 9])) == 1
        assert function(np.array([1, 2]), np.array([10, 20])) == 0
    assert entropy(np.array([7, 0, 0])) == 0 and entropy(np.array([4, 4, 4, 4])) == pytest.approx(2)


def test_counts_are_of_the_highest_logit():
    assert class_counts(np.array([[0.1, 3, 2], [5, 4, 4], [-3, -2, -9.0]])).tolist() == [1, 2, 0]


@pytest.fixture
def tabulated(tmp_path):
    """Function that tabulates real images and two trainings of a generator that makes spirals alone."""

    def run(samples=10, repeats=3):
        rng = np.random.default_rng(0)
        write_judged(
            tmp_path / "real.h5", logits_of([0] * 20 + [1] * 10 + [2] * 10), rng.random((40, 2)), np.arange(40)
        )
        for seed, classes in enumerate([[2] * 60, [2] * 30 + [1] * 30]):
            write_judged(tmp_path / f"{seed}.h5", logits_of(classes), rng.random((60, 2)))
        tabulate_mode_balance.main(
            tmp_path / "real.h5",
            [tmp_path / "0.h5", tmp_path / "1.h5"],
            tmp_path / "table.csv",
            trainings=[training("gan", 0), training("gan", 1)],
            samples=samples,
            repeats=repeats,
        )
        return read(tmp_path / "table.csv")

    return run


def test_table_of_mode_balance(tabulated):
    table = tabulated()
    real = table[table["experiment"] == "real"]
    assert real[real["quantity"] == "count"]["mean"].sum() == pytest.approx(10)
    assert real["n"].eq(3).all() and real["disjoint"].all()
    first = table[(table["experiment"] == "gan") & (table["seed"] == 0)].set_index(["quantity", "class"])
    assert [first.loc[("count", name), "mean"] for name in CLASSES] == [0, 0, 10]
    assert first["std"].eq(0).all() and first["n"].eq(3).all() and first["over"].eq("samples").all()
    value = first["mean"].droplevel("class")
    assert value["total_variation"] == pytest.approx(0.75) and value["entropy"] == 0
    assert value["jensen_shannon"] == pytest.approx(jensenshannon([0, 0, 1], [0.5, 0.25, 0.25], base=2) ** 2)
    over = table[table["over"] == "seeds"].set_index(["quantity", "class"])
    assert over.loc[("count", "spiral"), "mean"] == 10 and over["n"].eq(2).all()  # 30 of its 60 are in three samples
    assert over.loc[("count", "spiral"), "ci95_low"] == over.loc[("count", "spiral"), "ci95_high"] == 10
    assert table["images"].eq(10).all() and table["data"].eq("simulated").all()


def test_samples_of_real_images_say_what_sampling_does(tabulated):
    real = tabulated().query("experiment == 'real' and quantity == 'total_variation'").iloc[0]
    assert 0 < real["mean"] < 0.5 and real["std"] > 0


def test_few_real_images_are_all_used_and_it_is_said(tabulated):
    table = tabulated(samples=50, repeats=2)
    real = table[table["experiment"] == "real"].set_index(["quantity", "class"])
    assert real["images"].eq(40).all() and real["n"].eq(1).all()
    assert [real.loc[("count", name), "mean"] for name in CLASSES] == [20, 10, 10]
    assert np.isnan(real["mean"].droplevel("class")["total_variation"])  # no others to compare them with
    assert table[table["experiment"] == "gan"]["images"].eq(50).all()


def test_overlapping_samples_are_told(tabulated):
    table = tabulated(samples=25, repeats=2)
    assert not table[table["experiment"] == "real"]["disjoint"].any()

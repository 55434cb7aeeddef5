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


def test_counts_are_of_each_judge():
    assert class_counts(np.array([[1, 0, 1], [2, 2, 0]]), 4).tolist() == [[1, 2, 0, 0], [1, 0, 2, 0]]


REAL = [0] * 20 + [1] * 10 + [2] * 10


def tabulate(folder, real, made, samples=10, repeats=3):
    """The table of real images and trainings of a generator, each given as the classes (N,) or, by judge, (J, N)."""
    rng = np.random.default_rng(0)
    files = [folder / "real.h5", *(folder / f"{seed}.h5" for seed in range(len(made)))]
    for path, classes in zip(files, [real, *made], strict=True):
        logits = logits_of(classes)
        count = logits.shape[-2]
        write_judged(path, logits, rng.random((count, 2)), np.arange(count) if path.stem == "real" else None)
    trainings = [training("gan", seed) for seed in range(len(made))]
    settings = {"trainings": trainings, "samples": samples, "repeats": repeats}
    tabulate_mode_balance.main(files[0], files[1:], folder / "table.csv", **settings)
    return read(folder / "table.csv")


def test_table_of_mode_balance(tmp_path):
    table = tabulate(tmp_path, REAL, [[2] * 60, [2] * 30 + [1] * 30])
    real = table[table["experiment"] == "real"]
    assert real[real["quantity"] == "count"]["mean"].sum() == pytest.approx(10)
    first = table[(table["experiment"] == "gan") & (table["seed"] == 0)].set_index(["quantity", "class"])
    assert [first.loc[("count", name), "mean"] for name in CLASSES] == [0, 0, 10]
    assert first["std"].eq(0).all() and first["n"].eq(3).all() and first["over"].eq("samples").all()
    value = first["mean"].droplevel("class")
    assert value["total_variation"] == pytest.approx(0.75) and value["entropy"] == 0
    assert value["jensen_shannon"] == pytest.approx(jensenshannon([0, 0, 1], [0.5, 0.25, 0.25], base=2) ** 2)
    by_seed = table[(table["quantity"] == "count") & (table["class"] == "spiral") & (table["over"] == "samples")]
    over = table[table["over"] == "seeds"].set_index(["quantity", "class"])
    assert over.loc[("count", "spiral"), "mean"] == pytest.approx(by_seed.query("experiment == 'gan'")["mean"].mean())
    assert over["n"].eq(2).all() and over.loc[("count", "spiral"), "mean"] < 9  # 30 of the 60 are of another class
    assert table["images"].eq(10).all() and table["data"].eq("simulated").all()
    assert table["n_judges"].eq(1).all() and table["std_judges"].isna().all()


def test_images_that_are_ordered_by_class_are_sampled_at_random(tmp_path):
    table = tabulate(tmp_path, REAL, [[0] * 500 + [2] * 500], samples=100, repeats=10).query("experiment == 'gan'")
    row = table[(table["class"] == "spiral") & (table["over"] == "samples")].iloc[0]
    assert row["mean"] == 50 and 1 < row["std"] < 9  # hypergeometric: 4.7


def test_equal_seeds_have_no_interval(tmp_path):
    table = tabulate(tmp_path, REAL, [[2] * 60, [2] * 60, [2] * 60])
    over = table[table["over"] == "seeds"]
    assert over["std"].eq(0).all() and over["n"].eq(3).all() and over[["ci95_low", "ci95_high"]].isna().all(axis=None)
    other = tabulate(tmp_path, REAL, [[2] * 60, [2] * 30 + [1] * 30, [2] * 60]).query("over == 'seeds'")
    assert other.set_index("class").loc[CLASSES, "ci95_low"].isna().tolist() == [True, False, False]


# Judges


def test_each_judge_compares_with_what_it_sees_in_real_images_itself(tmp_path):
    real, made = np.array(REAL), np.array([2] * 60)
    judges = [
        np.stack([classes, (classes + 1) % 3]) for classes in (real, made)
    ]  # the second calls all by another name
    gan = tabulate(tmp_path, judges[0], [judges[1]]).query("experiment == 'gan' and over == 'samples'")
    value, count = gan.set_index("quantity"), gan.query("quantity == 'count'").set_index("class").loc[CLASSES]
    assert value.loc["total_variation", "mean"] == pytest.approx(0.75)
    distance = jensenshannon([0, 0, 1], [0.5, 0.25, 0.25], base=2) ** 2
    assert value.loc["jensen_shannon", "mean"] == pytest.approx(distance)
    assert value.loc["total_variation", "std_judges"] == pytest.approx(0, abs=1e-12)
    assert count["mean"].tolist() == [5, 0, 5]
    assert count["std_judges"].tolist() == pytest.approx([50**0.5, 0, 50**0.5])
    assert gan["n_judges"].eq(2).all() and gan["std"].eq(0).all()


def test_scatter_of_judges_is_of_means_over_seeds(tmp_path):
    shares = np.array([[0.2, 0.4], [0.6, 0.4], [0.7, 0.7]])  # of spirals: judges, seeds
    made = [np.stack([2 * (np.arange(100) < 100 * share) for share in of_seed]) for of_seed in shares.T]
    table = tabulate(tmp_path, np.stack([REAL] * 3), made, samples=100, repeats=1)
    row = table.query("over == 'seeds' and `class` == 'spiral'").iloc[0]
    assert row["mean"] == pytest.approx(50) and row["std"] == pytest.approx(0, abs=1e-9)
    assert row["std_judges"] == pytest.approx(np.std([30, 50, 70], ddof=1)) and row["n_judges"] == 3


# What sampling alone does


@pytest.mark.parametrize(("count", "samples"), [(4000, 100), (40, 30), (32, 31), (20, 50)])
def test_real_images_have_the_values_of_a_generator_of_the_same_classes(tmp_path, count, samples):
    rng = np.random.default_rng(3)
    real = np.resize([0, 0, 1, 2], count)
    shares = np.bincount(real, minlength=3) / len(real)
    made = rng.choice(3, size=500 * samples, p=shares)
    table = tabulate(tmp_path, real, [made], samples=samples, repeats=500).query("over == 'samples'")
    rows = {name: table[table["experiment"] == name].set_index(["quantity", "class"]) for name in ("real", "gan")}
    assert rows["real"]["images"].eq(samples).all() and rows["real"]["n"].ge(500).all()
    error = np.sqrt(sum(row["std"] ** 2 / row["n"] for row in rows.values()))
    assert (abs(rows["real"]["mean"] - rows["gan"]["mean"]) < 4 * error).all()
    binomial = np.sqrt(samples * shares * (1 - shares))
    np.testing.assert_allclose([rows["real"].loc[("count", name), "std"] for name in CLASSES], binomial, rtol=0.12)


def test_real_samples_are_as_large_as_those_of_generators(tmp_path):
    table = tabulate(tmp_path, REAL, [[2] * 25], samples=50, repeats=2)
    assert table["images"].eq(25).all()

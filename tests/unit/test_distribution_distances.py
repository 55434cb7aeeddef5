"""Distances of samples of features, against closed forms, other libraries and definitions written out."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from small_judged import logits_of, read, training, write_judged

import compare_distributions
import tabulate_judgement
from galaxies import distribution_distances
from galaxies.distribution_distances import frechet_distance, kernel_distance, neighbourhood_scores
from galaxies.errors import DataError


def waves(count: int, shift: float, phase: float, features: int = 6) -> np.ndarray:
    """Features (count, features) that any library can be given: no random generator is in them."""
    row, column = np.arange(1, count + 1)[:, None], np.arange(1, features + 1)
    values = np.sin(row * column * 0.37 + phase) + np.cos(row * 0.91 * np.sqrt(column) + phase)
    return np.maximum(values + shift, 0)


def test_values_that_other_libraries_give():
    """torchmetrics 1.9.0 (FrechetInceptionDistance with its features passed through, poly_mmd), prdc 0.2."""
    first, second = waves(400, 0.2, 0.0), waves(300, 0.35, 1.1)
    assert frechet_distance(first, second) == pytest.approx(0.07328611779006167, rel=1e-10)
    assert kernel_distance(first[:300], second) == pytest.approx(0.06885940979838079, rel=1e-10)
    scores = neighbourhood_scores(first, second, 5)
    expected = {"precision": 287 / 300, "recall": 0.9675, "density": 0.8593333333333334, "coverage": 0.8325}
    assert scores == pytest.approx(expected, rel=1e-10)


# Frechet distance


def with_moments(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """A sample (count, F) with exactly this mean and this sample covariance."""
    draw = np.random.default_rng(seed).standard_normal((count, len(mean)))
    draw -= draw.mean(axis=0)
    white = np.linalg.qr(draw)[0] * np.sqrt(count - 1)
    return white @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_given_moments():
    rng = np.random.default_rng(0)
    roots = rng.standard_normal((2, 4, 4))
    covariances, means = [root @ root.T + np.eye(4) for root in roots], rng.standard_normal((2, 4))
    samples = [with_moments(m, c, 50 + 10 * i, i) for i, (m, c) in enumerate(zip(means, covariances, strict=True))]
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(
        sum(covariances) - 2 * sqrtm(covariances[0] @ covariances[1])
    )
    assert frechet_distance(*samples) == pytest.approx(expected.real, rel=1e-9)


def test_frechet_distance_in_one_dimension():
    first, second = np.array([[0.0], [2.0], [4.0]]), np.array([[5.0], [6.0], [7.0]])  # deviations 2 and 1
    assert frechet_distance(first, second) == pytest.approx((2 - 6) ** 2 + (2 - 1) ** 2)


def test_frechet_distance_needs_no_more_images_than_features():
    """Orthogonal directions: the covariances have no common part, so that all their traces count."""
    first, second = np.zeros((2, 7)), np.zeros((2, 7))
    first[:, 0], second[:, 1] = [1, -1], [3, -3]
    assert frechet_distance(first, second) == pytest.approx(2 + 18)
    sample = np.random.default_rng(0).standard_normal((5, 40)).astype(np.float32)
    assert frechet_distance(sample, sample) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_is_biased_for_few_images():
    """What is said of it in figures: samples of one distribution are the further apart the smaller they are."""
    rng = np.random.default_rng(0)
    few, many = (frechet_distance(*rng.standard_normal((2, count, 20))) for count in (50, 500))
    assert few > 5 * many > 0


# Kernel distance


def test_kernel_distance_as_defined(monkeypatch):
    monkeypatch.setattr(distribution_distances, "_BLOCK", 3)
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((7, 4)), rng.standard_normal((5, 4)) + 1

    def kernel(x, y):
        return (x @ y / 4 + 1) ** 3

    of_first = np.mean([kernel(first[i], first[j]) for i in range(7) for j in range(7) if i != j])
    of_second = np.mean([kernel(second[i], second[j]) for i in range(5) for j in range(5) if i != j])
    between = np.mean([kernel(x, y) for x in first for y in second])
    assert kernel_distance(first, second) == pytest.approx(of_first + of_second - 2 * between)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    values = np.array([kernel_distance(*rng.standard_normal((2, 10, 5))) for _ in range(2000)])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))


# Precision, recall, density, coverage


def test_neighbourhood_scores_as_defined(monkeypatch):
    monkeypatch.setattr(distribution_distances, "_BLOCK", 4)
    rng = np.random.default_rng(0)
    real, generated, k = rng.standard_normal((13, 3)), 1.4 * rng.standard_normal((9, 3)) + 0.3, 2

    def reach(sample):
        return [sorted(np.linalg.norm(sample - x, axis=1))[k] for x in sample]  # the first is x itself

    of_real, of_generated = reach(real), reach(generated)
    inside = [[np.linalg.norm(x - y) < r for x, r in zip(real, of_real, strict=True)] for y in generated]
    recalled = [any(np.linalg.norm(x - y) < r for y, r in zip(generated, of_generated, strict=True)) for x in real]
    assert neighbourhood_scores(real, generated, k) == pytest.approx(
        {
            "precision": np.mean([any(row) for row in inside]),
            "recall": np.mean(recalled),
            "density": np.mean([sum(row) for row in inside]) / k,
            "coverage": np.mean(np.any(inside, axis=0)),
        }
    )


def test_a_collapsed_generator_has_no_recall():
    real = np.random.default_rng(0).standard_normal((200, 2))
    scores = neighbourhood_scores(real, np.zeros((200, 2)), 5)
    assert scores["precision"] == 1 and scores["recall"] == 0 and scores["coverage"] < 0.2


def test_far_features_lose_no_digits():
    rng = np.random.default_rng(0)
    real, generated = rng.standard_normal((2, 60, 3))
    assert neighbourhood_scores(real, generated, 5) == neighbourhood_scores(real + 1e4, generated + 1e4, 5)


# Tables


@pytest.fixture
def judged(tmp_path):
    """Real images, a generator like them, one that has collapsed, one with too few images."""
    rng = np.random.default_rng(0)
    real = rng.standard_normal((90, 4))
    write_judged(tmp_path / "real.h5", logits_of([0] * 90), real, 100 + np.arange(90))
    write_judged(tmp_path / "good.h5", logits_of([0] * 120), rng.standard_normal((120, 4)))
    write_judged(tmp_path / "bad.h5", logits_of([0] * 120), 3 + 0.01 * rng.standard_normal((120, 4)))
    write_judged(tmp_path / "few.h5", logits_of([0] * 20), rng.standard_normal((20, 4)))
    return tmp_path


def compare(folder, name=None, samples=40, repeats=2, neighbours=3):
    target = folder / f"{name}.csv"
    generated = folder / f"{name}.h5" if name else None
    settings = {"samples": samples, "repeats": repeats, "neighbours": neighbours}
    compare_distributions.main(folder / "real.h5", target, generated=generated, **settings)
    return target


def test_the_table_orders_generators_and_has_the_floor(judged):
    files = [compare(judged, name) for name in ("good", "bad")]
    trainings = [training("good"), training("bad")]
    tabulate_judgement.main(compare(judged), files, judged / "table.csv", judged / "per_seed.csv", trainings=trainings)
    table = read(judged / "table.csv").set_index(["metric", "experiment"])
    assert (table["images"] == 40).all() and (table["features"] == 4).all() and (table["n_samples"] == 2).all()
    for metric in ("frechet", "kernel"):
        assert table.loc[(metric, "good"), "mean"] < table.loc[(metric, "bad"), "mean"] / 5
    assert table.loc[("recall", "bad"), "mean"] == 0 and table.loc[("recall", "good"), "mean"] > 0.5
    floor = table.loc[("frechet", "good"), "real"]
    assert 0 < floor < table.loc[("frechet", "bad"), "mean"] / 5
    assert (table["data"] == "simulated").all() and (table["differences"] == "steps 2").all()


def test_seeds_are_what_intervals_are_of(judged):
    files = [compare(judged, name) for name in ("good", "bad", "good")]
    trainings = [training("one", seed) for seed in range(3)]
    tabulate_judgement.main(compare(judged), files, judged / "table.csv", judged / "per_seed.csv", trainings=trainings)
    table = read(judged / "table.csv").set_index("metric")
    row, seeds = table.loc["kernel"], read(judged / "per_seed.csv").query("metric == 'kernel'")["value"]
    assert (
        row["n_seeds"] == 3 and row["mean"] == pytest.approx(seeds.mean()) and row["std"] == pytest.approx(seeds.std())
    )
    assert row["ci95_low"] == pytest.approx(seeds.mean() - 4.302653 * seeds.std() / np.sqrt(3), rel=1e-6)  # t(2)
    assert table.loc["frechet", "ci95_low"] == 0 and table.loc["recall", "ci95_high"] == 1  # where their ranges end


def test_few_real_images_lower_the_size_for_all(judged):
    values = read(compare(judged, "good", samples=1000))
    assert (values["images"] == 45).all()  # half of the 90 real ones, so that the floor has as many
    assert values["repeat"].max() == 1


def test_samples_of_other_sizes_are_not_compared(judged):
    with pytest.raises(DataError, match=r"samples of 40, .*few\.h5 gives 20; expected the same number"):
        compare(judged, "few")
    with pytest.raises(DataError, match="more than the 40 neighbours"):
        compare(judged, "good", neighbours=40)
    files = [compare(judged, "good", samples=30)]
    with pytest.raises(DataError, match=r"good\.csv: 30 images, expected 40"):
        tabulate_judgement.main(
            compare(judged), files, judged / "t.csv", judged / "s.csv", trainings=[training("good")]
        )


def test_another_judge_is_refused(judged):
    write_judged(judged / "other.h5", logits_of([0] * 90), np.ones((90, 4)), judge_sha256="another")
    with pytest.raises(DataError, match=r"other\.h5: judged by another judge"):
        compare(judged, "other")

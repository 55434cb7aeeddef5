"""Nearest neighbours against all distances written out, and the test for near copies against its definition."""

from itertools import combinations

import h5py
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.stats import binomtest
from small_judged import digest, logits_of, read, training, write_judged, write_unlabelled
from small_views import write_view

import find_neighbours
import tabulate_neighbours
from galaxies.errors import ConfigError, DataError
from galaxies.generated_images import as_stored
from galaxies.neighbours import POWER, isolation, mutual_pairs, near_copies, nearest, read_neighbours


def in_blocks(ids: np.ndarray, values: np.ndarray, size: int = 7):
    for first in range(0, len(ids), size):
        yield ids[first : first + size], values[first : first + size]


def test_nearest_agrees_with_all_distances():
    rng = np.random.default_rng(0)
    queries, others = rng.random((11, 3, 4, 4)), rng.random((30, 3, 4, 4)).astype(np.float32)
    ids = 100 + np.arange(30)
    own = np.array([-1, 100, 129, *[-1] * 8])
    all_distances = cdist(queries.reshape(11, -1), others.reshape(30, -1).astype(np.float64)) / np.sqrt(48)
    all_distances[own[:, None] == ids] = np.inf
    distances, found = nearest(queries, own, in_blocks(ids, others), 4)
    order = np.argsort(all_distances, axis=1)[:, :4]
    np.testing.assert_array_equal(found, ids[order])
    np.testing.assert_allclose(distances, np.take_along_axis(all_distances, order, axis=1), rtol=1e-10)


def test_copies_have_no_distance_and_equal_distances_keep_their_order():
    images = np.random.default_rng(0).random((9, 12)).astype(np.float32)
    others = np.concatenate([images, images])
    distances, found = nearest(images, np.full(9, -1), in_blocks(np.arange(18), others), 2)
    assert (distances == 0).all()
    np.testing.assert_array_equal(np.sort(found), np.stack([np.arange(9), np.arange(9, 18)], axis=1))


def test_fewer_others_than_asked():
    distances, found = nearest(np.zeros((1, 4)), np.array([7]), iter([(np.array([7, 8]), np.ones((2, 4)))]), 3)
    assert found.tolist() == [[8, -1, -1]] and distances[0, 0] == 1 and np.isinf(distances[0, 1:]).all()


def test_isolation():
    assert isolation(np.array([[1.0, 2.0], [0.0, 3.0], [0.0, 0.0]])).tolist() == [0.5, 0.0, 1.0]


@pytest.mark.parametrize(("generated", "real"), [(4, 3), (6, 5)])
def test_p_value_counts_arrangements(generated, real):
    """All orders of generated and real values are as likely; of fewer than 200 real ones, the nearest one counts."""
    orders = [set(order) for order in combinations(range(generated + real), real)]  # places of the real values
    below = [min(order) for order in orders]
    for count in range(generated + 1):
        values = np.concatenate([np.full(count, 0.0), np.full(generated - count, 2.0)])
        result = near_copies(values, np.linspace(1, 1.5, real), np.arange(real))
        assert result.share == count / generated
        assert result.p_value == pytest.approx(np.mean([number >= count for number in below]))
        interval = binomtest(count, generated).proportion_ci(method="exact")
        assert (result.ci95_low, result.ci95_high) == pytest.approx((interval.low, interval.high))


def test_a_mutual_pair_counts_as_one_value():
    """Six images in three pairs, and 40 that generate nothing new: as three independent values."""
    generated, distances = np.linspace(0, 2, 40), np.repeat([1.0, 1.1, 1.4], 2)
    single = near_copies(generated, distances[::2], np.arange(3))
    for real in (distances, distances * np.tile([1, 1 + 1e-15], 3)):  # as rounded
        assert near_copies(generated, real, np.repeat([7, 3, 5], 2)) == single
    assert near_copies(generated, distances, np.arange(6)).p_value < single.p_value


def test_mutual_pairs():
    own, nearest_to_it = np.array([9, 4, 7, 2, 5]), np.array([2, 7, 4, 4, 30])
    assert mutual_pairs(own, nearest_to_it).tolist() == [9, 4, 4, 2, 5]


@pytest.mark.parametrize(
    ("dimensions", "training_images", "repeats"), [(5, 150, 500), (2, 150, 500), (20, 150, 500), (5, 900, 150)]
)
def test_level_holds_for_distances_among_the_same_images(dimensions, training_images, repeats):
    """Of a generator that draws from the truth. Mutual neighbours share a distance, so values come in pairs."""
    p_values = np.array([p_values_of_truth(seed, dimensions, training_images) for seed in range(repeats)])
    for level in (0.01, 0.05):
        allowed = level + 2.5 * np.sqrt(level / repeats)
        assert (np.mean(p_values <= level, axis=0) <= allowed).all()
    assert np.mean(p_values[:, 0] <= 0.2) > 0.1  # of distances: not merely conservative


def p_values_of_truth(seed, dimensions, training_images):
    """Of distance and isolation."""
    rng = np.random.default_rng(seed)
    trained, made = (rng.normal(size=(count, dimensions)) for count in (training_images, 800))
    tree = cKDTree(trained)
    generated, (real, ids) = tree.query(made, k=2)[0], tree.query(trained, k=3)
    pairs = mutual_pairs(np.arange(training_images), ids[:, 1])
    values = ((generated[:, 0], real[:, 1]), (isolation(generated), isolation(real[:, 1:])))
    return [near_copies(*both, pairs).p_value for both in values]


def test_copies_are_found():
    rng = np.random.default_rng(0)
    copies = np.where(np.arange(400) < 16, 0.01, rng.gamma(5, size=400))  # 4 %
    result = near_copies(copies, rng.gamma(5, size=600), np.arange(600))
    assert result.p_value < 1e-3 and result.below_all_real >= 16


@pytest.mark.parametrize(("generated", "real"), [(300, 150), (2000, 2000)])
def test_detectable_share_is_found_with_the_stated_power(generated, real):
    rng = np.random.default_rng(1)
    values, of_real, pairs = rng.gamma(5, size=generated), rng.gamma(5, size=real), np.arange(real)
    share = near_copies(values, of_real, pairs).detectable_share
    found = {}
    for factor in (0.8, 1, 1.2):
        others, copied = rng.choice(values, (400, generated)), rng.random((400, generated)) < factor * share
        tests = [near_copies(made, of_real, pairs) for made in np.where(copied, 0, others)]
        found[factor] = np.mean([test.p_value <= 0.05 for test in tests])
    assert found[1] == pytest.approx(POWER, abs=0.08)  # discrete counts; 4 standard errors
    assert found[0.8] < found[1] < found[1.2]


def test_no_share_is_detectable_among_too_few_images_or_repeated_real_ones():
    """One image that is nearer than the nearest of 5 has a probability of 1 / 6."""
    assert np.isnan(near_copies(np.ones(1), np.arange(1.0, 6), np.arange(5)).detectable_share)
    real = np.concatenate([np.zeros(50), np.ones(950)])  # pairs of the same image
    result = near_copies(np.concatenate([np.zeros(20), np.ones(80)]), real, np.arange(1000))
    assert result.p_value == 1 and np.isnan(result.detectable_share) and result.below_all_real == 0


def test_none_but_small_values_have_a_detectable_share_of_nothing():
    result = near_copies(np.full(100, 0.5), np.arange(1.0, 101), np.arange(100))
    assert (result.share, result.detectable_share, result.below_all_real) == (1, 0, 100)


# Files


@pytest.fixture
def files(tmp_path):
    """A view of 40 images, a generator of new ones and one that copies every second image, with judgements."""
    images = write_view(tmp_path / "view.h5", count=40, size=8)
    rng = np.random.default_rng(1)
    fake = rng.integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
    copied = fake.copy()
    copied[::2] = images[:15]
    features = {"real": images, "new": fake, "copies": copied}
    for name, pixels in features.items():
        values = pixels.reshape(len(pixels), -1)[:, :20] / 255
        if name == "real":
            write_judged(tmp_path / "real.h5", logits_of([0] * 40), values, 100 + np.arange(40))
            continue
        source = digest(write_unlabelled(tmp_path / f"{name}.h5", tmp_path / "view.h5", pixels))
        write_judged(tmp_path / f"{name}_judged.h5", logits_of([0] * 30), values, source_sha256=source)
    return tmp_path


def find(folder, name=None, neighbours=3):
    target = folder / f"{name}_neighbours.h5"
    given = {"generated": folder / f"{name}.h5", "judged": folder / f"{name}_judged.h5"} if name else {}
    find_neighbours.main(folder / "view.h5", folder / "real.h5", target, neighbours=neighbours, **given)
    return target


def test_neighbours_of_copies_are_the_copied_images(files):
    found = read_neighbours(find(files, "copies"))
    assert found.training_images == 40 and found.simulated and found.rows.tolist() == list(range(30))
    assert (found.own_ids == -1).all()
    for space in ("pixels", "features"):
        assert found.ids[space][::2, 0].tolist() == list(range(100, 115))
        assert found.distances[space][::2, 0].max() < 1e-7 < found.distances[space][1::2, 0].min()
        assert found.ids[space].shape == (30, 3)


def test_distances_are_on_the_scale_that_networks_see(files):
    with h5py.File(files / "view.h5") as view, h5py.File(files / "new.h5") as made:
        real, fake = (np.reshape(p, (len(p), -1)) / 255 for p in (view["pixels"][:], made["generated"][:]))
    expected = cdist(fake, real).min(axis=1) / np.sqrt(real.shape[1])
    np.testing.assert_allclose(read_neighbours(find(files, "new")).distances["pixels"][:, 0], expected, rtol=1e-5)


def test_generated_images_are_compared_as_the_view_would_store_them(tmp_path):
    images = write_view(tmp_path / "view.h5", count=10, size=8)
    rng = np.random.default_rng(0)
    made = images + rng.uniform(-0.4, 0.4, images.shape)
    made = ((made + np.where(images == 255, 90, 0)) / 255).astype(np.float32)  # some above the range of 8-bit images
    source = digest(write_unlabelled(tmp_path / "new.h5", tmp_path / "view.h5", made))
    features = rng.random((10, 4))
    write_judged(tmp_path / "real.h5", logits_of([0] * 10), features, 100 + np.arange(10))
    write_judged(tmp_path / "new_judged.h5", logits_of([0] * 10), features, source_sha256=source)
    assert (read_neighbours(find(tmp_path, "new")).distances["pixels"][:, 0] == 0).all()


def test_images_as_stored():
    images = np.array([-0.2, 0, 0.4999 / 255, 0.5001 / 255, 1, 1.7], dtype=np.float32)
    stored = as_stored(images, np.dtype(np.uint8))
    assert stored.dtype == np.float32 and (255 * stored).tolist() == [0, 0, 0, 1, 255, 255]
    np.testing.assert_array_equal(as_stored(stored, np.dtype(np.uint8)), stored)
    np.testing.assert_array_equal(as_stored(images, np.dtype(np.float32)), images)


def test_training_images_are_not_their_own_neighbours(files):
    found = read_neighbours(find(files))
    assert len(found.rows) == 40 and found.own_ids.tolist() == list(range(100, 140))
    assert not (found.ids["pixels"] == 100 + found.rows[:, None]).any()
    assert found.distances["pixels"].min() > 0.1


def test_no_more_than_so_many_are_sought_and_the_choice_is_fixed(files, monkeypatch):
    monkeypatch.setattr(find_neighbours, "QUERIES", 12)
    first, again = find(files, "new").read_bytes(), find(files, "new").read_bytes()
    assert first == again
    found = read_neighbours(files / "new_neighbours.h5")
    assert len(found.rows) == 12 and (np.diff(found.rows) > 0).all()


def test_judgement_of_other_images_is_refused(files):
    (files / "new_judged.h5").write_bytes((files / "copies_judged.h5").read_bytes())
    with pytest.raises(DataError, match="the judgement of other images"):
        find(files, "new")
    with pytest.raises(ConfigError, match="judged: not given"):
        find_neighbours.main(
            files / "view.h5", files / "real.h5", files / "n.h5", neighbours=3, generated=files / "new.h5"
        )
    with pytest.raises(DataError, match="40 images have no 40 neighbours"):
        find(files, neighbours=40)
    assert not (files / "n.h5").exists()


def test_a_damaged_file_is_refused(files):
    path = find(files, "new")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"new_neighbours\.h5: damaged"):
        read_neighbours(path)


def test_table_finds_the_generator_that_copies(files):
    trainings = [training("new"), training("copies", 0), training("copies", 1)]
    found = [find(files, "new"), find(files, "copies"), find(files, "copies")]
    tabulate_neighbours.main(find(files), found, files / "table.csv", trainings=trainings)
    table = read(files / "table.csv")
    for space in ("pixels", "features"):
        for quantity in ("distance", "isolation"):
            rows = table[(table["space"] == space) & (table["quantity"] == quantity)]
            rows = {key: group.iloc[0] for key, group in rows.groupby(["experiment", "over"])}
            copies, new, seeds = rows["copies", "images"], rows["new", "images"], rows["copies", "seeds"]
            assert copies["near_copies"] >= 0.5 and copies["p_value"] < 1e-3 and copies["min"] < 1e-6
            assert new["p_value"] > 0.01 and new["median_over_real"] == pytest.approx(1, abs=0.2)
            assert copies["below_all_real"] >= 15 and 0 < new["detectable_share"] < 0.5
            assert seeds["n"] == 2 and seeds["near_copies"] == copies["near_copies"]
            assert seeds["below_all_real"] == 2 * copies["below_all_real"] and seeds["p_value"] < copies["p_value"]
            for row, count in ((copies, 30), (seeds, 60)):  # of both seeds together
                interval = binomtest(round(count * row["near_copies"]), count).proportion_ci(method="exact")
                assert row["near_copies_ci95_low"] == pytest.approx(interval.low)
                assert row["near_copies_ci95_high"] == pytest.approx(interval.high)
            assert rows["real", "images"]["n"] == 40
    assert table["training_images"].eq(40).all() and table["data"].eq("simulated").all()


def test_one_training_that_copies_does_not_hide_among_others(files):
    found = [find(files, "new"), find(files, "copies"), find(files, "new")]
    trainings = [training("one", seed) for seed in range(3)]
    tabulate_neighbours.main(find(files), found, files / "table.csv", trainings=trainings)
    table = read(files / "table.csv")
    for _, rows in table[table["experiment"] == "one"].groupby(["space", "quantity"]):
        of_all = rows[rows["over"] == "seeds"].iloc[0]
        copier = rows[rows["seed"] == 1].iloc[0]
        assert of_all["near_copies"] < copier["near_copies"]
        for end in ("", "_ci95_low", "_ci95_high"):
            assert of_all[f"near_copies_most{end}"] == copier[f"near_copies{end}"]


@pytest.mark.parametrize(("name", "text"), [("judge", "features of another judge"), ("view", "other training images")])
def test_neighbours_of_another_judge_or_view_are_refused(files, name, text):
    real, found = find(files), find(files, "new")
    with h5py.File(found, "r+") as file:
        file.attrs[f"{name}_sha256"] = "0" * 64
    with pytest.raises(DataError, match=f"new_neighbours.h5: .*{text}"):
        tabulate_neighbours.main(real, [found], files / "table.csv", trainings=[training("new")])
    assert not (files / "table.csv").exists()

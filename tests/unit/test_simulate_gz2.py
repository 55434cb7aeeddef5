"""The simulated Galaxy Zoo 2: layout, votes that obey the decision tree, pictures that show what was drawn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS
from galaxies.datasets.gz2_kaggle.morphology import KINDS, Galaxy, draw_galaxy
from galaxies.datasets.gz2_kaggle.rendering import compose, fluxes, render
from galaxies.datasets.gz2_kaggle.simulator import galaxy_id, simulate, simulate_galaxy
from galaxies.datasets.gz2_kaggle.votes import answer_probabilities, cast_votes
from galaxies.errors import DataError

# Column that the answers of each question add up to, written down from the published tree; question 6 is the exception
# that adds up to 1 in the released table.
PARENTS = {
    1: None,
    2: "Class1.2",
    3: "Class2.2",
    4: "Class2.2",
    5: "Class2.2",
    6: None,
    7: "Class1.1",
    8: "Class6.1",
    9: "Class2.1",
    10: "Class4.1",
    11: "Class4.1",
}


def tree_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Absolute difference of each question's sum from the fraction of its parent."""
    errors = {}
    for question, parent in PARENTS.items():
        answers = [column for column in table.columns if column.startswith(f"Class{question}.")]
        errors[question] = (table[answers].sum(axis=1) - (table[parent] if parent else 1)).abs()
    return pd.DataFrame(errors)


def survey(number: int, seed: int = 1) -> tuple[list[Galaxy], pd.DataFrame]:
    """Drawn galaxies and their votes, without pictures."""
    galaxies, votes = [], []
    for index in range(number):
        rng = np.random.default_rng((seed, index))
        galaxies.append(draw_galaxy(rng))
        votes.append(cast_votes(answer_probabilities(galaxies[-1], rng), rng))
    return galaxies, pd.DataFrame(votes, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def many() -> tuple[list[Galaxy], pd.DataFrame]:
    return survey(3000)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """24 galaxies on disk, written by one process."""
    folder = tmp_path_factory.mktemp("gz2")
    images, solutions = folder / "images_training_rev1", folder / "training_solutions_rev1.csv"
    simulate(folder, images=24, seed=7, threads=1)
    return images, solutions


def plain(**changes) -> Galaxy:
    """A bright, well resolved galaxy without structure."""
    galaxy = Galaxy(
        kind="smooth",
        magnitude=15.0,
        r90=12.0,
        seeing=1.2,
        axis_ratio=1.0,
        position_angle=0.0,
        sersic_index=2.0,
        bulge_fraction=1.0,
        color=(0.8, 0.35),
        disk_color=(0.3, 0.1),
    )
    return replace(galaxy, **changes)


def core(picture: np.ndarray, half: int = 70) -> np.ndarray:
    """Luminance around the centre, above the level of the picture's outskirts, float (2 half, 2 half)."""
    grey = picture.astype(float).mean(axis=2)
    return np.clip(grey - np.median(grey) - 12, 0, None)[212 - half : 212 + half, 212 - half : 212 + half]


def measured_axis_ratio(picture: np.ndarray) -> float:
    """Square root of the ratio of the second moments along the principal axes."""
    light = core(picture)
    y, x = np.indices(light.shape)
    covariance = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=light.ravel())
    smallest, largest = np.linalg.eigvalsh(covariance)
    return float(np.sqrt(smallest / largest))


def median_picture(galaxy: Galaxy, number: int = 5) -> np.ndarray:
    """Median over several fields, so that neighbours and noise drop out."""
    return np.median([render(galaxy, np.random.default_rng(seed)) for seed in range(number)], axis=0)


def test_published_layout(written):
    images, solutions = written
    table = pd.read_csv(solutions)
    assert list(table.columns) == ["GalaxyID", *COLUMNS]
    assert table["GalaxyID"].is_monotonic_increasing and table["GalaxyID"].is_unique
    assert sorted(path.name for path in images.iterdir()) == [f"{i}.jpg" for i in table["GalaxyID"]]
    for path in images.iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (424, 424))


def test_written_votes_obey_the_tree(written):
    table = pd.read_csv(written[1], index_col="GalaxyID")
    assert tree_errors(table).to_numpy().max() < 1e-6
    assert table.to_numpy().min() >= 0 and table.to_numpy().max() <= 1


def test_files_do_not_depend_on_the_number_of_processes(written, tmp_path):
    images, solutions = written
    simulate(tmp_path / "two", images=24, seed=7, threads=2)
    assert (tmp_path / "two" / solutions.name).read_bytes() == solutions.read_bytes()
    for path in images.iterdir():
        assert (tmp_path / "two" / images.name / path.name).read_bytes() == path.read_bytes()


def test_an_image_depends_on_seed_and_index_alone(written):
    table = pd.read_csv(written[1], index_col="GalaxyID")
    galaxy = simulate_galaxy(7, 23)
    np.testing.assert_allclose(table.loc[galaxy.galaxy_id], galaxy.votes, atol=1e-9)
    again = simulate_galaxy(7, 23)
    assert np.array_equal(galaxy.image, again.image) and galaxy.image.dtype == np.uint8
    other = simulate_galaxy(8, 23)
    assert other.galaxy_id != galaxy.galaxy_id and not np.array_equal(other.image, galaxy.image)


@pytest.mark.parametrize("seed", [0, 1, 123456789])
def test_ids_are_unique_with_six_digits(seed):
    indices = [*range(2000), *range(899_000, 900_000)]
    ids = [galaxy_id(seed, index) for index in indices]
    assert len(set(ids)) == len(indices)
    assert min(ids) >= 100_000 and max(ids) <= 999_999


@pytest.mark.slow
def test_ids_fill_the_whole_range():
    first, second = galaxy_id(3, 0), galaxy_id(3, 1)
    ids = 100_000 + (first - 100_000 + np.arange(900_000) * (second - first)) % 900_000
    assert ids[123_456] == galaxy_id(3, 123_456)
    assert len(np.unique(ids)) == 900_000


@pytest.mark.parametrize("changes", [{"images": 0}, {"images": 900_001}, {"threads": 0}, {"seed": -1}])
def test_impossible_requests_are_refused(tmp_path, changes):
    with pytest.raises(DataError):
        simulate(tmp_path / "new", **{"images": 1, "seed": 0, "threads": 1} | changes)
    assert not list(tmp_path.rglob("*.csv"))


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "100008.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="not empty"):
        simulate(tmp_path, images=1, seed=0, threads=1)


def test_votes_of_a_large_sample_obey_the_tree(many):
    _, votes = many
    assert tree_errors(votes).to_numpy().max() < 1e-12
    assert votes.to_numpy().min() >= 0 and votes.to_numpy().max() <= 1
    # Few people see rare things: most galaxies have no vote at all for a lens, some have none for a bar.
    assert (votes["Class8.2"] == 0).mean() > 0.5
    assert 0.05 < (votes["Class3.1"] == 0).mean() < 0.95


def test_sums_hold_where_nobody_is_asked():
    probabilities = answer_probabilities(plain(), np.random.default_rng(0))
    probabilities[1] = np.array([0.0, 0.0, 1.0])  # everybody votes for a star
    votes = pd.DataFrame([cast_votes(probabilities, np.random.default_rng(1))], columns=list(COLUMNS))
    assert tree_errors(votes).to_numpy().max() < 1e-12
    assert votes.loc[0, "Class6.1"] > 0 and votes.loc[0, "Class1.3"] == 1


def test_fractions_are_counts_of_volunteers(many):
    first = many[1]["Class1.1"].to_numpy()[:200]
    possible = np.concatenate([np.arange(n + 1) / n for n in range(40, 51)])
    assert np.abs(first[:, None] - possible).min(axis=1).max() < 1e-12


def test_class_shares_are_near_those_of_the_published_table(many):
    votes = many[1]
    smooth, features = votes["Class1.1"] >= 0.469, votes["Class1.2"] >= 0.430
    shares = {
        "round": (smooth & (votes["Class7.1"] >= 0.5)).mean(),
        "in_between": (smooth & (votes["Class7.2"] >= 0.5)).mean(),
        "cigar": (smooth & (votes["Class7.3"] >= 0.5)).mean(),
        "edge_on": (features & (votes["Class2.1"] >= 0.602)).mean(),
        "spiral": (features & (votes["Class2.2"] >= 0.715) & (votes["Class4.1"] >= 0.619)).mean(),
    }
    published = {"round": 0.137, "in_between": 0.131, "cigar": 0.0094, "edge_on": 0.063, "spiral": 0.127}
    # 3000 galaxies: a share of 13 % has a standard error of 0.6 %.
    for name, share in published.items():
        assert shares[name] == pytest.approx(share, abs=0.035 if share > 0.05 else 0.008), shares


def test_all_kinds_occur(many):
    assert {galaxy.kind for galaxy in many[0]} == set(KINDS)
    assert sum(KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("smooth", "Class1.1"),
        ("edge_on", "Class2.1"),
        ("disk", "Class4.1"),
        ("merger", "Class8.6"),
        ("irregular", "Class8.4"),
        ("lens", "Class8.2"),
        ("star", "Class1.3"),
    ],
)
def test_each_kind_wins_its_votes(many, kind, column):
    galaxies, votes = many
    means = votes[column].groupby([galaxy.kind for galaxy in galaxies]).mean()
    assert means.idxmax() == kind


def test_votes_follow_the_drawn_features(many):
    galaxies, votes = many
    disks = np.array([galaxy.kind == "disk" for galaxy in galaxies])
    votes = votes[disks]
    drawn = pd.DataFrame(
        [(g.bar > 0, g.ring > 0, g.arms, g.pitch) for g in galaxies if g.kind == "disk"],
        columns=["bar", "ring", "arms", "pitch"],
        index=votes.index,
    )
    bar = votes["Class3.1"] / votes["Class2.2"].clip(lower=1e-9)
    assert bar[drawn["bar"]].mean() > 3 * bar[~drawn["bar"]].mean()
    assert votes["Class8.1"][drawn["ring"]].mean() > 3 * votes["Class8.1"][~drawn["ring"]].mean()
    spirals = votes["Class4.1"] > 0.2
    for arms, column in enumerate(["Class11.1", "Class11.2", "Class11.3", "Class11.4"], start=1):
        share = votes[column][spirals] / votes["Class4.1"][spirals]
        assert share.groupby(drawn["arms"][spirals].clip(upper=5)).mean().idxmax() == arms
    tight = votes["Class10.1"][spirals] / votes["Class4.1"][spirals]
    assert np.corrcoef(tight, drawn["pitch"][spirals])[0, 1] < -0.6


def test_poor_resolution_hides_features():
    spiral = plain(kind="disk", bulge_fraction=0.1, arms=2, arm_strength=0.9)
    blurred = replace(spiral, r90=3.5, seeing=1.8)
    rng = np.random.default_rng(0)
    sharp_votes = np.mean([answer_probabilities(spiral, rng)[4][0] for _ in range(200)])
    blurred_votes = np.mean([answer_probabilities(blurred, rng)[4][0] for _ in range(200)])
    assert sharp_votes > blurred_votes + 0.2


@pytest.mark.parametrize("angle", [0.0, 0.9])
def test_pictures_show_the_axis_ratio(angle):
    ratios = [
        measured_axis_ratio(median_picture(plain(axis_ratio=q, position_angle=angle, sersic_index=1.0)))
        for q in (0.3, 0.6, 1.0)
    ]
    assert ratios[0] < 0.5 < ratios[1] < 0.8 < 0.93 < ratios[2]


def test_pictures_are_centred_on_the_galaxy():
    light = core(median_picture(plain()))
    y, x = np.indices(light.shape)
    center = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
    # Each field shifts the galaxy by up to half a camera pixel, 1.65 pixels of the picture here.
    assert np.abs(center - (light.shape[0] - 1) / 2).max() < 2


def test_old_stars_are_red_and_disks_blue():
    old = median_picture(plain())[192:232, 192:232].mean(axis=(0, 1))
    young = median_picture(plain(kind="disk", bulge_fraction=0.0))[192:232, 192:232].mean(axis=(0, 1))
    assert old[0] > 1.2 * old[2]
    assert young[2] > young[0]


def test_arms_show_in_the_power_of_their_number():
    """The azimuthal Fourier mode of a face-on disk is strongest at the number of its arms."""
    for arms in (2, 3, 4):
        disk = plain(kind="disk", bulge_fraction=0.0, r90=18.0, magnitude=14.5, arms=arms, arm_strength=1.0, pitch=20.0)
        grey = median_picture(disk).mean(axis=2)
        azimuth = np.linspace(0, 2 * np.pi, 256, endpoint=False)
        power = np.zeros(8)
        for radius in range(14, 36, 2):
            x = np.rint(211.5 + radius * np.cos(azimuth)).astype(int)
            y = np.rint(211.5 + radius * np.sin(azimuth)).astype(int)
            power += np.abs(np.fft.rfft(grey[y, x])[:8])
        assert power[2:].argmax() + 2 == arms


def test_sky_is_dark_with_noise():
    pictures = np.array([simulate_galaxy(11, index).image for index in range(24)])
    edges = pictures[:, :20].reshape(24, -1)
    assert 1 <= np.median(edges) <= 10
    assert 1 < np.median(edges.std(axis=1)) < 25


def test_stretch_keeps_colors_and_order():
    levels = np.array([0.01, 0.1, 1.0, 5.0], dtype=np.float32)
    bands = np.tile(levels, (3, 1)).reshape(3, 1, 4) * fluxes(22.5, (0.8, 0.35))[:, None, None]
    picture = compose(bands).astype(int)[0]
    assert np.all(np.diff(picture.sum(axis=1)) > 0)
    assert np.all(picture[:, 0] >= picture[:, 2])  # red stays redder than blue at every brightness
    assert compose(np.full((3, 1, 1), 1e4, dtype=np.float32)).max() == 255
    assert compose(np.full((3, 1, 1), -1.0, dtype=np.float32)).max() == 0


def test_fluxes_are_nanomaggies():
    # A magnitude of 22.5 is one nanomaggie; one unit of colour is a factor 10^0.4.
    np.testing.assert_allclose(fluxes(22.5, (0.0, 0.0)), 1.0, rtol=1e-6)
    np.testing.assert_allclose(fluxes(20.0, (1.0, 1.0)), [10**0.6, 10.0, 10**1.4], rtol=1e-6)

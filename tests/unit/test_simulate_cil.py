"""The simulated cosmology images: published layout and statistics, and scores that can be learnt from the pictures."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage, stats
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from galaxies.data.images import SIMULATED
from galaxies.datasets.cil_cosmology.fields import Exposure, render
from galaxies.datasets.cil_cosmology.pictures import KINDS, render_kind
from galaxies.datasets.cil_cosmology.scores import Frame, draw_frame, draw_score
from galaxies.datasets.cil_cosmology.simulator import (
    CAPACITY,
    image_id,
    simulate,
    simulate_image,
    simulated_score,
)
from galaxies.errors import DataError

NUMBERS = {"labeled": 12, "scored": 10, "query": 5}


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def background(image: np.ndarray) -> int:
    """Lowest grey level that at least 80 % of the pixels do not exceed, as in the published blob statistics."""
    return int(np.argmax(np.cumsum(np.bincount(image.ravel(), minlength=256)) > 0.8 * image.size))


def blob_statistics(image: np.ndarray) -> dict[str, float]:
    """Statistics of the connected regions above the background, with eight neighbours per pixel."""
    level = background(image)
    labels, number = ndimage.label(image > level, np.ones((3, 3)))
    regions = range(1, number + 1)
    peaks = ndimage.maximum(image, labels, regions)
    boxes = ndimage.find_objects(labels)
    levels = [len(np.unique(image[box][labels[box] == region])) for region, box in zip(regions, boxes, strict=True)]
    return {
        "background": level,
        "number": number,
        "mean_size": np.mean(np.bincount(labels.ravel())[1:]),
        "faint_share": np.mean(peaks < 160),
        "brightest": np.max(peaks),
        "bright": np.sum(peaks >= 5),
        "levels": max(levels),
        "spread": np.std(peaks),
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cil") / "data"
    simulate(folder, **NUMBERS, seed=3, threads=1)
    return folder


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.array([simulated_score(11, "scored", index) for index in range(9600)])


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Scores (600,), ten-bin histograms (600, 10) and, of the star fields with little noise, blob statistics."""
    scores, histograms, blobs = [], [], []
    for index in range(600):
        image = simulate_image(21, "scored", index)
        scores.append(simulated_score(21, "scored", index))
        histograms.append(np.histogram(image, bins=10)[0])
        level = background(image)
        if scores[-1] > 0.1 and level < 4 and ndimage.label(image > level, np.ones((3, 3)))[1] < 400:
            blobs.append({"score": scores[-1], **blob_statistics(image)})
    return np.array(scores), np.array(histograms), pd.DataFrame(blobs)


def test_published_layout(written):
    tables = {"labeled": "labeled.csv", "scored": "scored.csv", "query": "query_truth.csv"}
    assert {path.name for path in written.iterdir()} == {*tables, *tables.values()}
    ids = []
    for name, table in tables.items():
        table = pd.read_csv(written / table)
        assert list(table.columns) == ["Id", "Actual"] and len(table) == NUMBERS[name]
        assert {path.name for path in (written / name).iterdir()} == {f"{i}.png" for i in table["Id"]}
        assert not table["Id"].is_monotonic_increasing
        ids += list(table["Id"])
    assert len(set(ids)) == len(ids) and min(ids) >= 1_002_900 and max(ids) <= 9_999_837
    labels = pd.read_csv(written / "labeled.csv", dtype=str)["Actual"]
    assert labels.value_counts().to_dict() == {"1.0": 10, "0.0": 2}
    assert pd.read_csv(written / "scored.csv")["Actual"].between(5e-5, 6.25).all()


def test_images_are_marked_greyscale_pngs(written):
    for path in written.rglob("*.png"):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (1000, 1000))
            assert image.info["Comment"] == SIMULATED.decode() == "simulated galaxy image"  # read before the pixels


def test_files_do_not_depend_on_the_number_of_processes(written, tmp_path):
    simulate(tmp_path / "again", **NUMBERS, seed=3, threads=2)
    assert digests(tmp_path / "again") == digests(written)


def test_an_image_depends_on_seed_set_and_index_alone(written):
    table = pd.read_csv(written / "query_truth.csv", index_col="Id")["Actual"]
    identity = image_id(3, "query", 4)
    assert table[identity] == pytest.approx(simulated_score(3, "query", 4), abs=1e-11)
    image = np.asarray(Image.open(written / "query" / f"{identity}.png"))
    assert np.array_equal(image, simulate_image(3, "query", 4))
    assert simulated_score(4, "query", 4) != simulated_score(3, "query", 4) != simulated_score(3, "scored", 4)


def test_one_set_alone_can_be_simulated(tmp_path):
    simulate(tmp_path, labeled=0, scored=0, query=1, seed=0, threads=1)
    assert (tmp_path / "labeled.csv").read_text() == (tmp_path / "scored.csv").read_text() == "Id,Actual\n"
    assert len(pd.read_csv(tmp_path / "query_truth.csv")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"labeled": -1},
        {"scored": CAPACITY + 1},
        {"labeled": 0, "scored": 0, "query": 0},
        {"seed": -1},
        {"threads": 0},
    ],
)
def test_impossible_requests_are_refused(tmp_path, changes):
    with pytest.raises(DataError):
        simulate(tmp_path / "data", **NUMBERS | {"seed": 0, "threads": 1} | changes)
    assert not (tmp_path / "data").exists()


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "scored.csv").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        simulate(tmp_path, **NUMBERS, seed=0, threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["scored.csv"]


@pytest.mark.parametrize("seed", [0, 123456789])
def test_ids_are_unique_over_the_sets(seed):
    indices = [*range(1000), *range(CAPACITY - 500, CAPACITY)]
    ids = {image_id(seed, name, index) for name in NUMBERS for index in indices}
    assert len(ids) == 3 * len(indices)
    assert min(ids) >= 1_002_900 and max(ids) <= 9_999_837


def test_five_of_six_labelled_images_show_star_fields():
    fields = np.array([simulated_score(5, "labeled", index) > 0.1 for index in range(1200)])
    assert fields.sum() == 1000
    assert len({tuple(block) for block in fields.reshape(-1, 6)}) == 6  # junk at every place of six


def test_scores_are_distributed_as_the_published_ones(scores):
    """Against the published quantiles; 9600 independent draws differ by 0.014 with a probability of 5 %."""
    percentiles = [5, 10, 12.5, 20, 50, 75, 90, 99]
    published = [0.00074, 0.0021, 0.195, 0.74290, 1.5027, 2.269, 3.151, 4.664]
    ranks = [np.mean(scores < score) for score in published]
    np.testing.assert_allclose(ranks, np.array(percentiles) / 100, atol=0.02)
    assert scores.min() >= 5.8e-5 and scores.max() <= 6.2498
    assert scores.mean() == pytest.approx(1.6541, abs=0.04) and scores.std() == pytest.approx(1.0862, abs=0.03)
    assert np.mean(scores < 0.1) == pytest.approx(0.124, abs=0.012)
    assert np.sum((scores > 0.1) & (scores < 0.2)) < 30  # 9 of the published ones
    assert np.mean(scores > 3.5) == pytest.approx(593 / 9600, abs=0.01)


def test_written_scores_are_distinct(scores):
    assert len({f"{score:.12f}" for score in scores}) == len(scores)


def test_backgrounds_follow_the_scores():
    """Number of images and median score of each background, published for 9600 images."""
    rng = np.random.default_rng(2)
    drawn = [(score, draw_frame(score, rng)) for score in (draw_score(rng) for _ in range(9600))]
    published = {Frame.FIELD_0: (6084, 1.70), Frame.FIELD_1: (1125, 1.52), Frame.FIELD_2: (1000, 1.10)}
    for frame, (number, median) in published.items():
        scores = [score for score, kind in drawn if kind is frame]
        assert len(scores) == pytest.approx(number, rel=0.12)
        assert np.median(scores) == pytest.approx(
            median, rel=0.15
        )  # its standard error is up to 5 %, the published one's too
    for kind in (Frame.NOISE, Frame.PICTURE):
        assert max(score for score, frame in drawn if frame is kind) < 0.1


def test_an_exposure_shows_what_it_says():
    exposure = Exposure(background=2.0, noise=0.0, blobs=60, bright_blobs=20, brightest=900, width=1.0)
    images = [render(exposure, np.random.default_rng(seed)) for seed in range(8)]
    blobs = pd.DataFrame([blob_statistics(image) for image in images])
    assert (blobs["background"] == 2).all() and (blobs["brightest"] == 252).all()  # saturated above the background
    assert blobs["number"].mean() == pytest.approx(60, abs=5)  # some blobs touch others
    wider = render(Exposure(2.0, 0.0, 60, 20, 900, width=1.3), np.random.default_rng(0))
    fainter = render(Exposure(2.0, 0.0, 60, 20, brightest=100, width=1.0), np.random.default_rng(0))
    assert (wider > 30).sum() > 1.3 * (images[0] > 30).sum()
    assert 60 < fainter.max() < 130


def test_the_sky_reaches_the_edges():
    """As in real images; a network that scores them would read a frame around them."""
    image = render(Exposure(2.0, 0.0, 30, 20, 300, 1.0), np.random.default_rng(0))
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    assert [np.median(edge) for edge in edges] == [2, 2, 2, 2]


def test_edges_are_as_bright_as_the_rest():
    fields = [render(Exposure(0.0, 0.0, 120, 60, 900, 1.0), np.random.default_rng(seed)) for seed in range(150)]
    lit = np.mean([field > 4 for field in fields], axis=0)
    rows, columns = lit.mean(axis=1), lit.mean(axis=0)
    edge = np.mean([rows[:4], rows[-4:], columns[:4], columns[-4:]])
    assert edge == pytest.approx(lit.mean(), rel=0.15)  # far less without the light of stars beyond the edges


def test_noise_has_the_requested_deviation():
    image = render(Exposure(100.0, 5.0, 30, 20, 300, 1.0), np.random.default_rng(0)).astype(float)
    # Quartiles of a normal distribution lie 1.349 deviations apart; rounding to whole levels shifts them by up to one.
    assert np.subtract(*np.percentile(image, [75, 25])) == pytest.approx(1.349 * 5, abs=1)
    assert np.median(image) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_other_frames_are_bright_and_differ(kind):
    first, second = (render_kind(kind, np.random.default_rng(seed)) for seed in (0, 1))
    assert first.shape == (1000, 1000) and first.dtype == np.uint8
    assert first.mean() > 10 and not np.array_equal(first, second)  # a star field has a mean of a few levels


@pytest.mark.slow
def test_star_fields_look_like_the_published_ones(sample):
    """Against a real image and the statistics published for the real ones; limits leave room for 300 images."""
    fields = sample[2]
    clean = fields[fields["background"] == 0]
    assert len(clean) / len(sample[0]) == pytest.approx(0.6, abs=0.08)  # 0.63 with the grainy ones
    assert clean["number"].median() == pytest.approx(64, abs=6)
    assert clean["mean_size"].median() == pytest.approx(35, abs=10)
    assert clean["faint_share"].median() > 0.9
    assert (clean["brightest"] >= 250).mean() > 0.8


@pytest.mark.slow
def test_blobs_tell_a_little_about_the_score(sample):
    """Rank correlations above a score of 0.74, published as 0.29, 0.26 and -0.20; 450 images scatter by 0.05."""
    good = sample[2][sample[2]["score"] > 0.74]
    correlation = {name: stats.spearmanr(good[name], good["score"])[0] for name in ("levels", "spread", "bright")}
    assert 0.08 < correlation["levels"] < 0.4
    assert 0.0 < correlation["spread"] < 0.4
    assert correlation["bright"] == pytest.approx(-0.20, abs=0.12)


@pytest.mark.slow
def test_a_forest_learns_the_score_from_histograms_and_a_line_does_not(sample):
    """The order of the published errors: forest 0.312, ridge regression 0.752, the median of all scores 0.817."""
    scores, histograms, _ = sample
    train, test = slice(0, 450), slice(450, None)
    errors = {
        name: np.abs(model.fit(histograms[train], scores[train]).predict(histograms[test]) - scores[test]).mean()
        for name, model in {
            "forest": RandomForestRegressor(100, random_state=10),
            "ridge": Ridge(alpha=1000),
        }.items()
    }
    constant = np.abs(np.median(scores[train]) - scores[test]).mean()
    assert errors["forest"] < 0.65 * errors["ridge"] and errors["forest"] < constant / 2
    assert 0.7 * constant < errors["ridge"] < 1.05 * constant

"""Images that generators draw: which are kept, what is measured on them, and the scores of trained networks."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text
from small_scores import write_scores
from small_views import write_fields
from test_two_in_one import EXPERIMENT, trained

import draw_images
import measure_generated
import plot_drawn_images
import plot_generated_field
import predict_scores
import sample_good_images
import score_kept
from galaxies import baselines
from galaxies.compute import Compute
from galaxies.errors import ConfigError, DataError
from galaxies.field_measures import PLACE, VISIBLE, blobs_of, diversity_of, lit_places, shared_places
from galaxies.field_pictures import auto_levelled, auto_levels, reduced
from galaxies.kept_images import Kept
from galaxies.methods import two_in_one
from galaxies.score_predictions import read_predictions, write_predictions
from galaxies.scorers import check_scorers, check_scorers_of_all, draws_images

pytestmark = pytest.mark.usefixtures("one_thread")
PROJECT = Path(__file__).parents[2]
CPU = Compute(torch.device("cpu"), channels_last=False)
DRAWING = {"keep_above": 1.0, "wanted": 5, "most_draws": 40, "diverse": 3, "compute": {"device": "cpu"}, "threads": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    write_fields(folder / "view.h5")
    fast = {"name": "adam", "learning_rate": 0.01, "betas": [0.9, 0.999]}
    changes = {"steps": 60, "discriminator_steps": 45, "optimisers": dict.fromkeys(two_in_one.NETWORKS, fast)}
    return trained(folder, folder / "view.h5", "model", **changes)["model.pt"]


def drawn(model, path, **changes):
    draw_images.main(model, path, **{**DRAWING, **changes})
    return Kept(path)


# Drawing


class Brightness:
    """A scorer whose answers are known: a fortieth of the mean grey level."""

    def score(self, images):
        return images.float().mean(dim=(1, 2)).cpu() / 40


def test_kept_images_are_the_first_whose_own_score_exceeds_the_threshold(model, tmp_path, monkeypatch):
    monkeypatch.setattr(draw_images, "load_scorer", lambda path, compute: Brightness())
    with drawn(model, tmp_path / "all.h5", keep_above=-1.0, wanted=40) as every:
        images, scores = np.stack([*every.all_images()]), every.drawn_scores
        assert len(every) == 40
        assert every.acceptance == 1
    assert images.shape == (40, 80, 80)
    np.testing.assert_allclose(scores, images.mean(axis=(1, 2)) / 40, rtol=1e-5)
    threshold = float(np.median(scores))
    expected = np.flatnonzero(scores > threshold)[:5]
    with drawn(model, tmp_path / "some.h5", keep_above=threshold) as kept:
        np.testing.assert_array_equal(np.stack([*kept.all_images()]), images[expected])
        np.testing.assert_array_equal(kept.own_score, scores[expected])
        count = len(kept.drawn_scores)
        np.testing.assert_array_equal(kept.drawn_scores, scores[:count])
        assert count % EXPERIMENT["batch_size"] == 0
        assert kept.acceptance == pytest.approx((scores[:count] > threshold).mean())
        assert kept.generator_steps == 15


def test_drawing_ends_when_nothing_pleases(model, tmp_path):
    with drawn(model, tmp_path / "none.h5", keep_above=99) as kept:
        assert (len(kept), len(kept.drawn_scores), kept.acceptance) == (0, 40, 0)
        assert kept.different("all_different").shape == (3, 80, 80)
    with pytest.raises(ConfigError, match="most_draws is 40, fewer than the 41"):
        drawn(model, tmp_path / "bad.h5", wanted=41)


def test_sets_of_images_differ_in_what_they_say(model, tmp_path):
    with drawn(model, tmp_path / "kept.h5") as kept:
        by_noise, by_latent = kept.different("noise_only"), kept.different("latent_only")
        everything = kept.different("all_different")
    assert np.array_equal(by_noise[0], everything[0])
    assert np.array_equal(by_latent[0], everything[0])
    for images in (by_noise, by_latent, everything):
        assert not np.array_equal(images[0], images[1])
    with drawn(model, tmp_path / "again.h5") as again:
        assert np.array_equal(again.different("all_different"), everything)


def test_damaged_files_are_refused(model, tmp_path):
    drawn(model, tmp_path / "kept.h5", keep_above=-1.0).__exit__()
    with h5py.File(tmp_path / "kept.h5", "r+") as file:
        file["own_score"][0] = -2
    with pytest.raises(DataError, match=r"kept\.h5"):
        Kept(tmp_path / "kept.h5")


# What is measured


def field(*places, size=40, value=200):
    image = np.zeros((size, size), dtype=np.uint8)
    for y, x, side in places:
        image[y : y + side, x : x + side] = value
    return image


def test_blobs_are_counted_with_their_sizes_and_light():
    image = field((2, 3, 1), (10, 20, 3), (30, 5, 2)) + np.uint8(2)
    image[31, 7] = 200  # touches the blob of 2 x 2
    blobs = blobs_of(image)
    assert (blobs.count, blobs.size) == (3, 5)
    assert blobs.covered == (1 + 9 + 5) / 1600
    assert blobs.brightest == (11, 21)
    empty = blobs_of(np.full((40, 40), 7, dtype=np.uint8))
    assert (empty.count, empty.covered) == (0, 0)
    assert np.isnan([empty.size, *empty.brightest]).all()


def test_diversity_by_hand():
    images = np.stack([field((0, 0, 2)), field((0, 0, 2)), field((30, 0, 2))])
    found = diversity_of(images)
    assert found.l1 == pytest.approx(2 / 3 * 8 * 200 / 1600)
    assert found.l2 == pytest.approx(2 / 3 * np.sqrt(8 * 200**2 / 1600))
    apart = -1 / 24  # the correlation of one place of 25 with another one
    assert found.shared_places == pytest.approx((1 + 2 * apart) / 3)
    assert found.spread == pytest.approx(np.sqrt((10**2 + 10**2 + 20**2) / 3))
    columns = np.tile(np.arange(40, dtype=np.uint8), (40, 1))
    assert diversity_of(np.stack([columns, columns.T])).stripes == pytest.approx(1)
    grain = np.random.default_rng(0).integers(0, 200, (2, 400, 400)).astype(np.uint8)
    assert diversity_of(grain).stripes == pytest.approx(2 / 400, rel=0.2)
    alike = diversity_of(images[:2])
    assert alike[:2] == (0, 0)
    assert (alike.shared_places, alike.spread) == (1, 0)


def test_places_are_lit_by_what_is_visible():
    image = np.full((20, 30), 40, dtype=np.uint8)  # 3 x 4 places, the last ones cut
    image[7, 8] += VISIBLE + 1
    image[19, 29] -= VISIBLE + 1
    image[12, 3] += VISIBLE
    assert np.flatnonzero(lit_places(image)).tolist() == [1, 11]


def test_shared_places_are_those_of_dots_whatever_their_brightness():
    draw = np.random.default_rng(0)
    for crowded in (0.0002, 0.01):  # share of the pixels with light, which lights 1 % and 47 % of the places
        dots = draw.random((2, 1000, 1000)) < crowded
        first, second, brighter = (mask * draw.integers(20, 256, mask.shape) for mask in (*dots, dots[0]))
        assert shared_places(lit_places(first), lit_places(second)) == pytest.approx(0, abs=0.03)
        assert shared_places(lit_places(first), lit_places(brighter)) == 1
        assert shared_places(lit_places(first), lit_places(first + 5)) == 1


def test_shared_places_are_the_correlation_of_two_masks():
    draw = np.random.default_rng(1)
    first = draw.random(500) < 0.2
    second = first ^ (draw.random(500) < 0.1)
    both, neither = (first & second).sum(), (~first & ~second).sum()
    one, other = (first & ~second).sum(), (~first & second).sum()
    margins = [(both + one), (both + other), (neither + one), (neither + other)]
    phi = (both * neither - one * other) / np.sqrt(np.prod([float(margin) for margin in margins]))
    assert shared_places(first, second) == pytest.approx(phi)


def test_images_that_look_alike_share_all_places():
    size = 25 * PLACE
    blank = np.zeros((size, size), dtype=np.uint8)
    board = (255 * (np.indices(blank.shape).sum(axis=0) % 2)).astype(np.uint8)
    flipped = board.copy()
    flipped[0, 0] = 255
    faint = blank.copy()
    faint[::9, 4] = VISIBLE
    for like, other in ((blank, faint), (board, 255 - board), (board, flipped)):
        assert shared_places(lit_places(like), lit_places(other)) == 1
    dots = field((3, 3, 2), (50, 80, 2), size=size)
    for blank_or_full in (blank, board):
        assert shared_places(lit_places(blank_or_full), lit_places(dots)) == 0


def test_pictures_lose_no_dot():
    image = field((7, 8, 1), size=30, value=90)
    assert reduced(image, 3).max() == 90
    assert reduced(image, 3)[2, 2] == 90
    assert reduced(np.pad(image, (0, 1)), 3).shape == (11, 11)
    field_of_two = field((7, 8, 1), (1, 1, 1), (20, 3, 3), value=90)
    field_of_two[1, 1] = 10
    assert auto_levels(field_of_two) == (0, 90)
    assert auto_levelled(field_of_two)[1, 1] == int(255 * 10 / 90)
    assert auto_levelled(image).max() == 255
    assert auto_levelled(np.full((30, 30), 9, dtype=np.uint8)).max() == 0


@pytest.fixture
def measured(model, tmp_path, monkeypatch):
    """A folder with all that is measured of three trainings, the last of which kept nothing; the judge; the images."""
    table = write_scores(tmp_path)
    (tmp_path / "provenance.json").write_text(json.dumps({"simulated": True}))
    scored = table[table["set"] == "scored_train"]
    features = table[[f"b{i}" for i in range(5)]].to_numpy()
    settings = {"method": "ridge", "alphas": [1.0], "folds": 2}
    judge = baselines.fit(features[scored.index], scored["score"].to_numpy(), settings, 0)
    baselines.save(judge, tmp_path / "judge.skops")
    known = table[table["subset"] == "scored"]
    write_predictions(
        tmp_path / "predictions.csv", known[["object_id", "set"]], baselines.predict(judge, features[known.index])
    )

    class Source:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def load(self, image):
            return field((image % 30, image % 7, 3), size=80)

    monkeypatch.setattr("galaxies.datasets.cil_cosmology.images.open_images", lambda files, settings: Source())
    monkeypatch.setattr("galaxies.datasets.cil_cosmology.files.find", lambda folder, settings: {})
    files = [tmp_path / name for name in ("split.csv", "catalogue.csv", "provenance.json", "good.h5")]
    sets = ["scored_train", "labeled_train"]
    sample_good_images.main(*files, train_on=sets, folder=tmp_path, layout="cil_cosmology", settings={})
    for name, threshold in (("some", -1.0), ("other", -1.0), ("none", 99)):
        drawn(model, tmp_path / f"{name}.h5", keep_above=threshold, wanted=4).__exit__()
        score_kept.main(tmp_path / f"{name}.h5", tmp_path / "judge.skops", tmp_path / f"{name}.csv")
    entry = {"differences": ["steps 60 (published 10690)"], "reported_as": "two_in_one_score_discriminator"}
    entry["truncate_scores"] = False
    trainings = [
        {**entry, "experiment": "a", "label": "A", "seed": 0},
        {**entry, "experiment": "a", "label": "A", "seed": 1},
        {**entry, "experiment": "b", "label": "B", "seed": 0, "reported_as": None},
    ]
    measure_generated.main(
        *([tmp_path / f"{name}.{suffix}" for name in ("some", "other", "none")] for suffix in ("h5", "csv")),
        *(tmp_path / name for name in ("good.h5", "predictions.csv", "catalogue.csv", "provenance.json")),
        PROJECT / "config/reported.csv",
        *(tmp_path / name for name in ("scores.csv", "per_seed.csv", "diversity.csv", "diversity_per_seed.csv")),
        trainings=trainings,
        paper="two_in_one",
    )
    return tmp_path, judge, table, trainings


def test_good_images_are_those_of_the_training_set_above_the_percentile(measured):
    folder, _, table, _ = measured
    scores = table.loc[table["subset"] == "scored", "score"]
    train = table[table["set"] == "scored_train"].set_index("object_id")["score"]
    with h5py.File(folder / "good.h5") as file:
        ids, threshold = file["ids"][:], file.attrs["threshold"]
        assert threshold == round(np.percentile(scores, 20), 2)
        assert sorted(ids) == sorted(train.index[train > threshold])
        np.testing.assert_array_equal(file["scores"], train[ids])
        for image, pixels in zip(ids, file["images"], strict=True):
            np.testing.assert_array_equal(pixels, field((image % 30, image % 7, 3), size=80))


def test_tables_of_generated_images(measured):
    folder, judge, table, _ = measured
    scores, per_seed, diversity = (pd.read_csv(folder / f"{name}.csv") for name in ("scores", "per_seed", "diversity"))
    with Kept(folder / "some.h5") as kept:
        images, own = np.stack([*kept.all_images()]), kept.own_score
    counted = np.stack([np.histogram(image, bins=5)[0] for image in images])
    judged = judge.estimator.predict(counted).clip(0, 8)
    np.testing.assert_allclose(pd.read_csv(folder / "some.csv")["judge_score"], judged)
    first = per_seed.iloc[0]
    assert first["judge_score_mean"] == pytest.approx(judged.mean())
    assert first["judge_score_std"] == pytest.approx(judged.std(ddof=0), abs=1e-9)
    assert first["own_score_mean"] == pytest.approx(own.mean(), rel=1e-6)
    assert per_seed.loc[2, ["kept", "acceptance"]].to_list() == [0, 0]
    assert np.isnan(per_seed.loc[2, "judge_score_mean"])
    scores = scores.set_index("experiment")
    assert scores.loc["a", ["published_mean", "published_std"]].to_list() == [2.3, 0.62]
    why_not = "no: simulated data; the authors' code learns whole-number scores; steps 60 (published 10690)"
    assert scores.loc["a", "comparable"] == why_not
    assert per_seed["comparable"].to_list() == [why_not] * 3 + ["no: simulated data"]
    assert np.isnan(scores.loc["b", "published_mean"])
    everything = table[table["subset"] == "scored"]
    threshold = round(np.percentile(everything["score"], 20), 2)
    good = everything[everything["score"] > threshold]
    unseen = good[good["set"].isin(["scored_test", "scored_validation"])]
    of_unseen = judge.estimator.predict(unseen[[f"b{i}" for i in range(5)]].to_numpy()).clip(0, 8)
    expected = [good["score"].mean(), good["score"].std(ddof=0), of_unseen.mean(), of_unseen.std(ddof=0), len(unseen)]
    names = ["true_score_mean", "true_score_std", "judge_score_mean", "judge_score_std", "judged"]
    assert scores.loc["real_images", names].to_list() == pytest.approx(expected)
    assert scores.loc["real_images", ["published_mean", "published_of"]].to_list() == [2.02, "true_score"]
    assert scores.loc["real_images", "blobs"] == 1
    assert scores["seeds_with_kept"].to_list()[:2] == [2, 0]
    assert scores["judge_score_mean_seeds"].to_list()[:2] == [2, 0]
    assert np.isnan(scores[["judge_score_mean_ci95_low", "judge_score_mean_ci95_high"]]).all(axis=None)  # of two
    assert len(diversity) == 3 + 3 + 1
    assert (diversity["images"] == 3).all()
    of_seeds = pd.read_csv(folder / "diversity_per_seed.csv")
    assert len(of_seeds) == 3 * 3 + 1
    assert per_seed.set_index("experiment").loc["real_images", "judge_score_mean"] == pytest.approx(of_unseen.mean())
    means = of_seeds.groupby(["experiment", "different"])["l1"].mean()
    for row in diversity.itertuples():
        assert row.l1 == pytest.approx(means[row.experiment, row.different])


def texts_of(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_figures_say_what_they_show(measured, monkeypatch):
    folder, _, _, trainings = measured
    saved = []
    for module in (plot_generated_field, plot_drawn_images):
        monkeypatch.setattr(module, "save_figure", lambda figure, *paths: saved.append(figure))
    shown = {"paper": "two_in_one", "figure": "fig4", "label": "A", "judge_label": "ridge", "differences": []}
    judged = pd.read_csv(folder / "some.csv")["judge_score"].sort_values(ascending=False)
    reported = PROJECT / "config/reported.csv"
    for rank in (1, 2):
        plot_generated_field.main(
            folder / "some.h5", folder / "some.csv", reported, folder / "a.png", rank=rank, **shown
        )
        assert f"score by the ridge: {judged.iloc[rank - 1]:.3f}" in texts_of(saved[-1])
        with Kept(folder / "some.h5") as kept:
            pixels = saved[-1].axes[0].images[0].get_array()[:, :, 0]
            assert np.array_equal(pixels, kept.read(judged.index[rank - 1]))
    plot_generated_field.main(folder / "none.h5", folder / "none.csv", reported, folder / "a.png", rank=1, **shown)
    assert "not a kept image" in texts_of(saved[-1])
    assert "0 of 40 images drawn have an own score above 99; this is another" in texts_of(saved[-1])
    files = [folder / "some.h5", folder / "none.h5"]
    plot_drawn_images.main(
        files,
        folder / "good.h5",
        folder / "diversity.csv",
        folder / "a.png",
        trainings=trainings[1:],
        notes=["B: short"],
    )
    assert len([axis for axis in saved[-1].axes if axis.images]) == 4 + 3 + 3
    assert "15 steps" in texts_of(saved[-1])
    assert "B: short" in texts_of(saved[-1])
    assert "has 3.003 by its" in texts_of(saved[0])
    assert all("Simulated images" in texts_of(figure) for figure in saved)


# Scores of a trained network


def test_predictions_are_those_of_the_network_for_each_image(model, tmp_path):
    write_fields(tmp_path / "view.h5")
    ids = 100 + np.arange(72)
    subset = np.array(["scored"] * 40 + ["query"] * 8 + ["labeled"] * 24)
    catalogue = pd.DataFrame({"object_id": ids, "subset": subset, "order": ids, "score": 1.0, "galaxy": 1.0})
    catalogue.to_csv(tmp_path / "catalogue.csv", index=False)
    rows = "\n".join(f"{i},scored_train" for i in ids[:40])
    (tmp_path / "split.csv").write_text(f"object_id,split\n{rows}\n")
    files = [tmp_path / name for name in ("view.h5", "split.csv", "catalogue.csv")]
    predict_scores.main(*files, model, tmp_path / "predictions.csv", compute={"device": "cpu"}, threads=1)
    table = read_predictions(tmp_path / "predictions.csv")
    assert table["object_id"].to_list() == ids[:48].tolist()
    assert table["set"].to_list() == ["scored_train"] * 40 + ["query"] * 8
    with h5py.File(tmp_path / "view.h5") as file:
        pixels = torch.from_numpy(file["pixels"][:48])
    network = two_in_one._load(torch.load(model, weights_only=True), "score_discriminator", model)
    expected = network(pixels)[:, 0].detach().clamp(0, 8).numpy()
    np.testing.assert_allclose(table["predicted"], expected, rtol=1e-5, atol=1e-6)


# Settings


def test_only_generators_that_are_trained_draw_images():
    assert draws_images(EXPERIMENT)
    assert not draws_images({**EXPERIMENT, "steps": 3})
    assert not draws_images({"method": "ridge"})


RIDGE = {"method": "ridge", "view": "histogram_10", "train_on": ["scored_train"]}
PAPER = {
    "include": ["net", "ridge"],
    "experiments": {
        "net": EXPERIMENT,
        "ridge": RIDGE,
    },
    "generation": {"judge": "ridge", "wanted": 3, "most_draws": 9},
    "split": {"sizes": {"scored_validation": 8, "scored_train": "rest"}},
}


def changed(**experiment):
    return {**PAPER, "experiments": {**PAPER["experiments"], "net": {**PAPER["experiments"]["net"], **experiment}}}


def generator(**change):
    networks = PAPER["experiments"]["net"]["networks"]
    return changed(networks={**networks, "generator": {**networks["generator"], **change}})


@pytest.mark.parametrize(
    ("paper", "frame", "words"),
    [
        (PAPER, 120, "networks.generator.size: found 80, the images have 120 px"),
        (changed(view="full_10"), 80, "full_10 is not pooled"),
        (changed(train_on=["scored_train", "scored_validation"]), 80, "train_on: errors are measured on 'scored_val"),
        (changed(train_on=["scored_test"]), 80, "errors are measured on 'scored_test'"),
        ({**PAPER, "split": {"sizes": {"scored_train": "rest"}}}, 80, "no set to measure the errors of net on"),
        (generator(filters=[24, 4, 2]), 80, "24 maps"),
        (
            {**PAPER, "experiments": {**PAPER["experiments"], "ridge": {**RIDGE, "view": "pooled_10"}}},
            80,
            "no features",
        ),
        ({**PAPER, "generation": {**PAPER["generation"], "judge": "net"}}, 80, "judge: 'net'.*ridge"),
        ({**PAPER, "include": ["net"]}, 80, "judge: 'ridge' is no included"),
        ({**PAPER, "generation": {**PAPER["generation"], "wanted": 10}}, 80, "most_draws is 9"),
    ],
)
def test_bad_scorers_are_refused(paper, frame, words):
    check_scorers("papers.p", PAPER, {"layout": "cil_cosmology", "frame": 80})
    with pytest.raises(ConfigError) as caught:
        check_scorers("papers.p", paper, {"layout": "cil_cosmology", "frame": frame})
    assert caught.match(words)


def test_a_name_is_a_baseline_everywhere_or_nowhere():
    check_scorers_of_all({"a": PAPER, "b": PAPER})
    with pytest.raises(ConfigError, match=r"papers\.b\.experiments: 'net' is a baseline here, and a network in a"):
        check_scorers_of_all({"a": PAPER, "b": {"experiments": {"net": RIDGE}}})

"""Scores from a discriminator: against all lines through two points, and the network written out."""

import itertools

import numpy as np
import pytest
import torch
from small_scores import write_features, write_scores

import predict_discriminator_scores
from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.discriminator_scores import calibrated_scores, literal_scores
from galaxies.errors import ConfigError, DataError
from galaxies.gan_training import to_signed
from galaxies.methods import dcgan
from galaxies.registry import build_network
from galaxies.score_predictions import read_predictions
from galaxies.scorers import check_scorers
from galaxies.trained_models import write_model

CPU = Compute(torch.device("cpu"), channels_last=False)
DCGAN = {
    "method": "dcgan",
    "view": "full_32",
    "train_on": ["labeled_train", "scored_train"],
    "networks": {"discriminator": {"architecture": "dcgan_discriminator", "width": 2}},
}

pytestmark = pytest.mark.usefixtures("one_thread")


def test_literal_scores_are_eight_times_the_probability():
    logits = np.array([-800.0, -np.log(3), 0.0, np.log(3), 800.0])
    np.testing.assert_allclose(literal_scores(logits), [0, 2, 4, 6, 8], atol=1e-12)


def test_calibrated_scores_lie_on_the_line_of_least_absolute_error():
    """One such line goes through two of the points, so that the best of all pairs is a line of least error."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-2, 5, 40)
    train = np.arange(0, 40, 2)
    scores = 1.5 + 0.1 * logits[train] + rng.standard_cauchy(20)
    predicted = calibrated_scores(logits, train, scores)
    best = np.inf
    for i, j in itertools.combinations(range(20), 2):
        slope = (scores[j] - scores[i]) / (logits[train[j]] - logits[train[i]])
        line = scores[i] + slope * (logits[train] - logits[train[i]])
        best = min(best, np.abs(line - scores).sum())
    assert np.abs(predicted[train] - scores).sum() == pytest.approx(best, rel=1e-9)
    slopes = np.diff(predicted) / np.diff(logits)
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-6)  # of the images that it was not fitted to, too


def test_a_discriminator_that_says_the_same_of_all_gives_the_median():
    scores = np.array([0.0, 1.0, 5.0])
    np.testing.assert_allclose(calibrated_scores(np.full(6, 30.0), np.array([1, 2, 4]), scores), 1.0, atol=1e-9)


def test_outputs_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="1 of 3 outputs"):
        calibrated_scores(np.array([0.0, np.nan, 1.0]), np.arange(2), np.array([0.0, 1.0]))


def test_grey_levels_and_8_bit_images_have_the_range_of_tanh():
    levels = torch.tensor([0.0, 51.0, 127.5, 255.0])
    assert to_signed(levels).tolist() == pytest.approx([-1, -0.6, 0, 1])
    assert levels.tolist() == [0, 51, 127.5, 255]  # they are left as they are
    assert to_signed(levels[[0, 1, 3]].to(torch.uint8)).tolist() == pytest.approx([-1, -0.6, 1])


@pytest.fixture
def study(tmp_path):
    """Table of the images, their pixels, the discriminator, and a function that predicts scores with it."""
    table = write_scores(tmp_path, train=20, validation=4, test=4, query=4)
    rng = np.random.default_rng(1)
    level = 20 * table["truth"].to_numpy()[:, None, None, None]
    pixels = (level + rng.uniform(0, 60, (len(table), 1, 32, 32))).astype(np.float32)
    write_features(tmp_path / "images.h5", table["object_id"].to_numpy(), pixels, view="full_32")
    torch.manual_seed(0)
    network = build_network(DCGAN["networks"]["discriminator"], "networks.discriminator", size=32, channels=1)
    for _ in range(20):  # statistics of batches
        network(to_signed(torch.from_numpy(pixels[rng.permutation(len(pixels))[:16]])))
    images = Images(tmp_path / "images.h5", np.arange(len(table)), CPU)
    write_model(tmp_path / "model.pt", {"discriminator": network}, DCGAN, images, seed=0)

    def predict(**settings):
        files = [tmp_path / name for name in ("images.h5", "split.csv", "catalogue.csv", "model.pt", "predictions.csv")]
        experiment = {"discriminator": "dcgan", "train_on": ["scored_train"], **settings}
        options = {"compute": {"device": "cpu", "log_seconds": 5}, "threads": 1}
        predict_discriminator_scores.main(*files, experiment=experiment, **options)
        return read_predictions(files[-1])

    return table, pixels, network, predict


def test_script_scores_all_scored_and_query_images(study):
    table, pixels, network, predict = study
    wanted = table[table["subset"] != "labeled"]
    with torch.no_grad():
        logits = [network.eval()(torch.from_numpy(image[None]) / 127.5 - 1).item() for image in pixels[wanted.index]]
    logits = np.array(logits)
    assert logits.std() > 1e-3
    found = predict(map="literal")
    assert found["object_id"].tolist() == wanted["object_id"].tolist()
    assert found["set"].tolist() == wanted["set"].tolist()
    np.testing.assert_allclose(found["predicted"], 8 / (1 + np.exp(-logits)), rtol=1e-4)
    train = np.flatnonzero(wanted["set"] == "scored_train")
    scores = wanted["truth"].to_numpy()
    found = predict(map="calibrated")
    expected = calibrated_scores(logits, train, scores[train]).clip(0, 8)
    np.testing.assert_allclose(found["predicted"], expected, atol=1e-3)
    error = np.abs(found["predicted"].to_numpy()[train] - scores[train]).mean()
    assert error <= np.abs(np.median(scores[train]) - scores[train]).mean()


def test_script_refuses_a_set_without_scores(study):
    with pytest.raises(DataError, match="no scored image is in the set 'labeled_train'"):
        study[-1](map="calibrated", train_on=["labeled_train"])


def test_a_model_of_another_method_is_refused(study, tmp_path):
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    torch.save({**content, "settings": {**DCGAN, "method": "dist_gan"}}, tmp_path / "model.pt")
    with pytest.raises(DataError, match="method 'dist_gan'; expected one of 'dcgan'"):
        dcgan.load_discriminator(tmp_path / "model.pt", CPU)


BY_DISCRIMINATOR = {
    "method": "discriminator_score",
    "discriminator": "dcgan",
    "map": "literal",
    "train_on": ["scored_train"],
}
PAPER = {
    "include": ["dcgan", "literal"],
    "experiments": {"dcgan": DCGAN, "literal": BY_DISCRIMINATOR},
    "split": {"sizes": {"scored_test": 8, "scored_train": "rest"}},
}


@pytest.mark.parametrize(
    ("include", "changes", "words"),
    [
        (["literal"], {}, "literal.discriminator: 'dcgan' is no included experiment of method dcgan"),
        (None, {"literal": {"discriminator": "literal"}}, "'literal' is no included experiment.*\n.*one of: dcgan"),
        (None, {"dcgan": {"train_on": ["scored_test"]}}, "dcgan is trained on 'scored_test', which errors"),
        (None, {"literal": {"train_on": ["scored_test"]}}, "literal.train_on: errors are measured on 'scored_test'"),
    ],
)
def test_bad_settings_are_refused(include, changes, words):
    check_scorers("papers.p", PAPER, {"layout": "cil_cosmology", "frame": 1000})
    experiments = {name: {**settings, **changes.get(name, {})} for name, settings in PAPER["experiments"].items()}
    paper = {**PAPER, "include": include or PAPER["include"], "experiments": experiments}
    with pytest.raises(ConfigError, match=words):
        check_scorers("papers.p", paper, {"layout": "cil_cosmology", "frame": 1000})

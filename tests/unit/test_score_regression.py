"""Regression of scores: its numbers written out, its kept epoch, its first predictions, its curves."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_views import write_fields
from torch import nn

import measure_first_predictions
import plot_scorer_curves
import train
from galaxies.compute import Compute
from galaxies.data.device import Images
from galaxies.errors import ConfigError, DataError, TrainingError
from galaxies.image_scorers import load_image_scorer
from galaxies.methods import score_regression
from galaxies.methods.score_regression import BestEpoch, ScoreRegression
from galaxies.scorers import check_scorers

CPU = Compute(torch.device("cpu"), channels_last=False)
NETWORK = {
    "architecture": "cnn",
    "filters": [3, 4],
    "kernel_size": 5,
    "padding": "same",
    "dense": [8],
    "dropout": [0.0],
    "output_activation": "linear",
    "weights_std": None,
}
EXPERIMENT = {
    "method": "score_regression",
    "view": "full_12",
    "train_on": ["scored_train"],
    "validate_on": "scored_validation",
    "train_images": None,
    "pixel_scale": "unit",
    "network": NETWORK,
    "optimiser": {"name": "adam", "learning_rate": 0.02, "betas": [0.5, 0.999]},
    "batch_size": 16,
    "epochs": 8,
    "drop_last": False,
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "view.h5"
    write_fields(path, size=12)
    return path


def sets(fields):
    """Images that are trained on, and that are validated on."""
    return Images(fields, np.arange(40), CPU), Images(fields, np.arange(40, 48), CPU)


def build(fields, **changes):
    torch.manual_seed(1)
    return score_regression.build({**EXPERIMENT, **changes}, *sets(fields), CPU, {})


def levels(fields):
    """A network whose output is the mean level of an image times a weight, plain gradient descent, its images."""
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1, bias=False))
    nn.init.constant_(network[2].weight, 0.5)
    train_images, validation = sets(fields)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-5)
    method = ScoreRegression(network, optimiser, "raw", train_images.columns, validation, CPU)
    return method, train_images, validation


def test_a_step_follows_the_sum_of_the_absolute_errors(fields):
    """The derivative of sum |w x - y| is the sum of x sign(w x - y), for any number of images."""
    for count in (4, 16):
        method, images, _ = levels(fields)
        batch = next(images.batches(torch.arange(count), count))
        x, y = batch.images.double().mean(dim=(1, 2, 3)).numpy(), batch.labels[:, 0].double().numpy()
        sums = method.training_step(batch, torch.Generator())
        assert sums["absolute_error"].item() == pytest.approx(np.abs(0.5 * x - y).sum(), rel=1e-5)
        expected = 0.5 - 1e-5 * (x * np.sign(0.5 * x - y)).sum()
        assert method.network[2].weight.item() == pytest.approx(expected, rel=1e-5)


def test_errors_are_means_over_images_whatever_the_batches(fields, monkeypatch):
    monkeypatch.setattr("galaxies.inference.EVALUATION_BATCH", 3)
    method, images, validation = levels(fields)
    method.optimiser.param_groups[0]["lr"] = 0.0
    sums = {"absolute_error": 0.0, "count": 0}
    for batch in images.batches(torch.arange(40), 13):
        for name, value in method.training_step(batch, torch.Generator()).items():
            sums[name] += float(value)
    x, y = (images.images.double().mean(dim=(1, 2, 3)).numpy(), images.labels[:, 0].numpy())
    assert method.epoch_metrics(sums)["mae"] == pytest.approx(np.abs(0.5 * x - y).mean(), rel=1e-5)
    x, y = (validation.images.double().mean(dim=(1, 2, 3)).numpy(), validation.labels[:, 0].numpy())
    assert (0.5 * x > 8).any()
    found = method.evaluate(lambda: None)
    assert found == {"val_mae": pytest.approx(np.abs(np.clip(0.5 * x, 0, 8) - y).mean(), rel=1e-5)}
    assert method.network.training


def test_scales_of_pixels_differ_by_255(fields):
    unit, raw = build(fields), build(fields, pixel_scale="raw")
    images = sets(fields)[0]
    torch.testing.assert_close(
        score_regression.predict(unit.network, images, "unit", CPU),
        raw.network.eval()(images.images / 255)[:, 0].detach(),
    )
    assert score_regression.scaled(torch.tensor([0, 51, 255], dtype=torch.uint8), "unit").tolist() == pytest.approx(
        [0, 0.2, 1]
    )
    with pytest.raises(ConfigError, match=r"pixel_scale is 'log'.*unit, raw"):
        build(fields, pixel_scale="log")


def test_images_without_a_score_are_refused(fields):
    with_labels = Images(fields, np.arange(40, 60), CPU)
    for images in ((with_labels, sets(fields)[1]), (sets(fields)[0], with_labels)):
        with pytest.raises(DataError, match="12 of 20 images of a set lack a label of score"):
            score_regression.build(EXPERIMENT, *images, CPU, {})


# The kept epoch


def test_the_first_of_the_epochs_with_the_lowest_error_is_kept():
    network = nn.Linear(1, 1)
    best = BestEpoch(network)
    for number, error in enumerate([3.0, 2.0, 2.5, 2.0, 9.0], start=1):
        nn.init.constant_(network.weight, number)
        best.record(network, error)
    assert (best.network.weight.item(), best.error.item(), best.epoch.item()) == (2, 2.0, 2)
    assert not any(weights.requires_grad for weights in best.parameters())
    with pytest.raises(TrainingError, match="validation error is nan"):
        best.record(network, math.nan)


def trained(folder, fields, name, **changes):
    folder = folder / name
    folder.mkdir(exist_ok=True)
    files = {key: folder / key for key in ("model.pt", "history.csv", "cost.json")}
    train.main(
        fields,
        fields.parent / "split.csv",
        *files.values(),
        folder / "checkpoints",
        experiment={**EXPERIMENT, **changes},
        seed=1,
        compute={"device": "cpu", "checkpoint_seconds": 0, "channels_last": False},
        code="",
        name=name,
        threads=1,
    )
    return files


@pytest.fixture(scope="module")
def whole(fields, tmp_path_factory, one_thread):
    return trained(tmp_path_factory.mktemp("whole"), fields, "whole")


def test_the_scorer_has_the_weights_of_the_best_epoch(whole, fields):
    history = pd.read_csv(whole["history.csv"])
    assert list(history.columns) == ["epoch", "mae", "val_mae"]
    assert len(history) == 8
    best = history["val_mae"].idxmin()
    assert best < 7  # else the last weights would do
    networks = torch.load(whole["model.pt"], weights_only=True)["networks"]
    assert networks["best"]["epoch"] == best + 1
    assert networks["best"]["error"].item() == pytest.approx(history["val_mae"][best], rel=1e-12)
    scorer = score_regression.load_scorer(whole["model.pt"], CPU)
    validation = sets(fields)[1]
    scores = scorer.score(validation.images[:, 0]).double()
    assert scores.shape == (8,)
    error = (scores.clamp(0, 8) - validation.labels[:, 0]).abs().mean().item()
    assert error == pytest.approx(history["val_mae"][best], rel=1e-6)
    assert history["val_mae"][best] < 0.5 * history["mae"][0]


@pytest.mark.parametrize("stop", [7, 22])  # before and after the best epoch, within one of three steps
def test_training_continues_bit_for_bit(whole, fields, tmp_path, monkeypatch, stop):
    step, steps = ScoreRegression.training_step, []

    def killed(self, *arguments):
        if len(steps) == stop:
            raise KeyboardInterrupt
        steps.append(1)
        return step(self, *arguments)

    monkeypatch.setattr(ScoreRegression, "training_step", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, fields, "parts")
    monkeypatch.setattr(ScoreRegression, "training_step", step)
    parts = trained(tmp_path, fields, "parts")
    assert parts["history.csv"].read_bytes() == whole["history.csv"].read_bytes()
    one, other = (torch.load(files["model.pt"], weights_only=True)["networks"] for files in (whole, parts))
    assert set(one) == {"scorer", "best"}
    for name, weights in one.items():
        assert all(torch.equal(weights[key], other[name][key]) for key in weights)


def test_a_model_of_another_method_or_architecture_is_refused(whole, tmp_path):
    content = torch.load(whole["model.pt"], weights_only=True)
    for change, message in (({"method": "dcgan"}, "a model of method 'dcgan'"), ({"network": None}, "not the weights")):
        settings = {**content["settings"], **change}
        if change == {"network": None}:
            settings["network"] = {**NETWORK, "dense": [9]}
        torch.save({**content, "settings": settings}, tmp_path / "model.pt")
        with pytest.raises(DataError, match=message):
            score_regression.load_scorer(tmp_path / "model.pt", CPU)


def test_an_image_of_the_frame_is_averaged_and_scored(whole):
    scorer = load_image_scorer(whole["model.pt"], 48, {"device": "cpu"})
    assert scorer.size == 48
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8)
    score = scorer.score(scorer.describe(Image.fromarray(pixels))[None])
    averages = torch.from_numpy(pixels.reshape(12, 4, 12, 4).mean(axis=(1, 3)))
    expected = score_regression.load_scorer(whole["model.pt"], CPU).score(averages[None])
    assert score.shape == (1,)
    np.testing.assert_allclose(score, expected, rtol=1e-5)


# First predictions and curves


def test_first_predictions_are_those_of_the_networks_that_trainings_begin_with(fields, tmp_path):
    normal = {**NETWORK, "weights_std": 0.01}
    experiments = [
        {"experiment": name, "label": name, "network": network, "train_on": ["scored_train"], "differences": ["a", "b"]}
        for name, network in (("glorot", NETWORK), ("normal", normal))
    ]
    table = tmp_path / "first.csv"
    per_seed = tmp_path / "per_seed.csv"
    measure_first_predictions.main(
        [fields] * 2, fields.parent / "split.csv", table, per_seed, experiments=experiments, seeds=[1, 2]
    )
    largest = pd.read_csv(per_seed).set_index(["experiment", "pixel_scale", "seed"])["prediction_largest"]
    found = pd.read_csv(table).set_index(["experiment", "pixel_scale"])
    images = sets(fields)[0]
    for name, network in (("glorot", NETWORK), ("normal", normal)):
        for scale, divisor in (("raw", 1), ("unit", 255)):
            values = []
            for seed in (1, 2):
                torch.manual_seed(seed)
                untrained = score_regression.build_scorer(network, 12, 1).eval()
                values.append(untrained(images.images / divisor).detach().double().numpy())
            for seed, value in zip((1, 2), values, strict=True):
                assert largest[name, scale, seed] == pytest.approx(np.abs(value).max(), rel=1e-4)
            row = found.loc[(name, scale)]
            for column, expected in (
                ("prediction_mean", np.mean(values)),
                ("prediction_std", np.std(values)),
                ("prediction_largest", np.abs(values).max()),
            ):
                assert row[column] == pytest.approx(expected, rel=1e-4)
            assert (row["n_seeds"], row["images"], row["data"]) == (2, 40, "simulated")
            assert row["score_mean"] == pytest.approx(images.labels[:, 0].mean().item(), rel=1e-6)
    # Without biases, layers of ReLU and pooling are homogeneous: raw pixels give 255 times as much.
    assert found.loc[("normal", "raw"), "prediction_std"] == pytest.approx(
        255 * found.loc[("normal", "unit"), "prediction_std"], rel=1e-4
    )
    assert found["weights_std"].isna().sum() == 2
    assert (found["differences"] == "a; b").all()


def curves(folder, fields, whole, seeds):
    ids = 100 + np.arange(72)
    labels = Images(fields, np.arange(72), CPU).labels[:, 0].numpy()
    subset = ["scored"] * 48 + ["labeled"] * 24
    catalogue = pd.DataFrame({"object_id": ids, "subset": subset, "order": ids, "score": labels, "galaxy": 1.0})
    catalogue.to_csv(folder / "catalogue.csv", index=False, na_rep="nan")
    (folder / "provenance.json").write_text(json.dumps({"simulated": True}))
    facts = {"label": "CNN", "differences": [], "train_on": ["scored_train"], "validate_on": "scored_validation"}
    trainings = [{"experiment": "cnn", "seed": seed, **facts} for seed in seeds]
    outputs = [folder / "curves.png", folder / "curves.pdf"]
    files = [folder / "catalogue.csv", folder / "provenance.json"]
    histories = [whole["history.csv"]] * len(seeds)
    split = fields.parent / "split.csv"
    plot_scorer_curves.main(histories, split, *files, *outputs, trainings=trainings, notes=["short"])
    return outputs


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_curves_mark_the_kept_epoch_and_the_error_of_a_constant(whole, fields, tmp_path, monkeypatch, seeds):
    drawn = {}
    monkeypatch.setattr(plot_scorer_curves, "save_figure", lambda figure, *paths: drawn.update(figure=figure))
    curves(tmp_path, fields, whole, seeds)
    (axis,) = drawn["figure"].axes
    lines = {line.get_label(): line for line in axis.get_lines()}
    history = pd.read_csv(whole["history.csv"])
    kept = lines["kept epoch"].get_xydata()
    assert kept.tolist() == [[history["val_mae"].idxmin() + 1, history["val_mae"].min()]] * len(seeds)
    train_images, validation = sets(fields)
    constant = np.abs(validation.labels[:, 0].numpy() - np.median(train_images.labels[:, 0].numpy())).mean()
    found = next(line for label, line in lines.items() if label.startswith("constant"))
    assert found.get_ydata() == pytest.approx([constant] * 2, rel=1e-6)


def test_figure_files(whole, fields, tmp_path):
    png, pdf = curves(tmp_path, fields, whole, [0])
    assert Image.open(png).width > 600
    assert pdf.read_bytes().startswith(b"%PDF")


# Settings


PAPER = {
    "include": ["net"],
    "experiments": {"net": EXPERIMENT},
    "split": {"sizes": {"scored_validation": 8, "scored_train": "rest"}},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"view": "histogram_10"}, "net.view: histogram_10 has no images"),
        ({"network": {**NETWORK, "output_activation": "sigmoid"}}, "net.network.output_activation: found 'sigmoid'"),
        ({"train_on": ["scored_validation"]}, "errors are measured on 'scored_validation'"),
    ],
)
def test_bad_settings_are_refused(change, words):
    check_scorers("papers.p", PAPER, {"layout": "cil_cosmology", "frame": 48})
    with pytest.raises(ConfigError, match=words):
        paper = {**PAPER, "experiments": {"net": {**EXPERIMENT, **change}}}
        check_scorers("papers.p", paper, {"layout": "cil_cosmology", "frame": 48})

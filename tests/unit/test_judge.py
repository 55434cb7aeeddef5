"""The judge: its files, its samples, which settings are refused."""

import copy
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from small_judged import logits_of, write_judged, write_unlabelled
from small_views import write_split, write_view

import judge
from galaxies.config import merged_config
from galaxies.errors import ConfigError, DataError
from galaxies.generated_images import as_stored
from galaxies.judged_images import Judged, consecutive_samples, disjoint_pairs, drawn_with_replacement
from galaxies.judgement import check_judgement

PROJECT = Path(__file__).parents[2]
COUNT, SIZE = 40, 12
CLASSES = ["dark", "bright"]


class Brightness:
    """A classifier whose answers are known: features are the mean of each band, which the logits compare with 1/2.

    Of a model file second.pt, the logits are twice and the features three times as large.
    """

    classes = CLASSES

    def __init__(self, path, compute):
        self.second = path.stem == "second"

    def describe(self, images, view):
        assert images.dtype == torch.float32 and images.min() >= 0 and images.max() <= 1 and view == f"full_{SIZE}"
        features = images.mean(dim=(2, 3))
        logits = torch.stack([0.5 - features.mean(dim=1), features.mean(dim=1) - 0.5], dim=1)
        return (2 * logits, 3 * features) if self.second else (logits, features)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A view, a split, two model files and images of a generator: the training images in reverse."""
    images = write_view(tmp_path / "view.h5", count=COUNT, size=SIZE)
    write_split(tmp_path / "split.csv", train=30, validation=6, test=4)
    write_unlabelled(tmp_path / "generated.h5", tmp_path / "view.h5", images[:30][::-1])
    keys = ("networks", "columns", "size", "channels", "seed", "source", "simulated")
    for seed, name in enumerate(("model", "second")):
        content = dict.fromkeys(keys, 0) | {"settings": {"method": "brightness"}, "seed": seed}
        torch.save(content, tmp_path / f"{name}.pt")
    monkeypatch.setattr(judge, "named_module", lambda *_: SimpleNamespace(load_classifier=Brightness))
    return tmp_path


def run(folder, name, judges=("model", "second"), **given):
    target = folder / f"{name}.h5"
    models = [folder / f"{judge}.pt" for judge in judges]
    judge.main(models, folder / "view.h5", target, compute={"device": "cpu"}, threads=1, **given)
    return target


def test_real_images_are_judged_in_the_order_of_their_ids(files):
    path = run(files, "real", split=files / "split.csv", sets=["train", "test"])
    with h5py.File(files / "view.h5") as view:
        pixels = view["pixels"][:] / np.float32(255)
    with Judged(path) as judged:
        assert judged.ids.tolist() == [*range(100, 130), *range(136, 140)]
        expected = pixels[judged.ids - 100].mean(axis=(2, 3))
        np.testing.assert_allclose(judged.read_features(np.arange(34)), expected, rtol=1e-5)
        logit = expected.mean(axis=1) - 0.5
        np.testing.assert_allclose(judged.logits[:, :, 1], [logit, 2 * logit], atol=1e-6)
        assert judged.classes == CLASSES and judged.view == f"full_{SIZE}" and judged.simulated


def test_real_and_generated_images_take_the_same_path(files):
    real = run(files, "real", split=files / "split.csv", sets=["train"])
    made = run(files, "made", generated=files / "generated.h5")
    with Judged(real) as first, Judged(made) as second:
        second.expect_judge(first)
        np.testing.assert_array_equal(first.logits, second.logits[:, ::-1])
        np.testing.assert_array_equal(first.read_features(np.arange(30)), second.read_features(np.arange(29, -1, -1)))
        assert (second.ids == -1).all()


@pytest.mark.parametrize("shift", [-0.4, 0.4])
def test_images_of_a_generator_are_judged_as_8_bits(files, shift):
    with h5py.File(files / "view.h5") as view:
        pixels = view["pixels"][:30][::-1].astype(np.float32)
    pixels[pixels == 0], pixels[pixels == 255] = -80, 300  # outside what the view can hold
    write_unlabelled(files / "float.h5", files / "view.h5", (pixels + np.float32(shift)) / np.float32(255))
    judgements = [run(files, f"{name}_judged", generated=files / f"{name}.h5") for name in ("generated", "float")]
    with Judged(judgements[0]) as stored, Judged(judgements[1]) as floating:
        np.testing.assert_array_equal(stored.logits, floating.logits)
        np.testing.assert_array_equal(stored.read_features(np.arange(30)), floating.read_features(np.arange(30)))


def test_images_for_a_view_of_floats_are_judged_as_they_are():
    images = np.array([[-2.0, 0.123456], [3.0, 0.5]], dtype=np.float32)
    found = as_stored(images, np.dtype(np.float32))
    np.testing.assert_array_equal(found, images)


def test_all_models_are_in_the_digest_of_the_judges(files):
    given = {"generated": files / "generated.h5"}
    names = (["model"], ["second"], ["model", "second"], ["second", "model"])
    paths = [run(files, "_".join(judges), judges=judges, **given) for judges in names]
    with Judged(paths[0]) as one, Judged(paths[2]) as two, Judged(paths[3]) as swapped:
        assert one.logits.shape == (1, 30, 2) and two.logits.shape == (2, 30, 2)
        np.testing.assert_array_equal(two.logits, swapped.logits[::-1])
        np.testing.assert_array_equal(3 * one.read_features(np.arange(30)), swapped.read_features(np.arange(30)))
        with pytest.raises(DataError, match="judged by another judge"):
            two.expect_judge(one)
    assert len({Judged(path).judge_sha256 for path in paths}) == 4


def test_judges_of_other_classes_are_refused(files, monkeypatch):
    made = []

    def load(path, machine):
        made.append(path)
        return SimpleNamespace(classes=CLASSES[: len(made)])

    monkeypatch.setattr(judge, "named_module", lambda *_: SimpleNamespace(load_classifier=load))
    with pytest.raises(DataError, match=r"second\.pt: knows the classes dark, bright; expected those of .*: dark\n"):
        judge.load_judges([files / "model.pt", files / "second.pt"], None)


def test_batches_do_not_matter_and_the_file_is_reproducible(files, monkeypatch):
    whole = run(files, "whole", generated=files / "generated.h5").read_bytes()
    assert whole == run(files, "again", generated=files / "generated.h5").read_bytes()
    monkeypatch.setattr(judge, "BATCH", 7)
    with Judged(files / "whole.h5") as judged, Judged(run(files, "parts", generated=files / "generated.h5")) as parts:
        np.testing.assert_allclose(judged.logits, parts.logits, atol=1e-6)


def test_what_is_not_finite_is_refused_and_nothing_is_left(files, monkeypatch):
    monkeypatch.setattr(Brightness, "describe", lambda self, images, view: (images[:, 0, 0, :2] / 0, images[:, 0, 0]))
    with pytest.raises(DataError, match=r"model\.pt: gives logits that are not finite"):
        run(files, "bad", generated=files / "generated.h5")
    assert not list(files.glob("*bad*"))


def test_what_cannot_judge_or_be_judged_is_refused(files, monkeypatch):
    with pytest.raises(ConfigError, match="either generated images, or a split"):
        run(files, "bad")
    with pytest.raises(DataError, match="no object is in the sets tarin"):
        run(files, "bad", split=files / "split.csv", sets=["tarin"])
    monkeypatch.setattr(judge, "named_module", lambda *_: SimpleNamespace())
    with pytest.raises(DataError, match="'brightness', which judges nothing"):
        run(files, "bad", generated=files / "generated.h5")


def test_generated_images_of_another_view_are_refused(files):
    write_view(files / "view.h5", count=COUNT, size=SIZE, seed=5)
    with pytest.raises(DataError, match="generator of other images"):
        run(files, "bad", generated=files / "generated.h5")


# Files of judgements


def test_features_of_any_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("galaxies.judged_images._BLOCK", 8)
    features = np.random.default_rng(0).random((37, 3), dtype=np.float32)
    with Judged(write_judged(tmp_path / "j.h5", logits_of([0] * 37), features, np.arange(37))) as judged:
        rows = np.array([30, 2, 2, 36, 0, 9])
        np.testing.assert_array_equal(judged.read_features(rows), features[rows])
        ids, blocks = zip(*judged.blocks(), strict=True)
        np.testing.assert_array_equal(np.concatenate(blocks), features)
        assert np.concatenate(ids).tolist() == list(range(37))


def test_damaged_judgements_are_refused(tmp_path):
    path = write_judged(tmp_path / "j.h5", logits_of([0, 1]), np.array([[1.0], [np.nan]]))
    with Judged(path) as judged, pytest.raises(DataError, match="features that are not finite"):
        judged.read_features(np.arange(2))
    with pytest.raises(DataError, match="damaged, or not a file of this workflow"):
        Judged(write_judged(tmp_path / "short.h5", logits_of([0, 1]), np.ones((3, 1))))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match="damaged, or not a file of this workflow"):
        Judged(path)


# Samples


def test_samples_of_generated_images_are_disjoint():
    samples = consecutive_samples(10, 3, 5)
    assert [len(sample) for sample in samples] == [3, 3, 3] and len(np.unique(samples)) == 9
    assert (np.diff(samples, axis=1) > 0).all()
    np.testing.assert_array_equal(samples, consecutive_samples(10, 3, 5))
    assert [len(s) for s in consecutive_samples(10, 5, 1)] == [5]
    assert [s.tolist() for s in consecutive_samples(3, 8, 5)] == [[0, 1, 2]]


def test_samples_of_images_in_an_order_are_random():
    means = [sample.mean() for sample in consecutive_samples(10000, 500, 20)]
    expected = np.sqrt((10000**2 - 1) / 12 / 500 * (1 - 500 / 10000))  # of a sample without replacement
    assert np.abs(np.array(means) - 4999.5).max() < 4 * expected
    assert 0.5 < np.std(means, ddof=1) / expected < 1.6


def test_samples_of_generated_images_are_not_the_rows_of_the_real_ones():
    pairs, (sample, _) = disjoint_pairs(1000, 400, 1, seed=0), consecutive_samples(1000, 400, 2)
    assert 100 < len(np.intersect1d(pairs[0][0], sample)) < 220  # 160 by chance


def test_samples_of_real_images_are_drawn_with_replacement():
    samples = np.stack(list(drawn_with_replacement(4, 6, 2000, seed=1)))
    assert samples.shape == (2000, 6)
    counts = np.stack([(samples == row).sum(axis=1) for row in range(4)])
    np.testing.assert_allclose(counts.mean(axis=1), 6 / 4, atol=4 * np.sqrt(6 * 3 / 16 / 2000))
    np.testing.assert_allclose(counts.var(axis=1), 6 * 3 / 16, rtol=0.15)  # binomial
    np.testing.assert_array_equal(samples, list(drawn_with_replacement(4, 6, 2000, seed=1)))
    assert not np.array_equal(samples, list(drawn_with_replacement(4, 6, 2000, seed=2)))


def test_pairs_share_no_image():
    for size, expected in ((10, 10), (100, 20)):
        pairs = disjoint_pairs(41, size, 3, seed=0)
        assert len(pairs) == 3
        assert all(len(first) == len(second) == expected for first, second in pairs)
        assert all(len(np.intersect1d(first, second)) == 0 for first, second in pairs)


# Settings

GAN = {"method": "dcgan", "view": "full_32", "train_on": ["train"], "train_images": None}
CONFIG = {
    "data": {
        "gz2_kaggle": {"layout": "gz2_kaggle", "frame": 424},
        "cil": {"layout": "cil_cosmology", "frame": 1000},
        "small": {"layout": "gz2_kaggle", "frame": 120},
    },
    "papers": {
        "gans": {
            "dataset": "gz2_kaggle",
            "include": ["one", "two"],
            "experiments": {"one": GAN, "two": {**GAN, "method": "dist_gan"}, "three": {**GAN, "view": "crop256_32"}},
            "judgement": {
                "paper": "study",
                "experiment": "net",
                "generators": None,
                "samples": 10,
                "neighbours": 5,
            },
        },
        "study": {
            "dataset": "gz2_kaggle",
            "include": ["net"],
            "experiments": {"net": {"method": "multiclass_classification", "view": "full_32"}, "spare": {}},
        },
    },
}


def changed(path: str, value: object) -> dict:
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split("/")
    place = config["papers"]
    for key in parents:
        place = place[key]
    place[last] = value
    return config


def test_a_judge_that_fits_is_taken():
    check_judgement("gans", CONFIG)
    config = changed("gans/include", ["one", "two", "three"])
    config["papers"]["gans"]["judgement"]["generators"] = ["two", "one"]
    check_judgement("gans", config)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("gans/judgement/paper", "stduy", r"gans\.judgement\.paper: found 'stduy'; papers of the run: gans, study"),
        ("gans/judgement/experiment", "spare", r"experiment: found 'spare'; included in study: net"),
        ("study/experiments/net/method", "regression", "net has method regression"),
        ("gans/include", [], "gans includes no generator"),
        ("gans/include", ["one", "three"], "one has view full_32, three has crop256_32"),
        ("gans/experiments/two/train_on", ["train", "test"], r"two has \['train', 'test'\]"),
        ("gans/experiments/two/train_images", 50, "two has train_images 50"),
        ("gans/judgement/generators", ["one", "four"], "generators: found 'four'; included in gans: one, two"),
        ("gans/judgement/samples", 5, "samples of 5 images have no 5 neighbours each"),
        ("study/experiments/net/view", "crop256_32", "net is trained and tested on images like crop256_32"),
        ("study/dataset", "small", "frames of 424 px of the generators' data and of 120 px"),
        ("study/dataset", "cil", "net takes images of grey; the generators of gans make R, G, B"),
    ],
)
def test_a_judge_that_does_not_fit_is_refused(path, value, words):
    with pytest.raises(ConfigError, match=words):
        check_judgement("gans", changed(path, value))


def test_a_run_checks_its_judges():
    experiments, schema = PROJECT / "config/experiments", PROJECT / "workflow/schemas/config.schema.yaml"
    judgement = {"paper": "galaxy_zoo_cnn", "experiment": "approach1"}
    papers = {"galaxy_cgan_augmentation": {"include": ["cgan"], "judgement": judgement}, "galaxy_zoo_cnn": None}
    data = {name: {"source": "simulated"} for name in ("gz2_kaggle", "hsc_cosmos")}
    with pytest.raises(ConfigError, match="approach1 has method regression"):
        merged_config({"run": "test", "data": data, "papers": papers}, experiments, schema)

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
from galaxies.judged_images import Judged, consecutive_samples, disjoint_pairs, random_samples
from galaxies.judgement import check_judgement

PROJECT = Path(__file__).parents[2]
COUNT, SIZE = 40, 12
CLASSES = ["dark", "bright"]


class Brightness:
    """A classifier whose answers are known: features are the mean of each band, which the logits compare with 1/2."""

    classes = CLASSES

    def __init__(self, path, compute):
        self.seen = []

    def describe(self, images, view):
        assert images.dtype == torch.float32 and images.min() >= 0 and images.max() <= 1 and view == f"full_{SIZE}"
        features = images.mean(dim=(2, 3))
        return torch.stack([0.5 - features.mean(dim=1), features.mean(dim=1) - 0.5], dim=1), features


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A view, a split, a model file and images of a generator: the training images in reverse."""
    images = write_view(tmp_path / "view.h5", count=COUNT, size=SIZE)
    write_split(tmp_path / "split.csv", train=30, validation=6, test=4)
    write_unlabelled(tmp_path / "generated.h5", tmp_path / "view.h5", images[:30][::-1])
    keys = ("networks", "columns", "size", "channels", "seed", "source", "simulated")
    torch.save(dict.fromkeys(keys, 0) | {"settings": {"method": "brightness"}}, tmp_path / "model.pt")
    monkeypatch.setattr(judge, "named_module", lambda *_: SimpleNamespace(load_classifier=Brightness))
    return tmp_path


def run(folder, name, **given):
    target = folder / f"{name}.h5"
    judge.main(folder / "model.pt", folder / "view.h5", target, compute={"device": "cpu"}, threads=1, **given)
    return target


def test_real_images_are_judged_in_the_order_of_their_ids(files):
    path = run(files, "real", split=files / "split.csv", sets=["train", "test"])
    with h5py.File(files / "view.h5") as view:
        pixels = view["pixels"][:] / np.float32(255)
    with Judged(path) as judged:
        assert judged.ids.tolist() == [*range(100, 130), *range(136, 140)]
        expected = pixels[judged.ids - 100].mean(axis=(2, 3))
        np.testing.assert_allclose(judged.read_features(np.arange(34)), expected, rtol=1e-5)
        np.testing.assert_allclose(judged.logits[:, 1], expected.mean(axis=1) - 0.5, atol=1e-6)
        assert judged.classes == CLASSES and judged.view == f"full_{SIZE}" and judged.simulated


def test_real_and_generated_images_take_the_same_path(files):
    real = run(files, "real", split=files / "split.csv", sets=["train"])
    made = run(files, "made", generated=files / "generated.h5")
    with Judged(real) as first, Judged(made) as second:
        second.expect_judge(first)
        np.testing.assert_array_equal(first.logits, second.logits[::-1])
        np.testing.assert_array_equal(first.read_features(np.arange(30)), second.read_features(np.arange(29, -1, -1)))
        assert (second.ids == -1).all()


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
    assert [s.tolist() for s in consecutive_samples(10, 3, 5)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert [len(s) for s in consecutive_samples(10, 5, 1)] == [5]
    assert [s.tolist() for s in consecutive_samples(3, 8, 5)] == [[0, 1, 2]]


def test_samples_of_real_images():
    disjoint = random_samples(50, 10, 5, seed=1)
    assert sorted(np.concatenate(disjoint)) == list(range(50))
    overlapping = random_samples(50, 20, 5, seed=1)
    assert len(overlapping) == 5 and all(len(np.unique(sample)) == 20 for sample in overlapping)
    assert [s.tolist() for s in random_samples(4, 10, 5, seed=1)] == [[0, 1, 2, 3]]
    np.testing.assert_array_equal(disjoint, random_samples(50, 10, 5, seed=1))
    assert not np.array_equal(disjoint, random_samples(50, 10, 5, seed=2))


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

"""Baselines against predictions written down by hand."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import mean_squared_error
from small_views import write_split, write_view

from evaluate_baselines import central_colour, main


@pytest.fixture
def errors(tmp_path):
    """RMSE by (baseline, split), and the labels, of 60 galaxies: red ones have label 1, blue ones 0."""
    write_view(tmp_path / "view.h5")
    write_split(tmp_path / "split.csv", train=40, validation=14, test=10)
    import h5py

    with h5py.File(tmp_path / "view.h5", "r+") as file:
        ids = file["ids"][:]
        labels = np.repeat((ids % 3 == 0)[:, None], file["labels"].shape[1], axis=1).astype(np.float32)
        file["labels"][:] = labels
    folder = tmp_path / "images_training_rev1"
    folder.mkdir()
    for galaxy in ids:
        Image.new("RGB", (16, 16), (250, 0, 0) if galaxy % 3 == 0 else (0, 0, 250)).save(folder / f"{galaxy}.jpg")
    settings = {"frame": 16, "images": None, "labels": []}
    main(tmp_path, tmp_path / "view.h5", tmp_path / "split.csv", tmp_path / "baselines.csv", settings=settings)
    return pd.read_csv(tmp_path / "baselines.csv").set_index(["baseline", "split"])["rmse"], labels[:, 0]


def test_train_mean_uses_the_training_galaxies_alone(errors):
    rmse, labels = errors
    for split, part in (("train", labels[:40]), ("validation", labels[40:54]), ("test", labels[54:])):
        expected = np.sqrt(mean_squared_error(part, np.full_like(part, labels[:40].mean())))
        assert rmse["train_mean", split] == pytest.approx(expected, rel=1e-5)


def test_all_zeros(errors):
    rmse, labels = errors
    assert rmse["all_zeros", "test"] == pytest.approx(np.sqrt(np.mean(labels[54:] ** 2)))


def test_colour_that_decides_the_label_predicts_it(errors):
    rmse, _ = errors
    assert rmse["central_pixel", "test"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("side", "expected"), [(5, 12.0), (4, (5 + 6 + 9 + 10) / 4)])
def test_central_colour(side, expected):
    image = np.repeat(np.arange(side * side).reshape(side, side, 1), 3, axis=2)
    np.testing.assert_array_equal(central_colour(image), [expected] * 3)

"""What is taken from the model files of classifiers, and what is refused."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss
from small_views import write_split, write_view

from evaluate_classifiers import main
from galaxies.augmentation_predictions import read_predictions
from galaxies.errors import DataError

TRAIN, VALIDATION, EPOCHS = 10, 12, 3
TRAININGS = [
    {"experiment": "real", "arm": "real", "size": "all", "seed": 0},
    {"experiment": "real_n4", "arm": "real", "size": 4, "seed": 1},
]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A view whose label `target1` is 0 or 1, a split, and two trained classifiers."""
    write_view(tmp_path / "view.h5", count=TRAIN + VALIDATION, size=8, columns=2)
    with h5py.File(tmp_path / "view.h5", "r+") as file:
        file["labels"][:, 1] = np.arange(TRAIN + VALIDATION) % 3 == 0
    write_split(tmp_path / "split.csv", TRAIN, VALIDATION, 0)
    for number, training in enumerate(TRAININGS):
        write_training(tmp_path, number, training["seed"])
    return tmp_path


def truth() -> np.ndarray:
    return (np.arange(TRAIN, TRAIN + VALIDATION) % 3 == 0).astype(int)


def write_training(folder: Path, number: int, seed: int, **changes) -> np.ndarray:
    """One classifier's model and history; return its probabilities (E, N)."""
    probability = np.random.default_rng(number).uniform(0.1, 0.9, (EPOCHS, VALIDATION)).astype(np.float32)
    losses = [log_loss(truth(), p.astype(float)) for p in probability]
    history = {"epoch": range(1, EPOCHS + 1), "loss": np.arange(EPOCHS) / 10 + number, "val_loss": losses}
    record = {"probability": torch.from_numpy(probability), "positive_rate": torch.tensor(0.3)} | changes
    torch.save({"networks": {"record": record}, "seed": seed}, folder / f"model{number}.pt")
    pd.DataFrame(history).to_csv(folder / f"history{number}.csv", index=False)
    return probability


def evaluate(folder: Path, trainings: list[dict] = TRAININGS, target: str = "target1") -> None:
    files = [[folder / f"{name}{i}.{end}" for i in range(2)] for name, end in (("model", "pt"), ("history", "csv"))]
    arguments = {"trainings": trainings, "target": target}
    main(*files, folder / "view.h5", folder / "split.csv", folder / "predictions.h5", **arguments)


def test_everything_is_kept(folder):
    expected = [write_training(folder, number, number) for number in range(2)]
    evaluate(folder)
    with h5py.File(folder / "predictions.h5") as file, h5py.File(folder / "view.h5") as view:
        np.testing.assert_array_equal(file["probability"], expected)
        assert file["probability"].dtype == np.float32 and file["train_loss"].dtype == np.float64
        np.testing.assert_allclose(file["train_loss"], [[0, 0.1, 0.2], [1, 1.1, 1.2]])
        np.testing.assert_array_equal(file["ids"], 100 + TRAIN + np.arange(VALIDATION))
        np.testing.assert_array_equal(file["target"], truth())
        assert file["size"].asstr()[:].tolist() == ["all", "4"] and file["seed"][:].tolist() == [0, 1]
        assert file["real_images"][:].tolist() == [TRAIN, 4]
        assert file["positive_rate"][:] == pytest.approx([0.3, 0.3])
        assert file.attrs["target"] == "target1" and file.attrs["source"] == "simulated" and file.attrs["simulated"]
        assert file.attrs["view_sha256"] == view.attrs["pixels_sha256"]
    found = read_predictions(folder / "predictions.h5")
    assert found.rows("real", "4").tolist() == [1]
    np.testing.assert_array_equal(found.probability(1), expected[1])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probability": torch.full((EPOCHS, VALIDATION - 1), 0.5)}, r"probabilities are \(3, 11\), expected"),
        ({"probability": torch.full((EPOCHS + 1, VALIDATION), 0.5)}, "3 epochs, expected 4"),
        ({"probability": torch.full((EPOCHS, VALIDATION), 1.5)}, r"outside \[0, 1\]"),
        ({"probability": torch.full((EPOCHS, VALIDATION), float("nan"))}, r"outside \[0, 1\]"),
        ({"probability": torch.full((EPOCHS, VALIDATION), 0.5)}, "val_loss .* in epoch 1, its model recorded 0.6931"),
        ({"positive_rate": torch.tensor(float("nan"))}, r"outside \[0, 1\]"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(folder, changes, words):
    write_training(folder, 1, 1, **changes)
    with pytest.raises(DataError, match=words):
        evaluate(folder)
    assert not (folder / "predictions.h5").exists()


def test_epochs_must_agree_between_trainings(folder):
    probability = np.full((2, VALIDATION), 0.5, dtype=np.float32)
    write_training(folder, 1, 1, probability=torch.from_numpy(probability))
    pd.DataFrame({"epoch": [1, 2], "loss": 0.5, "val_loss": np.log(2)}).to_csv(folder / "history1.csv", index=False)
    with pytest.raises(DataError, match="2 epochs, expected 3"):
        evaluate(folder)


def test_a_certain_prediction_is_not_held_against_the_history(folder):
    """float32 cannot hold the loss of a saturated probability, so the history may say more."""
    probability = np.full((EPOCHS, VALIDATION), 1.0, dtype=np.float32)
    write_training(folder, 1, 1, probability=torch.from_numpy(probability))
    evaluate(folder)


def test_a_model_without_record_is_refused(folder):
    torch.save({"networks": {"classifier": {}}, "seed": 0}, folder / "model0.pt")
    with pytest.raises(DataError, match="not a classifier of this workflow"):
        evaluate(folder)


def test_a_damaged_model_is_refused(folder):
    (folder / "model0.pt").write_bytes(b"torch")
    with pytest.raises(DataError, match=r"model0\.pt: not a classifier of this workflow, or damaged"):
        evaluate(folder)


def test_a_model_of_another_seed_is_refused(folder):
    write_training(folder, 1, 5)
    with pytest.raises(DataError, match="trained with seed 5, expected 1"):
        evaluate(folder)


@pytest.mark.parametrize(("target", "words"), [("dwarf", "no label column 'dwarf'"), ("target0", "other than 0 and 1")])
def test_the_target_is_a_class(folder, target, words):
    with pytest.raises(DataError, match=words):
        evaluate(folder, target=target)

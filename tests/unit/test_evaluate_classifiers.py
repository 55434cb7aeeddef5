"""What is taken from the model files of classifiers, and what is refused."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import log_loss
from small_views import write_split, write_view

from evaluate_classifiers import images_of, main
from galaxies.augmentation_predictions import read_predictions
from galaxies.errors import DataError

TRAIN, VALIDATION, EPOCHS = 10, 12, 3
TRAININGS = [
    {"experiment": "real", "arm": "real", "size": "all", "seed": 0},
    {"experiment": "real_n4", "arm": "real", "size": 4, "seed": 1},
]
ARMS = [
    {"arm": "real", "real_images": True, "generator_trained_on": []},
    {"arm": "gan", "real_images": False, "generator_trained_on": ["train"]},
    {"arm": "both", "real_images": True, "generator_trained_on": ["train"]},
    {"arm": "leaked", "real_images": False, "generator_trained_on": ["validation", "train"]},
]


STUDY = {"arms": ARMS, "train_on": ["train"], "validate_on": "validation"}


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
    """One classifier's model and history; return its logits (E, N)."""
    logit = np.random.default_rng(number).normal(size=(EPOCHS, VALIDATION)).astype(np.float32)
    losses = [log_loss(truth(), expit(row.astype(float))) for row in logit]
    history = {"epoch": range(1, EPOCHS + 1), "loss": np.arange(EPOCHS) / 10 + number, "val_loss": losses}
    ids = torch.arange(100 + TRAIN, 100 + TRAIN + VALIDATION)
    record = {"logit": torch.from_numpy(logit), "positive_rate": torch.tensor(0.3), "ids": ids} | changes
    save(folder / f"model{number}.pt", {"record": record}, seed)
    pd.DataFrame(history).to_csv(folder / f"history{number}.csv", index=False)
    return logit


def save(path: Path, networks: dict, seed: int) -> None:
    """A model file with these networks."""
    facts = {"columns": [], "size": 8, "channels": 3, "source": "simulated", "simulated": True}
    torch.save({"networks": networks, "settings": {"method": "classification"}, "seed": seed, **facts}, path)


def evaluate(folder: Path, trainings: list[dict] = TRAININGS, target: str = "target1") -> None:
    files = [[folder / f"{name}{i}.{end}" for i in range(2)] for name, end in (("model", "pt"), ("history", "csv"))]
    arguments = {"trainings": trainings, "study": STUDY | {"target": target}}
    main(*files, folder / "view.h5", folder / "split.csv", folder / "predictions.h5", **arguments)


def test_everything_is_kept(folder):
    expected = [write_training(folder, number, number) for number in range(2)]
    evaluate(folder)
    with h5py.File(folder / "predictions.h5") as file, h5py.File(folder / "view.h5") as view:
        np.testing.assert_array_equal(file["logit"], expected)
        assert file["logit"].dtype == np.float32 and file["train_loss"].dtype == np.float64
        np.testing.assert_allclose(file["train_loss"], [[0, 0.1, 0.2], [1, 1.1, 1.2]])
        np.testing.assert_array_equal(file["ids"], 100 + TRAIN + np.arange(VALIDATION))
        np.testing.assert_array_equal(file["target"], truth())
        assert file["size"].asstr()[:].tolist() == ["all", "4"] and file["seed"][:].tolist() == [0, 1]
        assert file["classifier_images"][:].tolist() == [TRAIN, 4]
        assert file["generator_images"][:].tolist() == [0, 0]
        assert file["positive_rate"][:] == pytest.approx([0.3, 0.3])
        assert file.attrs["target"] == "target1" and file.attrs["source"] == "simulated" and file.attrs["simulated"]
        assert file.attrs["view_sha256"] == view.attrs["pixels_sha256"]
    found = read_predictions(folder / "predictions.h5")
    assert found.rows("real", "4").tolist() == [1]
    np.testing.assert_array_equal(found.logit(1), expected[1])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logit": torch.zeros((EPOCHS, VALIDATION - 1))}, r"logits are \(3, 11\), expected"),
        ({"logit": torch.zeros((EPOCHS + 1, VALIDATION))}, "3 epochs, expected 4"),
        ({"logit": torch.full((EPOCHS, VALIDATION), float("inf"))}, "not finite"),
        ({"logit": torch.full((EPOCHS, VALIDATION), float("nan"))}, "not finite"),
        ({"logit": torch.zeros((EPOCHS, VALIDATION))}, r"val_loss .* in epoch 1, its model recorded 0\.6931"),
        ({"positive_rate": torch.tensor(float("nan"))}, r"outside \[0, 1\]"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(folder, changes, words):
    write_training(folder, 1, 1, **changes)
    with pytest.raises(DataError, match=words):
        evaluate(folder)
    assert not (folder / "predictions.h5").exists()


def test_epochs_must_agree_between_trainings(folder):
    write_training(folder, 1, 1, logit=torch.zeros((2, VALIDATION)))
    pd.DataFrame({"epoch": [1, 2], "loss": 0.5, "val_loss": np.log(2)}).to_csv(folder / "history1.csv", index=False)
    with pytest.raises(DataError, match="2 epochs, expected 3"):
        evaluate(folder)


def test_images_are_counted_where_they_were_seen(folder):
    """Classifier and generator by themselves; a generator of all images saw those that validate, too."""
    arms, expected = ("gan", "both", "leaked"), [(0, TRAIN), (TRAIN, TRAIN), (0, TRAIN + VALIDATION)]
    counts = images_of([{"arm": arm, "size": "all"} for arm in arms], STUDY, folder / "split.csv")
    assert counts == expected
    assert images_of([{"arm": arm, "size": 4} for arm in arms[:2]], STUDY, folder / "split.csv") == [(0, 4), (4, 4)]


@pytest.mark.parametrize("epoch", range(EPOCHS))
def test_every_epoch_must_agree_with_the_history_even_a_certain_one(folder, epoch):
    """Logits of 80 are probabilities of 0 and 1 in float32, and have a loss of 80 nats where they are wrong."""
    logit = torch.zeros((EPOCHS, VALIDATION))
    logit[epoch] = 80
    write_training(folder, 1, 1, logit=logit)
    history = pd.DataFrame({"epoch": range(1, EPOCHS + 1), "loss": 0.5, "val_loss": np.log(2)})
    wrong = f"val_loss 0.6931 in epoch {epoch + 1}, its model recorded {80 * (1 - truth().mean()):.4f}"
    history.to_csv(folder / "history1.csv", index=False)
    with pytest.raises(DataError, match=wrong):
        evaluate(folder)
    history.loc[epoch, "val_loss"] = 80 * (1 - truth().mean())
    history.to_csv(folder / "history1.csv", index=False)
    evaluate(folder)


def test_a_model_without_record_is_refused(folder):
    save(folder / "model0.pt", {"classifier": {}}, 0)
    with pytest.raises(DataError, match="has no record"):
        evaluate(folder)


def test_a_damaged_model_is_refused(folder):
    (folder / "model0.pt").write_bytes(b"torch")
    with pytest.raises(DataError, match=r"model0\.pt: not a model of this workflow, or damaged"):
        evaluate(folder)


def test_a_model_of_another_seed_is_refused(folder):
    write_training(folder, 1, 5)
    with pytest.raises(DataError, match="trained with seed 5, expected 1"):
        evaluate(folder)


@pytest.mark.parametrize(("target", "words"), [("dwarf", "no label column 'dwarf'"), ("target0", "other than 0 and 1")])
def test_the_target_is_a_class(folder, target, words):
    with pytest.raises(DataError, match=words):
        evaluate(folder, target=target)


def test_a_model_that_was_validated_on_other_images_is_refused(folder):
    write_training(folder, 1, 1, ids=torch.arange(VALIDATION))
    with pytest.raises(DataError, match="for these validation images"):
        evaluate(folder)

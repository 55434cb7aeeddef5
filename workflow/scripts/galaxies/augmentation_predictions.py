"""The file with what all classifiers of an augmentation experiment predict for the validation images."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.classification_metrics import log_loss
from galaxies.files import reading

WHOLE = "all"  # the size of a training with every real image
COUNTS = ("classifier_images", "generator_images")


@dataclass(frozen=True)
class Predictions:
    """What evaluate_classifiers.py writes.

    trainings : one row per training: arm, size, seed, positive_rate, and the numbers of real images that the classifier
    itself and its generator were trained on, classifier_images and generator_images. train_loss : (T, E) nats.
    target : (N,) 0 or 1. simulated : whether the images are.
    """

    path: Path
    trainings: pd.DataFrame
    train_loss: np.ndarray
    target: np.ndarray
    simulated: bool

    @property
    def data(self) -> str:
        return "simulated" if self.simulated else "real"

    def logit(self, training: int) -> np.ndarray:
        """Log-odds of class 1 after each epoch, float32 (E, N), of the training in row `training`."""
        with reading(self.path), h5py.File(self.path) as file:
            return file["logit"][training]

    def validation_loss(self, training: int) -> np.ndarray:
        """Log-loss of the validation images after each epoch, (E,) nats."""
        return log_loss(self.logit(training), self.target)

    def rows(self, arm: str, size: str) -> np.ndarray:
        """Rows of the trainings of an arm at a size, in the order of their seeds."""
        chosen = self.trainings[(self.trainings["arm"] == arm) & (self.trainings["size"] == size)]
        return chosen.sort_values("seed").index.to_numpy()


def few_images_first(size: str) -> float:
    """Key that sorts sizes."""
    return float("inf") if size == WHOLE else int(size)


def read_predictions(path: Path) -> Predictions:
    """Open a file of predictions; DataError if it is damaged or none. Logits are read when asked for."""
    with reading(path), h5py.File(path) as file:
        trainings = pd.DataFrame(
            {
                "arm": file["arm"].asstr()[:],
                "size": file["size"].asstr()[:],
                **{name: file[name][:] for name in ("seed", "positive_rate", *COUNTS)},
            }
        )
        train_loss, target = file["train_loss"][:], file["target"][:]
        expected, found = (*train_loss.shape, len(target)), file["logit"].shape
        if found != expected or len(trainings) != len(train_loss):
            raise ValueError(f"logit is {found}, expected {expected}")
        return Predictions(Path(path), trainings, train_loss, target, bool(file.attrs["simulated"]))

"""How well do the simulated galaxies stand in for real ones? Train on simulated pictures alone, test on real ones.

A small network learns to tell smooth from spiral galaxies that the five-class rule finds in the simulated votes, and is
then asked about real galaxies of known class. The area under its ROC curve (AUC) is 1 if it tells them apart as
well as it could, 0.5 if what it learned is of no use on real pictures.
"""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

from galaxies.datasets.gz2_kaggle.files import ID_COLUMN
from galaxies.errors import DataError
from galaxies.files import write_text
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.realism")

CENTER = 256  # pixels of a picture that are looked at: the galaxy and its surroundings
SIZE = 64  # pixels they are reduced to
ZOOM = (0.5, 1.1)  # real galaxies of another sample fill another part of the frame
HELD_OUT = 5  # every fifth simulated galaxy measures the network on its own kind
BATCH = 64


def main(
    images: Path,
    solutions: Path,
    real_images: Path,
    real_classes: Path,
    result: Path,
    *,
    id_column: str = "OBJID",
    class_column: str = "CLASS",
    smooth_classes: list[str] = ("0",),
    spiral_classes: list[str] = ("1", "2"),
    epochs: int = 15,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Write the JSON file `result` with the AUC on real and on held-out simulated galaxies, counts and settings.

    images, solutions : simulated folder and table. real_images : folder of `<id>.jpg` or `.jpeg`. real_classes : CSV
    with `id_column` and `class_column`, of which `smooth_classes` and `spiral_classes` are compared.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    pictures, spiral = _read(images, _classes_from_votes(solutions))
    held_out = np.arange(len(spiral)) % HELD_OUT == 0
    network = _train(pictures[~held_out], spiral[~held_out], epochs)
    real_pictures, real_spiral = _read(
        real_images, _classes_from_table(real_classes, id_column, class_column, smooth_classes, spiral_classes)
    )
    report = {
        "auc_real": float(roc_auc_score(real_spiral, _scores(network, real_pictures))),
        "auc_simulated": float(roc_auc_score(spiral[held_out], _scores(network, pictures[held_out]))),
        "trained_on": {"smooth": int((~spiral[~held_out]).sum()), "spiral": int(spiral[~held_out].sum())},
        "tested_on_simulated": {"smooth": int((~spiral[held_out]).sum()), "spiral": int(spiral[held_out].sum())},
        "tested_on_real": {"smooth": int((~real_spiral).sum()), "spiral": int(real_spiral.sum())},
        "settings": {"center": CENTER, "size": SIZE, "zoom": ZOOM, "epochs": epochs, "batch": BATCH, "seed": seed},
    }
    logger.info("AUC smooth against spiral: %.3f real, %.3f simulated", report["auc_real"], report["auc_simulated"])
    write_text(result, json.dumps(report, indent=2) + "\n")


def _classes_from_votes(solutions: Path) -> pd.Series:
    """Id -> is a spiral, of the galaxies that the five-class rule calls smooth and not cigar-shaped, or spiral."""
    votes = pd.read_csv(solutions, index_col=ID_COLUMN)
    smooth = (votes["Class1.1"] >= 0.469) & ((votes["Class7.1"] >= 0.5) | (votes["Class7.2"] >= 0.5))
    spiral = (votes["Class1.2"] >= 0.43) & (votes["Class2.2"] >= 0.715) & (votes["Class4.1"] >= 0.619)
    return spiral[smooth | spiral].rename(index=str)


def _classes_from_table(
    path: Path, id_column: str, class_column: str, smooth: list[str], spiral: list[str]
) -> pd.Series:
    """Id -> is a spiral, of the listed classes of a table."""
    table = pd.read_csv(path, dtype=str)
    missing = {id_column, class_column} - set(table.columns)
    if missing:
        raise DataError(f"{path}: no column {sorted(missing)}, found {list(table.columns)}")
    table = table[table[class_column].isin([*smooth, *spiral])].set_index(id_column)
    return table[class_column].isin(list(spiral))


def _read(folder: Path, classes: pd.Series) -> tuple[torch.Tensor, np.ndarray]:
    """Pictures uint8 (N, 3, SIZE, SIZE) that are in the folder, in the order of their ids, and their classes (N,)."""
    files = {path.stem: path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg")}
    ids = sorted(classes.index.intersection(files.keys()))
    spiral = classes[ids].to_numpy(dtype=bool)
    if spiral.sum() < HELD_OUT or (~spiral).sum() < HELD_OUT:
        raise DataError(
            f"{folder}: pictures of {spiral.sum()} spiral and {(~spiral).sum()} smooth galaxies are too few to measure",
            "simulate more, or check the class names",
        )
    pictures = []
    for picture_id in ids:
        with Image.open(files[picture_id]) as file:
            picture = file.convert("RGB")
        left, top = (picture.width - CENTER) // 2, (picture.height - CENTER) // 2
        box = (left, top, left + CENTER, top + CENTER)
        pictures.append(np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX, box=box)))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous(), spiral


def _train(pictures: torch.Tensor, spiral: np.ndarray, epochs: int) -> nn.Module:
    """Network with one output, the log-odds of a spiral."""
    layers: list[nn.Module] = []
    for inputs, filters in zip((3, 16, 32, 64), (16, 32, 64, 96), strict=True):
        layers += [nn.Conv2d(inputs, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(96, 1))
    targets = torch.tensor(spiral, dtype=torch.float32)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    batches = -(-len(targets) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=epochs * batches)
    balance = (1 - targets).sum() / targets.sum()
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(targets)).split(BATCH):
            logits = network(_augment(_scale(pictures[rows]))).squeeze(1)
            loss = functional.binary_cross_entropy_with_logits(logits, targets[rows], pos_weight=balance)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
        logger.info("Epoch %d of %d: loss %.4f", epoch + 1, epochs, total / len(targets))
    return network.eval()


def _scale(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.float() / 255


def _augment(pictures: torch.Tensor) -> torch.Tensor:
    """Rotate by any angle, mirror, zoom, and change brightness and the balance of the colours."""
    number = len(pictures)
    angle = torch.rand(number) * 2 * torch.pi
    zoom = torch.empty(number).uniform_(*ZOOM)
    mirror = torch.randint(2, (number,)) * 2 - 1
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    zero = torch.zeros(number)
    matrix = torch.stack([cosine * mirror, -sine, zero, sine * mirror, cosine, zero], dim=1).view(number, 2, 3)
    grid = functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
    turned = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    brightness = torch.empty(number, 1, 1, 1).uniform_(0.75, 1.25)
    color = torch.empty(number, 3, 1, 1).uniform_(0.75, 1.33)
    return turned * brightness * color


@torch.inference_mode()
def _scores(network: nn.Module, pictures: torch.Tensor) -> np.ndarray:
    return torch.cat([network(_scale(chunk)).squeeze(1) for chunk in pictures.split(256)]).numpy()


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Accuracy and confusion of the morphology classifiers on the test images, beside the published values."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.datasets.gz2_kaggle.files import SOLUTIONS
from galaxies.datasets.gz2_kaggle.five_classes import CLASSES, CLEAN_SAMPLE, CLEAN_SAMPLE_SLACK
from galaxies.errors import DataError
from galaxies.files import atomic, reading
from galaxies.multiclass_metrics import (
    accuracy,
    class_accuracies,
    class_precisions,
    confidence_error,
    confusion,
    log_loss,
    macro_f1,
)
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script
from galaxies.stats import summarise

SPLIT = "gz2_test"  # what config/reported.csv calls the test set
PERCENT, NATS = "percent", "nats"
INTERVALS = ("ci95_low", "ci95_high", "prediction95_low", "prediction95_high")


def main(
    predictions: list[Path],
    provenance: Path,
    reported: Path,
    metrics: Path,
    per_seed: Path,
    confusion_table: Path,
    *,
    trainings: list[dict],
) -> None:
    """Write the three tables. Only a classification into the published five classes has published values.

    predictions : of classify.py, one file per training, in the order of `trainings`.
    trainings : per training {experiment, label, seed, reported_as, differences}.
    provenance : of the data set that the classifiers were trained and tested on.
    metrics : one row per experiment and metric. ci95 is the interval of the mean over seeds, prediction95 that of one
        more training, which is what a published single-seed value is; both end where the range of the metric does, and
        neither holds the scatter of the test images, whose standard deviation for a share is sampling_std.
        images : that a share is of; for a precision the mean number over seeds of those that are named so.
        largest_class is the accuracy of naming the most frequent class of the test images for all.
    per_seed : one row per training and metric.
    confusion_table : per experiment and pair of classes the mean number of images over seeds, and its share of the
        images of the true class with the standard deviation over seeds.
    """
    with reading(provenance):
        origin = json.loads(provenance.read_text())
    published = read_reported(reported)
    rows, of_seeds, cells = [], [], []
    for experiment in dict.fromkeys(training["experiment"] for training in trainings):
        members = [i for i, training in enumerate(trainings) if training["experiment"] == experiment]
        runs = [_read(predictions[i]) for i in members]
        if any(run["classes"] != runs[0]["classes"] or not np.array_equal(run["ids"], runs[0]["ids"]) for run in runs):
            raise DataError(
                f"{predictions[members[0]]}: the seeds of {experiment} have other classes or test images",
                "delete the predictions of this experiment and run the same command again",
            )
        first = trainings[members[0]]
        name = first["reported_as"] if runs[0]["classes"] == list(CLASSES) else None
        reasons = reasons_against(origin, first["differences"])
        comparable = "no: " + "; ".join(reasons) if reasons else "yes"
        for metric, (unit, images, values) in _metrics(runs).items():
            value, source = reported_value(published, name, SPLIT, metric)
            judged = {"published": value, "published_source": source, "comparable": comparable if source else ""}
            row = {"experiment": experiment, "label": first["label"], **_summary(metric, unit, images, values)}
            rows.append({**row, **judged})
            shared = {key: row[key] for key in ("experiment", "metric", "unit", "images")} | {"comparable": comparable}
            of_seeds += [
                {**shared, "seed": trainings[i]["seed"], "value": one} for i, one in zip(members, values, strict=True)
            ]
        cells += [{"experiment": experiment, "label": first["label"], **cell} for cell in _confusion(runs)]
    data = "simulated" if origin["simulated"] else "real"
    for path, content in ((metrics, rows), (per_seed, of_seeds), (confusion_table, cells)):
        with atomic(path) as temporary:
            pd.DataFrame(content).assign(data=data).to_csv(temporary, index=False)


def reasons_against(origin: dict, differences: list[str]) -> list[str]:
    """Why a result must not be judged against the published one; empty if it may.

    origin : provenance of the data set. differences : how the settings differ from the published ones.
    """
    reasons = ["simulated data"] if origin["simulated"] else []
    if not origin["simulated"]:
        reasons += [f"labels of {t['file']}" for t in origin["labels"] if Path(t["file"]).stem != SOLUTIONS]
        if abs(origin["rows"] - CLEAN_SAMPLE) > CLEAN_SAMPLE_SLACK:
            reasons.append(f"{origin['rows']} galaxies, {CLEAN_SAMPLE} are published")
    return [*reasons, *differences]


def _read(path: Path) -> dict:
    with reading(path), h5py.File(path, "r") as file:
        return {
            "classes": list(file.attrs["classes"]),
            "ids": file["ids"][:],
            "given": (file["log_probabilities"][:], file["true_class"][:]),
        }


def _metrics(runs: list[dict]) -> dict[str, tuple[str, float, np.ndarray]]:
    """Per metric its unit, number of images, and its values by seed in this unit."""
    classes, (_, true_class) = runs[0]["classes"], runs[0]["given"]
    counts = np.bincount(true_class, minlength=len(classes))
    named = np.mean([confusion(*run["given"]).sum(axis=0) for run in runs], axis=0)  # of each predicted class
    per_class = {
        f"{name}_{label}": (PERCENT, images[number], [function(*run["given"])[number] for run in runs])
        for name, function, images in (("accuracy", class_accuracies, counts), ("precision", class_precisions, named))
        for number, label in enumerate(classes)
    }
    whole = {
        "accuracy_overall": (PERCENT, accuracy),
        "accuracy_mean_class": (PERCENT, lambda *given: np.nanmean(class_accuracies(*given))),
        "f1_macro": (PERCENT, macro_f1),
        "log_loss": (NATS, log_loss),
        "confidence_error": (PERCENT, confidence_error),
        "largest_class": (PERCENT, lambda *given: counts.max() / counts.sum()),
    }
    values = {name: (unit, len(true_class), [f(*run["given"]) for run in runs]) for name, (unit, f) in whole.items()}
    return {
        name: (unit, images, (100 if unit == PERCENT else 1) * np.array(of_runs, dtype=np.float64))
        for name, (unit, images, of_runs) in {**values, **per_class}.items()
    }


def _summary(metric: str, unit: str, images: float, values: np.ndarray) -> dict:
    highest = 100 if unit == PERCENT else np.inf
    summary = summarise(values)
    share = summary.mean / 100
    is_share = metric.startswith("accuracy_") and metric != "accuracy_mean_class" and images > 0
    return {
        "metric": metric,
        "unit": unit,
        "mean": summary.mean,
        "std": summary.std,
        "n_seeds": summary.n,
        **{key: np.clip(getattr(summary, key), 0, highest) for key in INTERVALS},
        "images": images,
        "sampling_std": 100 * np.sqrt(share * (1 - share) / images) if is_share else np.nan,
    }


def _confusion(runs: list[dict]) -> list[dict]:
    counts = np.stack([confusion(*run["given"]) for run in runs]).astype(np.float64)
    totals = counts.sum(axis=2, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    names = runs[0]["classes"]
    return [
        {
            "true_class": true,
            "predicted_class": predicted,
            "images_mean": counts[:, i, j].mean(),
            "share_mean": shares[:, i, j].mean(),
            "share_std": shares[:, i, j].std(ddof=1) if len(runs) > 1 else np.nan,
            "n_seeds": len(runs),
        }
        for i, true in enumerate(names)
        for j, predicted in enumerate(names)
    ]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Scores of generated images that were kept, and how much generated images differ, beside real training images."""

import logging
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.data.catalogue import read_catalogue
from galaxies.data.names import ID
from galaxies.files import reading, write_text
from galaxies.kept_images import DIVERSITY, Kept, blobs_of, diversity_of
from galaxies.reported import read_reported, reported_value
from galaxies.score_predictions import PREDICTED, good_images, read_predictions
from galaxies.scripting import run_script
from galaxies.stats import summarise

logger = logging.getLogger("galaxies.measure_generated")

PUBLISHED = {
    "kept": ("generated_images", "generated_kept_score_gt_3", "rf_predicted_score"),
    "good": ("scored_dataset_statistics", "scored_above_0.74", "score"),
}
REAL = "training_images"
WITH_INTERVAL = ("acceptance", "judge_score_mean", "judge_score_std", "l1", "overlap")


def main(
    kept: list[Path],
    kept_scores: list[Path],
    good: Path,
    judged: Path,
    split: Path,
    catalogue: Path,
    reported: Path,
    scores: Path,
    per_seed: Path,
    diversity: Path,
    *,
    trainings: list[dict],
    train_on: list[str],
    paper: str,
) -> None:
    """Write three tables (two_in_one, section IV-B).

    kept, kept_scores : from draw_images.py and score_kept.py, one file per training, in the order of `trainings`, each
    {experiment, label, seed, reported_as, differences}. good : from sample_good_images.py. judged : predictions.csv of
    the baseline that scored the kept images. train_on : sets of the split with the scored training images.
    scores : a row per experiment, over seeds, and one of the training images above the 20th percentile of the scores.
    per_seed : a row per training. diversity : a row per experiment and set of `galaxies.kept_images.DIVERSITY`, and one
    of as many of these training images.
    """
    published = read_reported(reported, paper)
    with reading(good), h5py.File(good) as file:
        real, simulated = file["images"][:], bool(file.attrs["simulated"])
    measured, differing, most = [], [], 0
    for path, scored, training in zip(kept, kept_scores, trainings, strict=True):
        identity = {key: training[key] for key in ("experiment", "label", "seed")}
        with reading(scored):
            judge_scores = pd.read_csv(scored)["judge_score"].to_numpy()
        with Kept(path) as images:
            measured.append({**identity, **of_kept(images, judge_scores)})
            for name in DIVERSITY:
                some = images.different(name)
                most = max(most, len(some))
                differing.append({**identity, "different": name, "images": len(some), **diversity_of(some)._asdict()})
        logger.info("%s seed %d: measured", training["experiment"], training["seed"])
    ids, threshold, true = good_images(read_catalogue(catalogue), split, train_on)
    predicted = read_predictions(judged).set_index(ID)[PREDICTED].reindex(ids)
    identity = {"experiment": REAL, "label": f"training images with a score above {threshold:g}"}
    reference = {**identity, "kept": len(ids), "true_score_mean": true.mean(), "true_score_std": true.std()}
    reference |= {"judge_score_mean": predicted.mean(), "judge_score_std": predicted.std(ddof=0), **of_blobs(real)}
    reference |= beside(published, "good", ["simulated data"] if simulated else [])
    some = real[: max(most, 2)]
    differing.append({**identity, "different": DIVERSITY[0], "images": len(some), **diversity_of(some)._asdict()})
    by_training, by_set = pd.DataFrame(measured), pd.DataFrame(differing)
    rows = []
    for name, of_seeds in by_training.groupby("experiment", sort=False):
        facts = next(training for training in trainings if training["experiment"] == name)
        reasons = ["simulated data"] * simulated + facts["differences"]
        rows.append(over_seeds(of_seeds) | (beside(published, "kept", reasons) if facts["reported_as"] else {}))
    data = "simulated" if simulated else "real"
    write_text(per_seed, by_training.assign(data=data).to_csv(index=False))
    write_text(scores, pd.DataFrame([*rows, reference]).assign(data=data).to_csv(index=False))
    sets = [over_seeds(of_seeds) for _, of_seeds in by_set.groupby(["experiment", "different"], sort=False)]
    write_text(diversity, pd.DataFrame(sets).assign(data=data).to_csv(index=False))


def of_kept(images: Kept, judged: np.ndarray) -> dict[str, float]:
    """What is measured on the images of one training; means and deviations are NaN if none was kept."""
    some = len(images) > 0
    return {
        "drawn": len(images.drawn_scores),
        "kept": len(images),
        "acceptance": images.acceptance,
        "own_score_mean": images.own_score.mean() if some else np.nan,
        "judge_score_mean": judged.mean() if some else np.nan,
        "judge_score_std": judged.std() if some else np.nan,
        **of_blobs([*images.all_images()]),
    }


def of_blobs(images: Sequence[np.ndarray]) -> dict[str, float]:
    """Medians over images of the number of their blobs, of their size in pixels and of the share that they cover."""
    found = [blobs_of(image) for image in images]
    medians = {"blobs": "count", "blob_size": "size", "covered": "covered"}
    values = {name: np.array([getattr(blobs, of) for blobs in found], dtype=float) for name, of in medians.items()}
    return {name: float(np.nanmedian(some)) if np.isfinite(some).any() else np.nan for name, some in values.items()}


def over_seeds(table: pd.DataFrame) -> dict[str, float]:
    """One row of the rows of the seeds of an experiment: means, with the intervals of some of them."""
    row = {key: table[key].iloc[0] for key in ("experiment", "label", "different", "images") if key in table}
    if table["seed"].notna().all():
        row["n_seeds"] = len(table)
    for name in table.columns.difference([*row, "seed"], sort=False):
        values = table[name].dropna()
        row[name] = values.mean()
        if name in WITH_INTERVAL and len(values):
            summary = summarise(values.to_numpy())
            row |= {f"{name}_ci95_low": summary.ci95_low, f"{name}_ci95_high": summary.ci95_high}
    return row


def beside(published: pd.DataFrame, what: str, reasons: list[str]) -> dict[str, object]:
    """Published mean and deviation, and whether ours may be compared with them; `reasons` say why not."""
    experiment, split, metric = PUBLISHED[what]
    values = {end: reported_value(published, experiment, split, f"{metric}_{end}") for end in ("mean", "std")}
    return {
        **{f"published_{end}": value for end, (value, _) in values.items()},
        "published_source": values["mean"][1],
        "comparable": f"no: {'; '.join(reasons)}" if reasons else "yes",
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

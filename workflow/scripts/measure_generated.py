"""Scores of generated images that were kept, and how much generated images differ, beside real training images."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text
from galaxies.data.catalogue import Catalogue, read_catalogue
from galaxies.data.names import ID
from galaxies.field_measures import blobs_of, diversity_of
from galaxies.files import reading, write_text
from galaxies.kept_images import DIVERSITY, Kept
from galaxies.reported import read_reported, reported_value
from galaxies.score_predictions import PREDICTED, SET, read_predictions, reasons_of_data, reasons_of_targets
from galaxies.score_range import HIGHEST, LOWEST
from galaxies.scorers import TESTED
from galaxies.scripting import run_script
from galaxies.stats import interval_over_seeds

logger = logging.getLogger("galaxies.measure_generated")

PUBLISHED = {
    "kept": ("generated_images", "generated_kept_score_gt_3", "rf_predicted_score"),
    "good": ("scored_dataset_statistics", "scored_above_0.74", "score"),
}
REAL = "real_images"
FIRST = [  # columns of the table of scores; the others follow
    *("experiment", "label", "n_seeds", "seeds_with_kept", "drawn", "kept", "acceptance", "own_score_mean"),
    *("judge_score_mean", "judge_score_std", "true_score_mean", "true_score_std"),
    *("published_mean", "published_std", "published_of", "published_source", "comparable"),
]
WITH_INTERVAL = {  # and what they cannot exceed
    "acceptance": (0, 1),
    "judge_score_mean": (LOWEST, HIGHEST),
    "judge_score_std": (0, HIGHEST),
    "l1": (0, 255),
    "shared_places": (-1, 1),
    "stripes": (0, 1),
}


def main(
    kept: list[Path],
    kept_scores: list[Path],
    good: Path,
    judged: Path,
    catalogue: Path,
    provenance: Path,
    reported: Path,
    scores: Path,
    per_seed: Path,
    diversity: Path,
    diversity_per_seed: Path,
    *,
    trainings: list[dict],
    paper: str,
) -> None:
    """Write four tables (two_in_one, section IV-B).

    kept, kept_scores : from draw_images.py and score_kept.py, one file per training, in the order of `trainings`, each
    {experiment, label, seed, reported_as, differences, truncate_scores}. good : from sample_good_images.py. judged :
    predictions.csv of the baseline that scored the kept images. catalogue, provenance : of the data set.
    scores : a row per experiment, over seeds, and one of the images with a score above the 20th percentile: `true_` as
    the paper gives them, of all scored ones; `judge_` of those that errors are measured on, which the judge has not
    seen either. Means are over the seeds that have a value, whose number stands beside an interval (`_seeds`).
    per_seed : a row per training, and the same of those images. diversity : a row per experiment and set of
    `galaxies.kept_images.DIVERSITY`, and one of as many training images with such a score; diversity_per_seed : the
    same of each training.
    """
    published = read_reported(reported, paper)
    with reading(provenance):
        origin = json.loads(provenance.read_text(encoding="utf-8"))
    with reading(good), h5py.File(good) as file:
        real, threshold = file["images"][:], float(file.attrs["threshold"])
    measured, differing, most = [], [], 2
    for path, scored, training in zip(kept, kept_scores, trainings, strict=True):
        identity = {key: training[key] for key in ("experiment", "label", "seed")}
        with reading(scored):
            judge_scores = pd.read_csv(scored)["judge_score"].to_numpy()
        with Kept(path) as images:
            measured.append({**identity, **of_kept(images, judge_scores), **comparable(origin, training)})
            for name in DIVERSITY:
                some = images.different(name)
                most = max(most, len(some))
                differing.append({**identity, "different": name, "images": len(some), **diversity_of(some)._asdict()})
        logger.info("%s seed %d: measured", training["experiment"], training["seed"])
    identity = {"experiment": REAL, "label": f"images with a score above {threshold:g}"}
    of_real = of_good(read_catalogue(catalogue), read_predictions(judged), threshold)
    reference = {**identity, **of_real, **of_blobs(real), **beside(published, "good"), **comparable(origin)}
    some = real[:most]
    differing.append({**identity, "different": DIVERSITY[0], "images": len(some), **diversity_of(some)._asdict()})
    by_training, by_set = pd.DataFrame(measured), pd.DataFrame(differing)
    rows = []
    for name, of_seeds in by_training.groupby("experiment", sort=False):
        facts = next(training for training in trainings if training["experiment"] == name)
        row = over_seeds(of_seeds) | {"seeds_with_kept": int((of_seeds["kept"] > 0).sum())}
        rows.append(row | (beside(published, "kept") | comparable(origin, facts) if facts["reported_as"] else {}))
    table = pd.DataFrame([*rows, reference])
    table = table[[*(name for name in FIRST if name in table), *table.columns.difference(FIRST, sort=False)]]
    sets = [over_seeds(of_seeds) for _, of_seeds in by_set.groupby(["experiment", "different"], sort=False)]
    by_training = pd.concat([by_training, pd.DataFrame([reference])[list(by_training.columns.intersection(reference))]])
    tables = {per_seed: by_training, scores: table, diversity: pd.DataFrame(sets), diversity_per_seed: by_set}
    for path, content in tables.items():
        write_text(path, content.assign(data="simulated" if origin["simulated"] else "real").to_csv(index=False))


def of_good(objects: Catalogue, judged: pd.DataFrame, threshold: float) -> dict[str, float]:
    """Scores of the images above `threshold`: true ones of all, and what the judge says of those it has not seen.

    NaN for the judge if no such image is among those that errors are measured on.
    """
    scores = objects.labels["score"].dropna()
    true = scores[scores > threshold]
    unseen = judged[judged[SET].isin(TESTED)].set_index(ID)[PREDICTED]
    unseen = unseen[scores.reindex(unseen.index) > threshold]
    return {
        "kept": len(true),
        "true_score_mean": true.mean(),
        "true_score_std": true.std(ddof=0),
        "judged": len(unseen),
        "judge_score_mean": unseen.mean(),
        "judge_score_std": unseen.std(ddof=0),
    }


def of_kept(images: Kept, judged: np.ndarray) -> dict[str, float]:
    """What is measured on the images of one training; means and deviations are NaN if none was kept."""
    some = len(images) > 0
    return {
        "drawn": len(images.drawn_scores),
        "kept": len(images),
        "acceptance": images.acceptance,
        "own_score_mean": images.own_score.mean() if some else np.nan,
        "judge_score_mean": judged.mean() if some else np.nan,
        "judge_score_std": judged.std() if len(judged) > 1 else np.nan,
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
    for name in table.select_dtypes("number").columns.difference([*row, "seed"], sort=False):
        values = table[name].dropna()
        row[name] = values.mean()
        if name in WITH_INTERVAL and "n_seeds" in row:
            low, high = interval_over_seeds(values.to_numpy(), WITH_INTERVAL[name])
            row |= {f"{name}_seeds": len(values), f"{name}_ci95_low": low, f"{name}_ci95_high": high}
    return row


def comparable(origin: dict, training: dict | None = None) -> dict[str, str]:
    """Whether scores of kept images, or without `training` of good ones, may be compared with the published ones."""
    of_training = [*reasons_of_targets(training), *training["differences"]] if training else []
    reasons = [*reasons_of_data(origin), *of_training]
    return {"comparable": comparable_text(reasons)}


def beside(published: pd.DataFrame, what: str) -> dict[str, object]:
    """Published mean and deviation."""
    (experiment, split, metric), of = PUBLISHED[what], {"kept": "judge_score", "good": "true_score"}[what]
    values = {end: reported_value(published, experiment, split, f"{metric}_{end}") for end in ("mean", "std")}
    if not values["mean"][1]:
        return {}
    return {
        **{f"published_{end}": value for end, (value, _) in values.items()},
        "published_of": of,
        "published_source": values["mean"][1],
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

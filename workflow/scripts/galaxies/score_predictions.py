"""Predicted scores of the scored and the query images, as every scorer of two_in_one writes them."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import Catalogue
from galaxies.data.names import ID
from galaxies.data.splits import ids_of, read_split
from galaxies.errors import DataError
from galaxies.files import write_text
from galaxies.score_range import HIGHEST, LOWEST

GOOD_PERCENTILE = 20
"""Images with a score above this percentile are the good ones."""

SET, PREDICTED = "set", "predicted"
QUERY = "query"  # the set of images whose scores are secret; in no split


def clipped(scores: np.ndarray) -> np.ndarray:
    """Scores (N,) within their range, float64."""
    return np.clip(np.asarray(scores, dtype=np.float64), LOWEST, HIGHEST)


def images_to_score(catalogue: Catalogue, split: Path) -> pd.DataFrame:
    """`object_id` (int64, ascending) and `set` of all scored images that are in a set of the split, and of all query
    images."""
    subset = pd.Series(catalogue.subset, index=catalogue.ids)
    sets = read_split(split).rename(columns={"split": SET})
    sets = sets[sets[ID].map(subset) == "scored"]
    query = pd.DataFrame({ID: catalogue.ids[catalogue.subset == QUERY], SET: QUERY})
    return pd.concat([sets, query]).sort_values(ID, ignore_index=True)


def scores_of(catalogue: Catalogue, ids: np.ndarray, column: str = "score") -> np.ndarray:
    """True scores float64 (N,) of images by id. Raises DataError naming images that have none."""
    if column not in catalogue.labels:
        raise DataError(f"the catalogue has no {column}", f"its labels are {', '.join(catalogue.labels)}")
    scores = catalogue.labels[column].reindex(ids)
    if scores.isna().any():
        absent = scores.index[scores.isna()]
        raise DataError(
            f"{len(absent)} of {len(ids)} images have no {column}: {', '.join(map(str, absent[:5]))}",
            "name sets of scored images, such as scored_train",
        )
    return scores.to_numpy(dtype=np.float64)


def good_images(objects: Catalogue, split: Path, sets: list[str]) -> tuple[np.ndarray, float, np.ndarray]:
    """Ids of the training images above the 20th percentile of all scores, rounded to 0.01; this score; their scores.

    Raises DataError if there are none. Source: two_in_one, section IV-B.
    """
    ids = np.concatenate([ids_of(split, name) for name in sets])
    scored = ids[objects.labels["score"].reindex(ids).notna().to_numpy()]
    true = scores_of(objects, scored)
    threshold = round(float(np.percentile(objects.labels["score"].dropna(), GOOD_PERCENTILE)), 2)
    if not (true > threshold).any():
        raise DataError(f"{split}: no training image has a score above {threshold}", "train on more images")
    return scored[true > threshold], threshold, true[true > threshold]


def write_predictions(path: Path, images: pd.DataFrame, predicted: np.ndarray) -> None:
    """Write `images`, of `images_to_score`, with their scores (N,), clipped, as CSV, whole or not at all.

    Raises DataError if a score is not finite.
    """
    if bad := int((~np.isfinite(predicted)).sum()):
        raise DataError(f"{path}: {bad} of {len(images)} predicted scores are not finite")
    write_text(path, images.assign(**{PREDICTED: clipped(predicted)}).to_csv(index=False))


def read_predictions(path: Path) -> pd.DataFrame:
    """Columns object_id (int64), set and predicted (float64). Raises DataError for a file of something else."""
    hint = "delete it and run the same command again; the workflow makes it anew"
    try:
        table = pd.read_csv(path, dtype={SET: str, PREDICTED: np.float64})
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file", hint) from error
    except (OSError, ValueError) as error:  # pandas' errors are ValueErrors
        raise DataError(f"{path}: no table of predictions ({str(error)[:120]})", hint) from error
    if list(table.columns) != [ID, SET, PREDICTED] or table.empty:
        raise DataError(f"{path}: expected rows of {ID},{SET},{PREDICTED}", hint)
    ids, scores = table[ID], table[PREDICTED]
    if ids.dtype != np.int64 or ids.duplicated().any() or table[SET].isna().any():
        raise DataError(f"{path}: expected each image once, with a set", hint)
    if not scores.between(LOWEST, HIGHEST).all():
        row = int(np.argmin(scores.between(LOWEST, HIGHEST)))
        raise DataError(f"{path}, row {row + 2}: predicted is {scores[row]}, expected {LOWEST:g} to {HIGHEST:g}", hint)
    return table

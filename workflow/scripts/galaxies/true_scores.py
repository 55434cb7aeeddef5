"""True scores of cosmology images, and which of them are good."""

from pathlib import Path

import numpy as np

from galaxies.data.catalogue import Catalogue
from galaxies.data.splits import ids_of
from galaxies.errors import DataError

GOOD_PERCENTILE = 20


def good_threshold(scores: np.ndarray) -> float:
    """Score that good images exceed: the 20th percentile of all, rounded to 0.01 (two_in_one, section IV-B)."""
    return round(float(np.percentile(scores, GOOD_PERCENTILE)), 2)


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
    threshold = good_threshold(objects.labels["score"].dropna())
    if not (true > threshold).any():
        raise DataError(f"{split}: no training image has a score above {threshold}", "train on more images")
    return scored[true > threshold], threshold, true[true > threshold]

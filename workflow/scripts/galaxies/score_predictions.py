"""Predicted scores of the scored and the query images, as every scorer writes them."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import Catalogue
from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.errors import DataError
from galaxies.files import write_text
from galaxies.score_range import HIGHEST, LOWEST, clipped

SET, PREDICTED = "set", "predicted"
QUERY = "query"  # the set of images whose scores are secret; in no split


def images_to_score(catalogue: Catalogue, split: Path) -> pd.DataFrame:
    """`object_id` (int64, ascending) and `set` of all scored images that are in a set of the split, and of all query
    images."""
    subset = pd.Series(catalogue.subset, index=catalogue.ids)
    sets = read_split(split).rename(columns={"split": SET})
    sets = sets[sets[ID].map(subset) == "scored"]
    query = pd.DataFrame({ID: catalogue.ids[catalogue.subset == QUERY], SET: QUERY})
    return pd.concat([sets, query]).sort_values(ID, ignore_index=True)


def rows_of_sets(images: pd.DataFrame, split: Path, sets: list[str]) -> np.ndarray:
    """Rows, int64 ascending, of `images` that are in the sets. Raises DataError for a set without scored images.

    images : from `images_to_score`. split : file that they come from, for messages.
    """
    present = images[SET].unique()
    for name in sets:
        if name not in present:
            raise DataError(f"{split}: no scored image is in the set {name!r}; the sets are: {', '.join(present)}")
    return np.flatnonzero(images[SET].isin(sets))


def reasons_of_data(origin: dict) -> list[str]:
    """Why scores of a data set must not be judged against the paper's; empty if they may. origin : its provenance."""
    if origin["simulated"]:
        return ["simulated data"]
    return [] if all(origin["published_tables"].values()) else ["other tables of scores"]


def reasons_of_targets(training: dict) -> list[str]:
    """The same of what the networks of 2-in-1 learn, by `truncate_scores` of a training."""
    return [] if training["truncate_scores"] else ["the authors' code learns whole-number scores"]


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

"""Which rows of a view an experiment takes: the sets of its split, a pool of these by their labels, a draw of that."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galaxies.data.splits import ids_of
from galaxies.data.store import View
from galaxies.errors import DataError

Pool = dict[str, tuple[float, float]]  # label -> lowest and highest value; an image is in if one of its labels is


def chosen_rows(view: Path, split: Path, sets: Sequence[str], pool: Pool | None) -> np.ndarray:
    """Rows of a view that are in one of the sets of a split, and in the pool. Raises as the two functions below."""
    return pool_rows(view, split_rows(view, split, *sets), pool)


def split_rows(view: Path, split: Path, *names: str) -> np.ndarray:
    """Rows of a view that a split file puts into the sets `names`, int64, ascending.

    Raises DataError if a set is empty or has objects that the view lacks.
    """
    with View(view) as opened:
        return np.sort(np.concatenate([opened.rows(ids_of(split, name)) for name in names]))


def pool_rows(view: Path, rows: np.ndarray, pool: Pool | None) -> np.ndarray:
    """Those of the rows of a view, int64 in their order, that are `in_range`.

    Raises DataError for a label that the view lacks, or if no row is left.
    """
    inside = in_range(view, rows, pool)
    if len(rows) and not inside.any():
        wanted = " or ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in pool.items())
        raise DataError(f"{view}: none of {len(rows)} images has {wanted}", "widen the pool, or name other sets")
    return rows[inside]


def in_range(view: Path, rows: np.ndarray, pool: Pool | None) -> np.ndarray:
    """Which of the rows of a view, bool (N,), have a label of `pool` in its range, ends included; None takes all.

    An image without a label is not in for that label. Raises DataError for a label that the view lacks.
    """
    if pool is None:
        return np.ones(len(rows), dtype=bool)
    with View(view) as opened:
        labels = opened.labels[rows]
        ranges = [(labels[:, opened.column(name)], ends) for name, ends in pool.items()]
    return np.any([(low <= values) & (values <= high) for values, (low, high) in ranges], axis=0)


def draw_rows(rows: np.ndarray, images: int | None, seed: int) -> np.ndarray:
    """`images` of the rows, drawn with `seed`, ascending as they are; the smaller draw is a part of the larger.

    None takes all. Raises DataError if there are not so many.
    """
    if images is None:
        return rows
    if images > len(rows):
        raise DataError(
            f"{len(rows)} images to train on, and train_images asks for {images}",
            "lower train_images, or the sizes of the augmentation experiment",
        )
    return rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:images])]

"""Which objects a paper trains on, validates on and tests on."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import Catalogue
from galaxies.data.names import ID, REST, WHOLE
from galaxies.errors import ConfigError, DataError, quoted
from galaxies.files import write_text

SELECTIONS = ("lowest_ids", "random", "stratified", "permutation")


def make_split(catalogue: Catalogue, selection: str, sizes: dict[str, int | float | str], seed: int) -> pd.DataFrame:
    """Choose disjoint sets of objects.

    selection : how the objects of each subset of the catalogue are ordered before they are dealt out. "lowest_ids"
        takes ascending ids (Galaxy Zoo's are random numbers, so this is as good as a draw and needs no seed); "random"
        draws with `seed`; "stratified", too, so that each set has the classes in their proportion, a class being the
        objects with the same values of all labels that are 0 or 1; "permutation" is what code of the papers' time did:
        numpy's legacy generator with `seed` permutes the rows of each published table in turn.
    sizes : number of objects of each set, dealt out in this order, or a fraction of those of its subset, to the nearest
        number, or "rest". A set's name starts with the subset that it takes from, as in `scored_train`; where the data
        set has one part only, it is any name, as `train`.

    Returns columns `object_id` (int64, ascending) and `split` (the name of a set).

    Raises
    ------
    DataError
        There are fewer objects than the sizes ask for, or none for a set; or no classes for "stratified".
    ConfigError
        The selection is unknown, a size is no whole number >= 1, fraction or "rest", or a name fits no subset.
    """
    if selection not in SELECTIONS:
        raise ConfigError(f"split selection is {selection!r}, expected one of {', '.join(SELECTIONS)}")
    if not sizes or not all(map(_is_size, sizes.values())):
        raise ConfigError(f"split sizes are {sizes}, expected whole numbers >= 1, fractions below 1, or {REST!r}")
    subsets = list(dict.fromkeys(_subset(name, catalogue) for name in sizes))
    draw = np.random.RandomState(seed) if selection == "permutation" else np.random.default_rng(seed)
    parts = []
    for subset in subsets:
        members = np.flatnonzero(catalogue.subset == subset)
        ids = catalogue.ids[members]
        if selection == "random":
            ids = draw.permutation(np.sort(ids))
        elif selection == "stratified":
            ids = _stratified(ids, _classes(catalogue.labels.iloc[members]), draw)
        elif selection == "permutation":
            ids = _permuted(ids, catalogue.order[members], draw)
        asked = {name: _number(n, len(ids)) for name, n in sizes.items() if _subset(name, catalogue) == subset}
        parts += _dealt(ids, subset, asked)
    return pd.concat(parts).sort_values(ID, ignore_index=True)


def write_split(path: Path, split: pd.DataFrame) -> None:
    """Write a split as CSV, whole or not at all."""
    write_text(path, split.to_csv(index=False))


def read_split(path: Path) -> pd.DataFrame:
    """A split as `make_split` returns it. Raises DataError for a file that `write_split` cannot have written."""
    hint = "delete the file and run the same command again; the rule `split_dataset` writes it"
    try:
        split = pd.read_csv(path, dtype={"split": str})
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such split file", hint) from error
    except (ValueError, OverflowError) as error:  # pandas' errors are ValueErrors
        raise DataError(f"{path}: not a CSV table ({error})", hint) from error
    if list(split.columns) != [ID, "split"] or split.empty:
        columns = quoted(",".join(map(str, split.columns)))
        raise DataError(f"{path}: {len(split)} rows of {columns}, expected rows of {ID},split", hint)
    absent = split["split"].isna()
    if absent.any():
        raise DataError(f"{path}, row {int(np.argmax(absent)) + 2}: no name of a set", hint)
    if split[ID].dtype != np.int64:
        raise DataError(f"{path}: column {ID} has values that are no integers", hint)
    repeated = split[ID].duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        raise DataError(f"{path}, row {row + 2}: {ID} {split[ID].iloc[row]} occurs twice", hint)
    return split.astype({ID: np.int64, "split": object})


def ids_of(path: Path, name: str) -> np.ndarray:
    """Ids of the objects in the set `name` of a split file, int64, ascending as in the file.

    Raises DataError if the set is empty or the file is bad.
    """
    split = read_split(path)
    ids = split.loc[split["split"] == name, ID].to_numpy()
    if not len(ids):
        sets = ", ".join(sorted(split["split"].unique())[:10])
        raise DataError(f"{path}: no object is in the set {name!r}; the sets are: {sets}")
    return ids


def _subset(name: str, catalogue: Catalogue) -> str:
    """The subset of the catalogue that the set `name` takes from."""
    present = pd.unique(catalogue.subset)
    if list(present) == [WHOLE]:
        return WHOLE
    for subset in present:
        if name == subset or name.startswith(f"{subset}_"):
            return subset
    raise ConfigError(
        f"split: the set {name!r} belongs to no subset of the data",
        f"its name starts with one of: {', '.join(present)}, as in {present[0]}_train",
    )


def _is_size(size: object) -> bool:
    if isinstance(size, float):
        return 0 < size < 1
    return size == REST or (isinstance(size, int) and not isinstance(size, bool) and size >= 1)


def _number(size: int | float | str, of: int) -> int | str:
    """A size as a number of objects, or "rest"."""
    return round(size * of) if isinstance(size, float) else size


def _classes(labels: pd.DataFrame) -> np.ndarray:
    """Class (N,) 0, 1, ... of each object: those with the same values in all columns of 0 and 1 are of one class."""
    classes = labels[[column for column in labels if labels[column].isin((0, 1)).all()]]
    if classes.empty:
        raise DataError(
            "a stratified split needs classes, and no label is 0 or 1 for every object",
            "give the data set a label table of classes, or choose another selection",
        )
    return np.unique(classes.to_numpy(), axis=0, return_inverse=True)[1].reshape(-1)


def _stratified(ids: np.ndarray, classes: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A random order of which every part has the classes in their proportion, to the nearest object.

    The i-th object of a class of n stands at (i - 1/2) / n of the way: Webster's method of apportionment.
    """
    order = draw.permutation(len(ids))
    drawn = pd.Series(classes[order])
    place = (drawn.groupby(drawn).cumcount() + 0.5) / drawn.groupby(drawn).transform("size")
    return ids[order[np.argsort(place.to_numpy(), kind="stable")]]


def _permuted(ids: np.ndarray, order: np.ndarray, draw: np.random.RandomState) -> np.ndarray:
    """Permutation of the rows of a published table; rows whose objects were dropped leave the others in their order."""
    at_row = np.full(order.max() + 1, -1, dtype=np.int64)
    at_row[order] = np.arange(len(ids))
    kept = draw.permutation(at_row)
    return ids[kept[kept >= 0]]


def _dealt(ids: np.ndarray, subset: str, sizes: dict[str, int | str]) -> list[pd.DataFrame]:
    """The first ids to the first set, and so on; one set may take the rest."""
    if list(sizes.values()).count(REST) > 1:
        raise ConfigError(f"split: more than one set takes the rest of {subset}: {', '.join(sizes)}")
    fixed = sum(n for n in sizes.values() if n != REST)
    if fixed + (REST in sizes.values()) > len(ids) or 0 in sizes.values():
        asked = ", ".join(f"{name} {n}" for name, n in sizes.items())
        of = "the catalogue" if subset == WHOLE else f"the subset {subset}"
        raise DataError(
            f"the split asks for {fixed} images ({asked}), {of} has {len(ids)}",
            "change the sizes of the split in the configuration, or use a larger data set",
        )
    parts, first = [], 0
    for name, size in sizes.items():
        last = first + (len(ids) - fixed if size == REST else size)
        parts.append(pd.DataFrame({ID: ids[first:last], "split": name}))
        first = last
    return parts

"""Which galaxies a paper trains on, validates on and tests on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.errors import ConfigError, DataError, quoted
from galaxies.files import write_text

SPLIT_NAMES = ("train", "validation", "test")  # in this order galaxies are handed out
SPLIT_CODES = {name: code for code, name in enumerate(SPLIT_NAMES)}
UNUSED = -1


def make_split(ids: Sequence[int], selection: str, sizes: dict[str, int], seed: int) -> pd.DataFrame:
    """Choose disjoint sets of galaxies; the order of `ids` does not matter.

    ids : all galaxies, each once.
    selection : "lowest_ids" takes the smallest ids in ascending order (GalaxyIDs are random numbers, so this is as good
        as a draw and needs no seed); "random" draws with `seed`.
    sizes : number of galaxies of train, validation and test; train comes first, test last.

    Returns columns `GalaxyID` (int64, ascending) and `split` (a name of `SPLIT_NAMES`).

    Raises
    ------
    DataError
        There are fewer galaxies than the sizes ask for, or an id is repeated.
    ConfigError
        The selection is unknown, or the sizes are not three counts with at least one galaxy for training.
    """
    if set(sizes) != set(SPLIT_NAMES):
        raise ConfigError(f"split sizes are given for {sorted(sizes)}, expected {', '.join(SPLIT_NAMES)}")
    counts = [sizes[name] for name in SPLIT_NAMES]
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in counts) or counts[0] == 0:
        raise ConfigError(f"split sizes are {sizes}, expected whole numbers >= 0 and at least 1 for train")
    candidates = np.sort(np.asarray(ids, dtype=np.int64))
    if len(np.unique(candidates)) != len(candidates):
        raise DataError("the catalogue has the same GalaxyID twice, a split of it would not be disjoint")
    total = sum(counts)
    if total > len(candidates):
        asked = ", ".join(f"{name} {n}" for name, n in zip(SPLIT_NAMES, counts, strict=True))
        raise DataError(
            f"the split asks for {total} images ({asked}), the catalogue has {len(candidates)}",
            "Lower the sizes of the split in the configuration, or use a larger data set.",
        )
    if selection == "lowest_ids":
        chosen = candidates[:total]
    elif selection == "random":
        chosen = np.random.default_rng(seed).permutation(candidates)[:total]
    else:
        raise ConfigError(f"split selection is {selection!r}, expected 'lowest_ids' or 'random'")
    split = pd.DataFrame({"GalaxyID": chosen, "split": np.repeat(SPLIT_NAMES, counts)})
    return split.sort_values("GalaxyID", ignore_index=True)


def write_split(path: Path, split: pd.DataFrame) -> None:
    """Write a split as CSV, whole or not at all."""
    write_text(path, split.to_csv(index=False))


def read_split(path: Path) -> pd.DataFrame:
    """A split as `make_split` returns it. Raises DataError for a file that `write_split` cannot have written."""
    hint = "delete the file and run the same command again; the rule `split_dataset` writes it"
    try:
        split = pd.read_csv(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such split file", hint) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV table ({error})", hint) from error
    if list(split.columns) != ["GalaxyID", "split"] or split.empty:
        raise DataError(
            f"{path}: {len(split)} rows of {quoted(','.join(split.columns))}, expected rows of GalaxyID,split", hint
        )
    unknown = ~split["split"].isin(SPLIT_NAMES)
    if unknown.any():
        row = int(np.argmax(unknown))
        found = split["split"].iloc[row]
        found = quoted(found) if isinstance(found, str) else found  # NaN stands for an absent field
        raise DataError(f"{path}, row {row + 2}: split is {found}, expected one of {', '.join(SPLIT_NAMES)}", hint)
    if not pd.api.types.is_integer_dtype(split["GalaxyID"]):
        raise DataError(f"{path}: column GalaxyID has values that are no integers", hint)
    repeated = split["GalaxyID"].duplicated()
    if repeated.any():
        row = int(np.argmax(repeated))
        raise DataError(f"{path}, row {row + 2}: GalaxyID {split['GalaxyID'].iloc[row]} occurs twice", hint)
    return split.astype({"GalaxyID": np.int64, "split": object})

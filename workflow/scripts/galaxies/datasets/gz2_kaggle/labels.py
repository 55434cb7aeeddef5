"""Labels of Galaxy Zoo 2: the published vote fractions, or columns of any table."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.catalogue import LabelTable
from galaxies.data.images import ImageSource
from galaxies.data.tables import (
    MAX_PROBLEMS,
    listed,
    merged_classes,
    number_between,
    read_label_table,
    read_table,
    suggestion,
)
from galaxies.datasets.gz2_kaggle.colour_mass import MEANING, read_colour_mass
from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS, QUESTIONS, SUM_TOLERANCE, tree_errors, tree_violations
from galaxies.datasets.gz2_kaggle.files import FETCH_HINT, ID_COLUMN, SOLUTIONS
from galaxies.datasets.gz2_kaggle.five_classes import CLASSES, five_classes
from galaxies.datasets.gz2_kaggle.five_classes import MEANING as MEANING_OF_CLASSES
from galaxies.errors import ConfigError, DataError, quoted
from galaxies.files import sha256

logger = logging.getLogger(__name__)

MAX_SUM_ERROR = 0.02
MAX_VIOLATING_SHARE = 0.01

KEYS = {
    "solutions": set(),
    "five_classes": set(),
    "class": {"column", "id_column", "classes"},
    "numeric": {"column", "range", "id_column"},
    "colour_mass": {"colour_column", "mass_column", "id_column"},
}
"""Keys of a label table of each kind, apart from `file` and `kind`."""

PUBLISHED_KINDS = ("solutions", "five_classes")
"""Kinds that are made from the published table, which simulated data has, too."""


def read_labels(files: dict[str, Path], settings: dict, images: ImageSource) -> list[LabelTable]:
    """The label tables of the configuration, each checked.

    Their columns are fractions in [0, 1], but for kind colour_mass, whose columns `read_colour_mass` describes. Kinds
    five_classes, colour_mass, and class with `classes` leave out objects without a label.

    files : places of the tables, as `files.find` returns them.
    settings : `labels` lists `{"file": ..., "kind": "solutions"}`, `{"kind": "five_classes"}` (of the same file),
        `{"kind": "class", "column": ..., "classes": {name: [values]}}`, the last key optional,
        `{"kind": "numeric", "column": ..., "range": [lowest, highest]}` or `{"kind": "colour_mass"}`, the last with
        `colour_column` and `mass_column` if they are not COLOUR_COLUMN and MASS_COLUMN; all but the first two may name
        an `id_column`.

    Raises
    ------
    DataError
        A table is bad (see `read_solutions`, `read_label_table` and `read_colour_mass`).
    ConfigError
        The description of a table is impossible.
    """
    return [_read_table(files[f"table {table['file']}"], table) for table in settings["labels"]]


def _read_table(path: Path, table: dict) -> LabelTable:
    kind = table.get("kind")
    keys = {key: value for key, value in table.items() if key not in ("file", "kind")}
    if kind not in KEYS:
        raise ConfigError(f"label table {path.name}: kind is {kind!r}, expected one of {', '.join(KEYS)}")
    required = KEYS[kind] & {"column"}
    if not required <= set(keys) <= KEYS[kind]:
        raise ConfigError(
            f"label table {path.name} of kind {kind}: keys are {sorted(keys)}, "
            f"expected {sorted(required)} and optionally {sorted(KEYS[kind] - required)}"
        )
    return LabelTable(path.name, sha256(path), *_READERS[kind](path, **keys))


Labels = tuple[pd.DataFrame, dict[str, dict], dict, str]
"""`table`, `columns`, `origin` and `left_out` of a LabelTable."""


def _vote_fractions(path: Path) -> Labels:
    solutions = read_solutions(path)
    meaning = {"kind": "vote_fraction", "unit": "fraction of votes, cumulative down the tree", "range": [0.0, 1.0]}
    return solutions, dict.fromkeys(COLUMNS, meaning), {"tree_violations": tree_violations(solutions)}, ""


def _five_classes(path: Path) -> Labels:
    solutions = read_solutions(path)
    labels = five_classes(solutions)
    if labels.empty:
        raise DataError(f"{path}: none of {len(solutions)} galaxies is of one of the classes {', '.join(CLASSES)}")
    counts = ", ".join(f"{name} {count:.0f}" for name, count in labels.sum().items())
    logger.info("%s: %d of %d galaxies are of a class: %s", path, len(labels), len(solutions), counts)
    without = len(solutions) - len(labels)
    origin = {"without_class": without, "tree_violations": tree_violations(solutions)}
    return labels, MEANING_OF_CLASSES, origin, f"{without} rows of none of the five classes" if without else ""


def _classes(path: Path, column: str, id_column: str = ID_COLUMN, classes: dict | None = None) -> Labels:
    labels, origin, left_out = read_label_table(path, column, "class", id_column), {}, ""
    if classes:
        merged = merged_classes(path, column, labels, classes)
        origin = {"without_class": len(labels) - len(merged)}
        logger.info("%s: %d of %d rows are of a class of %s", path, len(merged), len(labels), ", ".join(classes))
        named = {f"{column}={value}" for members in classes.values() for value in members}
        if others := [name.removeprefix(f"{column}=") for name in labels if name not in named]:
            left_out = f"{origin['without_class']} rows whose {column} is {listed(others)}, not named in `classes`"
        labels = merged
    meaning = {"kind": "class", "unit": "1 for the class, else 0", "range": [0.0, 1.0]}
    return labels, dict.fromkeys(labels.columns, meaning), origin, left_out


def _numbers(path: Path, column: str, id_column: str = ID_COLUMN, range: list | None = None) -> Labels:
    labels = read_label_table(path, column, "numeric", id_column, range)
    limits = [float(value) for value in range or (0, 1)]
    meaning = {"kind": "numeric", "unit": "as in the label file", "range": limits}
    return labels, dict.fromkeys(labels.columns, meaning), {}, ""


def _colours_and_masses(path: Path, **columns: str) -> Labels:
    labels, outside = read_colour_mass(path, **columns)
    left_out = f"{outside['objects']} rows without a colour and a mass in their ranges" if outside["objects"] else ""
    return labels, MEANING, {"outside_range": outside}, left_out


_READERS = {
    "solutions": _vote_fractions,
    "five_classes": _five_classes,
    "class": _classes,
    "numeric": _numbers,
    "colour_mass": _colours_and_masses,
}


def read_solutions(path: Path) -> pd.DataFrame:
    """Vote fractions of the published solution file, checked.

    path : the CSV (`GalaxyID` and the 37 columns, in order), or a zip that holds it as its only CSV file.
    Returns (N, 37) float64 in [0, 1], indexed by int64 `object_id`, in file order.

    Raises
    ------
    DataError
        A column is missing, unknown, repeated or out of order; an id is no integer or repeated; a value is no number
        in [0, 1]; the answers of a question miss their parent (see `tree_errors`) by more than `SUM_TOLERANCE` in more
        than `MAX_VIOLATING_SHARE` of the rows, or by more than `MAX_SUM_ERROR` anywhere.
    """
    path = Path(path)
    table = read_table(path, FETCH_HINT if path.stem == SOLUTIONS else None, stem=SOLUTIONS)
    _check_header(path, table.header)
    solutions = table.parse(0, dict.fromkeys(range(1, len(table.header)), number_between(0.0, 1.0)))
    _check_tree(path, solutions)
    return solutions


def _check_header(path: Path, header: list[str]) -> None:
    hint = f"Expected {ID_COLUMN}, {COLUMNS[0]} ... {COLUMNS[-1]} as in the published training_solutions_rev1.csv."
    if header[0].lower() != ID_COLUMN.lower():
        raise DataError(f"{path}: the first column is {quoted(header[0])}, expected {ID_COLUMN!r}", hint)
    columns = header[1:]
    missing = [name for name in COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    repeated = sorted(name for name, count in Counter(columns).items() if count > 1)
    some = unknown[: MAX_PROBLEMS + 1]  # a suggestion takes its time
    problems = [f"unknown column {quoted(name)}{suggestion(name, missing)}" for name in some]
    problems += [f"missing column {name!r}" for name in missing]
    problems += [f"repeated column {quoted(name)}" for name in repeated]
    if problems:
        shown = problems[:MAX_PROBLEMS] + ["..."] * (len(problems) > MAX_PROBLEMS)
        raise DataError(f"{path}: bad header: {'; '.join(shown)}", hint)
    for position, (found, expected) in enumerate(zip(columns, COLUMNS, strict=True), start=2):
        if found != expected:
            raise DataError(f"{path}: columns out of order: column {position} is {found!r}, not {expected!r}", hint)


def _check_tree(path: Path, solutions: pd.DataFrame) -> None:
    errors = tree_errors(solutions).abs()
    found = tree_violations(solutions)
    row, column = np.unravel_index(np.argmax(errors.to_numpy()), errors.shape)
    question = QUESTIONS[column]
    worst = (
        f"worst: {ID_COLUMN} {solutions.index[row]}, question {question.number} ({question.text}): "
        f"{question.columns[0]}..{question.columns[-1]} miss {question.parent or '1'} by {found['worst_error']:.6f}"
    )
    share = found["rows"] / len(solutions)
    if found["worst_error"] > MAX_SUM_ERROR or share > MAX_VIOLATING_SHARE:
        raise DataError(
            f"{path}: the answers of a question must sum to the fraction that leads to it; {found['rows']} of "
            f"{len(solutions)} rows miss it by more than {SUM_TOLERANCE:g}; {worst}",
            f"At most {MAX_VIOLATING_SHARE:.0%} of the rows may, and none by more than {MAX_SUM_ERROR}; "
            "is this the cumulative table as published?",
        )
    if found["rows"]:
        logger.warning(
            "%s: %d of %d rows miss the decision tree by more than %g (rounding); %s",
            path,
            found["rows"],
            len(solutions),
            SUM_TOLERANCE,
            worst,
        )

"""Galaxy Zoo 2 labels: the decision tree of the 37 vote fractions, and the tables that hold labels.

The fractions of the Kaggle "Galaxy Zoo - The Galaxy Challenge" are cumulative: those of one question sum to the
fraction of the answer that leads to it (Willett et al. 2013, figure 1), or to 1 where no answer leads to it.
"""

import csv
import difflib
import io
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.archives import Archive
from galaxies.data.local import FETCH, SOLUTIONS
from galaxies.errors import ConfigError, DataError, quoted

logger = logging.getLogger(__name__)

ID_COLUMN = "GalaxyID"

# The released table is rounded: small violations are counted and reported, larger or frequent ones mean damage.
SUM_TOLERANCE = 1e-4
MAX_SUM_ERROR = 0.02
MAX_VIOLATING_SHARE = 0.01

_MAX_TABLE_BYTES = 256 * 2**20
_MAX_CLASSES = 100
_MAX_PROBLEMS = 5  # in one message
_MAX_NAMES = 10  # of columns, likewise
_ROWS_HINT = "row 1 is the header"
_RANGE_HINT = "row 1 is the header; for numbers outside 0..1 set `range: [lowest, highest]` of this label table"


@dataclass(frozen=True)
class Question:
    """One question of the decision tree.

    `columns` and `answers` run in parallel; `parent` is the column whose fraction the answers sum to, None for 1.
    """

    number: int
    text: str
    columns: tuple[str, ...]
    answers: tuple[str, ...]
    parent: str | None


TRAINING_GALAXIES = 61578  # rows of training_solutions_rev1.csv


def _question(number: int, text: str, parent: str | None, *answers: str) -> Question:
    columns = tuple(f"Class{number}.{i}" for i in range(1, len(answers) + 1))
    return Question(number, text, columns, answers, parent)


# The design of the tree asks question 6 only of galaxies that are no star or artifact, but its answers sum to 1 for
# every row of the released table, so it has no parent here.
QUESTIONS: tuple[Question, ...] = (
    _question(1, "smooth, features or disk, star or artifact", None, "smooth", "features_or_disk", "star_or_artifact"),
    _question(2, "disk seen edge-on", "Class1.2", "edge_on_yes", "edge_on_no"),
    _question(3, "bar through the centre", "Class2.2", "bar_yes", "bar_no"),
    _question(4, "spiral arm pattern", "Class2.2", "spiral_yes", "spiral_no"),
    _question(
        5,
        "prominence of the central bulge",
        "Class2.2",
        "bulge_none",
        "bulge_just_noticeable",
        "bulge_obvious",
        "bulge_dominant",
    ),
    _question(6, "anything odd", None, "odd_yes", "odd_no"),
    _question(
        7, "roundness of the smooth galaxy", "Class1.1", "round_completely", "round_in_between", "round_cigar_shaped"
    ),
    _question(
        8,
        "the odd feature",
        "Class6.1",
        "odd_ring",
        "odd_lens_or_arc",
        "odd_disturbed",
        "odd_irregular",
        "odd_other",
        "odd_merger",
        "odd_dust_lane",
    ),
    _question(
        9,
        "bulge shape of the edge-on disk",
        "Class2.1",
        "edge_on_bulge_rounded",
        "edge_on_bulge_boxy",
        "edge_on_bulge_none",
    ),
    _question(10, "winding of the spiral arms", "Class4.1", "winding_tight", "winding_medium", "winding_loose"),
    _question(
        11,
        "number of spiral arms",
        "Class4.1",
        "arms_1",
        "arms_2",
        "arms_3",
        "arms_4",
        "arms_more_than_4",
        "arms_cannot_tell",
    ),
)

COLUMNS: tuple[str, ...] = tuple(column for question in QUESTIONS for column in question.columns)


def read_solutions(path: Path) -> pd.DataFrame:
    """Vote fractions of the published solution file, checked.

    path : the CSV (`GalaxyID` and the 37 columns, in order), or a zip that holds it as its only CSV file.
    Returns (N, 37) float64 in [0, 1], indexed by int64 `GalaxyID`, in file order.

    Raises
    ------
    DataError
        A column is missing, unknown, repeated or out of order; an id is no integer or repeated; a value is no number
        in [0, 1]; the answers of a question miss their parent (see `tree_errors`) by more than `SUM_TOLERANCE` in more
        than `MAX_VIOLATING_SHARE` of the rows, or by more than `MAX_SUM_ERROR` anywhere.
    """
    path = Path(path)
    header, rows = _open_table(path)
    _check_solution_header(path, header)
    ids, values = _parse_rows(path, rows, header, 0, range(1, len(header)), _unit_number)
    solutions = pd.DataFrame(np.asarray(values), index=_id_index(ids), columns=list(COLUMNS))
    _check_tree(path, solutions)
    return solutions


def tree_errors(solutions: pd.DataFrame) -> pd.DataFrame:
    """Sum of each question's answers minus the fraction that leads to it: (N, 11), columns are question numbers."""
    return pd.DataFrame(
        {
            question.number: solutions[list(question.columns)].sum(axis=1)
            - (1.0 if question.parent is None else solutions[question.parent])
            for question in QUESTIONS
        }
    )


def tree_violations(solutions: pd.DataFrame) -> dict:
    """How far `solutions` is from the decision tree: violating rows in all and per question, and the worst error."""
    errors = tree_errors(solutions).abs()
    violations = errors > SUM_TOLERANCE
    return {
        "tolerance": SUM_TOLERANCE,
        "rows": int(violations.any(axis=1).sum()),
        "per_question": {str(number): int(count) for number, count in violations.sum().items()},
        "worst_error": float(errors.to_numpy().max()),
    }


def read_label_table(
    path: Path,
    column: str,
    kind: str,
    range: Sequence[float] | None = None,
    id_column: str = ID_COLUMN,
) -> pd.DataFrame:
    """Targets from one column of any CSV (or zip that holds one), indexed by int64 `GalaxyID`, in file order.

    kind : "numeric", values in `range` (lowest, highest; default 0, 1), mapped linearly to [0, 1]; or "class", any
        text, made into one 0/1 column `column=value` for each class that occurs (sorted, numbers by size).
    id_column : heading of the ids, in any case.

    Raises
    ------
    DataError
        A column is absent or is the one of the ids, an id is no integer or repeated, a number lies outside `range` or
        is not finite, a class is empty, or there are fewer than 2 or more than 100 classes.
    ConfigError
        `kind` is impossible, or `range` is no pair of finite numbers, lowest first.
    """
    path = Path(path)
    if kind not in ("numeric", "class"):
        raise ConfigError(f"label table {path.name}: kind is {kind!r}, expected 'numeric' or 'class'")
    low, high = _checked_range(path, (0.0, 1.0) if range is None else range)
    header, rows = _open_table(path)
    id_position = _position(path, header, id_column)
    position = _position(path, header, column)
    if position == id_position:
        raise DataError(
            f"{path}: column {header[position]!r} holds the ids, its values cannot be targets",
            "set `column` of this label table to the column of the labels, `id_column` to that of the ids",
        )
    if kind == "class":
        ids, values = _parse_rows(path, rows, header, id_position, [position], _class_name)
        return _one_hot(path, column, ids, [value for (value,) in values])
    hint = _RANGE_HINT if range is None else _ROWS_HINT
    ids, values = _parse_rows(path, rows, header, id_position, [position], lambda text: _number(text, low, high), hint)
    return pd.DataFrame((np.asarray(values) - low) / (high - low), index=_id_index(ids), columns=[column])


def _checked_range(path: Path, range: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = map(float, range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (low < high and math.isfinite(high - low)):
        raise ConfigError(
            f"label table {path.name}: range is {range}, expected [lowest, highest], two finite numbers in this order"
        )
    return low, high


def parse_integer(text: str) -> int | None:
    """Integer written in decimal digits, None when `text` is anything else or does not fit into 64 bits."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if plain and int(text) < 2**63 else None


def _open_table(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Header and (line number, fields) of a CSV file, or of the only CSV file in a zip archive."""
    hint = FETCH if path.stem == SOLUTIONS else None
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected a CSV table of labels or a zip with one", hint)
    try:
        text = _table_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text file ({error}), expected a CSV table in UTF-8") from error
    rows = _numbered_rows(path, text)
    header = next(rows, (1, []))[1]
    if not any(header):
        raise DataError(f"{path}: the file is empty, expected a CSV table with a header", hint)
    separator = next((mark for mark in ";\t" if mark in header[0]), None)
    if len(header) == 1 and separator:
        raise DataError(
            f"{path}: looks separated by {separator!r}, expected commas; its header: {quoted(header[0])}",
            "save the table as CSV with commas between the columns and points in the numbers",
        )
    return [name.strip() for name in header], rows


def _table_bytes(path: Path) -> bytes:
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    with Archive(path, _MAX_TABLE_BYTES) as archive:
        tables = [name for name in archive.members if name.lower().endswith(".csv")]
        if len(tables) != 1:
            raise DataError(f"{path}: holds {len(tables)} CSV files, expected one; members: {_names(archive.members)}")
        return archive.read(tables[0])


def _numbered_rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, row {reader.line_num}: not CSV ({error})") from error


def _parse_rows(
    path: Path,
    rows: Iterator[tuple[int, list[str]]],
    header: list[str],
    id_position: int,
    positions: Sequence[int],
    parse: Callable[[str], float | str],
    hint: str = _ROWS_HINT,
) -> tuple[list[int], list[list[float | str]]]:
    """Ids and parsed values of all rows. `parse` raises ValueError, whose text says what is wrong with a value."""
    ids: list[int] = []
    values: list[list[float | str]] = []
    seen: dict[int, int] = {}
    problems: list[str] = []
    for line, row in rows:
        if len(problems) >= _MAX_PROBLEMS:
            problems.append("... (reading stopped here)")
            break
        if len(row) != len(header):
            problems.append(f"row {line}: {len(row)} fields, expected {len(header)} as in the header")
            continue
        galaxy = parse_integer(row[id_position].strip())
        if galaxy is None:
            problems.append(f"row {line}: {header[id_position]} is {quoted(row[id_position])}, expected an integer")
            continue
        if galaxy in seen:
            problems.append(f"row {line}: {header[id_position]} {galaxy} is already in row {seen[galaxy]}")
        seen[galaxy] = line
        parsed = []
        for position in positions:
            try:
                parsed.append(parse(row[position].strip()))
            except ValueError as error:
                where, found = f"row {line}, {header[id_position]} {galaxy}", quoted(row[position])
                problems.append(f"{where}: {header[position]} is {found}, {error}")
        ids.append(galaxy)
        values.append(parsed)
    if problems:
        raise DataError(f"{path}: the table has bad rows\n  " + "\n  ".join(problems), hint)
    if not ids:
        raise DataError(f"{path}: the table has a header but no rows")
    return ids, values


def _number(text: str, low: float, high: float) -> float:
    expected = f"expected a number in [{low:g}, {high:g}]"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(expected) from None
    if not low <= value <= high:  # false for NaN too
        raise ValueError(expected)
    return value


def _unit_number(text: str) -> float:
    return _number(text, 0.0, 1.0)


def _class_name(text: str) -> str:
    if not text:
        raise ValueError("expected the name of a class")
    return text


def _one_hot(path: Path, column: str, ids: list[int], values: list[str]) -> pd.DataFrame:
    numbers = {name: parse_integer(name) for name in set(values)}
    classes = sorted(numbers, key=lambda name: (numbers[name] is None, numbers[name] or 0, name))
    if len(classes) < 2:
        raise DataError(
            f"{path}: column {column!r} is {quoted(classes[0])} in every row, expected at least 2 classes",
            "choose another `column`; one class leaves nothing to learn",
        )
    if len(classes) > _MAX_CLASSES:
        raise DataError(
            f"{path}: column {column!r} has {len(classes)} different values, too many for classes "
            f"(at most {_MAX_CLASSES})",
            "If these are measurements, set `kind: numeric` and their `range`.",
        )
    position = {name: i for i, name in enumerate(classes)}
    codes = [position[value] for value in values]
    return pd.DataFrame(
        np.eye(len(classes))[codes], index=_id_index(ids), columns=[f"{column}={name}" for name in classes]
    )


def _id_index(ids: list[int]) -> pd.Index:
    return pd.Index(np.asarray(ids, dtype=np.int64), name=ID_COLUMN)


def _position(path: Path, header: list[str], column: str) -> int:
    """Where `column` stands in the header; the case of letters counts only when it decides."""
    matches = [i for i, name in enumerate(header) if name == column]
    matches = matches or [i for i, name in enumerate(header) if name.lower() == column.lower()]
    if len(matches) > 1:
        raise DataError(f"{path}: {len(matches)} columns are called {column!r}, expected one")
    if not matches:
        raise DataError(f"{path}: no column {column!r}{_suggestion(column, header)}; its columns: {_names(header)}")
    return matches[0]


def _suggestion(name: str, candidates: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, candidates, n=1)
    return f" (did you mean {quoted(close[0])}?)" if close else ""


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names[:_MAX_NAMES])) + ", ..." * (len(names) > _MAX_NAMES)


def _check_solution_header(path: Path, header: list[str]) -> None:
    hint = f"Expected {ID_COLUMN}, {COLUMNS[0]} ... {COLUMNS[-1]} as in the published training_solutions_rev1.csv."
    if header[0].lower() != ID_COLUMN.lower():
        raise DataError(f"{path}: the first column is {quoted(header[0])}, expected {ID_COLUMN!r}", hint)
    columns = header[1:]
    missing = [name for name in COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    problems = [f"unknown column {quoted(name)}{_suggestion(name, missing)}" for name in unknown]
    problems += [f"missing column {name!r}" for name in missing]
    problems += [f"repeated column {quoted(name)}" for name in repeated]
    if problems:
        listed = problems[:_MAX_PROBLEMS] + ["..."] * (len(problems) > _MAX_PROBLEMS)
        raise DataError(f"{path}: bad header: {'; '.join(listed)}", hint)
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

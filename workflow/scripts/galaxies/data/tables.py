"""CSV tables of labels by object id, checked row by row."""

import csv
import difflib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from galaxies.data.archives import Archive
from galaxies.data.names import ID
from galaxies.errors import ConfigError, DataError, quoted

MAX_PROBLEMS = 5  # in one message
ROWS_HINT = "mend these rows, or take them out; row 1 is the header, and each id has one row"
_RANGE_HINT = f"{ROWS_HINT}; for numbers outside 0..1 set `range: [lowest, highest]` of this label table"
_MAX_TABLE_BYTES = 2**30
_MAX_CLASSES = 100
_MAX_NAMES = 10  # of columns in a message

Parser = Callable[[str], float | str | bool]
"""Value of a field; raises ValueError, whose text says what was expected."""


class Table:
    """A CSV table with a header, open for one pass over its rows.

    name : what messages call it. header : names of the columns, without surrounding blanks.

    Raises
    ------
    DataError
        The content is empty, not UTF-8, or not separated by commas.
    """

    def __init__(self, name: str, content: bytes, hint: str | None = None):
        self.name = name
        self._rows = _numbered_rows(name, content)
        header = next(self._rows, (1, []))[1]
        if not any(header):
            raise DataError(f"{name}: the file is empty, expected a CSV table with a header", hint)
        separator = next((mark for mark in ";\t" if mark in header[0]), None)
        if len(header) == 1 and separator:
            raise DataError(
                f"{name}: looks separated by {separator!r}, expected commas; its header: {quoted(header[0])}",
                "save the table as CSV with commas between the columns and points in the numbers",
            )
        self.header = [column.strip() for column in header]

    def position(self, column: str, key: str | None = None) -> int:
        """Where `column` stands in the header; the case of letters counts only when it decides.

        key : of the label table in the configuration, if that names the column.
        """
        matches = [i for i, name in enumerate(self.header) if name == column]
        matches = matches or [i for i, name in enumerate(self.header) if name.lower() == column.lower()]
        if len(matches) > 1:
            raise DataError(
                f"{self.name}: {len(matches)} columns are called {column!r}, expected one",
                "rename the others",
            )
        if not matches:
            known = listed(self.header)
            raise DataError(
                f"{self.name}: no column {column!r}{suggestion(column, self.header)}; its columns: {known}",
                f"set `{key}` of this label table to one of them" if key else "is this the table as published?",
            )
        return matches[0]

    def parse(
        self, id_position: int, parsers: Mapping[int, Parser], hint: str = ROWS_HINT, unique: bool = True
    ) -> pd.DataFrame:
        """Values of the columns at the positions of `parsers`, indexed by int64 `object_id`, in file order.

        Raises DataError for rows of another length, ids that are no integers or (if `unique`) repeated, values that a
        parser refuses, or a table without rows. The message lists the first few.
        """
        ids: list[int] = []
        values: list[list[float | str | bool]] = []
        seen: dict[int, int] = {}
        problems: list[str] = []
        id_column = self.header[id_position]
        for line, row in self._rows:
            if len(problems) >= MAX_PROBLEMS:
                problems.append("... (reading stopped here)")
                break
            if len(row) != len(self.header):
                problems.append(f"row {line}: {len(row)} fields, expected {len(self.header)} as in the header")
                continue
            object_id = parse_integer(row[id_position].strip())
            if object_id is None:
                problems.append(f"row {line}: {id_column} is {quoted(row[id_position])}, expected an integer")
                continue
            if unique and object_id in seen:
                problems.append(f"row {line}: {id_column} {object_id} is already in row {seen[object_id]}")
            seen[object_id] = line
            parsed = []
            for position, parse in parsers.items():
                try:
                    parsed.append(parse(row[position].strip()))
                except ValueError as error:
                    where, found = f"row {line}, {id_column} {object_id}", quoted(row[position])
                    problems.append(f"{where}: {self.header[position]} is {found}, {error}")
            ids.append(object_id)
            values.append(parsed)
        if problems:
            raise DataError(f"{self.name}: the table has bad rows\n  " + "\n  ".join(problems), hint)
        if not ids:
            raise DataError(f"{self.name}: the table has a header but no rows")
        columns = [self.header[position] for position in parsers]
        return pd.DataFrame(values, index=id_index(ids), columns=columns)


def read_table(path: Path, hint: str | None = None, stem: str = "") -> Table:
    """A CSV file, or one in a zip archive: the only one, or `<stem>.csv`, or that in the archive `<stem>.zip` inside.

    `hint` is given where the file is absent or empty.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected a CSV table or a zip with one", hint)
    if path.suffix.lower() == ".zip":
        with Archive(path, _MAX_TABLE_BYTES) as archive:
            return Table(str(path), _table_in(archive, stem), hint)
    if path.stat().st_size > _MAX_TABLE_BYTES:
        raise DataError(f"{path}: {path.stat().st_size} bytes, expected a table of at most {_MAX_TABLE_BYTES}")
    return Table(str(path), path.read_bytes(), hint)


def _table_in(archive: Archive, stem: str) -> bytes:
    names = {PurePosixPath(name).name: name for name in archive.members}
    if f"{stem}.zip" in names:
        with archive.nested(names[f"{stem}.zip"], _MAX_TABLE_BYTES) as inner:
            return _table_in(inner, stem)
    tables = [name for name in archive.members if name.lower().endswith(".csv")]
    if f"{stem}.csv" in names:
        tables = [names[f"{stem}.csv"]]
    if len(tables) != 1:
        raise DataError(
            f"{archive.path}: holds {len(tables)} CSV files, expected one; members: {listed(archive.members)}"
        )
    return archive.read(tables[0])


def read_label_table(
    path: Path, column: str, kind: str, id_column: str, range: Sequence[float] | None = None
) -> pd.DataFrame:
    """Targets from one column of any CSV (or zip that holds one), indexed by int64 `object_id`, in file order.

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
    table = read_table(path)
    id_position = table.position(id_column, "id_column")
    position = table.position(column, "column")
    if position == id_position:
        raise DataError(
            f"{path}: column {table.header[position]!r} holds the ids, its values cannot be targets",
            "set `column` of this label table to the column of the labels, `id_column` to that of the ids",
        )
    if kind == "class":
        values = table.parse(id_position, {position: _class_name})
        return _one_hot(path, column, values.iloc[:, 0])
    hint = _RANGE_HINT if range is None else ROWS_HINT
    values = table.parse(id_position, {position: number_between(low, high)}, hint)
    return pd.DataFrame((values.to_numpy(dtype=np.float64) - low) / (high - low), index=values.index, columns=[column])


def merged_classes(
    path: Path, column: str, labels: pd.DataFrame, classes: Mapping[str, Sequence[str | int]]
) -> pd.DataFrame:
    """0/1 columns of named classes that take together values of a column; rows of other values are left out.

    labels : what `read_label_table` makes of `column`, kind "class". classes : name -> values as the table has them.
    Raises DataError if no row has one of the values, ConfigError if one is of two classes.
    """
    values = [str(value) for members in classes.values() for value in members]
    if repeated := sorted({value for value in values if values.count(value) > 1}):
        raise ConfigError(f"label table {path.name}: `classes` has the value {repeated[0]!r} of {column!r} twice")
    known = [name.removeprefix(f"{column}=") for name in labels]
    if absent := [value for value in values if value not in known]:
        raise DataError(
            f"{path}: `classes` has {listed(absent)}, and no row has this {column!r}; its values: {listed(known)}",
            "write the values as they stand in the table",
        )
    merged = pd.DataFrame(
        {name: labels[[f"{column}={value}" for value in members]].sum(axis=1) for name, members in classes.items()}
    )
    return merged[merged.any(axis=1)]


def number_between(low: float, high: float) -> Parser:
    """Parser of numbers in [low, high]; infinite limits accept every finite number."""
    expected = (
        "expected a number" if math.isinf(low) and math.isinf(high) else f"expected a number in [{low:g}, {high:g}]"
    )

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(expected) from None
        if "_" in text:  # Python reads 1_0 as 10
            raise ValueError(expected)
        if not low <= value <= high or math.isinf(value):  # the comparison is false for NaN too
            raise ValueError(expected)
        return value

    return parse


def truth(text: str) -> bool:
    """Parser of True and False, as pandas and numpy write them, or 1 and 0."""
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise ValueError("expected True or False") from None


def parse_integer(text: str) -> int | None:
    """Integer written in decimal digits, None when `text` is anything else or does not fit into 64 bits."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19
    return int(text) if plain and int(text) < 2**63 else None


def id_index(ids: Sequence[int]) -> pd.Index:
    """Ids as the index that all tables of the workflow have."""
    return pd.Index(np.asarray(ids, dtype=np.int64), name=ID)


def suggestion(name: str, candidates: Sequence[str]) -> str:
    """` (did you mean ...?)` for a misspelt name, or nothing."""
    close = difflib.get_close_matches(name, candidates, n=1)
    return f" (did you mean {quoted(close[0])}?)" if close else ""


def listed(names: Sequence[str]) -> str:
    """The first few names for a message."""
    return ", ".join(map(quoted, names[:_MAX_NAMES])) + ", ..." * (len(names) > _MAX_NAMES)


def _numbered_rows(name: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: not a text file ({error.reason} after row {reader.line_num}), expected a CSV table in UTF-8"
        ) from error
    except csv.Error as error:
        raise DataError(f"{name}, row {reader.line_num}: not CSV ({error})") from error


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


def _class_name(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("expected the name of a class")
    return text


def _one_hot(path: Path, column: str, values: pd.Series) -> pd.DataFrame:
    numbers = {name: parse_integer(name) for name in values.unique()}
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
        np.eye(len(classes))[codes], index=values.index, columns=[f"{column}={name}" for name in classes]
    )

"""CSV tables of labels: what is read, and what a message says of a bad one."""

import zipfile

import numpy as np
import pytest

from galaxies.data.catalogue import LabelTable, build_catalogue, read_catalogue
from galaxies.data.shards import count_rows
from galaxies.data.tables import Table, number_between, parse_integer, read_label_table, read_table, truth
from galaxies.errors import ConfigError, DataError


def parsed(content, column="value", **options):
    table = Table("t.csv", content)
    return table.parse(table.position("id"), {table.position(column): number_between(0, 1)}, **options)


def test_rows_in_file_order():
    found = parsed(b"id,value\n7,0.5\n3,1\n5,0\n")
    assert found.index.tolist() == [7, 3, 5]
    assert found.index.name == "object_id"
    assert found["value"].tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfid,value\r\n7,0.5\r\n",
        b"ID , VALUE\n 7 , 0.5 \n",
        b'"id","value"\n"7","0.5"\n',
        b"value,other,id\n0.5,x,7\n",
        b"id,value\n\n7,0.5\n\n\n",
        b"id,value\n007,5e-1",
    ],
)
def test_ways_to_write_the_same(content):
    found = parsed(content)
    assert (found.index.tolist(), found.iloc[:, 0].tolist()) == ([7], [0.5])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b",,\n1,2,3\n", "the file is empty"),
        (b"\xff\xfei\0d\0", "not a text file"),
        (b"id;value\n1;2\n", "looks separated by ';'"),
        (b"id\tvalue\n1\t2\n", r"looks separated by '\\t'"),
        (b"id,other\n1,2\n", "no column 'value'"),
        (b"id,valu\n1,2\n", "did you mean 'valu'"),
        (b"id,value,value\n1,0,1\n", "2 columns are called 'value'"),
        (b"id,value\n", "a header but no rows"),
        (b"id,value\n1\n", "row 2: 1 fields, expected 2"),
        (b"id,value\n1,0,\n", "row 2: 3 fields, expected 2"),
        (b"id,value\n1,0\n1,1\n", "row 3: id 1 is already in row 2"),
        (b"id,value\n-1,0\n", "row 2: id is '-1', expected an integer"),
        (b"id,value\n1.0,0\n", "expected an integer"),
        (b"id,value\n9223372036854775808,0\n", "expected an integer"),
        ("id,value\n\u0661,0\n".encode(), "expected an integer"),
        (b"id,value\n1,1.5\n", r"row 2, id 1: value is '1.5', expected a number in \[0, 1\]"),
        (b"id,value\n1,nan\n", "expected a number"),
        (b"id,value\n1,1_0\n", "expected a number"),
        (b'id,value\n1,"' + b"x" * 200_000 + b'"\n', "not CSV"),
    ],
)
def test_what_is_wrong_is_said(content, words):
    with pytest.raises(DataError, match=words) as error:
        parsed(content)
    assert str(error.value).startswith("t.csv")
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"id,value\n1,0\n1,1\n", "each id has one row"),
        (b"id,other\n1,2\n", "as published"),
        (b"id,value,value\n1,0,1\n", "rename the others"),
    ],
)
def test_what_to_do_is_said(content, hint):
    with pytest.raises(DataError) as error:
        parsed(content)
    assert hint in error.value.hint


def test_only_the_first_few_bad_rows_are_listed():
    content = b"id,value\n" + b"x,1\n" * 1000
    with pytest.raises(DataError) as error:
        parsed(content)
    assert str(error.value).count("row ") <= 8
    assert "reading stopped here" in str(error.value)


def test_repeated_ids_where_they_are_wanted():
    assert parsed(b"id,value\n1,0\n1,1\n", unique=False)["value"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("007", 7), ("0" * 19, 0), (str(2**63 - 1), 2**63 - 1), (str(2**63), None), ("1" * 5000, None)),
        *((text, None) for text in ("-1", "+1", " 1", "1.0", "1_0", "0x1", "", "\u00b2")),
    ],
)
def test_integers(text, number):
    assert parse_integer(text) == number


@pytest.mark.parametrize(("text", "value"), [("True", True), ("1", True), ("FALSE", False), ("0", False)])
def test_truth(text, value):
    assert truth(text) is value


@pytest.mark.parametrize("text", ["", "yes", "2", "1.0", "None"])
def test_neither_true_nor_false(text):
    with pytest.raises(ValueError, match="expected True or False"):
        truth(text)


def zip_with(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def test_tables_in_archives(tmp_path):
    content = b"id,value\n1,0.5\n"
    inner = zip_with(tmp_path / "wanted.zip", wanted__csv=content).read_bytes()
    for number, members in enumerate(
        [{"any__csv": content}, {"wanted__csv": content, "b__csv": b""}, {"wanted__zip": inner, "b__csv": b""}]
    ):
        path = zip_with(tmp_path / f"{number}.zip", **members)
        assert read_table(path, stem="wanted").header == ["id", "value"]
    with pytest.raises(DataError, match=r"holds 2 CSV files, expected one; members: 'a\.csv', 'b\.csv'"):
        read_table(zip_with(tmp_path / "two.zip", a__csv=content, b__csv=content))
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "absent.csv")


def test_classes_and_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,kind,size\n1,b,10\n2,a,20\n3,b,15\n")
    classes = read_label_table(path, "kind", "class", "id")
    assert classes.columns.tolist() == ["kind=a", "kind=b"]
    assert classes.to_numpy().tolist() == [[0, 1], [1, 0], [0, 1]]
    assert read_label_table(path, "size", "numeric", "id", [10, 20])["size"].tolist() == [0.0, 1.0, 0.5]
    for change in ({"kind": "text"}, {"range": [1, 1]}, {"range": [0, "x"]}, {"range": [0, np.inf]}, {"range": [1]}):
        with pytest.raises(ConfigError):
            read_label_table(path, **{"column": "size", "kind": "numeric", "id_column": "id"} | change)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\0b", "\x1b[31m", "\u2028"])
def test_classes_whose_names_cannot_be_printed(tmp_path, name):
    """They become names of columns in CSV files, HDF5 files and figures."""
    path = tmp_path / "t.csv"
    path.write_text(f'id,kind\n1,"{name}"\n2,b\n', newline="")
    with pytest.raises(DataError, match=r"kind is .*expected the name of a class"):
        read_label_table(path, "kind", "class", "id")


@pytest.mark.parametrize("name", ["a,b", 'a"b', "ä", "a=b", " a", "#a", "'", "=1+1"])
def test_names_of_classes_survive_the_catalogue(tmp_path, name):
    path = tmp_path / "t.csv"
    quoted = name.replace('"', '""')
    path.write_text(f'id,kind\n1,"{quoted}"\n2,b\n3,b\n')
    table = read_label_table(path, "kind", "class", "id")
    catalogue, _ = build_catalogue(np.array([1, 2, 3]), [LabelTable("t.csv", "0", table, {})], "error")
    catalogue.to_csv(tmp_path / "catalogue.csv")
    found = read_catalogue(tmp_path / "catalogue.csv")
    assert found.labels.columns.tolist() == catalogue.columns[2:].tolist()
    assert count_rows(tmp_path / "catalogue.csv") == 3

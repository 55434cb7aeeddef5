"""Label tables of Galaxy Zoo 2: what is read, and what is refused."""

import csv
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from small_gz2 import GZ2_TREE, gz2_fractions

import prepare_catalogue
from galaxies.data import tables
from galaxies.data.catalogue import read_catalogue
from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS, QUESTIONS, tree_errors, tree_violations
from galaxies.datasets.gz2_kaggle.labels import read_labels, read_solutions
from galaxies.errors import ConfigError, DataError, quoted

# Rows of the released table.
REAL_ROWS = """\
100008,0.383147,0.616853,0,0,0.616853,0.038452149,0.578400851,0.418397819,0.198455181,0,0.104752126,0.512100874,0,\
0.054453,0.945547,0.201462524,0.181684476,0,0,0.0272265,0,0.0272265,0,0,0,0,0,0,0.279952491,0.138445328,0,0,\
0.092885571,0,0,0,0.325512248
100143,0.269843,0.730157,0,0.730157,0,0,0,0,0,0,0,0,0,0.410635,0.589365,0,0,0.269843,0,0,0.034116788,0,0.136878196,\
0.239640016,0,0.56142867,0,0.16872833,0,0,0,0,0,0,0,0,0
100134,0.021834,0.976952,0.001214,0.021750859,0.955201141,0.313076726,0.642124415,0.546490632,0.408710509,0.160096487,\
0.760687801,0.034416852,0,0.611499,0.388501,0.010917,0.010917,0,0,0.032377038,0.064143188,0.4502247,0,0.032377038,\
0.032377038,0,0,0.021750859,0.207252747,0.152044077,0.187193808,0,0,0.054649063,0.081973595,0.081973595,0.327894379
135453,0.360342,0.098619,0.541039,0,0.098619,0,0.098619,0,0.098619,0,0,0,0.098619,0.12106,0.87894,0.256566747,\
0.103775253,0,0,0,0.12106,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0
"""


def read_label_table(path, column, kind, limits=None, id_column="GalaxyID"):
    return tables.read_label_table(path, column, kind, id_column, limits)


def real_file(path):
    path.write_text(",".join(("GalaxyID", *COLUMNS)) + "\n" + REAL_ROWS)
    return path


def many_rows(path, count=200, **changes):
    """A valid table of `count` rows with ids 1000, 1001, ...; `changes` maps a column to {row: value}."""
    table = gz2_fractions(list(range(1000, 1000 + count))).astype(object)
    for column, values in changes.items():
        for row, value in values.items():
            table.iloc[row, table.columns.get_loc(column)] = value
    table.to_csv(path)
    return path


def test_tree_is_the_published_one():
    assert COLUMNS[:4] == ("Class1.1", "Class1.2", "Class1.3", "Class2.1")
    assert COLUMNS[-1] == "Class11.6"
    assert len(COLUMNS) == len(set(COLUMNS)) == 37
    assert [(len(q.columns), q.parent) for q in QUESTIONS] == GZ2_TREE
    assert all(len(q.answers) == len(q.columns) for q in QUESTIONS)
    starts = np.cumsum([0] + [len(q.columns) for q in QUESTIONS])[:-1]
    assert starts.tolist() == [0, 3, 5, 7, 9, 13, 15, 18, 25, 28, 31]


def test_reads_real_rows_losslessly(tmp_path):
    table = read_solutions(real_file(tmp_path / "solutions.csv"))
    assert table.index.tolist() == [100008, 100143, 100134, 135453]
    assert table.index.dtype == np.int64
    assert tuple(table.columns) == COLUMNS
    expected = [[float(value) for value in row[1:]] for row in csv.reader(io.StringIO(REAL_ROWS))]
    np.testing.assert_array_equal(table.to_numpy(), expected)
    # The released numbers are rounded to about 1e-7 at each answer.
    assert tree_errors(table).abs().to_numpy().max() < 1e-6


def test_zip_bom_and_spelling_of_id_give_the_same_table(tmp_path):
    plain = real_file(tmp_path / "solutions.csv")
    text = "\ufeff" + plain.read_text().replace("GalaxyID", "GalaxyId").replace("\n", "\r\n")
    with zipfile.ZipFile(tmp_path / "solutions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("training_solutions_rev1.csv", text)
        archive.writestr("__MACOSX/._training_solutions_rev1.csv", b"litter")
    pd.testing.assert_frame_equal(read_solutions(tmp_path / "solutions.zip"), read_solutions(plain))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Class3.2,", "", ["missing column 'Class3.2'"]),
        ("Class3.2,", "Class3.2,Class3.3,", ["unknown column 'Class3.3'"]),
        ("Class7.1", "Clas7.1", ["unknown column 'Clas7.1'", "did you mean 'Class7.1'"]),
        ("Class7.1", "Class7.2", ["missing column 'Class7.1'", "repeated column 'Class7.2'"]),
        ("Class1.1,Class1.2", "Class1.2,Class1.1", ["out of order", "column 2 is 'Class1.2', not 'Class1.1'"]),
        ("GalaxyID", "Galaxy", ["first column is 'Galaxy'"]),
    ],
)
def test_bad_header(tmp_path, old, new, words):
    path = real_file(tmp_path / "solutions.csv")
    header, rows = path.read_text().split("\n", 1)
    path.write_text(header.replace(old, new, 1) + "\n" + rows)
    with pytest.raises(DataError) as error:
        read_solutions(path)
    for word in (str(path), *words):
        assert word in str(error.value)


@pytest.mark.parametrize("value", ["1.2", "-0.1", "nan", "", "inf", "many"])
def test_bad_value_names_row_id_column_value(tmp_path, value):
    path = many_rows(tmp_path / "solutions.csv", **{"Class4.1": {7: value}})
    with pytest.raises(DataError) as error:
        read_solutions(path)
    for word in (str(path), "row 9,", "GalaxyID 1007", "Class4.1", repr(value), "[0, 1]"):
        assert word in str(error.value)


def test_repeated_and_malformed_ids(tmp_path):
    path = tmp_path / "solutions.csv"
    text = many_rows(path, 20).read_text()
    path.write_text(text.replace("\n1005,", "\n1003,"))
    with pytest.raises(DataError, match=r"row 7: GalaxyID 1003 is already in row 5"):
        read_solutions(path)
    path.write_text(text.replace("\n1005,", "\n1005.5,"))
    with pytest.raises(DataError, match=r"row 7: GalaxyID is '1005.5'"):
        read_solutions(path)
    path.write_text(text.replace("\n1005,", "\n1005,0.5,"))
    with pytest.raises(DataError, match="row 7: 39 fields, expected 38"):
        read_solutions(path)


def test_small_tree_violations_are_counted_and_reported(tmp_path, caplog):
    path = tmp_path / "solutions.csv"
    valid = read_solutions(many_rows(path))
    # Question 6 and its follow-up: 1e-3 more at 6.2 breaks question 6 alone.
    table = read_solutions(many_rows(path, **{"Class6.2": {3: valid["Class6.2"].iloc[3] - 1e-3}}))
    found = tree_violations(table)
    assert found["rows"] == found["per_question"]["6"] == 1
    assert found["worst_error"] == pytest.approx(1e-3, abs=2e-6)  # the table is rounded to 1e-6
    assert "1 of 200 rows" in caplog.text
    assert "GalaxyID 1003, question 6" in caplog.text


def test_one_large_tree_violation(tmp_path):
    path = tmp_path / "solutions.csv"
    value = read_solutions(many_rows(path))["Class6.2"].iloc[3]
    changed = value - 0.03 if value > 0.03 else value + 0.03
    with pytest.raises(DataError, match=r"GalaxyID 1003, question 6 .* miss 1 by 0.0300"):
        read_solutions(many_rows(path, **{"Class6.2": {3: changed}}))


def test_many_small_tree_violations(tmp_path):
    path = tmp_path / "solutions.csv"
    values = read_solutions(many_rows(path))["Class6.2"]
    rows = [i for i in range(200) if values.iloc[i] > 0.01][:3]  # 1.5 % of the rows
    with pytest.raises(DataError, match="3 of 200 rows"):
        read_solutions(many_rows(path, **{"Class6.2": {i: values.iloc[i] - 5e-4 for i in rows}}))


def test_files_that_are_no_table(tmp_path):
    missing = tmp_path / "training_solutions_rev1.csv"
    with pytest.raises(DataError, match=r"no such file[\s\S]*kaggle competitions download"):
        read_solutions(missing)
    missing.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read_solutions(missing)
    missing.write_bytes(b"\xff\xfe\x00PK")
    with pytest.raises(DataError, match="UTF-8"):
        read_solutions(missing)
    missing.write_text(",".join(("GalaxyID", *COLUMNS)) + "\n")
    with pytest.raises(DataError, match="no rows"):
        read_solutions(missing)
    archive = tmp_path / "training_solutions_rev1.zip"
    archive.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match="not a readable zip"):
        read_solutions(archive)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", "x")
        file.writestr("b.csv", "x")
    with pytest.raises(DataError, match="2 CSV files, expected one"):
        read_solutions(archive)


def test_numeric_label_table_maps_its_range(tmp_path):
    path = tmp_path / "mass.csv"
    path.write_text("name,objid,mass\na,12,8\nb,11,12\nc,13,9\n")
    table = read_label_table(path, "mass", "numeric", [8, 12], "OBJID")
    assert table.index.tolist() == [12, 11, 13]
    assert table.index.name == "object_id"
    assert table["mass"].tolist() == [0, 1, 0.25]


@pytest.mark.parametrize(("value", "limits"), [("12.5", [8, 12]), ("nan", [8, 12]), ("x", [8, 12]), ("9", None)])
def test_numeric_outliers_name_the_row(tmp_path, value, limits):
    path = tmp_path / "mass.csv"
    path.write_text(f"GalaxyID,mass\n11,{value}\n")
    with pytest.raises(DataError, match=rf"row 2, GalaxyID 11: mass is '{value}'"):
        read_label_table(path, "mass", "numeric", limits)


def test_class_label_table_is_one_hot_in_order(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("GalaxyID,label\n5,10\n7,2\n6,10\n")
    table = read_label_table(path, "label", "class")
    assert table.columns.tolist() == ["label=2", "label=10"]
    assert table.to_numpy().tolist() == [[0, 1], [1, 0], [0, 1]]
    path.write_text("GalaxyID,label\n5,\n")
    with pytest.raises(DataError, match="row 2, GalaxyID 5: label is ''"):
        read_label_table(path, "label", "class")
    path.write_text("GalaxyID,label\n" + "".join(f"{i},{i / 7}\n" for i in range(101)))
    with pytest.raises(DataError, match=r"101 different values[\s\S]*kind: numeric"):
        read_label_table(path, "label", "class")


def test_numbers_outside_the_unit_interval_need_a_range(tmp_path):
    path = tmp_path / "mass.csv"
    path.write_text("GalaxyID,mass\n11,9.5\n")
    with pytest.raises(DataError) as error:
        read_label_table(path, "mass", "numeric")
    assert "set `range: [lowest, highest]` of this label table" in error.value.hint
    with pytest.raises(DataError) as error:
        read_label_table(path, "mass", "numeric", [10, 12])
    assert "range" not in error.value.hint


@pytest.mark.parametrize(
    "limits", [[1, 1], [2, 1], [0, np.inf], [-np.inf, 0], [np.nan, 1], [-1e308, 1e308], [0], [0, 1, 2], ["a", 1]]
)
def test_ranges_that_cannot_be(tmp_path, limits):
    path = tmp_path / "mass.csv"
    path.write_text("GalaxyID,mass\n11,0.5\n")
    with pytest.raises(ConfigError, match=r"label table mass\.csv: range is .*, expected \[lowest, highest\]"):
        read_label_table(path, "mass", "numeric", limits)
    with pytest.raises(ConfigError, match="range is"):
        read_labels(
            {"table mass": path},
            {"labels": [{"file": "mass", "kind": "numeric", "column": "mass", "range": limits}]},
            None,
        )


@pytest.mark.parametrize(("mark", "shown"), [(";", "';'"), ("\t", r"'\\t'")])
def test_another_separator(tmp_path, mark, shown):
    path = tmp_path / "table.csv"
    path.write_text(mark.join(("GalaxyID", *COLUMNS)) + "\n" + REAL_ROWS.replace(",", mark))
    for read in (read_solutions, lambda path: read_label_table(path, "Class1.1", "numeric")):
        with pytest.raises(DataError, match=rf"looks separated by {shown}, expected commas") as error:
            read(path)
        assert len(error.value.message) < len(str(path)) + 150


@pytest.mark.parametrize(
    "text",
    [
        "\0" * 5000,
        "x" * 5000,
        "y," * 5000 + "y",
        "GalaxyID,label\n5," + "z" * 5000 + "\n",
        "GalaxyID,label\n" + "7" * 5000 + ",1\n",
    ],
)
def test_messages_quote_little_of_the_file(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    for read in (read_solutions, lambda path: read_label_table(path, "label", "numeric")):
        with pytest.raises(DataError) as error:
            read(path)
        longest = 5 * 150 + len(str(path))  # five problems
        assert len(error.value.message) < longest
        assert "\0" not in str(error.value)


def test_quoted():
    assert quoted("label") == "'label'"
    assert quoted("a" * 60) == repr("a" * 60)
    assert quoted("a" * 61) == repr("a" * 60 + "...")
    assert quoted("it's") == repr("it's")
    assert len(quoted("\0" * 60)) < 70


def test_one_class_is_refused(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("GalaxyID,label\n5,spiral\n6,spiral\n")
    with pytest.raises(DataError, match="column 'label' is 'spiral' in every row, expected at least 2 classes"):
        read_label_table(path, "label", "class")


@pytest.mark.parametrize("kind", ["class", "numeric"])
@pytest.mark.parametrize(("column", "id_column"), [("GalaxyID", "GalaxyID"), ("galaxyid", "GalaxyID"), ("a", "A")])
def test_ids_are_no_targets(tmp_path, kind, column, id_column):
    path = tmp_path / "table.csv"
    path.write_text(f"{id_column},label\n0,0\n1,1\n")
    with pytest.raises(DataError, match=f"column '{id_column}' holds the ids"):
        read_label_table(path, column, kind, id_column=id_column)


def test_label_table_settings_that_cannot_be(tmp_path):
    path = tmp_path / "spiral.csv"
    path.write_text("GalaxyID,spiral\n5,1\n")
    with pytest.raises(DataError, match=r"no column 'sprial' .did you mean 'spiral'(.|\n)*Hint: set `column`"):
        read_label_table(path, "sprial", "numeric")
    with pytest.raises(DataError, match=r"no column 'galaxy'(.|\n)*Hint: set `id_column`"):
        read_label_table(path, "spiral", "numeric", id_column="galaxy")
    with pytest.raises(ConfigError, match="kind is 'number'"):
        read_label_table(path, "spiral", "number")


def prepare(sample, out, labels=None, **changes):
    """Catalogue and provenance of the tables `labels`, a list of settings, in the folder of the sample."""
    labels = labels or [{"file": sample.solutions.name, "kind": "solutions"}]
    settings = {"dataset": "gz2_kaggle", "source": "simulated", "unmatched": "error"} | changes
    prepare_catalogue.main(
        sample.folder,
        out / "catalogue.csv",
        out / "provenance.json",
        settings={"frame": 424, "images": None, "labels": labels},
        **settings,
    )
    return out / "catalogue.csv", out / "provenance.json"


def test_catalogue_and_provenance(gz2_sample, tmp_path):
    """Rows come out by id, numbers unchanged, and the two files are the same every time."""
    shuffled = pd.read_csv(gz2_sample.solutions).sample(frac=1, random_state=1)
    shuffled.to_csv(gz2_sample.solutions, index=False)
    classes = gz2_sample.folder / "classes.csv"
    classes.write_text("GalaxyID,label\n" + "".join(f"{galaxy},{galaxy % 2}\n" for galaxy in gz2_sample.ids))
    labels = [
        {"file": gz2_sample.solutions.name, "kind": "solutions"},
        {"file": "classes", "kind": "class", "column": "label"},
    ]
    catalogue, provenance = prepare(gz2_sample, tmp_path / "out", labels)
    table = read_catalogue(catalogue).labels
    assert table.index.tolist() == gz2_sample.ids
    expected = shuffled.set_index("GalaxyID").sort_index()
    np.testing.assert_array_equal(table[list(COLUMNS)].to_numpy(), expected.to_numpy())
    assert table["label=1"].tolist() == [galaxy % 2 for galaxy in gz2_sample.ids]
    origin = json.loads(provenance.read_text())
    assert origin["simulated"] is True
    assert origin["images"] == origin["rows"] == 6
    assert origin["image_location"] == "images_training_rev1"
    assert origin["tree_violations"]["training_solutions_rev1.csv"]["rows"] == 0
    assert origin["columns"]["Class1.1"]["kind"] == "vote_fraction"
    assert str(tmp_path) not in provenance.read_text()
    before = catalogue.read_bytes(), provenance.read_bytes()
    prepare(gz2_sample, tmp_path / "out", labels)
    assert (catalogue.read_bytes(), provenance.read_bytes()) == before


COLOUR_MASS = {"file": "color_mass", "kind": "colour_mass"}
REAL_COLOUR_MASS = """\
GalaxyID,SDSS_petromag_abs_u_kcorr_dustcorr,MPAJHU_MEDIAN_MASS
504109,26.946002,10.789935
101818,1.7670001983642578,10.524123
"""


def read_colour_mass(path, text, **keys):
    path.write_text(text)
    return read_labels({"table color_mass": path}, {"labels": [COLOUR_MASS | keys]}, None)[0]


def test_red_sequence_is_above_the_green_valley(tmp_path):
    """Schawinski et al. 2014, eq. 1, by hand: the edge is at u - r = 2.01 for log M = 9, at 2.51 for log M = 11."""
    rows = ["5,2.00,9,0", "4,2.02,9,1", "3,2.02,11,0", "2,2.50,11,0", "1,2.52,11,1"]
    text = "objid,ur,logm,expected\n" + "\n".join(rows)
    labels = read_colour_mass(tmp_path / "a.csv", text, colour_column="ur", mass_column="LogM", id_column="objid")
    assert labels.table.columns.tolist() == list(labels.columns) == ["u_r_colour", "log_stellar_mass", "red_sequence"]
    expected = np.array([row.split(",") for row in rows], dtype=float)
    assert labels.table.index.tolist() == [5, 4, 3, 2, 1]
    np.testing.assert_array_equal(labels.table.to_numpy(), expected[:, 1:])
    assert labels.origin["outside_range"] == {"objects": 0, "u_r_colour": 0, "log_stellar_mass": 0}


def test_colours_and_masses_that_cannot_be_are_counted(tmp_path, caplog):
    rows = ["1,4,10", "2,-9999,-9999", "3,2,13", "4,2,0", "5,3.99,12.9"]
    labels = read_colour_mass(tmp_path / "color_mass.csv", REAL_COLOUR_MASS + "\n".join(rows))
    assert labels.table.index.tolist() == [101818, 5]
    assert labels.origin["outside_range"] == {"objects": 5, "u_r_colour": 3, "log_stellar_mass": 3}
    assert (
        "left out 5 of 7 rows without 0 < u_r_colour < 4, 7 < log_stellar_mass < 13: 504109, 1, 2, 3, 4" in caplog.text
    )


@pytest.mark.parametrize(
    ("text", "keys", "words"),
    [
        (REAL_COLOUR_MASS + "7,,9\n", {}, ["row 4, GalaxyID 7", "u_kcorr_dustcorr is ''", "expected a number"]),
        (REAL_COLOUR_MASS + "7,2,nan\n", {}, ["row 4, GalaxyID 7", "MPAJHU_MEDIAN_MASS is 'nan'"]),
        (REAL_COLOUR_MASS + "101818,2,9\n", {}, ["GalaxyID 101818 is already in row 3"]),
        (
            REAL_COLOUR_MASS,
            {"mass_column": "MPAJHU_MASS"},
            ["no column 'MPAJHU_MASS'", "'MPAJHU_MEDIAN_MASS'", "set `mass_column`"],
        ),
        (REAL_COLOUR_MASS, {"mass_column": "galaxyid"}, ["three different ones", "`mass_column`"]),
        (
            "GalaxyID,ur,m\n1,10,2\n2,11,3\n",
            {"colour_column": "ur", "mass_column": "m"},
            ["none of the 2 rows", "log10"],
        ),
    ],
)
def test_bad_table_of_colours_and_masses(tmp_path, text, keys, words):
    with pytest.raises(DataError) as error:
        read_colour_mass(tmp_path / "color_mass.csv", text, **keys)
    for word in (str(tmp_path / "color_mass.csv"), *words):
        assert word in str(error.value)


def test_colours_and_masses_reach_the_catalogue_as_they_are(gz2_sample, tmp_path):
    """Under another name of the data set, which stands beside its layout; values are not mapped to 0..1."""
    header = REAL_COLOUR_MASS.splitlines()[0]
    rows = [f"{galaxy},{1.1 + i / 3!r},{9.3 + i / 7!r}" for i, galaxy in enumerate(gz2_sample.ids)]
    rows[2] = f"{gz2_sample.ids[2]},26.9,10"
    (gz2_sample.folder / "color_mass.csv").write_text("\n".join([header, *rows]) + "\n")
    changes = {"dataset": "colours", "layout": "gz2_kaggle", "unmatched": "drop"}
    catalogue, provenance = prepare(gz2_sample, tmp_path / "out", [COLOUR_MASS], **changes)
    table, kept = read_catalogue(catalogue).labels, [0, 1, 3, 4, 5]
    assert table.index.tolist() == [gz2_sample.ids[i] for i in kept]
    assert table["u_r_colour"].tolist() == [1.1 + i / 3 for i in kept]
    assert table["log_stellar_mass"].tolist() == [9.3 + i / 7 for i in kept]
    origin = json.loads(provenance.read_text())
    assert (origin["dataset"], origin["layout"]) == ("colours", "gz2_kaggle")
    assert origin["outside_range"]["color_mass.csv"]["objects"] == origin["dropped"]["images"] == 1


@pytest.mark.parametrize("lost", ["image", "row"])
def test_unmatched_ids(gz2_sample, tmp_path, lost):
    out = tmp_path / "out"
    galaxy = gz2_sample.ids[2]
    if lost == "image":
        gz2_sample.image(2).unlink()
        words = f"1 of 6 ids of training_solutions_rev1.csv have no image: {galaxy}"
    else:
        table = pd.read_csv(gz2_sample.solutions, index_col="GalaxyID")
        table.drop(galaxy).to_csv(gz2_sample.solutions)
        words = f"1 of 6 images have no row in training_solutions_rev1.csv: {galaxy}"
    with pytest.raises(DataError, match=rf"{words}[\s\S]*unmatched: drop"):
        prepare(gz2_sample, out)
    assert not out.exists() or not list(out.iterdir())
    catalogue, provenance = prepare(gz2_sample, out, unmatched="drop")
    assert read_catalogue(catalogue).ids.tolist() == [i for i in gz2_sample.ids if i != galaxy]
    dropped = json.loads(provenance.read_text())["dropped"]
    assert sorted(dropped.values()) == [0, 1]


def test_rows_of_classes_that_are_not_named_are_told_as_left_out(gz2_sample, tmp_path):
    classes = gz2_sample.folder / "classes.csv"
    values = dict(zip(gz2_sample.ids, "0120bb", strict=True))
    classes.write_text("GalaxyID,label\n" + "".join(f"{galaxy},{value}\n" for galaxy, value in values.items()))
    labels = [{"file": "classes", "kind": "class", "column": "label", "classes": {"smooth": [0], "disc": [1]}}]
    left_out = "left out: 3 rows whose label is '2', 'b', not named in `classes`"
    first = ", ".join(str(galaxy) for galaxy, value in values.items() if value in "2b")
    with pytest.raises(DataError, match=rf"3 of 6 images have no row in classes\.csv \({left_out}\): {first}"):
        prepare(gz2_sample, tmp_path / "out", labels)
    labels[0]["classes"] = {"smooth": [0], "disc": [1, 2, "b"]}
    assert len(read_catalogue(prepare(gz2_sample, tmp_path / "out", labels)[0]).ids) == 6


def test_nothing_in_common_and_bad_settings(gz2_sample, tmp_path):
    out = tmp_path / "out"
    (gz2_sample.folder / "other.csv").write_text("GalaxyID,label\n1,0\n2,1\n")
    solutions = {"file": gz2_sample.solutions.name, "kind": "solutions"}
    with pytest.raises(DataError, match="no object has both"):
        prepare(gz2_sample, out, [{"file": "other", "kind": "class", "column": "label"}], unmatched="drop")
    with pytest.raises(ConfigError, match="unmatched is 'ignore'"):
        prepare(gz2_sample, out, unmatched="ignore")
    with pytest.raises(ConfigError, match="keys are"):
        prepare(gz2_sample, out, [{"file": "other", "kind": "class", "colunm": "label"}])
    with pytest.raises(DataError, match=r"both give the column.*Class1.1"):
        prepare(gz2_sample, out, [solutions, solutions])
    assert not out.exists() or not list(out.iterdir())


def test_damaged_catalogue(gz2_sample, tmp_path):
    catalogue, _ = prepare(gz2_sample, tmp_path / "out")
    text = catalogue.read_text()
    lines = text.splitlines(keepends=True)
    damages = {
        "cut off in a row": text[: len(text) // 2].rsplit(",", 3)[0],
        "ids not ascending": lines[0] + lines[2] + lines[1],
        "text for a number": text.replace("\n", "\n", 1).replace(",", ",x", 40),
        "no id column": "a,b\n1,2\n",
        "no labels": "object_id,subset,order\n1,all,0\n",
        "infinite": text.replace("\n", "\n", 1).rsplit(",", 1)[0] + ",inf\n",
        "one letter": "x",
        "one field too many": "object_id,subset,order,a\n1,all,0,2,3\n",
        "NUL bytes": "\0" * 9,
        "empty": "",
    }
    for damage in damages.values():
        catalogue.write_text(damage)
        with pytest.raises(DataError, match="prepare_catalogue"):
            read_catalogue(catalogue)
    with pytest.raises(DataError, match="catalogue"):
        read_catalogue(tmp_path / "absent.csv")

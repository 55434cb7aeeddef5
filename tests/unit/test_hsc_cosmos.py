"""HSC cut-outs in the published layout: the authors' recipe, the derived label, and damaged arrays and tables."""

import io
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from small_hsc import CATALOGUE, IDS, IMAGES, write_hsc

import pack_view
import prepare_catalogue
from galaxies.data.catalogue import build_catalogue
from galaxies.data.store import View
from galaxies.datasets.hsc_cosmos.files import find
from galaxies.datasets.hsc_cosmos.images import open_images, projection
from galaxies.datasets.hsc_cosmos.labels import is_dwarf, read_labels
from galaxies.errors import ConfigError, DataError


@pytest.fixture
def hsc(tmp_path):
    return write_hsc(tmp_path / "hsc")


def images_of(sample):
    return open_images(find(sample.folder, sample.settings), sample.settings)


def labels_of(sample):
    with images_of(sample) as images:
        return read_labels(find(sample.folder, sample.settings), sample.settings, images)[0]


def test_images_are_the_rows_of_the_array(hsc):
    with images_of(hsc) as images:
        assert images.ids.tolist() == hsc.ids.tolist()
        assert not images.are_simulated()
        for number, pixels in zip(hsc.ids, hsc.pixels, strict=True):
            assert images.load(number).dtype == np.float32
            np.testing.assert_array_equal(images.load(number), pixels)


def test_recipe_of_the_authors(hsc):
    """The same with pandas, as they did it: selected, first of each id, in the order of the images."""
    table = labels_of(hsc)
    rows = pd.read_csv(hsc.folder / CATALOGUE)
    expected = rows[rows["selected"]].drop_duplicates("HSC_id").set_index("HSC_id").reindex(hsc.ids)
    found = table.table.loc[hsc.ids]
    assert len(table.table) == len(hsc.ids)
    assert found["redshift"].tolist() == expected["photo_z"].tolist()
    assert found["log_stellar_mass"].tolist() == expected["log_mass"].tolist()
    assert table.origin["recipe"] == {
        "rows": len(rows),
        "selected": int(rows["selected"].sum()),
        "first_of_each_id": len(hsc.ids) + 2,
        "with_image": len(hsc.ids),
    }


def test_counts_of_the_recipe_reach_the_origin(hsc):
    with images_of(hsc) as images:
        tables = read_labels(find(hsc.folder, hsc.settings), hsc.settings, images)
        catalogue, origin = build_catalogue(images.ids, tables, "error")
    assert catalogue.index.tolist() == hsc.ids.tolist()
    assert origin["recipe"][CATALOGUE]["with_image"] == len(hsc.ids)


def test_limits_of_the_derived_label_are_exclusive():
    cases = [  # z, log mass, dwarf
        (0.1, 8.5, True),
        (0.15, 8.5, False),
        (np.nextafter(0.15, 0), 8.5, True),
        (0.1, 8.0, False),
        (0.1, np.nextafter(8.0, 9), True),
        (0.1, 9.0, False),
        (0.1, np.nextafter(9.0, 8), True),
        (-0.1, 8.5, True),
        (0.3, 10.0, False),
    ]
    z, mass, expected = (pd.Series(values) for values in zip(*cases, strict=True))
    assert is_dwarf(z, mass).tolist() == expected.tolist()


def test_derived_label_is_of_the_published_numbers(hsc):
    for row, (z, mass) in zip(hsc.rows, [("0.15", "8.5"), ("0.1499", "8.5"), ("0.1", "8")], strict=False):
        row.update(selected="True", photo_z=z, log_mass=mass)
    rows = [row for row in hsc.rows if row["selected"] == "True"]
    hsc.write_catalogue(rows)
    table = labels_of(hsc).table
    for number, row in {int(row["HSC_id"]): row for row in reversed(rows)}.items():
        if number in table.index:
            z, mass = float(row["photo_z"]), float(row["log_mass"])
            assert table.loc[number, "dwarf"] == float(z < 0.15 and 8 < mass < 9)


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("TRUE", "FALSE"), ("true", "false"), (" True", "False ")])
def test_ways_to_write_selected(hsc, yes, no):
    expected = labels_of(hsc).table
    hsc.write_catalogue([row | {"selected": yes if row["selected"] == "True" else no} for row in hsc.rows])
    pd.testing.assert_frame_equal(labels_of(hsc).table, expected)


@pytest.mark.parametrize("text", ["yes", "", "2", "1.0", "nan"])
def test_selected_is_true_or_false(hsc, text):
    hsc.rows[0]["selected"] = text
    hsc.write_catalogue()
    with pytest.raises(DataError, match=r"selected is .* expected True or False"):
        labels_of(hsc)


@pytest.mark.parametrize("column", ["photo_z", "log_mass"])
@pytest.mark.parametrize("text", ["", "nan", "inf", "-inf", "x", "1,5", "1_0"])
def test_labels_of_selected_rows_are_numbers(hsc, column, text):
    quoted = f'"{text}"' if "," in text else text
    rows = [row | ({column: quoted} if row["HSC_id"] == str(hsc.ids[2]) else {}) for row in hsc.rows]
    hsc.write_catalogue(rows)
    with pytest.raises(DataError, match=rf"{column} is .* expected a number"):
        labels_of(hsc)


def test_other_rows_may_be_incomplete(hsc):
    expected = labels_of(hsc).table
    rows = [row if row["selected"] == "True" else row | {"photo_z": "", "log_mass": "nan"} for row in hsc.rows]
    hsc.write_catalogue(rows)
    pd.testing.assert_frame_equal(labels_of(hsc).table, expected)


@pytest.mark.parametrize("column", ["HSC_id", "selected", "photo_z", "log_mass"])
def test_missing_columns(hsc, column):
    hsc.write_catalogue([{name: text for name, text in row.items() if name != column} for row in hsc.rows])
    with pytest.raises(DataError, match=f"no column {column!r}"):
        labels_of(hsc)


def test_nothing_selected(hsc):
    hsc.write_catalogue([row | {"selected": "False"} for row in hsc.rows])
    with images_of(hsc) as images, pytest.raises(DataError, match="images have no row"):
        tables = read_labels(find(hsc.folder, hsc.settings), hsc.settings, images)
        build_catalogue(images.ids, tables, "error")


def test_float64_is_converted(hsc):
    np.save(hsc.folder / IMAGES, hsc.pixels.astype(np.float64))
    with images_of(hsc) as images:
        np.testing.assert_array_equal(images.load(hsc.ids[3]), hsc.pixels[3])


def test_fortran_order_is_the_same_array(hsc):
    np.save(hsc.folder / IMAGES, np.asfortranarray(hsc.pixels))
    with images_of(hsc) as images:
        np.testing.assert_array_equal(images.load(hsc.ids[3]), hsc.pixels[3])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_pixels_that_are_not_finite(hsc, value):
    """1e300 is finite in the file and not in the view."""
    pixels = hsc.pixels.astype(np.float64)
    pixels[4, 1, 2, 3] = value
    np.save(hsc.folder / IMAGES, pixels)
    with images_of(hsc) as images:
        images.load(hsc.ids[3])
        with pytest.raises(DataError, match=rf"row 4 \(HSC id {hsc.ids[4]}\): 1 of 432 values are not finite"):
            images.load(hsc.ids[4])


ARRAYS = {
    "channels last": (lambda a: a.transpose(0, 2, 3, 1), "the channels g, i, y must come before"),
    "another frame": (lambda a: a[..., :6, :6], "`frame` of the data set"),
    "fewer images": (lambda a: a[:-1], r"expected float32 \(9, 3, 12, 12\)"),
    "one channel": (lambda a: a[:, 0], r"expected float32"),
    "integers": (lambda a: a.astype(np.int32), "int32"),
    "half precision": (lambda a: a.astype(np.float16), "float16"),
    "complex": (lambda a: a.astype(np.complex64), "complex64"),
    "text": (lambda a: a.astype(str), "expected float32"),
    "other byte order": (lambda a: a.astype(">f4"), "expected float32"),
}


@pytest.mark.parametrize("damage", ARRAYS)
def test_arrays_of_another_kind(hsc, damage):
    change, words = ARRAYS[damage]
    np.save(hsc.folder / IMAGES, change(hsc.pixels))
    with pytest.raises(DataError, match=words) as error:
        images_of(hsc)
    assert str(hsc.folder / IMAGES) in str(error.value)


IDENTIFIERS = {
    "not ascending": lambda ids: ids[::-1],
    "wrapping around": lambda ids: np.r_[ids[:-2], 2**62, -(2**62) - 2],
    "repeated": lambda ids: np.r_[ids[:1], ids[:-1]],
    "negative": lambda ids: ids - ids[1],
    "int32": lambda ids: np.arange(len(ids), dtype=np.int32),
    "unsigned": lambda ids: ids.astype(np.uint64),
    "float": lambda ids: ids.astype(float),
    "text": lambda ids: ids.astype(str),
    "two axes": lambda ids: ids[:, None],
    "none": lambda ids: ids[:0],
    "one number": lambda ids: ids[0],
    "fewer": lambda ids: ids[:-1],
}


@pytest.mark.parametrize("damage", IDENTIFIERS)
def test_ids_of_another_kind(hsc, damage):
    np.save(hsc.folder / IDS, IDENTIFIERS[damage](hsc.ids))
    with pytest.raises(DataError):
        images_of(hsc)


class Trap:
    """Unpickling it would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickled_objects_are_refused_and_never_run(hsc, tmp_path):
    trap = tmp_path / "executed"
    array = np.array([Trap(trap)] * 3, dtype=object)
    for name in (IDS, IMAGES):
        before = (hsc.folder / name).read_bytes()
        np.save(hsc.folder / name, array, allow_pickle=True)
        with pytest.raises(DataError, match="damaged, or not a numpy array"):
            images_of(hsc)
        (hsc.folder / name).write_bytes(pickle.dumps(Trap(trap)))
        with pytest.raises(DataError, match="damaged, or not a numpy array"):
            images_of(hsc)
        (hsc.folder / name).write_bytes(before)
    assert not trap.exists()


def test_archive_in_place_of_an_array(hsc):
    content = io.BytesIO()
    np.savez(content, hsc.pixels)
    (hsc.folder / IMAGES).write_bytes(content.getvalue())
    with pytest.raises(DataError, match="an archive of arrays, expected one array"):
        images_of(hsc)


@pytest.mark.parametrize("length", [0, 5, 9, 60, 128, 130, 5000, -1])
def test_truncated_arrays(hsc, length):
    path = hsc.folder / IMAGES
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"images\.small\.npy: damaged, or not a numpy array") as error:
        images_of(hsc)
    assert "fetch it again" in error.value.hint


@pytest.mark.parametrize(
    "shape", ["(9, 3, 12, 12000000000000)", "(-1, 3, 12, 12)", "(9, 3, 12, True)", "(9,)", "()", "[[[[", "9"]
)
def test_header_that_lies(hsc, shape):
    path = hsc.folder / IMAGES
    raw = path.read_bytes()
    true = b"(9, 3, 12, 12), }"
    assert true in raw
    start = raw.index(true)
    header = (raw[10:start] + shape.encode() + b", }").ljust(117) + b"\n"
    path.write_bytes(raw[:8] + len(header).to_bytes(2, "little") + header + raw[128:])
    with pytest.raises(DataError, match=r"images\.small\.npy"):
        images_of(hsc)


def test_places_are_looked_for(hsc, tmp_path):
    with pytest.raises(DataError, match=r"absent: no such folder[\s\S]*githubusercontent"):
        find(tmp_path / "absent", {})
    with pytest.raises(DataError, match="a file, expected a folder"):
        find(hsc.folder / IDS, {})
    (hsc.folder / IDS).unlink()
    with pytest.raises(DataError, match=r"no HSC_ids\.npy of the data set"):
        find(hsc.folder, {})


def test_layout_of_the_repository(hsc, tmp_path):
    (tmp_path / "clone").mkdir()
    hsc.folder.rename(tmp_path / "clone" / "data")
    assert find(tmp_path / "clone", {})[IMAGES] == tmp_path / "clone" / "data" / IMAGES


def test_stored_values_are_packed_unscaled(hsc, tmp_path):
    catalogue, provenance, view = (tmp_path / name for name in ("catalogue.csv", "provenance.json", "full_12.h5"))
    shared = {"dataset": "hsc_cosmos", "settings": hsc.settings}
    prepare_catalogue.main(hsc.folder, catalogue, provenance, source="local", unmatched="error", **shared)
    pack_view.main(catalogue, provenance, view, folder=hsc.folder, name="full_12", threads=2, **shared)
    with View(view) as packed:
        np.testing.assert_array_equal(packed.read(np.arange(len(packed))), hsc.pixels)
        assert packed.channels == ["g", "i", "y"]


def test_views_are_not_resampled(hsc):
    image = hsc.pixels[0]
    np.testing.assert_array_equal(projection("crop8_8", hsc.settings).make(image), image[:, 2:10, 2:10])
    np.testing.assert_array_equal(projection("crop5_5", hsc.settings).make(image), image[:, 3:8, 3:8])
    for view in ("full_6", "crop8_4", "crop13_13", "pooled_6", "nearest_12", "histogram_3"):
        with pytest.raises(ConfigError):
            projection(view, hsc.settings)

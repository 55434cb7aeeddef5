"""CIL cosmology images in their published layouts: what is found and read, and everything that may be wrong with it."""

import functools
import io
import shutil
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_cil import write_cil, zip_folder

import pack_view
import prepare_catalogue
import split_dataset
from galaxies.data.catalogue import build_catalogue, read_catalogue
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.datasets.cil_cosmology.files import find
from galaxies.datasets.cil_cosmology.images import open_images
from galaxies.datasets.cil_cosmology.labels import read_labels
from galaxies.errors import DataError

PUBLISHED = "cosmology_aux_data_170429"
# Object ids are the published ones behind a digit for the subset.
FIRST = {"labeled": 0, "scored": 10_000_000, "query": 20_000_000}


@pytest.fixture
def cil(tmp_path):
    return write_cil(tmp_path / "cil")


def catalogue_of(folder, settings, unmatched="error"):
    files = find(folder, settings)
    with open_images(files, settings) as images:
        return build_catalogue(images.ids, read_labels(files, settings, images), unmatched)


def expected_catalogue(sample):
    rows = [(FIRST["labeled"] + n, "labeled", i, np.nan, v) for i, (n, v) in enumerate(sample.labeled)]
    rows += [(FIRST["scored"] + n, "scored", i, v, np.nan) for i, (n, v) in enumerate(sample.scored)]
    rows += [(FIRST["query"] + n, "query", i, np.nan, np.nan) for i, n in enumerate(sorted(sample.query))]
    names = ["object_id", "subset", "order", "score", "galaxy"]
    return pd.DataFrame(rows, columns=names).set_index("object_id").sort_index()


def plain(sample, folder):
    return sample.folder


def nested(times):
    def place(sample, folder):
        inner = folder.joinpath("download", *[PUBLISHED] * times)
        inner.parent.mkdir(parents=True)
        sample.folder.rename(inner)
        return folder / "download"

    return place


def zipped(prefix, name="cil-cosmology-2018.zip", inside_folder=True):
    def place(sample, folder):
        (folder / "download").mkdir()
        path = zip_folder(folder / "download" / name, sample.folder, prefix)
        return path.parent if inside_folder else path

    return place


def zip_in_zip(prefix, outer_prefix):
    def place(sample, folder):
        inner = zip_folder(folder / f"{PUBLISHED}.zip", sample.folder, prefix)
        path = folder / "any_name.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inner, f"{outer_prefix}{inner.name}")
            archive.writestr("sample_submission.csv", "Id,Predicted\n")
        return path

    return place


LAYOUTS = {
    "folder": plain,
    "nested once": nested(1),
    "nested twice": nested(2),
    "zip of the competition in a folder": zipped(f"{PUBLISHED}/"),
    "zip of the folder in a folder": zipped("", f"{PUBLISHED}.zip"),
    "zip itself, flat": zipped("", "cil.zip", inside_folder=False),
    "zip itself, deep": zipped(f"a/{PUBLISHED}/{PUBLISHED}/", "cil.ZIP", inside_folder=False),
    "zip in a zip": zip_in_zip(f"{PUBLISHED}/{PUBLISHED}/", ""),
    "zip in a folder in a zip": zip_in_zip("", "kaggle/"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_same_data(cil, tmp_path, layout):
    place = LAYOUTS[layout](cil, tmp_path)
    files = find(place, cil.settings)
    with open_images(files, cil.settings) as images:
        for (subset, number), pixels in cil.pixels.items():
            np.testing.assert_array_equal(np.asarray(images.load(FIRST[subset] + number)), pixels)
        assert len(images) == len(cil.pixels)
        assert not images.are_simulated()
        table, _ = build_catalogue(images.ids, read_labels(files, cil.settings, images), "error")
    pd.testing.assert_frame_equal(table, expected_catalogue(cil), check_dtype=False)


def test_zip_in_the_nested_folder(cil, tmp_path):
    place = tmp_path / "download" / PUBLISHED
    place.mkdir(parents=True)
    path = zip_folder(place / f"{PUBLISHED}.zip", cil.folder)
    assert find(tmp_path / "download", cil.settings) == {"root": path}


def test_one_id_in_two_subsets(cil):
    """Two of the published query ids are ids of scored images too."""
    number = cil.query[0]
    assert number in dict(cil.scored)
    table, _ = catalogue_of(cil.folder, cil.settings)
    assert table.loc[FIRST["scored"] + number, "score"] == dict(cil.scored)[number]
    assert table.loc[FIRST["query"] + number, "subset"] == "query"


def test_litter_is_passed_over(cil, tmp_path):
    (cil.folder / "scored" / ".DS_Store").write_bytes(b"x")
    (cil.folder / "scored" / "Thumbs.db").write_bytes(b"x")
    (cil.folder / "scored" / "._1234567.png").write_bytes(b"x")
    (cil.folder / "scored" / "notes.txt").write_bytes(b"x")
    expected = expected_catalogue(cil)
    pd.testing.assert_frame_equal(catalogue_of(cil.folder, cil.settings)[0], expected, check_dtype=False)
    path = zip_folder(tmp_path / "cil.zip", cil.folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/labeled/._1.png", b"x")
        archive.writestr("__MACOSX/._labeled.csv", b"x")
    pd.testing.assert_frame_equal(catalogue_of(path, cil.settings)[0], expected, check_dtype=False)


@pytest.mark.parametrize("name", ["labeled.csv", "scored.csv"])
@pytest.mark.parametrize("archived", [False, True])
def test_missing_table(cil, tmp_path, name, archived):
    (cil.folder / name).unlink()
    place = zip_folder(tmp_path / "cil.zip", cil.folder) if archived else cil.folder
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as error:
        catalogue_of(place, cil.settings)
    assert "kaggle competitions download" in error.value.hint


def test_empty_and_absent_places(tmp_path):
    with pytest.raises(DataError, match=r"absent: no such folder"):
        find(tmp_path / "absent", {})
    with pytest.raises(DataError, match=r"no files of the data set .*looked for labeled\.csv, scored\.csv"):
        find(tmp_path, {})
    (tmp_path / "table.csv").write_text("Id,Actual\n")
    with pytest.raises(DataError, match="a file, expected a folder"):
        find(tmp_path / "table.csv", {})
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DataError, match=r"holds 0 files labeled\.csv side by side, expected one"):
        open_images(find(tmp_path / "other.zip", {}), {"frame": 40})


def test_two_data_sets_in_one_archive(cil, tmp_path):
    path = zip_folder(tmp_path / "cil.zip", cil.folder, "new/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("new/nested/labeled.csv", "Id,Actual\n")
    with open_images(find(path, {}), cil.settings) as images:  # the outer one, as in a folder
        assert len(images) == len(cil.labeled) + len(cil.scored) + len(cil.query)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("old/labeled.csv", "Id,Actual\n")
    with pytest.raises(DataError, match=r"holds 2 files labeled\.csv side by side"):
        open_images(find(path, {}), cil.settings)


def test_no_images_at_all(cil, tmp_path):
    for subset in ("labeled", "scored", "query"):
        shutil.rmtree(cil.folder / subset)
    for place in (cil.folder, zip_folder(tmp_path / "cil.zip", cil.folder)):
        with pytest.raises(DataError, match=r"no images, expected labeled/<Id>\.png"):
            open_images(find(place, {}), cil.settings)


def test_partial_set_is_counted_per_subset(cil):
    shutil.rmtree(cil.folder / "scored")
    shutil.rmtree(cil.folder / "query")
    for index in (1, 4):
        cil.image("labeled", index).unlink()
    with pytest.raises(DataError) as error:
        catalogue_of(cil.folder, cil.settings)
    assert "2 of 6 labeled ids of labeled.csv, scored.csv have no image" in str(error.value)
    assert "10 of 10 scored ids of labeled.csv, scored.csv have no image" in str(error.value)
    assert "unmatched: drop" in error.value.hint


def test_partial_set_goes_on_with_what_is_there(cil, caplog):
    shutil.rmtree(cil.folder / "query")
    for index in (0, 5, 7):
        cil.image("scored", index).unlink()
    left = expected_catalogue(cil)
    gone = [FIRST["scored"] + cil.scored[index][0] for index in (0, 5, 7)]
    left = left[(left["subset"] != "query") & ~left.index.isin(gone)]
    table, origin = catalogue_of(cil.folder, cil.settings, "drop")
    pd.testing.assert_frame_equal(table, left, check_dtype=False)
    assert origin["dropped"] == {"labeled.csv, scored.csv": 3, "images": 0}
    assert "3 of 10 scored ids" in caplog.text


def test_images_without_a_label(cil):
    shutil.copy(cil.image("scored", 0), cil.folder / "scored" / "7654321.png")
    with pytest.raises(DataError, match=r"1 of 20 images have no row in labeled\.csv, scored\.csv: 17654321"):
        catalogue_of(cil.folder, cil.settings)
    assert catalogue_of(cil.folder, cil.settings, "drop")[1]["dropped"]["images"] == 1


def test_member_without_a_name(cil, tmp_path):
    path = zip_folder(tmp_path / "cil.zip", cil.folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x", b"")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 28 : entry + 32] = b"\0\0\1\0"  # of lengths 0, and 1 for the field that follows
    path.write_bytes(content)
    pd.testing.assert_frame_equal(catalogue_of(path, cil.settings)[0], expected_catalogue(cil), check_dtype=False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("12345678.png", "no id of at most seven digits"),
        ("galaxy.png", "is no id"),
        ("-1000000.png", "is no id"),
        ("1.5.png", "is no id"),
        ("\uff11\uff12.png", "is no id"),
        ("123456789012345678901234.png", "is no id"),
    ],
)
def test_names_that_are_no_ids(cil, tmp_path, name, words):
    shutil.copy(cil.image("scored", 0), cil.folder / "scored" / name)
    for place in (cil.folder, zip_folder(tmp_path / "cil.zip", cil.folder)):
        with pytest.raises(DataError, match=words) as error:
            open_images(find(place, {}), cil.settings)
        assert name in str(error.value)


def test_two_names_of_one_id(cil):
    number = cil.scored[0][0]
    shutil.copy(cil.image("scored", 0), cil.folder / "scored" / f"0{number}.png")
    with pytest.raises(DataError, match=f"are both images of id {number}"):
        open_images(find(cil.folder, {}), cil.settings)


def png(pixels, **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", **options)
    return content.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(content, kind, data):
    """The PNG file with one more chunk after its header."""
    return content[:33] + chunk(kind, data) + content[33:]


GREY = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
BAD_IMAGES = {
    "RGB": (png(np.stack([GREY] * 3, 2)), r"colour mode is RGB, expected L \(8-bit greyscale\)"),
    "RGBA": (png(np.stack([GREY] * 4, 2)), "colour mode is RGBA"),
    "grey and alpha": (png(np.stack([GREY] * 2, 2)), "colour mode is LA"),
    "16 bit": (png(GREY.astype(np.uint16) * 256), "colour mode is I;16"),
    "1 bit": (png(GREY > 128), "colour mode is 1"),
    "larger": (png(np.zeros((41, 41), np.uint8)), r"41x41 pixels, expected 40x40"),
    "not square": (png(np.zeros((40, 39), np.uint8)), r"39x40 pixels, expected 40x40"),
    "text": (b"<html>404</html>", "not a PNG image"),
    "empty": (b"", r"the file is empty \(0 bytes\)"),
    "signature alone": (b"\x89PNG\r\n\x1a\n", "not a PNG image"),
    "huge": (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 10**5, 10**5, 8, 0, 0, 0, 0)) + png(GREY)[33:],
        "not a PNG image|100000x100000",
    ),
    "no pixels": (png(GREY)[:33] + chunk(b"IEND", b""), "damaged PNG|not a PNG image"),
    "fewer rows than declared": (
        png(GREY)[:33] + chunk(b"IDAT", zlib.compress(b"\0" * 41 * 20)) + chunk(b"IEND", b""),
        "damaged PNG",
    ),
    "another filter than PNG has": (
        png(GREY)[:33] + chunk(b"IDAT", zlib.compress(b"\x09" * 41 * 40)) + chunk(b"IEND", b""),
        "damaged PNG",
    ),
}


def palette():
    content = io.BytesIO()
    Image.fromarray(GREY).convert("P").save(content, "PNG")
    return content.getvalue()


def jpeg():
    content = io.BytesIO()
    Image.fromarray(GREY).save(content, "JPEG")
    return content.getvalue()


BAD_IMAGES["palette"] = (palette(), "colour mode is P")
BAD_IMAGES["JPEG"] = (jpeg(), "not a PNG image")


@pytest.mark.parametrize("damage", BAD_IMAGES)
def test_bad_images(cil, damage):
    content, words = BAD_IMAGES[damage]
    cil.image("scored", 2).write_bytes(content)
    with open_images(find(cil.folder, {}), cil.settings) as images, pytest.raises(DataError, match=words) as error:
        images.load(FIRST["scored"] + cil.scored[2][0])
    assert str(cil.image("scored", 2)) in str(error.value)


def test_truncated_images(cil):
    path = cil.image("scored", 2)
    whole = path.read_bytes()
    with open_images(find(cil.folder, {}), cil.settings) as images:
        # The last twelve bytes say only that the image has ended.
        for length in [*range(0, len(whole) - 12, 7), len(whole) - 12]:
            path.write_bytes(whole[:length])
            with pytest.raises(DataError, match=path.name):
                images.load(FIRST["scored"] + cil.scored[2][0])


def test_flipped_bytes_of_the_pixels_are_noticed(cil):
    path = cil.image("scored", 2)
    whole = path.read_bytes()
    first = whole.index(b"IDAT") + 4
    last = whole.index(b"IEND") - 4
    with open_images(find(cil.folder, {}), cil.settings) as images:
        for position in range(first, last, 5):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
            with pytest.raises(DataError, match="damaged PNG"):
                images.load(FIRST["scored"] + cil.scored[2][0])


@functools.cache
def bomb():
    return zlib.compress(b"\0" * 200_000_000, 9)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"IDAT"])
def test_small_files_that_unpack_to_much(cil, kind):
    """200 MB of zeros, deflated to 200 kB: an image or a message, and never the memory."""
    content = cil.image("scored", 2).read_bytes()
    if kind == b"IDAT":
        content = content[:33] + chunk(kind, bomb()) + chunk(b"IEND", b"")
    else:
        before = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
        content = with_chunk(content, kind, before + bomb())
    cil.image("scored", 2).write_bytes(content)
    tracemalloc.start()
    with open_images(find(cil.folder, {}), cil.settings) as images:
        try:
            images.load(FIRST["scored"] + cil.scored[2][0])
        except DataError as error:
            assert cil.image("scored", 2).name in str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def replace_cell(path, row, text):
    lines = path.read_text().splitlines()
    lines[row] = f"{lines[row].split(',')[0]},{text}"
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "8.5", "-1", "yes", "", "1e400", "0x1", "1_0", "1 2"])
def test_scores_are_numbers_from_0_to_8(cil, text):
    replace_cell(cil.folder / "scored.csv", 3, text)
    with pytest.raises(DataError, match=rf"scored\.csv.*\s+row 4, Id {cil.scored[2][0]}: Actual is .*\[0, 8\]"):
        catalogue_of(cil.folder, cil.settings)


@pytest.mark.parametrize("text", ["0.5", "2", "nan", "yes", "", "-0.1"])
def test_labels_are_0_or_1(cil, text):
    replace_cell(cil.folder / "labeled.csv", 3, text)
    with pytest.raises(DataError, match=rf"labeled\.csv.*\s+row 4, Id {cil.labeled[2][0]}: .*expected 0\.0 or 1\.0"):
        catalogue_of(cil.folder, cil.settings)


@pytest.mark.parametrize("text", ["0", "8", " 7.5 ", "1e-5"])
def test_scores_at_the_limits(cil, text):
    replace_cell(cil.folder / "scored.csv", 3, text)
    table, _ = catalogue_of(cil.folder, cil.settings)
    assert table.loc[FIRST["scored"] + cil.scored[2][0], "score"] == float(text)


TABLES = {
    "other columns": (lambda text: text.replace("Actual", "Predicted"), "no column 'Actual'"),
    "no header": (lambda text: text.partition("\n")[2], "no column 'Id'"),
    "header alone": (lambda text: "Id,Actual\n", "a header but no rows"),
    "repeated id": (lambda text: text + text.splitlines()[1] + "\n", r"is already in row 2"),
    "more digits": (lambda text: text + "12345678,1.0\n", "Id 12345678 has more than seven digits"),
    "no id": (lambda text: text + "12a,1.0\n", "expected an integer"),
    "more fields": (lambda text: text + "12,1.0,3\n", "3 fields, expected 2"),
    "semicolons": (lambda text: text.replace(",", ";"), "expected commas"),
    "tabs": (lambda text: text.replace(",", "\t"), "expected commas"),
    "empty": (lambda text: "", "the file is empty"),
    "blank lines": (lambda text: "\n\n\n", "the file is empty"),
}


@pytest.mark.parametrize("name", ["labeled.csv", "scored.csv"])
@pytest.mark.parametrize("damage", TABLES)
def test_damaged_tables(cil, name, damage):
    change, words = TABLES[damage]
    path = cil.folder / name
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=words) as error:
        catalogue_of(cil.folder, cil.settings)
    assert name in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_tables_in_another_encoding(cil, encoding):
    path = cil.folder / "scored.csv"
    path.write_bytes((path.read_text() + "# ä").encode(encoding))
    with pytest.raises(DataError, match=r"scored\.csv: not a text file"):
        catalogue_of(cil.folder, cil.settings)


def test_other_ways_to_write_a_table(cil):
    path = cil.folder / "scored.csv"
    rows = [f'"{number}", {value}' for number, value in cil.scored]
    path.write_bytes("\r\n".join(["\ufeffid,ACTUAL,note", *(f"{row},x" for row in rows)]).encode())
    table, _ = catalogue_of(cil.folder, cil.settings)
    pd.testing.assert_frame_equal(table, expected_catalogue(cil), check_dtype=False)


def test_files_that_are_not_the_published_ones_are_reported(cil, caplog):
    _, origin = catalogue_of(cil.folder, cil.settings)
    assert origin["published_tables"] == {"labeled.csv, scored.csv": False}
    assert "scored.csv differs from the published table" in caplog.text
    assert "10 rows of scored, 9600 were published" in caplog.text


def prepared(sample, folder):
    catalogue, provenance = folder / "catalogue.csv", folder / "provenance.json"
    prepare_catalogue.main(
        sample.folder,
        catalogue,
        provenance,
        dataset="cil_cosmology",
        source="local",
        unmatched="error",
        settings=sample.settings,
    )
    return catalogue, provenance


@pytest.mark.parametrize(
    "sizes",
    [
        {
            "scored_validation": 3,
            "scored_train": "rest",
            "labeled_validation": 2,
            "labeled_train": "rest",
            "query": "rest",
        },
        {"scored_test": 4, "scored_train": "rest", "labeled_train": "rest", "query": "rest"},
    ],
    ids=["two_in_one", "intergalactic_vae_cnn"],
)
def test_splits_of_the_papers(tmp_path, sizes):
    """Numpy's legacy generator permutes the rows of scored.csv, then, from the same stream, those of labeled.csv."""
    sample = write_cil(tmp_path / "cil", labeled=24, scored=60, query=5, frame=4)
    catalogue, _ = prepared(sample, tmp_path)
    split_dataset.main(catalogue, tmp_path / "split.csv", selection="permutation", sizes=sizes, seed=10)
    found = read_split(tmp_path / "split.csv").groupby("split")["object_id"].agg(set)

    draw = np.random.RandomState(10)
    for subset, rows in (("scored", sample.scored), ("labeled", sample.labeled)):
        ids = [FIRST[subset] + rows[position][0] for position in draw.permutation(len(rows))]
        names = [name for name in sizes if name.startswith(subset)]
        held_out = sizes[names[0]] if len(names) == 2 else 0
        assert found[names[-1]] == set(ids[held_out:])
        if held_out:
            assert found[names[0]] == set(ids[:held_out])
    assert found["query"] == {FIRST["query"] + number for number in sample.query}
    assert read_split(tmp_path / "split.csv")["object_id"].is_monotonic_increasing


def test_view_of_all_subsets(cil, tmp_path):
    catalogue, provenance = prepared(cil, tmp_path)
    view = tmp_path / "full_20.h5"
    shared = {"dataset": "cil_cosmology", "settings": cil.settings}
    pack_view.main(catalogue, provenance, view, folder=cil.folder, name="full_20", threads=2, **shared)
    with View(view) as packed:
        assert packed.ids.tolist() == read_catalogue(catalogue).ids.tolist()
        for (subset, number), pixels in cil.pixels.items():
            found = packed.read(packed.rows(np.array([FIRST[subset] + number])))
            expected = pixels.astype(float).reshape(20, 2, 20, 2).mean((1, 3))
            np.testing.assert_allclose(found[0, 0], expected, atol=1e-4)

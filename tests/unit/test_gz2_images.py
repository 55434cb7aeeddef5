"""Images in a folder or a zip: what is found, and what is refused."""

import io
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from galaxies.data.archives import Archive, is_litter
from galaxies.data.images import SIMULATED
from galaxies.datasets.gz2_kaggle import images as gz2_images
from galaxies.errors import DataError

NAME = "images_training_rev1"


def open_images(path):
    return gz2_images.open_images({"images": path}, {"frame": 424})


def jpeg(mode="RGB", size=(424, 424), seed=0, **options):
    buffer = io.BytesIO()
    blocks = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    Image.fromarray(blocks).resize(size).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_same_images_from_every_layout(gz2_sample, tmp_path):
    files = {path.name: path.read_bytes() for path in gz2_sample.images.iterdir()}
    nested = tmp_path / "twice" / NAME / NAME
    nested.mkdir(parents=True)
    for name, data in files.items():
        (nested / name).write_bytes(data)
    (tmp_path / "with_zip").mkdir()
    inside = {f"{NAME}/{name}": data for name, data in files.items()}
    archive = zipped(tmp_path / "with_zip" / f"{NAME}.zip", inside, compression=zipfile.ZIP_DEFLATED)
    challenge = {f"{NAME}.zip": archive.read_bytes(), "images_test_rev1.zip": b"no zip"}
    layouts = [
        gz2_sample.images,
        gz2_sample.folder,
        tmp_path / "twice",
        archive,
        tmp_path / "with_zip",
        zipped(tmp_path / "flat.zip", files),
        zipped(tmp_path / "whole.zip", inside | {"images_test_rev1/100018.jpg": b"test", "readme.txt": b"x"}),
        zipped(tmp_path / "challenge.zip", challenge, compression=zipfile.ZIP_DEFLATED),
    ]
    expected = {
        galaxy: np.asarray(Image.open(gz2_sample.image(i)).convert("RGB")) for i, galaxy in enumerate(gz2_sample.ids)
    }
    for layout in layouts:
        with open_images(layout) as images:
            assert images.ids.tolist() == gz2_sample.ids
            assert images.ids.dtype == np.int64
            for galaxy, pixels in expected.items():
                found = np.asarray(images.load(galaxy))
                assert found.dtype == np.uint8
                np.testing.assert_array_equal(found, pixels)


def test_litter_of_operating_systems_is_ignored(gz2_sample, tmp_path):
    for name in (".DS_Store", "Thumbs.db", "._100008.jpg"):
        (gz2_sample.images / name).write_bytes(b"litter")
    (gz2_sample.images / "__MACOSX").mkdir()
    assert open_images(gz2_sample.images).ids.tolist() == gz2_sample.ids
    members = {f"{NAME}/7.jpg": jpeg(), f"__MACOSX/{NAME}/._7.jpg": b"x", f"{NAME}/.DS_Store": b"x"}
    with open_images(zipped(tmp_path / "a.zip", members)) as images:
        assert images.ids.tolist() == [7]
    assert is_litter("a/Thumbs.db")
    assert not is_litter("a/7.jpg")


def test_other_files_are_ignored_with_a_warning(gz2_sample, caplog):
    (gz2_sample.images / "notes.txt").write_text("mine")
    assert len(open_images(gz2_sample.images)) == 6
    assert "notes.txt" in caplog.text


def test_absent_and_empty_places_say_how_to_get_the_images(tmp_path):
    (tmp_path / "empty").mkdir()
    zipped(tmp_path / "empty.zip", {"readme.txt": b"x"})
    for name in ("absent", "empty", "empty.zip"):
        with pytest.raises(DataError) as error:
            open_images(tmp_path / name)
        for word in (name, NAME, "kaggle competitions download -c galaxy-zoo-the-galaxy-challenge", "simulated"):
            assert word in str(error.value)
    with pytest.raises(DataError, match=r"outer\.zip/images_training_rev1\.zip: not a readable zip"):
        open_images(zipped(tmp_path / "outer.zip", {f"{NAME}.zip": b"x"}))


@pytest.mark.parametrize("name", ["galaxy.jpg", "100008 (1).jpg", "1e5.jpg", "-5.jpg", "9" * 25 + ".jpg"])
def test_file_names_that_are_no_id(gz2_sample, tmp_path, name):
    (gz2_sample.images / name).write_bytes(jpeg())
    for place in (gz2_sample.images, zipped(tmp_path / "a.zip", {name: jpeg()})):
        with pytest.raises(DataError) as error:
            open_images(place)
        assert repr(name) in str(error.value)
        assert "call the image by its id" in error.value.hint


def test_two_images_of_one_galaxy(gz2_sample, tmp_path):
    (gz2_sample.images / f"0{gz2_sample.ids[0]}.JPG").write_bytes(jpeg())
    with pytest.raises(DataError, match=f"both images of id {gz2_sample.ids[0]}"):
        open_images(gz2_sample.images)
    with pytest.raises(DataError, match=r"both images of id 5\nHint: take one of them out"):
        open_images(zipped(tmp_path / "a.zip", {"a/5.jpg": b"", "b/5.jpg": b""}))


@pytest.mark.parametrize("name", ["../5.jpg", "a/../../5.jpg", "/5.jpg", "..\\5.jpg", "C:\\5.jpg", "\\5.jpg"])
def test_members_that_point_outside(tmp_path, name):
    path = zipped(tmp_path / "a.zip", {"4.jpg": jpeg(), name: jpeg()})
    with pytest.raises(DataError, match="outside the archive") as error:
        open_images(path)
    assert repr(name) in str(error.value)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip"]


def test_unreadable_archives(tmp_path):
    whole = zipped(tmp_path / "a.zip", {"5.jpg": jpeg(), "6.jpg": jpeg(seed=1)}).read_bytes()
    for damaged in (b"", b"no zip at all", whole[: len(whole) // 2]):
        (tmp_path / "b.zip").write_bytes(damaged)
        with pytest.raises(DataError, match=r"b\.zip: not a readable zip"):
            open_images(tmp_path / "b.zip")
    flipped = bytearray(whole)
    flipped[len(whole) // 4] ^= 0xFF
    (tmp_path / "c.zip").write_bytes(flipped)
    with (
        open_images(tmp_path / "c.zip") as images,
        pytest.raises(DataError, match=r"c\.zip: member '5.jpg' is damaged"),
    ):
        np.asarray(images.load(5))


def test_encrypted_member(tmp_path):
    path = zipped(tmp_path / "a.zip", {"5.jpg": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # general purpose flag of the central directory
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"'5\.jpg' is encrypted"):
        open_images(path)


def test_huge_member_is_refused_whether_its_header_is_honest_or_not(tmp_path):
    content = bytes(80 * 2**20)
    path = zipped(tmp_path / "a.zip", {"5.jpg": content}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=f"'5.jpg' would unpack to {len(content)} bytes"):
        open_images(path)
    data = path.read_bytes()
    lying = data.replace(struct.pack("<I", len(content)), struct.pack("<I", 1000))
    assert lying != data
    path.write_bytes(lying)
    tracemalloc.start()
    with open_images(path) as images, pytest.raises(DataError, match="damaged"):
        np.asarray(images.load(5))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_large_file_in_a_folder_is_refused(gz2_sample):
    with gz2_sample.image(0).open("wb") as file:
        os.truncate(file.fileno(), 65 * 2**20)  # sparse
    with open_images(gz2_sample.images) as images, pytest.raises(DataError, match="larger than"):
        np.asarray(images.load(gz2_sample.ids[0]))


def bomb():
    """A JPEG of few bytes whose header claims 60000 x 60000 pixels."""
    data = bytearray(jpeg())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 60000, 60000)
    return bytes(data)


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (424, 424)).save(buffer, "PNG")
    return buffer.getvalue()


def with_thumbnail():
    """A JPEG whose metadata hold a small JPEG with its own end marker, cut off in the main scan."""
    small = jpeg(size=(16, 16))
    data = jpeg()
    segment = b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small
    return (data[:2] + segment + data[2:])[:-4]


BAD = {
    "zero bytes": (b"", "0 bytes"),
    "truncated by half": (jpeg()[: len(jpeg()) // 2], "truncated"),
    "truncated by one byte": (jpeg()[:-1], "truncated"),
    "truncated by a few bytes": (jpeg()[:-12], "truncated"),
    "truncated behind a thumbnail": (with_thumbnail(), "truncated"),
    "header only": (jpeg()[:200], ""),
    "rest overwritten by zeros": (jpeg()[:3000] + bytes(len(jpeg()) - 3000), "truncated"),
    "text": (b"<html>404 Not Found</html>", "not a JPEG image"),
    "another format": (png(), "not a JPEG image"),
    "greyscale": (jpeg("L"), r"colour mode is L (8-bit greyscale), expected RGB"),
    "CMYK": (jpeg("CMYK"), "colour mode is CMYK"),
    "too small": (jpeg(size=(423, 424)), "423x424 pixels, expected 424x424"),
    "too large": (jpeg(size=(848, 848)), "848x848 pixels, expected 424x424"),
    "bomb": (bomb(), "3600000000 pixels"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_images_are_named(tmp_path, case):
    data, words = BAD[case]
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "100008.jpg").write_bytes(data)
    archive = zipped(tmp_path / "a.zip", {f"{NAME}/100008.jpg": data})
    for place, name in ((folder, f"{NAME}/100008.jpg: "), (archive, f"a.zip:{NAME}/100008.jpg: ")):
        with open_images(place) as images, pytest.raises(DataError) as error:
            np.asarray(images.load(100008))
        assert name in str(error.value)
        assert words in str(error.value)
        assert "0x" not in str(error.value)


HINTS = {
    "zero bytes": "fetch it again",
    "truncated by a few bytes": "fetch it again",
    "rest overwritten by zeros": "fetch it again",
    "another format": "save it as JPEG",
    "greyscale": "convert it to RGB",
    "CMYK": "convert it to RGB",
    "too large": "`frame` of the data set",
}


@pytest.mark.parametrize("case", HINTS)
def test_bad_images_get_a_fitting_hint(tmp_path, case):
    (tmp_path / "5.jpg").write_bytes(BAD[case][0])
    with open_images(tmp_path) as images, pytest.raises(DataError) as error:
        np.asarray(images.load(5))
    assert HINTS[case] in error.value.hint
    assert HINTS[case] not in error.value.message
    assert str(error.value) == f"{error.value.message}\nHint: {error.value.hint}"
    if case in ("greyscale", "CMYK", "too large"):
        assert "fetch" not in error.value.hint


def test_mark_of_simulated_images(tmp_path):
    """One marked image among a few is enough, in a folder and in an archive."""
    plain, marked = jpeg(), jpeg(comment=SIMULATED)
    for count, expected in ((0, False), (1, True), (3, True)):
        files = {f"{galaxy}.jpg": marked if galaxy <= count else plain for galaxy in (1, 2, 3)}
        folder = tmp_path / f"folder{count}"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        for place in (folder, zipped(tmp_path / f"{count}.zip", files)):
            with open_images(place) as images:
                assert images.are_simulated() is expected
    many = {f"{galaxy}.jpg": marked for galaxy in range(100)}
    with open_images(zipped(tmp_path / "many.zip", many)) as images:
        assert images.are_simulated()


def test_empty_folder_beside_the_archive_is_skipped(tmp_path):
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / ".DS_Store").write_bytes(b"litter")
    zipped(tmp_path / f"{NAME}.zip", {"5.jpg": jpeg()})
    with open_images(tmp_path) as images:
        assert images.ids.tolist() == [5]


def test_progressive_images_and_trailing_bytes_are_fine(tmp_path):
    (tmp_path / "5.jpg").write_bytes(jpeg(progressive=True))
    (tmp_path / "6.jpg").write_bytes(jpeg() + bytes(40))
    with open_images(tmp_path) as images:
        for galaxy in (5, 6):
            assert np.asarray(images.load(galaxy)).shape == (424, 424, 3)


def test_archive_checks_contents(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.csv": b"1,2\n" * 100}, compression=zipfile.ZIP_DEFLATED)
    with Archive(path, 1000) as archive:
        assert archive.members == ["a.csv"]
        assert archive.read("a.csv") == b"1,2\n" * 100
    with pytest.raises(DataError, match="at most 100 expected"):
        Archive(path, 100)

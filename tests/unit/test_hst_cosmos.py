"""HST stamps in the published format: what is read, what is cut out, what is refused."""

import gzip
import itertools

import numpy as np
import pytest
from astropy.io import fits
from small_hst import write_fits_table, write_hst

from galaxies.data.catalogue import build_catalogue
from galaxies.datasets.hst_cosmos.files import find
from galaxies.datasets.hst_cosmos.images import centred, open_images, projection
from galaxies.datasets.hst_cosmos.labels import read_labels
from galaxies.errors import ConfigError, DataError


@pytest.fixture
def hst(tmp_path):
    return write_hst(tmp_path / "hst")


def stamps_of(sample):
    return open_images(find(sample.folder, {}), {})


def labels_of(sample):
    return read_labels(find(sample.folder, {}), {}, None)[0].table


def change_column(path, name, kind, values):
    with fits.open(path) as file:
        kept = [(c.name, c.format, np.array(file[1].data[c.name])) for c in file[1].columns if c.name != name]
    write_fits_table(path, kept if values is None else [*kept, (name, kind, values)])


def test_stamps_and_labels_are_those_of_the_files(hst):
    with stamps_of(hst) as images:
        assert images.ids.tolist() == sorted(hst.stamps)
        assert images.ids.dtype == np.int64
        assert not images.are_simulated()
        for ident, stamp in hst.stamps.items():
            assert images.load(ident).dtype == np.float32
            np.testing.assert_array_equal(images.load(ident), stamp)
        tables = read_labels(find(hst.folder, {}), {}, images)
        catalogue, origin = build_catalogue(images.ids, tables, "error")
    assert catalogue.columns.tolist() == ["subset", "order", "magnitude", "redshift", "half_light_radius"]
    for row, ident in enumerate(hst.stamps):
        found = catalogue.loc[ident]
        assert (found["magnitude"], found["redshift"]) == (hst.measured["mag_auto"][row], hst.measured["zphot"][row])
    assert origin["rows"] == len(hst.stamps)


def expected_centre(stamp, size):
    """Pixel by pixel: of an odd difference the smaller half is before."""
    result = np.zeros((size, size), stamp.dtype)
    offsets = [(length - size) // 2 if length >= size else -((size - length) // 2) for length in stamp.shape]
    for row in range(size):
        for column in range(size):
            y, x = row + offsets[0], column + offsets[1]
            if 0 <= y < stamp.shape[0] and 0 <= x < stamp.shape[1]:
                result[row, column] = stamp[y, x]
    return result


def test_centres_of_even_and_odd_stamps():
    for height, width, size in itertools.product((4, 5, 8, 9), (3, 6, 7, 12), (1, 4, 5, 7, 8, 13)):
        stamp = np.arange(1, 1 + height * width, dtype=np.float32).reshape(height, width)
        np.testing.assert_array_equal(centred(stamp, size), expected_centre(stamp, size))


def test_cutting_undoes_padding():
    for small, large in itertools.product(range(1, 7), range(7, 12)):
        stamp = np.random.default_rng(0).normal(size=(small, small))
        np.testing.assert_array_equal(centred(centred(stamp, large), small), stamp)


def test_view_has_one_channel_and_is_not_resampled(hst):
    made = projection("crop8_8", {})
    with stamps_of(hst) as images:
        row = made.make(images.load(images.ids[0]))
    assert row.shape == made.shape == (1, 8, 8)
    assert row.dtype == made.dtype == "float32"
    for view in ("crop8_4", "full_8", "pooled_8", "histogram_8"):
        with pytest.raises(ConfigError, match=r"stamps are cut and not resampled"):
            projection(view, {})


@pytest.mark.parametrize("name", ["../other.fits", "/etc/passwd", "sub/n1.fits", "..", "", "a\0b.fits"])
def test_a_file_beside_the_catalogue_only(hst, name):
    change_column(hst.catalogue, "GAL_FILENAME", "40A", [name] * len(hst.stamps))
    with pytest.raises(DataError, match=r"GAL_FILENAME .* is no file beside the catalogue") as error:
        stamps_of(hst)
    assert str(hst.catalogue) in str(error.value)


@pytest.mark.parametrize("number", [-1, -2])
def test_negative_hdu(hst, number):
    change_column(hst.catalogue, "GAL_HDU", "J", [number] * len(hst.stamps))
    with pytest.raises(DataError, match=rf"GAL_HDU of IDENT \d+ is {number}"):
        stamps_of(hst)


@pytest.mark.parametrize("number", [99, 2**31 - 1])
def test_missing_hdu(hst, number):
    change_column(hst.catalogue, "GAL_HDU", "J", [number] * len(hst.stamps))
    with stamps_of(hst) as images, pytest.raises(DataError, match=r"real_galaxy_images_23.5_n\d\.fits: damaged"):
        images.load(images.ids[0])


def test_missing_image_file(hst):
    hst.image_file(1).unlink()
    with stamps_of(hst) as images, pytest.raises(DataError, match=r"n1\.fits.*No such file"):
        images.load(next(iter(hst.stamps)))


@pytest.mark.parametrize("length", [0, 5, 80, 2000, 2880, 2900, 5000])
def test_truncated_stamps(hst, length):
    hst.image_file(1).write_bytes(hst.image_file(1).read_bytes()[:length])
    with stamps_of(hst) as images, pytest.raises(DataError, match=r"n1\.fits"):
        for ident in images.ids:
            images.load(ident)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_stamp_with_a_value_that_is_not_finite(hst, value):
    ident = next(iter(hst.stamps))
    with fits.open(hst.image_file(1), mode="update") as file:
        file[0].data[3, 4] = value
    with stamps_of(hst) as images, pytest.raises(DataError, match=rf"n1\.fits, HDU 0: the stamp of IDENT {ident}"):
        images.load(ident)


@pytest.mark.parametrize("shape", [(8,), (2, 8, 8), (1, 5000)])
def test_stamps_are_images_of_some_hundred_pixels(hst, shape):
    fits.PrimaryHDU(np.zeros(shape, np.uint8)).writeto(hst.image_file(1), overwrite=True)
    with stamps_of(hst) as images, pytest.raises(DataError, match=r"HDU 0: no image of at most 4096 x 4096"):
        images.load(next(iter(hst.stamps)))


def test_table_in_place_of_a_stamp(hst):
    hst.image_file(1).write_bytes(hst.catalogue.read_bytes())
    with stamps_of(hst) as images, pytest.raises(DataError, match=r"n1\.fits"):
        for ident in images.ids:
            images.load(ident)


@pytest.mark.parametrize("column", ["IDENT", "GAL_FILENAME", "GAL_HDU"])
def test_missing_column_of_the_catalogue(hst, column):
    change_column(hst.catalogue, column, "", None)
    with pytest.raises(DataError, match=rf"no table with the column\(s\) {column}"):
        stamps_of(hst)


COLUMNS = {
    "real IDENT": ("catalogue", "IDENT", "D", [1.5, np.nan, 3.0, 4.0]),
    "text IDENT": ("catalogue", "IDENT", "8A", ["a", "b", "c", "d"]),
    "two numbers IDENT": ("catalogue", "IDENT", "2J", np.zeros((4, 2), np.int32)),
    "number as file name": ("catalogue", "GAL_FILENAME", "J", [1, 2, 3, 4]),
    "text HDU": ("catalogue", "GAL_HDU", "8A", ["0", "1", "2", "3"]),
    "repeated IDENT": ("catalogue", "IDENT", "J", [1, 2, 2, 4]),
    "negative IDENT": ("catalogue", "IDENT", "J", [1, 2, -3, 4]),
    "repeated measurement": ("fits", "IDENT", "J", [1, 2, 2, 4]),
    "text magnitude": ("fits", "mag_auto", "8A", ["a", "b", "c", "d"]),
    "vector redshift": ("fits", "zphot", "3D", np.zeros((4, 3))),
}


@pytest.mark.parametrize("damage", COLUMNS)
def test_columns_of_another_kind(hst, damage):
    which, name, kind, values = COLUMNS[damage]
    path = getattr(hst, which)
    change_column(path, name, kind, values)
    with pytest.raises(DataError) as error:
        stamps_of(hst)
        labels_of(hst)
    assert str(path) in str(error.value) and name in str(error.value)


def test_scaled_integers_are_read_as_what_they_mean(hst):
    """FITS stores numbers with a scale and an offset; the raw ones mean something else."""
    change_column(hst.fits, "mag_auto", "I", [1, 2, 3, 4])
    for key, value in {"TSCAL4": 0.5, "TZERO4": 10.0}.items():
        fits.setval(hst.fits, key, value=value, ext=1)
    assert labels_of(hst)["magnitude"].tolist() == [10.5, 11, 11.5, 12]


def test_values_that_are_not_finite_are_missing(hst):
    change_column(hst.fits, "zphot", "D", [0.5, np.nan, np.inf, 0.25])
    assert labels_of(hst)["redshift"].isna().tolist() == [False, True, True, False]


def test_table_that_claims_rows_beyond_its_end(hst):
    raw = hst.catalogue.read_bytes()
    for rows in (10**6, 10**10, 10**15):
        hst.catalogue.write_bytes(raw.replace(b"NAXIS2  =                    4", b"NAXIS2  = %20d" % rows))
        with pytest.raises(DataError, match="damaged, or no FITS file"):
            stamps_of(hst)


def test_compressed_files_are_not_unpacked(hst):
    """Astropy unpacks them whatever their name, to any size."""
    hst.catalogue.write_bytes(gzip.compress(hst.catalogue.read_bytes()))
    with pytest.raises(DataError, match="a compressed one"):
        stamps_of(hst)


def test_table_without_rows(hst):
    write_fits_table(hst.catalogue, [("IDENT", "J", []), ("GAL_FILENAME", "40A", []), ("GAL_HDU", "J", [])])
    with pytest.raises(DataError, match=r"real_galaxy_catalog_23\.5\.fits"):
        stamps_of(hst)


def test_places_are_looked_for(hst, tmp_path):
    with pytest.raises(DataError, match=r"absent: no such folder[\s\S]*galsim_download_cosmos"):
        find(tmp_path / "absent", {})
    with pytest.raises(DataError, match="a file, expected a folder"):
        find(hst.catalogue, {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="0 files real_galaxy_catalog"):
        find(tmp_path / "empty", {})
    hst.catalogue.unlink()
    with pytest.raises(DataError, match=r"no real_galaxy_catalog_23\.5\.fits beside"):
        find(hst.folder, {})

"""Real files, where there are any: GALAXIES_REAL_DATA names a folder with cil-cosmology-2018 and hst-cosmos-sample, and
perhaps gz2-kaggle-subset.

The first holds labeled.csv, scored.csv and labeled/1009590.png of the CIL cosmology images; the second, in
`cosmos_23.5`, ten stamps of GalSim's COSMOS sample; the third, images of the Galaxy Challenge with `color_mass.csv`.
"""

import os
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

import pack_view
import prepare_catalogue
from galaxies.data.catalogue import build_catalogue, read_catalogue
from galaxies.data.store import View
from galaxies.datasets.cil_cosmology.files import find as find_cil
from galaxies.datasets.cil_cosmology.images import open_images as open_cil
from galaxies.datasets.cil_cosmology.images import projection as cil_projection
from galaxies.datasets.cil_cosmology.labels import read_labels as read_cil
from galaxies.datasets.hst_cosmos.files import find as find_hst
from galaxies.datasets.hst_cosmos.images import open_images as open_hst
from galaxies.datasets.hst_cosmos.labels import read_labels as read_hst
from galaxies.errors import DataError, PipelineError

FOLDER = Path(os.environ.get("GALAXIES_REAL_DATA", "absent"))
CIL, HST = FOLDER / "cil-cosmology-2018", FOLDER / "hst-cosmos-sample" / "cosmos_23.5"
GZ2 = FOLDER / "gz2-kaggle-subset"
CIL_SETTINGS = {"frame": 1000}
IMAGE = 1009590

pytestmark = pytest.mark.skipif(
    not (CIL.is_dir() and HST.is_dir()), reason="GALAXIES_REAL_DATA names no folder with real data"
)


@pytest.fixture(scope="module")
def cil():
    files = find_cil(CIL, CIL_SETTINGS)
    with open_cil(files, CIL_SETTINGS) as images:
        return images, read_cil(files, CIL_SETTINGS, images)


@pytest.fixture
def copied(tmp_path):
    """Copies of the smallest layout of each data set, to be damaged."""
    for source, place in ((CIL, tmp_path / "cil"), (HST, tmp_path / "hst")):
        for name in ("labeled.csv", "scored.csv", f"labeled/{IMAGE}.png", *(p.name for p in HST.glob("*.fits"))):
            if (source / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes((source / name).read_bytes())
    return tmp_path


def test_tables_are_the_published_ones(cil):
    _, tables = cil
    assert tables[0].origin["published_tables"] is True
    table = tables[0].table
    assert table["subset"].value_counts().to_dict() == {"scored": 9600, "labeled": 1200}
    assert table["galaxy"].value_counts().to_dict() == {1.0: 1000, 0.0: 200}


def test_scores_have_the_published_distribution(cil):
    scores = cil[1][0].table["score"].dropna().to_numpy()
    assert len(np.unique(scores)) == 9600
    assert scores.min() == pytest.approx(5.87e-5, rel=1e-3)
    assert scores.max() == pytest.approx(6.2498, abs=1e-4)
    assert (scores.mean(), scores.std()) == pytest.approx((1.6541, 1.0862), abs=1e-4)
    assert np.percentile(scores, 20) == pytest.approx(0.74290, abs=1e-5)
    above = scores[scores > 0.74]
    assert (above.mean(), above.std()) == pytest.approx((2.02, 0.89), abs=0.005)


def test_rows_keep_the_order_of_the_file(cil):
    table = cil[1][0].table
    for subset, offset in (("labeled", 0), ("scored", 10_000_000)):
        rows = (CIL / f"{subset}.csv").read_text().splitlines()[1:]
        part = table[table["subset"] == subset].sort_values("order")
        assert (part.index - offset).tolist() == [int(row.split(",")[0]) for row in rows]


def test_the_image(cil):
    images, _ = cil
    image = images.load(IMAGE)
    pixels = np.asarray(image)
    assert images.ids.tolist() == [IMAGE] and pixels.shape == (1000, 1000)
    assert (pixels == 0).mean() == pytest.approx(0.9972, abs=5e-5)
    assert pixels.mean() == pytest.approx(0.031, abs=5e-4)
    counts = cil_projection("histogram_10", CIL_SETTINGS).make(image)
    assert counts.tolist() == [999759, 100, 33, 33, 15, 12, 10, 4, 6, 28]
    # Averages over 1000 = 8 * 125 keep the flux; in 63 pixels the last row and column stand for half as much.
    pooled = cil_projection("pooled_125", CIL_SETTINGS).make(image)
    assert pooled.mean(dtype=float) == pytest.approx(pixels.mean(), rel=1e-5)


def test_partial_set(cil, caplog):
    images, tables = cil
    with pytest.raises(DataError) as error:
        build_catalogue(images.ids, tables, "error")
    assert "1199 of 1200 labeled ids" in str(error.value)
    assert "9600 of 9600 scored ids" in str(error.value)
    catalogue, origin = build_catalogue(images.ids, tables, "drop")
    assert catalogue.index.tolist() == [IMAGE]
    assert catalogue["galaxy"].tolist() == [1.0]
    assert origin["dropped"] == {"labeled.csv, scored.csv": 10799, "images": 0}
    assert "1199 of 1200 labeled ids" in caplog.text


def packed(folder, dataset, options, view, out, unmatched="error", layout=""):
    catalogue, provenance = out / "catalogue.csv", out / "provenance.json"
    shared = {"dataset": dataset, "layout": layout, "settings": options}
    prepare_catalogue.main(folder, catalogue, provenance, source="local", unmatched=unmatched, **shared)
    pack_view.main(catalogue, provenance, out / f"{view}.h5", folder=folder, name=view, threads=2, **shared)
    return read_catalogue(catalogue), out / f"{view}.h5"


def test_the_image_is_packed(tmp_path):
    for name in ("pooled_63", "full_128", "nearest_140", "histogram_10"):
        catalogue, path = packed(CIL, "cil_cosmology", CIL_SETTINGS, name, tmp_path / name, "drop")
        with View(path) as view:
            assert view.ids.tolist() == catalogue.ids.tolist() == [IMAGE]
            assert not view.attributes["simulated"]
            view.check_pixels()


def test_stamps_are_read_and_packed(tmp_path):
    catalogue, path = packed(HST, "hst_cosmos", {}, "crop64_64", tmp_path)
    assert len(catalogue) == 10
    labels = catalogue.labels
    assert labels["redshift"].min() == pytest.approx(0.19, abs=0.01)
    assert labels["redshift"].max() == pytest.approx(1.10, abs=0.01)
    with fits.open(HST / "real_galaxy_catalog_23.5.fits") as file:
        rows = {int(row["IDENT"]): (row["GAL_HDU"], row["GAL_FILENAME"].strip(), row["MAG"]) for row in file[1].data}
    with View(path) as view:
        assert view.shape == (10, 1, 64, 64)
        for number, pixels, magnitude in zip(
            view.ids, view.read(np.arange(10))[:, 0], labels["magnitude"], strict=True
        ):
            hdu, name, published = rows[int(number)]
            assert magnitude == pytest.approx(published, abs=0.01)
            stamp = fits.getdata(HST / name, int(hdu))
            inside = [slice(max(0, (64 - n) // 2), max(0, (64 - n) // 2) + min(n, 64)) for n in stamp.shape]
            cut = [slice(max(0, (n - 64) // 2), max(0, (n - 64) // 2) + min(n, 64)) for n in stamp.shape]
            np.testing.assert_array_equal(pixels[tuple(inside)], stamp[tuple(cut)])
            assert np.count_nonzero(pixels) <= np.prod([min(n, 64) for n in stamp.shape])


@pytest.mark.skipif(not (GZ2 / "color_mass.csv").is_file(), reason="no real colours and masses")
def test_colours_and_masses_of_real_galaxies(tmp_path):
    """483 galaxies: three have colours that no galaxy has, 15 are test images. The images are as red as the colours."""
    labels = [{"file": "color_mass.csv", "kind": "colour_mass"}]
    settings = {"frame": 424, "images": None, "labels": labels}
    catalogue, path = packed(GZ2, "gz2_colour_mass", settings, "crop30_30", tmp_path, "drop", "gz2_kaggle")
    assert len(catalogue) == 465
    assert catalogue.labels["red_sequence"].value_counts().to_dict() == {0.0: 329, 1.0: 136}
    published = pd.read_csv(GZ2 / "color_mass.csv", index_col="GalaxyID").loc[catalogue.ids]
    np.testing.assert_array_equal(catalogue.labels[["u_r_colour", "log_stellar_mass"]], published)
    with View(path) as view:
        centre = view.read(np.arange(len(view))).mean(axis=(2, 3))
    ratio = pd.Series(centre[:, 0] / centre[:, 2], index=catalogue.ids)
    assert ratio.corr(catalogue.labels["u_r_colour"], method="spearman") > 0.7
    assert ratio.corr(catalogue.labels["red_sequence"], method="spearman") > 0.4


def read_all_cil(folder):
    files = find_cil(folder, CIL_SETTINGS)
    with open_cil(files, CIL_SETTINGS) as images:
        read_cil(files, CIL_SETTINGS, images)
        images.load(IMAGE)


def read_all_hst(folder):
    files = find_hst(folder, {})
    with open_hst(files, {}) as images:
        read_hst(files, {}, images)
        for ident in images.ids:
            images.load(ident)


def damages(content, count, seed):
    """Copies that are cut off or have some bytes changed."""
    draw = random.Random(seed)
    for number in range(count):
        if number % 2:
            yield content[: draw.randrange(len(content))]
            continue
        copy = bytearray(content)
        for _ in range(draw.choice([1, 1, 3, 20])):
            copy[draw.randrange(min(len(copy), draw.choice([300, 6000, 10**7])))] = draw.randrange(256)
        yield bytes(copy)


@pytest.mark.parametrize(
    ("name", "read", "count"),
    [
        ("cil/labeled.csv", read_all_cil, 10),
        ("cil/scored.csv", read_all_cil, 10),
        (f"cil/labeled/{IMAGE}.png", read_all_cil, 20),
        ("hst/real_galaxy_catalog_23.5.fits", read_all_hst, 60),
        ("hst/real_galaxy_catalog_23.5_fits.fits", read_all_hst, 60),
        ("hst/real_galaxy_images_23.5_n1.fits", read_all_hst, 60),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_copies_give_data_or_a_message(copied, name, read, count):
    path = copied / name
    content = path.read_bytes()
    refused = 0
    for damaged in damages(content, int(os.environ.get("GALAXIES_FUZZ_EXAMPLES", count)), seed=1):
        path.write_bytes(damaged)
        try:
            read(copied / name.split("/")[0])
        except PipelineError as error:
            refused += 1
            assert len(str(error)) < 2000
    assert refused
    path.write_bytes(content)
    read(copied / name.split("/")[0])

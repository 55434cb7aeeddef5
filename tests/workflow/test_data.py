"""The data of a run: made from every source, described, split, and packed whole or in parts."""

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from galaxies.data.store import View

pytestmark = pytest.mark.slow

DATASETS = {
    "gz2_kaggle": (48, ["full_100", "crop250_70", "crop256_32"]),
    "cil_cosmology": (42, ["pooled_63", "full_128", "full_140", "histogram_10", "full_32"]),
    "hsc_cosmos": (40, ["full_50"]),
}


@pytest.fixture(scope="module")
def data(finished):
    return finished.folder / "results/tiny/data"


@pytest.mark.parametrize("dataset", DATASETS)
def test_catalogue_views_and_card_agree(data, dataset):
    count, views = DATASETS[dataset]
    catalogue = pd.read_csv(data / dataset / "catalogue.csv")
    card = json.loads((data / dataset / "card.json").read_text())
    assert len(catalogue) == card["objects"] == count
    assert card["simulated"] is True
    assert sorted(card["views"]) == sorted(views)
    assert sum(card["subsets"].values()) == count
    for name in views:
        with View(data / dataset / f"{name}.h5") as view:
            described = card["views"][name]
            assert view.ids.tolist() == catalogue["object_id"].tolist()
            assert described["sha256"] == view.digest()
            pixels = view.read(np.arange(count)).astype(np.float64)
            axes = (0, 2, 3) if pixels.ndim == 4 else (0,)
            for key, function in (("min", np.min), ("max", np.max), ("mean", np.mean), ("std", np.std)):
                found = [channel[key] for channel in described["channels"].values()]
                np.testing.assert_allclose(found, function(pixels, axis=axes), rtol=1e-6, atol=1e-6)
            medians = [channel["median"] for channel in described["channels"].values()]
            np.testing.assert_allclose(medians, np.median(pixels, axis=axes), atol=1e-6)
            if pixels.ndim == 4:
                assert described["repeated_images"] == count - len({row.tobytes() for row in pixels})
    for name, label in card["labels"].items():
        values = catalogue[name].dropna()
        assert (label["present"], label["missing"]) == (len(values), count - len(values))
        if len(values):
            assert label["mean"] == pytest.approx(values.mean())
            assert label["percentiles"]["95"] == pytest.approx(np.percentile(values, 95))


@pytest.mark.parametrize("dataset", DATASETS)
def test_page_is_drawn(data, dataset):
    pixels = np.asarray(Image.open(data / dataset / "card.png").convert("L"))
    assert pixels.shape[1] >= 1000
    assert len(np.unique(pixels)) > 20


def test_subsets_of_the_cosmology_images(data):
    catalogue = pd.read_csv(data / "cil_cosmology/catalogue.csv")
    assert catalogue.groupby("subset").size().to_dict() == {"labeled": 12, "scored": 24, "query": 6}
    assert catalogue.groupby("subset")["galaxy"].count().to_dict() == {"labeled": 12, "scored": 0, "query": 0}
    assert catalogue.groupby("subset")["score"].count().to_dict() == {"labeled": 0, "scored": 24, "query": 0}
    # Simulated query images have a hidden score, with which a prediction can be judged.
    assert catalogue.groupby("subset")["hidden_score"].count().to_dict() == {"labeled": 0, "scored": 0, "query": 6}


def test_splits_of_the_papers(finished):
    results = finished.folder / "results/tiny"
    subset = pd.read_csv(results / "data/cil_cosmology/catalogue.csv").set_index("object_id")["subset"]
    for paper, sizes in {
        "two_in_one": {
            "scored_validation": 6,
            "scored_test": 2,
            "scored_train": 16,
            "labeled_validation": 3,
            "labeled_train": 9,
        },
        "intergalactic_vae_cnn": {"scored_test": 6, "scored_train": 18, "labeled_train": 12},
    }.items():
        split = pd.read_csv(results / paper / "split.csv")
        assert split["split"].value_counts().to_dict() == sizes
        assert split["object_id"].is_unique
        assert (split["split"].str.split("_").str[0] == subset[split["object_id"]].to_numpy()).all()
    split = pd.read_csv(results / "galaxy_cgan_augmentation/split.csv")
    assert split["split"].value_counts().to_dict() == {"train": 28, "validation": 12}


def test_score_statistics(finished):
    results = finished.folder / "results/tiny"
    table = pd.read_csv(results / "two_in_one/score_statistics.csv").set_index("metric")
    catalogue = pd.read_csv(results / "data/cil_cosmology/catalogue.csv")
    scores = catalogue["score"][catalogue["subset"] == "scored"]
    assert table.loc["score_percentile_20", "value"] == pytest.approx(np.percentile(scores, 20))
    assert table.loc["score_percentile_20", "published"] == 0.74
    assert table.loc["score_mean", "published"] == 2.02
    assert (table["data"] == "simulated").all()
    assert (table["comparable"] == "no: simulated data").all()


def test_scorers_of_intergalactic_vae_cnn(finished):
    results = finished.folder / "results/tiny/intergalactic_vae_cnn"
    table = pd.read_csv(results / "scores_mae.csv").set_index(["experiment", "set"])
    names = {"cnn", "cnn_gaussian", "dcgan_literal", "dcgan_calibrated", "random_forest", "constant_median"}
    assert set(table.index) == {(name, part) for name in names for part in ("test", "sim_public", "sim_private")}
    assert set(table.index[table["chose_epoch"]]) == {("cnn", "test"), ("cnn_gaussian", "test")}
    assert table.loc[("dcgan_literal", "test"), "published"] == 1.2
    assert "discriminator's networks discriminator width 2" in table.loc[("dcgan_literal", "test"), "comparable"]
    first = pd.read_csv(results / "first_predictions.csv")
    assert len(first) == 4 and (first["prediction_largest"] > 0).all()
    query = pd.read_csv(results / "query_pred_cnn.csv")
    predicted = pd.read_csv(results / "cnn/seed0/predictions.csv")
    assert query["Predicted"].tolist() == predicted.loc[predicted["set"] == "query", "predicted"].tolist()
    pixels = np.asarray(Image.open(results / "scorer_curves.png").convert("L"))
    assert pixels.shape[1] >= 1000
    assert len(np.unique(pixels)) > 20


def test_generated_fields_of_intergalactic_vae_cnn(finished):
    results = finished.folder / "results/tiny/intergalactic_vae_cnn"
    table = pd.read_csv(results / "measured_fields.csv")
    quantities = {"sky", "concentration", "lit", "flux", "blobs", "flux_deviation", "distance_to_real"}
    quantities |= {"score_cnn", "score_random_forest"}
    assert table.groupby("experiment")["quantity"].agg(set).to_dict() == dict.fromkeys(
        ("real_images", "vae_z64", "vae_h100_z35", "dcgan"), quantities
    )
    bounds = pd.read_csv(results / "bounds.csv").set_index(["experiment", "quantity"])
    assert bounds.loc[("vae_h100_z35", "negative_bound_held_out"), "difference"] != 0
    figures = ("fig2_vae_samples", "fig3_dcgan_samples", "fig4_vae_bad_latent", "fig5_vae_curves")
    for name in (*figures, "reconstructions", "traversals", "curves_dcgan"):
        pixels = np.asarray(Image.open(results / f"{name}.png").convert("L"))
        assert pixels.shape[1] >= 1000
        assert len(np.unique(pixels)) > 20


def write_config(workflow, name, **changes):
    """A run of that name that makes data only."""
    (workflow.folder / f"{name}.yaml").write_text(yaml.safe_dump({"run": name, **changes}))
    return f"{name}.yaml"


def hsc(**changes):
    simulate = {"images": 40, "seed": 5}
    return {"hsc_cosmos": {"source": "simulated", "simulate": simulate, "views": ["full_50"]} | changes}


def test_packing_in_parts_gives_the_same_view(finished, data):
    """Five jobs of at most nine images, and the digest of the view that one job packed."""
    configfile = write_config(finished, "sharded", data=hsc(shard_images=9))
    result = finished.snakemake("data", configfile=configfile)
    assert result.returncode == 0, result.stdout
    sharded = finished.folder / "results/sharded/data/hsc_cosmos"
    assert len(list((sharded / "shards/full_50").glob("*of5.h5"))) == 5
    with View(sharded / "full_50.h5") as parts, View(data / "hsc_cosmos/full_50.h5") as whole:
        assert parts.pixels.is_virtual
        assert parts.digest() == whole.digest() == parts.attributes["pixels_sha256"]
        np.testing.assert_array_equal(parts.labels, whole.labels)
    assert finished.planned("data", configfile=configfile) == []


def test_another_seed_is_new_data_and_the_same_seed_the_same(finished, data):
    """Simulated again with the same seed in another run, byte for byte; another seed changes everything after it."""
    configfile = write_config(finished, "again", data=hsc())
    assert finished.snakemake("data", configfile=configfile).returncode == 0
    again = finished.folder / "results/again/data/hsc_cosmos"
    for name in ("HSC_ids.npy", "images.small.npy", "2018_02_23-all_objects.csv"):
        assert (again / "simulated" / name).read_bytes() == (data / "hsc_cosmos/simulated" / name).read_bytes()
    with h5py.File(again / "full_50.h5") as first, h5py.File(data / "hsc_cosmos/full_50.h5") as second:
        assert first.attrs["pixels_sha256"] == second.attrs["pixels_sha256"]
    other = write_config(finished, "again", data=hsc(simulate={"images": 40, "seed": 6}))
    assert {"simulate_dataset", "prepare_catalogue", "pack_view"} <= set(finished.planned("data", configfile=other))


def test_a_downloaded_file_is_not_downloaded_again_and_must_be_the_published_one(finished):
    """Without the files, three downloads are planned; with them, none, whatever else changes. Others are refused."""
    configfile = write_config(finished, "downloaded", data=hsc(source="download"))
    assert finished.planned("data", configfile=configfile).count("fetch_file") == 3
    simulated = finished.folder / "results/tiny/data/hsc_cosmos/simulated"
    resources = finished.folder / "resources/hsc_cosmos"
    resources.mkdir(parents=True)
    for path in simulated.iterdir():
        (resources / path.name).write_bytes(path.read_bytes())
    assert "fetch_file" not in finished.planned("data", configfile=configfile)
    with finished.edit("galaxies/data/download.py", "REDIRECTS = 10", "REDIRECTS = 11"):
        assert "fetch_file" not in finished.planned("data", configfile=configfile)
    result = finished.snakemake("data", configfile=configfile)
    assert result.returncode != 0
    assert "its git object name is" in result.stdout
    assert not list((finished.folder / "results/downloaded/data/hsc_cosmos").glob("*.csv"))


def test_several_data_sets_of_one_layout(finished, data):
    """Results by name, downloads by layout; labels that are no fractions come through as they are."""
    simulated = data / "gz2_kaggle/simulated"
    folder = finished.folder / "colours"
    shutil.copytree(simulated / "images_training_rev1", folder / "images_training_rev1")
    ids = sorted(int(path.stem) for path in (folder / "images_training_rev1").iterdir())
    colours, masses = np.linspace(1, 3, len(ids)).round(6), np.linspace(9, 11, len(ids)).round(6)
    table = pd.DataFrame({"GalaxyID": ids, "u_r": colours, "mass": masses})
    table.to_csv(folder / "color_mass.csv", index=False)
    labels = [{"file": "color_mass.csv", "kind": "colour_mass", "colour_column": "u_r", "mass_column": "mass"}]
    local = {"layout": "gz2_kaggle", "source": "local", "path": "colours", "labels": labels, "views": ["full_32"]}
    again = hsc(layout="hsc_cosmos")["hsc_cosmos"]
    configfile = write_config(finished, "several", data=hsc() | {"hsc_again": again, "gz2_colours": local})
    result = finished.snakemake("data", configfile=configfile)
    assert result.returncode == 0, result.stdout
    results = finished.folder / "results/several/data"
    views = [results / name / "full_50.h5" for name in ("hsc_cosmos", "hsc_again")]
    with View(views[0]) as first, View(views[1]) as second:
        assert first.attributes["pixels_sha256"] == second.attributes["pixels_sha256"]
        assert (first.attributes["dataset"], second.attributes["dataset"]) == ("hsc_cosmos", "hsc_again")
    with View(results / "gz2_colours/full_32.h5") as view:
        edge = -0.24 + 0.25 * masses
        np.testing.assert_allclose(view.labels, np.stack([colours, masses, colours > edge], axis=1), rtol=1e-6)
    for file in ("provenance.json", "card.json"):
        content = json.loads((results / "gz2_colours" / file).read_text())
        assert (content["dataset"], content["layout"]) == ("gz2_colours", "gz2_kaggle")
    assert finished.planned("data", configfile=configfile) == []
    downloaded = {"gz2_kaggle": {"source": "download"}, "other": {"layout": "gz2_kaggle", "source": "download"}}
    planned = finished.planned("data", configfile=write_config(finished, "several", data=downloaded))
    assert planned.count("fetch_file") == planned.count("prepare_catalogue") == 2


def test_one_data_set_does_not_rerun_another(finished):
    with finished.edit("galaxies/datasets/hsc_cosmos/images.py", 'CHANNELS = ("g",', 'CHANNELS = ("G",'):
        planned = finished.planned()
    assert planned.count("pack_view") == 1
    assert "predict" not in planned
    assert not any(rule.startswith(("galaxy_zoo_cnn", "two_in_one")) for rule in planned)


def test_reworded_hint_reruns_nothing(finished):
    with finished.edit("galaxies/datasets/cil_cosmology/files.py", "fetch the files with", "get the files with"):
        assert finished.planned() == []


def test_another_limit_that_gives_the_same_parts_packs_nothing(finished):
    configfile = write_config(finished, "sharded", data=hsc(shard_images=8))  # 40 images in 5 parts, as with 9
    assert finished.planned("data", configfile=configfile) == []


def test_partial_real_data_counts_what_is_missing(finished, tmp_path):
    """Tables of a whole data set beside one image: an error that counts, or one object with `unmatched: drop`."""
    simulated = finished.folder / "results/tiny/data/cil_cosmology/simulated"
    real = finished.folder / "partial"
    (real / "labeled").mkdir(parents=True)
    for name in ("labeled.csv", "scored.csv"):
        (real / name).write_bytes((simulated / name).read_bytes())
    image = min((simulated / "labeled").iterdir())
    (real / "labeled" / image.name).write_bytes(image.read_bytes())
    settings = {"source": "local", "path": "partial", "views": ["full_128"]}
    configfile = write_config(finished, "partial", data={"cil_cosmology": settings})
    result = finished.snakemake("data", configfile=configfile)
    assert result.returncode != 0
    assert "11 of 12 labeled ids" in result.stdout
    assert "24 of 24 scored ids" in result.stdout
    assert "unmatched: drop" in result.stdout
    configfile = write_config(finished, "partial", data={"cil_cosmology": settings | {"unmatched": "drop"}})
    result = finished.snakemake("data", configfile=configfile)
    assert result.returncode == 0, result.stdout
    assert len(pd.read_csv(finished.folder / "results/partial/data/cil_cosmology/catalogue.csv")) == 1

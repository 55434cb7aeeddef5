"""What a finished run holds, and how bad configurations and missing data end."""

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from galaxies.plots import TRAIN, VALIDATION

FIGURES = [
    "fig1_original.png",
    "fig2_augmented.png",
    "fig3_cropped.png",
    *(f"fig{n + 3}_approach{n}.{kind}" for n in range(1, 5) for kind in ("png", "pdf")),
    "rmse.png",
]


@pytest.mark.slow
class TestFinishedRun:
    def results(self, finished):
        return finished.folder / "results/tiny/galaxy_zoo_cnn"

    @pytest.mark.parametrize("name", FIGURES)
    def test_figure_is_there_and_not_blank(self, finished, name):
        path = self.results(finished) / name
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF")
        else:
            pixels = np.asarray(Image.open(path).convert("L"))
            assert pixels.shape[1] >= 1000
            assert len(np.unique(pixels)) > 20

    @pytest.mark.parametrize("approach", [1, 2, 3, 4])
    def test_both_curves_are_visible(self, finished, approach):
        pixels = np.asarray(
            Image.open(self.results(finished) / f"fig{approach + 3}_approach{approach}.png").convert("RGB")
        )
        axes = pixels[int(0.2 * len(pixels)) : int(0.85 * len(pixels))]  # below the legend
        for colour in (TRAIN, VALIDATION):
            expected = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
            assert (axes == expected).all(axis=2).sum() > 50

    def test_table_has_every_experiment_split_and_baseline(self, finished):
        table = pd.read_csv(self.results(finished) / "table_rmse.csv")
        networks = table[table["parameters"].notna()]
        assert networks.groupby("experiment").size().to_dict() == {f"approach{n}": 4 for n in range(1, 5)}
        assert set(table["experiment"]) >= {"train_mean", "all_zeros", "central_pixel"}
        assert (networks["n_seeds"] == 2).all()
        assert (networks["ci95_low"] < networks["rmse_mean"]).all()
        assert (table["data"] == "simulated").all()
        assert networks["comparable"].str.startswith("no: simulated data").all()
        assert networks.set_index(["experiment", "split"]).loc[("approach4", "test"), "published"] == 0.1161
        assert dict(zip(networks["experiment"], networks["parameters"], strict=True)) == {
            "approach1": 1308901,
            "approach2": 522469,
            "approach3": 344805,
            "approach4": 24576101,
        }

    def test_table_agrees_with_the_predictions(self, finished):
        table = pd.read_csv(self.results(finished) / "table_rmse.csv").set_index(["experiment", "split"])
        errors = []
        for seed in (0, 1):
            with h5py.File(self.results(finished) / f"approach2/seed{seed}/predictions.h5") as file:
                test = file["split"][:] == 2
                errors.append(np.sqrt(((file["predictions"][:] - file["labels"][:])[test].astype(float) ** 2).mean()))
        assert table.loc[("approach2", "test"), "rmse_mean"] == pytest.approx(np.mean(errors), rel=1e-6)
        assert table.loc[("approach2", "test"), "rmse_std"] == pytest.approx(np.std(errors, ddof=1), rel=1e-4)

    def test_histories_have_one_row_per_seed_and_epoch(self, finished):
        history = pd.read_csv(self.results(finished) / "history_approach1.csv")
        assert list(history.columns) == ["seed", "epoch", "loss", "rmse", "val_loss", "val_rmse"]
        assert sorted(zip(history["seed"], history["epoch"], strict=True)) == [(0, 1), (0, 2), (1, 1), (1, 2)]
        np.testing.assert_allclose(history["rmse"] ** 2, history["loss"], rtol=1e-5)

    def test_merged_configuration_is_saved(self, finished):
        config = yaml.safe_load((finished.folder / "results/tiny/config.yaml").read_text())
        approach = config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach1"]
        assert approach["epochs"] == 2
        adamax = {"name": "adamax", "learning_rate": 0.001, "betas": [0.9, 0.999], "epsilon": 1e-7}
        assert approach["optimiser"] == adamax

    def test_views_know_their_origin(self, finished):
        with h5py.File(finished.folder / "results/tiny/data/gz2_kaggle/crop250_70.h5") as file:
            assert file["pixels"].shape == (48, 3, 70, 70)
            assert file.attrs["simulated"]
        provenance = json.loads((finished.folder / "results/tiny/data/gz2_kaggle/provenance.json").read_text())
        assert provenance["simulated"] is True

    def test_the_same_seed_makes_the_same_weights_again(self, finished):
        history = self.results(finished) / "approach3/seed1/history.csv"
        before = history.read_text()
        assert finished.snakemake("--force", str(history.relative_to(finished.folder))).returncode == 0
        assert history.read_text() == before
        assert finished.snakemake().returncode == 0  # what depends on it


BAD_CONFIGURATIONS = [
    ("seeds: [0, 1]", "sedes: [0, 1]", ["unknown key 'sedes'", "'seeds'"]),
    ("seeds: [0, 1]", "seeds: two", ["seeds", "'two'", "array"]),
    ("approach3: {epochs: 2", "approach3: {epoch: 2", ["approach3", "'epoch'", "'epochs'"]),
    ("approach3: {epochs: 2", "aproach3: {epochs: 2", ["'aproach3'", "'approach3'"]),
    ("source: simulated", "source: simulate", ["data.gz2_kaggle.source", "'simulated'"]),
    ("train: 24", "train: 2400", ["split.sizes", "2424", "48"]),
    ("pretrained: none", "pretrained: imagnet", ["pretrained", "'imagenet'"]),
    ("source: simulated", "source: local", ["data.gz2_kaggle.path"]),
    (
        "source: simulated",
        "source: local\n    path: nowhere",
        ["nowhere: no such folder", "kaggle competitions download"],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "words"), BAD_CONFIGURATIONS)
def test_bad_configuration_ends_before_any_work(checkout, old, new, words):
    path = checkout.folder / "tiny.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    result = checkout.snakemake()
    assert result.returncode != 0
    for word in words:
        assert word in result.stdout
    assert "Traceback" not in result.stdout
    assert result.stdout.count("Hint:") <= 1
    assert not (checkout.folder / "results").exists()


@pytest.mark.slow
def test_images_to_score_are_looked_for_before_any_work(checkout):
    full, empty = checkout.folder / "a{b} c", checkout.folder / "empty"
    for folder in (full, empty):
        folder.mkdir()
    (full / "image.png").touch()
    for folder, words in (("nowhere", "no such folder"), ("Snakefile", "a file"), ("empty", "no images in it")):
        result = checkout.snakemake("score_images", "--config", f"images={folder}")
        assert result.returncode != 0
        assert f"Error: images: {folder}: {words}" in result.stdout and "Hint:" in result.stdout
        assert "Traceback" not in result.stdout
        assert not (checkout.folder / "results").exists()
    (empty / "image.jpg").touch()
    result = checkout.snakemake("score_images", "--config", f"images={empty.name}")
    assert result.returncode != 0 and "none of 1 files can be scored" in result.stdout
    assert "score_images" in checkout.dry_run("score_images", "--config", f"images={full.name}")


@pytest.mark.slow
def test_each_folder_is_scored_whenever_it_is_asked_for(finished):
    tables = []
    for name in ("first", "second", "first"):
        folder = finished.folder / name
        folder.mkdir(exist_ok=True)
        Image.new("L", (1000, 1000)).save(folder / "black.png")
        result = finished.snakemake("score_images", "--config", f"images={name}")
        assert result.returncode == 0, result.stdout
        (table,) = finished.folder.glob(f"results/tiny/*/scores_of_{name}.csv")
        tables.append(table.read_text())
        table.unlink()
        shutil.rmtree(folder)
    assert tables[0] == tables[1] == tables[2]
    assert tables[0].startswith("Id,Predicted\nblack,")


@pytest.mark.slow
def test_a_section_that_is_left_out_takes_its_metrics_away(checkout):
    path = checkout.folder / "tiny.yaml"
    section = "generation: {keep_above: -1, wanted: 2, most_draws: 3, diverse: 2}"
    text = path.read_text()
    assert section in text
    path.write_text(text.replace(section, "generation: null"))
    planned = checkout.planned()
    assert "tabulate_mae" in planned and "draw_images" not in planned


@pytest.mark.slow
def test_no_generated_image_without_a_trained_generator(checkout):
    path = checkout.folder / "tiny.yaml"
    path.write_text(path.read_text().replace("discriminator_steps: 2, steps: 3", "discriminator_steps: 2, steps: 2"))
    result = checkout.snakemake("--dry-run", "results/tiny/two_in_one/fig4_generated.png")
    assert result.returncode != 0
    assert "Error: papers.two_in_one: no included experiment trains a generator" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.slow
def test_bad_recorded_curves_end_before_any_work(checkout):
    path = checkout.folder / "config/recorded_curves.csv"
    path.write_text(path.read_text().replace("0.6238", "0,6238", 1))
    result = checkout.snakemake("galaxy_cgan_augmentation_fig4")
    assert result.returncode != 0
    assert "Error: config/recorded_curves.csv: line 3: 8 fields, expected 7" in result.stdout
    assert "Traceback" not in result.stdout
    assert not (checkout.folder / "results").exists()

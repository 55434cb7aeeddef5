"""Measures and tables of generated star fields, and of autoencoders, against values worked out here."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_views import write_fields

import examine_vae
import generate
import measure_fields
import plot_field_samples
import plot_reconstructions
import plot_score_training
import plot_traversals
import plot_vae_curves
import tabulate_bounds
import tabulate_fields
import train
from galaxies import plots
from galaxies.compute import Compute
from galaxies.config import merged_config
from galaxies.data.device import Images
from galaxies.data.rows import chosen_rows
from galaxies.errors import ConfigError, DataError
from galaxies.examined_vae import Examined
from galaxies.field_measures import field_measures
from galaxies.generated_fields import first_good
from galaxies.methods import vae

SIZE = 8
CPU = Compute(torch.device("cpu"), channels_last=False)
SETS = {"train_on": ["labeled_train", "scored_train"], "pool": {"galaxy": [1, 1], "score": [2, 8]}}
EXPERIMENT = {
    "method": "vae",
    "stretch": "none",
    "network": {"architecture": "dense_vae", "hidden": 6, "latent_dim": 3},
    "optimiser": {"name": "adam", "learning_rate": 0.01},
    "validate_on": "scored_validation",
    "validation_pool": {"score": [0, 8]},
    "train_images": None,
    "batch_size": 8,
    "steps": 12,
    **SETS,
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder with view.h5, split.csv and, of two trainings seed0 and seed1, the files of the workflow."""
    folder = tmp_path_factory.mktemp("trained")
    write_fields(folder / "view.h5", size=SIZE)
    for seed in (0, 1):
        place = folder / f"seed{seed}"
        place.mkdir()
        inputs = folder / "view.h5", folder / "split.csv"
        train.main(
            *inputs, place / "model.pt", place / "history.csv", place / "cost.json", place / "state",
            experiment=EXPERIMENT, seed=seed, compute={"device": "cpu"}, code="", name="vae", threads=1,
        )  # fmt: skip
        examine_vae.main(*inputs, place / "model.pt", place / "examined.h5", compute={"device": "cpu"}, threads=1)
        generate.main(
            *inputs, place / "model.pt", place / "generated.h5",
            example_conditions=[], compute={"device": "cpu"}, threads=1, samples=10,
        )  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps({"simulated": True}))
    return folder


def trainings(**more):
    return [
        {
            "experiment": "vae",
            "label": "VAE",
            "seed": seed,
            "view": "full_8",
            "reported_as": "a vae",
            "differences": ["short"],
            **more,
        }
        for seed in (0, 1)
    ]


def files(folder, name):
    return [folder / f"seed{seed}" / name for seed in (0, 1)]


# What an autoencoder has learned


def test_examined_bounds_and_reconstructions_are_those_of_the_network(trained):
    found = Examined(trained / "seed0/examined.h5")
    network, _ = vae.load_network(trained / "seed0/model.pt", CPU)
    rows = chosen_rows(trained / "view.h5", trained / "split.csv", ["scored_validation"], None)
    held_out = Images(trained / "view.h5", rows, CPU)
    assert found.shown.shape == (8, 1, SIZE, SIZE)
    np.testing.assert_array_equal(found.shown, held_out.images)
    with torch.no_grad():
        mean, log_std = network.encode(held_out.images.flatten(1) / 255)
        expected = 255 * network.decode(mean).sigmoid()
    np.testing.assert_allclose(found.reconstructed.reshape(8, -1), expected, rtol=1e-4)
    variance = (2 * log_std).exp()
    activity = 0.5 * (variance + mean**2 - 1 - variance.log())  # of normal distributions
    np.testing.assert_allclose(found.activity, activity.mean(dim=0), rtol=1e-4)
    np.testing.assert_allclose(found.bounds["held_out"]["divergence"], activity.sum(dim=1), rtol=1e-4)
    assert found.activity[found.dimensions[0]] == found.activity.max()
    history = pd.read_csv(trained / "seed0/history.csv").iloc[-1]
    assert found.negative_bound("held_out").mean() == pytest.approx(history["val_negative_bound"], rel=1e-5)


def test_traversals_move_one_dimension(trained):
    found = Examined(trained / "seed0/examined.h5")
    network, _ = vae.load_network(trained / "seed0/model.pt", CPU)
    codes = torch.zeros(7, 3)
    codes[:, found.dimensions[1]] = torch.tensor([-3.0, -2, -1, 0, 1, 2, 3])
    with torch.no_grad():
        expected = 255 * network.decode(codes).sigmoid()
    np.testing.assert_allclose(found.traversals[1].reshape(7, -1), expected, rtol=1e-4)
    middle = found.traversals[:, 3]
    np.testing.assert_array_equal(middle, np.broadcast_to(middle[:1], middle.shape))


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "examined.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"examined\.h5"):
        Examined(tmp_path / "examined.h5")


def test_table_of_bounds(trained, tmp_path):
    alike = {"same_pixels": True, "same_training": True}
    of_both = trainings(**alike)
    poor = [{**entry, "experiment": "poor", "label": "poor, small"} for entry in of_both]
    others = [{**entry, "experiment": "others", "same_training": False} for entry in of_both]
    stretched = [{**entry, "experiment": "stretched", "same_pixels": False} for entry in others]
    examined, histories = files(trained, "examined.h5"), files(trained, "history.csv")
    reported = tmp_path / "reported.csv"
    reported.write_text(
        "paper,experiment,dataset_split,metric,value,units,source_section\n"
        "a paper,a vae,training,iterations_to_convergence,10000,iterations,paper: VI\n"
    )
    tabulate_bounds.main(
        [*examined, *examined[::-1], *examined, *examined], [*histories, *histories[::-1], *histories, *histories],
        trained / "provenance.json", reported, tmp_path / "table.csv", tmp_path / "per_seed.csv",
        trainings=[*of_both, *poor, *others, *stretched], paper="a paper", reference="vae",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "table.csv").set_index(["experiment", "quantity"])
    values = [Examined(path).negative_bound("held_out").mean() for path in examined]
    row = table.loc[("vae", "negative_bound_held_out")]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["std"] == pytest.approx(np.std(values, ddof=1))
    assert row["n_seeds"] == 2
    assert np.isnan(row["difference"])
    row = table.loc[("poor", "negative_bound_held_out")]  # the same two trainings under each other's seeds
    assert row["difference"] == pytest.approx(0, abs=1e-9)
    half = 12.706204736432095 * abs(values[0] - values[1]) * 2 / np.sqrt(2) / np.sqrt(2)  # t(0.975, 1)
    assert row["difference_ci95_high"] == pytest.approx(half, rel=1e-6)
    assert np.isfinite(table.loc[("others", "negative_bound_held_out"), "difference"])
    assert np.isnan(table.loc[("others", "negative_bound_training"), "difference"])
    assert np.isnan(table.loc[("stretched", "negative_bound_held_out"), "difference"])
    row = table.loc[("vae", "iterations_to_convergence")]
    assert row["published"] == 10000 and row["comparable"] == "no: simulated data; short"
    assert len(pd.read_csv(tmp_path / "per_seed.csv")) == 8


def test_training_images_are_compared_where_they_have_the_labels_of_held_out_ones(trained, tmp_path):
    """All held-out images have a score; of the pool, those labelled as galaxies have none."""
    inputs = trained / "view.h5", trained / "split.csv"
    pool = chosen_rows(*inputs, *SETS.values())
    scored = np.isfinite(Images(trained / "view.h5", pool, CPU).labels.numpy()[:, 0])
    found = Examined(trained / "seed0/examined.h5")
    assert 0 < len(found.bounds["training"]["divergence"]) == scored.sum() < len(pool)


def test_convergence():
    steps, rest = np.arange(1, 41) * 10, np.full(34, 100.0)
    assert tabulate_bounds.converged_after(steps, np.array([900.0, 300, 120, 103, 101, 99, *rest])) == 50
    late = np.array([900.0, *rest[:20], 150, *rest[:18]])
    assert tabulate_bounds.converged_after(steps, late) == 230
    for changing in (np.geomspace(900, 100, 40), np.geomspace(100, 900, 40)):
        assert np.isnan(tabulate_bounds.converged_after(steps, changing))
    assert np.isnan(tabulate_bounds.converged_after(steps[:5], rest[:5]))


# What generators make


def measure(trained, path, **options):
    given = {"names": [], "frame": 40, "compute": {"device": "cpu"}, **options}
    measure_fields.main(trained / "view.h5", trained / "split.csv", [], path, **given)
    return pd.read_csv(path)


def test_measures_of_real_and_generated_fields(trained, tmp_path):
    pool = {"score": [2, 8]}
    real = measure(trained, tmp_path / "real.csv", sets=["scored_validation"], pool=pool)
    rows = chosen_rows(trained / "view.h5", trained / "split.csv", ["scored_validation"], pool)
    images = Images(trained / "view.h5", rows, CPU)
    pixels = images.images.numpy()
    sky = np.median(pixels, axis=(1, 2, 3), keepdims=True)
    light = np.clip(pixels - sky, 0, None)
    np.testing.assert_allclose(real["sky"], sky.ravel(), rtol=1e-6)
    np.testing.assert_allclose(real["flux"], light.mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(real["lit"], (pixels > sky + 0.5).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(real["concentration"], light.max(axis=(1, 2, 3)) / light.sum(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(real["true_score"], images.labels[:, 0], rtol=1e-6)
    assert real["object_id"].tolist() == (100 + rows).tolist()
    made = measure(trained, tmp_path / "made.csv", generated=trained / "seed0/generated.h5")
    with h5py.File(trained / "seed0/generated.h5") as file:
        np.testing.assert_allclose(made["sky"], np.median(file["generated"][:], axis=(1, 2, 3)), rtol=1e-5)
    relative = measure(trained, tmp_path / "relative.csv", generated=trained / "seed0/generated.h5", levels=False)
    assert relative[["sky", "flux", "lit", "blobs"]].isna().all(axis=None) and relative["concentration"].notna().all()


def test_concentration_of_light():
    """Of 100 pixels the brightest one counts: all of the light of a star, a hundredth of that of a blank image."""
    star = np.full((10, 10), 3.0)
    star[3, 4] = 10
    assert field_measures(star) == (3, 0.07, 0.01, 1, 1)
    assert field_measures(np.full((10, 10), 5.0)) == (5, 0, 0, 0.01, 0)
    ramp = np.arange(100.0).reshape(10, 10)
    assert field_measures(ramp).concentration == pytest.approx(49.5 / (np.arange(0.5, 50).sum()))


def test_images_are_enlarged_pixel_by_pixel():
    image = np.array([[0.4, 0.6], [254.6, 300.0]], dtype=np.float32)
    enlarged = np.asarray(measure_fields.enlarge(image, 5))
    assert enlarged.shape == (5, 5) and enlarged.dtype == np.uint8
    assert set(np.unique(enlarged)) == {0, 1, 255}
    assert enlarged[0, 0] == 0 and enlarged[0, 4] == 1


def test_table_of_fields(tmp_path):
    for name, flux in {"real": (1.0, 30.0, 2.0), "a": (2.0, 2.0, 2.0), "b": (4.0, 80.0, 6.0)}.items():
        columns = {"object_id": [0, 1, 2], "flux": flux, "lit": (0.1, 0.3, 0.2), "concentration": (0.5, 0.7, 0.6)}
        columns |= {"sky": (0, 0, 9), "blobs": (5, 7, 6) if name == "real" else (0, 0, 1)}
        columns |= {"score_cnn": (1.0, 2.0, 3.0)} | ({"true_score": (2.0, 2.5, 5.0)} if name == "real" else {})
        pd.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)
    tabulate_fields.main(
        [tmp_path / "a.csv", tmp_path / "b.csv"], [tmp_path / "real.csv"], tmp_path / "table.csv",
        tmp_path / "per_seed.csv", trainings=trainings(), views=["full_8"], names=["cnn"],
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "table.csv").set_index(["experiment", "quantity"])
    flux = table.loc[("vae", "flux")]
    assert (flux["mean"], flux["ratio"], flux["n_seeds"], flux["images"]) == (4.0, 2.0, 2, 3)
    assert flux["std"] == pytest.approx(np.sqrt(8))
    assert table.loc[("vae", "flux_deviation"), "mean"] == pytest.approx(np.std((4, 80, 6), ddof=1) / 2)
    assert table.loc[("vae", "distance_to_real"), "mean"] == pytest.approx((1 + (1 + 4 / 8)) / 2 / 5)  # blobs, flux
    real = table.loc[("real_images", "score_cnn")]
    assert (real["true_mean"], real["mae"]) == (pytest.approx(9.5 / 3), pytest.approx(3.5 / 3))
    assert real["correlation"] == pytest.approx(np.corrcoef((1, 2, 3), (2, 2.5, 5))[0, 1])
    assert table.loc[("real_images", "flux"), "mean"] == 2
    halves = [4.5 / 6.5, 28.5 / 31.5, 0.15 / 0.45, 0.15 / 1.25, 1.5 / 12.5]  # the first is of the sky plus one level
    assert table.loc[("real_images", "distance_to_real"), "mean"] == pytest.approx(np.mean(halves))
    assert table.loc[("vae", "score_cnn"), "mean"] == 2
    assert np.isnan(table.loc[("vae", "score_cnn"), "ratio"])
    of_seeds = pd.read_csv(tmp_path / "per_seed.csv").set_index(["quantity", "seed"])
    assert list(of_seeds.loc["flux", "value"]) == [2.0, 6.0]
    assert list(of_seeds.loc["flux", "ratio"]) == [1.0, 3.0]
    assert of_seeds.loc["score_cnn", "ratio"].isna().all()
    assert list(of_seeds.loc["score_cnn", "real"]) == [2.0, 2.0]
    assert list(of_seeds.loc["distance_to_real", "value"]) == pytest.approx([0.2, 0.3])


def test_images_without_grey_levels_have_no_distance_to_real_ones(trained, tmp_path):
    """Their concentration alone is known."""
    measure(trained, tmp_path / "real.csv", sets=["scored_validation"])
    measure(trained, tmp_path / "relative.csv", generated=trained / "seed0/generated.h5", levels=False)
    tabulate_fields.main(
        [tmp_path / "relative.csv"], [tmp_path / "real.csv"], tmp_path / "table.csv", tmp_path / "per_seed.csv",
        trainings=trainings()[:1], views=["full_8"], names=[],
    )  # fmt: skip
    assert pd.read_csv(tmp_path / "per_seed.csv")["quantity"].to_list() == ["concentration"]


# Figures


def test_figures_are_drawn(trained, tmp_path):
    plot_field_samples.main(
        files(trained, "generated.h5"), trained / "view.h5", trained / "split.csv", tmp_path / "samples.png",
        rows=[{"label": "VAE", "file": 0, "choose": "densest"}, {"label": "VAE", "file": 1, "choose": "sparsest"}],
        sets=SETS["train_on"], pool=SETS["pool"], notes=["short"],
    )  # fmt: skip
    reported = tmp_path / "reported.csv"
    reported.write_text(
        "paper,experiment,dataset_split,metric,value,units,source_section\n"
        "a paper,a vae,training,iterations_to_convergence,10,iterations,paper: VI\n"
    )
    plot_vae_curves.main(
        files(trained, "history.csv"), trained / "provenance.json", reported, tmp_path / "curves.png",
        tmp_path / "curves.pdf", tmp_path / "curves.csv", trainings=trainings(), paper="a paper", notes=["short"],
    )  # fmt: skip
    examined = files(trained, "examined.h5")
    plot_reconstructions.main(examined, tmp_path / "reconstructions.png", trainings=trainings(), notes=[])
    plot_traversals.main(examined[0], tmp_path / "traversals.png", label="VAE", differences=[])
    for name in ("samples", "curves", "reconstructions", "traversals"):
        assert len(np.unique(np.asarray(Image.open(tmp_path / f"{name}.png").convert("L")))) > 20
    table = pd.read_csv(tmp_path / "curves.csv")
    histories = [pd.read_csv(path) for path in files(trained, "history.csv")]
    assert table["iteration"].iloc[-1] == EXPERIMENT["steps"]
    np.testing.assert_allclose(table["kl_divergence"], np.mean([h["kl_divergence"] for h in histories], axis=0))


def curves_of_scores(trained, folder, monkeypatch, last: float, names) -> list:
    """Axes of the training curves of like trainings, whose epochs end with nothing and with a value."""
    history = pd.DataFrame({"steps": [4, 4]} | {quantity: [np.nan, last] for quantity in plot_score_training.PANELS})
    history.to_csv(folder / "history.csv", index=False)
    shared = {"seed": 0, "discriminator_steps": 4, "compare_scores": True}
    axes = []
    save = plots.save_figure
    monkeypatch.setattr(
        plot_score_training, "save_figure", lambda figure, *paths: (axes.extend(figure.axes), save(figure, *paths))
    )
    plot_score_training.main(
        [folder / "history.csv"] * len(names), trained / "provenance.json", folder / "a.png", folder / "a.pdf",
        trainings=[{**shared, "experiment": name, "label": name} for name in names], notes=["short"],
    )  # fmt: skip
    return axes


def test_like_curves_of_a_short_training_are_told_apart(trained, tmp_path, monkeypatch):
    axes = curves_of_scores(trained, tmp_path, monkeypatch, 2.0, ("one", "other"))
    looks = {line.get_label(): line.get_linestyle() for line in axes[2].lines}
    assert looks["one"] != looks["other"]
    ticks = axes[-1].get_xticks()
    assert ticks[0] == 0 and np.array_equal(ticks, ticks.round())


@pytest.mark.parametrize(("last", "scale"), [(2.0, "linear"), (947.0, "symlog"), (-330.0, "symlog")])
def test_only_values_that_would_flatten_the_curves_of_generators_change_their_axis(
    trained, tmp_path, monkeypatch, last, scale
):
    axes = curves_of_scores(trained, tmp_path, monkeypatch, last, ("one",))
    found = dict(zip(plot_score_training.PANELS, (axis.get_yscale() for axis in axes), strict=True))
    assert found["generated_score"] == found["generator_loss"] == scale


def test_the_section_of_a_paper_is_named_without_remarks():
    sections = [plot_vae_curves.section(source) for source in ("paper: VI (approx)", "paper: Fig. 4 caption")]
    assert sections == ["VI", "Fig. 4 caption"]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 4), (5, 3), (6, 3), (7, 4), (9, 3)])
def test_legends_have_no_gap_within(count, columns):
    assert plots.legend_columns(count, 4) == columns


def test_curves_mark_the_rows_nearest_to_ten_even_distances():
    run = pd.DataFrame(
        {"steps": [7] * 100} | {p + n: np.zeros(100) for p in ("", "val_") for n in plot_vae_curves.PANELS}
    )
    table = plot_vae_curves.tabulated({"experiment": "vae", "label": "VAE"}, [run])
    marked = table.loc[table["tenth"], "iteration"].to_numpy()
    np.testing.assert_array_equal(marked, 70 * np.arange(1, 11))


def test_rows_of_one_file_show_other_images_each():
    images = np.arange(20.0).reshape(20, 1, 1)
    rows = [plot_field_samples.chosen(images, "first", skip).ravel().tolist() for skip in (0, 8)]
    assert rows == [list(range(8)), list(range(8, 16))]


def test_densest_and_sparsest_are_by_light_above_the_sky():
    images = np.zeros((12, 3, 3))
    images[:, 1, 1] = [5, 2, 9, 0, 7, 1, 3, 11, 4, 6, 8, 10]
    images += 20 * np.arange(12)[:, None, None]  # the sky
    for choice, expected in {"densest": [11, 10, 9, 8, 7, 6, 5, 4], "sparsest": [0, 1, 2, 3, 4, 5, 6, 7]}.items():
        assert np.ptp(plot_field_samples.chosen(images, choice), axis=(1, 2)).tolist() == expected
    with pytest.raises(DataError, match="'best'"):
        plot_field_samples.chosen(images, "best")


# The configuration

FIELDS = {"source": "simulated", "simulate": {"labeled": 1200, "scored": 9600}}


def merge(**changes):
    paper = {"include": ["vae_z64", "cnn"], **changes}
    overrides = {"run": "x", "data": {"cil_cosmology": FIELDS}, "papers": {"intergalactic_vae_cnn": paper}}
    root = Path(__file__).parents[2]
    return merged_config(overrides, root / "config/experiments", root / "workflow/schemas/config.schema.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"generated_fields": {"scorers": ["vae_z64"]}}, "'vae_z64' is no trained scorer"),
        ({"generated_fields": {"scorers": ["dcgan_literal"]}}, "'dcgan_literal' is no trained scorer"),
        ({"generated_fields": {"poor": ["dcgan"]}}, "'dcgan' is no autoencoder"),
        ({"generated_fields": {"real_sets": ["test"]}}, "the split has no set 'test'"),
        ({"generated_fields": {"real_sets": ["scored_train"]}}, "vae_z64 is trained on 'scored_train'"),
        ({"generated_fields": {"real_pool": {"skore": [2, 8]}}}, "no label 'skore'; did you mean 'score'"),
        ({"experiments": {"vae_z64": {"pool": {"galxy": [1, 1]}}}}, "no label 'galxy'; did you mean 'galaxy'"),
        ({"experiments": {"vae_z64": {"pool": {"score": [8, 2]}}}}, r"pool\.score: lowest 8 is above highest 2"),
        (
            {"experiments": {"vae_labelled": {"train_on": ["scored_train"]}}, "include": ["vae_labelled"]},
            "images of scored_train have no galaxy, but score",
        ),
        ({"experiments": {"vae_z64": {"validate_on": "scored_train"}}}, "'scored_train' is trained on"),
        ({"experiments": {"vae_z64": {"view": "histogram_10"}}}, "histogram_10 has no images of grey levels"),
        ({"experiments": {"cnn": {"train_on": ["labeled_train"]}}}, "the images of 'labeled_train' have no score"),
        (
            {
                "include": ["vae_z64", "vae_stretched"],
                "generated_fields": {"poor": ["vae_stretched"], "scorers": []},
            },
            "vae_stretched and vae_z64 have other views or stretches",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        merge(**change)


def test_absent_scorers_and_a_study_of_a_vae_alone_are_fine():
    assert merge(include=["vae_z64"])
    vae_alone = {"dataset": "cil_cosmology", "include": ["mine"], "generated_fields": {"real_sets": ["scored_test"]}}
    vae_alone["split"] = {"selection": "random", "sizes": {"scored_test": 9, "scored_train": "rest"}}
    settings = {**EXPERIMENT, "view": "full_128", "train_on": ["scored_train"], "validate_on": "scored_test"}
    vae_alone["experiments"] = {"mine": {**settings, "pool": {"score": [2, 8]}}}
    root = Path(__file__).parents[2]
    overrides = {"run": "x", "data": {"cil_cosmology": FIELDS}, "papers": {"my_study": vae_alone}}
    assert merged_config(overrides, root / "config/experiments", root / "workflow/schemas/config.schema.yaml")


def test_poor_autoencoders_are_no_reference():
    paper = merge(include=["vae_h100_z35", "vae_z60", "cnn"])["papers"]["intergalactic_vae_cnn"]
    assert first_good(paper) == "vae_z60"

"""Measures of generated images on images whose answer is known; tables and figures made of them."""

import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.spatial.distance import pdist
from scipy.stats import rankdata, spearmanr
from small_generated import IDS, galaxies, small_labels, write_generated, write_view

import compare_generators
import measure_fidelity
import plot_conditional_scaling
import plot_generators
import plot_real_vs_generated
from galaxies.data.store import View
from galaxies.datasets.gz2_kaggle import photometry as gz2_photometry
from galaxies.datasets.hsc_cosmos import photometry, survey
from galaxies.display import pictures, stretch_text
from galaxies.errors import ConfigError, DataError
from galaxies.fidelity import (
    aperture_mask,
    aperture_sums,
    bootstrap_correlations,
    checkerboard_index,
    distances,
    diversity,
    like_pairs,
    mean_distance,
    nearest_distances,
    power_spectra,
    rank_correlations,
)

GENERATORS = [
    {"experiment": "good", "label": "as published, resized", "seed": 0, "differences": ["steps 2 (published 3)"]},
    {"experiment": "bad", "label": "noise", "seed": 0, "differences": []},
]


@pytest.fixture
def files(tmp_path):
    """A view whose fluxes follow the mass exactly, a generator that copies it and one that ignores the labels."""
    labels = small_labels()
    real = galaxies(labels[:, 1] - labels[:, 1].min(), noise=0)
    real += np.random.default_rng(1).normal(0, 1e-4, real.shape).astype(np.float32)
    write_view(tmp_path / "view.h5", real, labels)
    write_generated(tmp_path / "good.h5", tmp_path / "view.h5", real, labels, error=0.1)
    shuffled = galaxies(np.random.default_rng(2).uniform(0, 2, len(IDS)), seed=3)
    write_generated(tmp_path / "bad.h5", tmp_path / "view.h5", shuffled, labels, error=0.5)
    return tmp_path


# Photometry


def test_stored_values_of_the_simulator_become_its_fluxes():
    flux = np.random.default_rng(0).normal(0, 3, (2, 3, 5, 5))
    stored = survey.stretch(flux).astype(np.float32)
    np.testing.assert_allclose(photometry.linear_flux(stored), flux, atol=1e-5)


@pytest.mark.parametrize("value", [1e5, -1e5, 3e38])
def test_absurd_values_give_finite_sums_without_a_warning(value):
    images = np.full((2, 3, 50, 50), value, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sums = aperture_sums([photometry.linear_flux(images)], photometry.aperture_radius(50, 0))
    assert np.isfinite(sums).all() and (np.sign(sums) == np.sign(value)).all()


def test_apertures():
    assert photometry.aperture_radius(50, 0) * survey.PIXEL_SCALE == pytest.approx(1.5)  # arcsec
    assert gz2_photometry.aperture_radius(106, 0) == pytest.approx(50 / 4)
    assert gz2_photometry.aperture_radius(100, 200) == pytest.approx(25)
    np.testing.assert_allclose(gz2_photometry.linear_flux(np.full((2, 3, 4, 4), 0.25)), np.full((2, 1, 4, 4), 0.25))


@pytest.mark.parametrize("size", [50, 51])
def test_aperture_has_the_area_of_its_circle_and_its_symmetries(size):
    mask = aperture_mask(size, 15.0)
    assert mask.sum() == pytest.approx(np.pi * 15**2, rel=0.03)
    for other in (mask.T, mask[::-1], mask[:, ::-1]):
        np.testing.assert_array_equal(mask, other)


def test_aperture_sums_join_blocks():
    images = np.random.default_rng(0).random((7, 2, 9, 9))
    expected = [[band[aperture_mask(9, 3)].sum() for band in image] for image in images]
    np.testing.assert_allclose(aperture_sums([images[:3], images[3:]], 3), expected)


# Correlations


def test_correlations_agree_with_scipy_and_with_residuals_of_ranks():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    values = np.stack([labels[:, 0] + rng.normal(size=200), np.exp(labels[:, 1] + labels[:, 2])], axis=1)
    (rho,), (partial,) = rank_correlations(values, labels)
    for i in range(2):
        for j in range(3):
            assert rho[i, j] == pytest.approx(spearmanr(values[:, i], labels[:, j]).statistic)
            fixed = np.column_stack([np.ones(200), rankdata(np.delete(labels, j, axis=1), axis=0)])
            rest = [
                ranks - fixed @ np.linalg.lstsq(fixed, ranks, rcond=None)[0]
                for ranks in (rankdata(values[:, i]), rankdata(labels[:, j]))
            ]
            assert partial[i, j] == pytest.approx(np.corrcoef(rest)[0, 1])


def test_counts_are_repetitions():
    rng = np.random.default_rng(0)
    values, labels = rng.integers(0, 9, (40, 2)).astype(float), rng.normal(size=(40, 2))  # with ties
    counts = rng.multinomial(40, np.full(40, 1 / 40), 6)
    rho, partial = rank_correlations(values, labels, counts.astype(float))
    for sample, count in enumerate(counts):
        rows = np.repeat(np.arange(40), count)
        (expected,), (expected_partial,) = rank_correlations(values[rows], labels[rows])
        assert expected[1, 0] == pytest.approx(spearmanr(values[rows, 1], labels[rows, 0]).statistic)
        np.testing.assert_allclose(rho[sample], expected)
        np.testing.assert_allclose(partial[sample], expected_partial)


def test_flux_that_follows_one_label_alone():
    labels = small_labels()[:, :2]
    (rho,), (partial,) = rank_correlations(np.exp(labels[:, 1:]), labels)
    assert rho[0, 1] == pytest.approx(1) and partial[0, 1] == pytest.approx(1)
    assert rho[0, 0] == pytest.approx(spearmanr(*labels.T).statistic)
    assert np.isnan(partial[0, 0])  # the flux does not vary when the mass is fixed


def test_one_label_has_no_other_to_fix():
    labels, values = np.random.default_rng(0).random((2, 50, 1))
    (rho,), (partial,) = rank_correlations(values, labels)
    np.testing.assert_allclose(rho, partial)


def test_flux_that_does_not_vary_has_no_correlation_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (rho,), (partial,) = rank_correlations(np.ones((48, 1)), small_labels()[:, :2])
        intervals = bootstrap_correlations(np.ones((48, 1)), small_labels()[:, :2])
    assert np.isnan(rho).all() and np.isnan(partial).all() and np.isnan(intervals).all()


def test_bootstrap_interval_has_the_width_of_fishers():
    rng = np.random.default_rng(0)
    count, wanted = 400, 0.6
    x = rng.normal(size=count)
    y = wanted * x + np.sqrt(1 - wanted**2) * rng.normal(size=count)
    (low, _), (high, _) = bootstrap_correlations(y[:, None], x[:, None])[:, :, 0, 0]
    rho = spearmanr(x, y).statistic
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (count - 3))  # Bonett & Wright 2000, Psychometrika 65, 23
    np.testing.assert_allclose([low, high], np.tanh(np.arctanh(rho) + np.array([-half, half])), atol=0.02)


# Diversity and memorisation


def test_diversity_is_0_for_identical_images_and_1_for_the_real_ones():
    real = np.random.default_rng(0).normal(size=(30, 3, 8, 8))
    pairs = like_pairs(small_labels()[:30, :2])
    assert diversity(np.broadcast_to(real[:1], real.shape), real, pairs) == 0
    assert diversity(real, real, pairs) == 1
    assert diversity(0.5 * real + 3, real, pairs) == pytest.approx(0.5)


def test_mean_distance_is_that_of_all_pairs():
    images = np.random.default_rng(0).normal(size=(6, 3, 4, 4))
    pairs = pdist(images.reshape(6, -1)) / np.sqrt(3 * 4 * 4)
    assert mean_distance(images) == pytest.approx(pairs.mean())
    assert mean_distance(np.ones((4, 3, 4, 4))) == 0


def test_like_pairs_are_the_nearest_others_also_of_equal_labels():
    labels = np.array([[0.0, 5], [0, 5], [0, 5], [1, 9], [1.1, 9], [3, 5.1]])
    pairs = like_pairs(labels)
    assert set(pairs[:3]) <= {0, 1, 2} and (pairs != np.arange(6)).all()
    assert pairs[3:5].tolist() == [4, 3]


def test_nearest_distances_agree_with_all_pairs_and_leave_out_the_image_itself():
    rng = np.random.default_rng(0)
    images, others = (rng.normal(size=(count, 3, 6, 6)).astype(np.float32) for count in (5, 11))
    others[7] = images[2]
    ids = np.arange(11)
    blocks = [(ids[:4], others[:4]), (ids[4:], others[4:])]
    table = np.stack([distances(np.broadcast_to(image, others.shape), others) for image in images])
    copied = nearest_distances(images, np.full(5, -1), iter(blocks))
    np.testing.assert_allclose(copied, table.min(axis=1), atol=1e-3)
    assert copied[2] == pytest.approx(0, abs=1e-3)
    without = nearest_distances(images, np.array([-1, -1, 7, -1, -1]), iter(blocks))
    assert without[2] == pytest.approx(np.delete(table[2], 7).min(), rel=1e-5)


# Checkerboards


def noise(count=200, size=50):
    return np.random.default_rng(0).normal(size=(count, 2, size, size))


@pytest.mark.parametrize("size", [49, 50, 64])
def test_white_noise_has_the_index_1(size):
    np.testing.assert_allclose(checkerboard_index(power_spectra(noise(size=size))), 1, atol=0.02)


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (1, 1)])
def test_a_known_checkerboard_has_the_index_that_its_power_gives(direction):
    y, x = np.indices((50, 50))
    pattern = 0.2 * (-1.0) ** (direction[0] * x + direction[1] * y)
    index = checkerboard_index(power_spectra(noise() + pattern))
    # By Parseval the pattern has (50 x 0.2)**2 times the power of the noise at one frequency; 3 x 5 x 5 frequencies.
    np.testing.assert_allclose(index, 1 + 10**2 / 75, rtol=0.03)


def test_smooth_images_have_a_low_index_and_tiled_pixels_a_high_one():
    smooth = galaxies(np.ones(4), size=50, noise=0)
    assert (checkerboard_index(power_spectra(smooth)) < 0.2).all()
    uneven = smooth * np.where(np.arange(50) % 2, 1.02, 1.0)  # as transposed convolutions with odd kernels overlap
    assert (checkerboard_index(power_spectra(uneven)) > 10).all()


# Tables


def measure(folder):
    trainings = [{"experiment": name, "seed": 0} for name in ("good", "bad")]
    paths = [folder / f"{name}.h5" for name in ("good", "bad")]
    tables = {"trainings": trainings, "layout": "hsc_cosmos"}
    measure_fidelity.main(folder / "view.h5", paths, folder / "rho.csv", folder / "errors.csv", **tables)
    return pd.read_csv(folder / "rho.csv"), pd.read_csv(folder / "errors.csv")


def test_correlations_of_images_whose_flux_follows_the_mass(files):
    rho, _ = measure(files)
    assert list(rho["sample"].unique()) == ["real", "generated"] and len(rho) == 3 * 4 * 2
    assert rho["band"].unique().tolist() == ["all", "g", "i", "y"]
    assert (rho["data"] == "simulated").all() and (rho["images"] == 48).all()
    mass = rho[(rho["label"] == "log_stellar_mass") & (rho["band"] == "all")].set_index("experiment")
    assert (mass["label_fixed"] == "redshift").all()
    assert mass.loc["good", "spearman"] == pytest.approx(1, abs=1e-3)
    assert mass["spearman"].iloc[0] == pytest.approx(1, abs=1e-3)  # of the real images
    assert mass.loc["good", "partial_spearman"] > 0.99
    assert abs(mass.loc["bad", "spearman"]) < 0.35
    assert ((rho["ci95_low"] <= rho["spearman"]) & (rho["spearman"] <= rho["ci95_high"])).mean() > 0.9


def test_errors_of_the_predictor(files):
    _, errors = measure(files)
    deviation = small_labels()[:, :2].astype(np.float64).std(axis=0)
    rows = errors[errors["experiment"] == "good"].set_index(["sample", "label"])
    assert set(errors["sample"]) == {"real_train", "real_validation", "generated"}
    assert rows.loc[("real_train", "redshift"), "rmse"] == pytest.approx(0.1, rel=1e-4)
    assert rows.loc[("generated", "log_stellar_mass"), "rmse"] == pytest.approx(0.2, rel=1e-4)
    assert rows.loc[("generated", "log_stellar_mass"), "rmse_in_std"] == pytest.approx(0.2 / deviation[1], rel=1e-4)
    assert rows["images"].xs("redshift", level="label").to_dict() == {
        "generated": 48,
        "real_train": 36,
        "real_validation": 12,
    }
    seen = rows["seen_in_training"].xs("redshift", level="label")
    assert seen["real_train"] and not seen["real_validation"] and pd.isna(seen["generated"])


def compare(folder):
    paths = [folder / "good.h5", folder / "bad.h5", folder / "bad.h5"]
    trainings = [*GENERATORS, {**GENERATORS[1], "seed": 1}]
    compare_generators.main(folder / "view.h5", paths, folder / "table.csv", folder / "seeds.csv", trainings=trainings)
    return pd.read_csv(folder / "table.csv"), pd.read_csv(folder / "seeds.csv")


def test_comparison_of_a_generator_that_copies_with_another(files):
    table, seeds = compare(files)
    values = table.set_index(["experiment", "quantity", "part"])
    assert len(seeds) == 3 * (6 + 3 * 3) and len(table) == 2 * 15
    assert values.loc[("good", "diversity", "all"), "mean"] == pytest.approx(1)
    assert values.loc[("good", "nearest_training", "all"), "mean"] < 0.5  # 36 of 48 images are copies
    assert values.loc[("good", "nearest_training_closest", "all"), "mean"] < 0.05
    assert values.loc[("bad", "nearest_training", "all"), "mean"] > 1
    assert values.loc[("good", "checkerboard", "all"), "mean"] == values.loc[("good", "checkerboard", "all"), "real"]
    with View(files / "view.h5") as view:
        pixels = view.read(np.arange(48))
    for number, band in enumerate("giy"):
        assert values.loc[("bad", "pixel_mean", band), "real"] == pytest.approx(pixels[:, number].mean(), rel=1e-5)
        assert values.loc[("bad", "pixel_std", band), "real"] == pytest.approx(pixels[:, number].std(), rel=1e-5)
    assert values["n_seeds"].groupby("experiment").first().to_dict() == {"good": 1, "bad": 2}
    one = values.loc[("bad", "diversity", "all")]
    assert one["ci95_low"] == one["mean"] == one["ci95_high"]  # twice the same file
    assert (table["data"] == "simulated").all()


def test_a_sample_of_many_images_gives_nearly_the_same(files, monkeypatch):
    whole, _ = compare(files)
    monkeypatch.setattr(compare_generators, "SAMPLE", 40)
    sample, _ = compare(files)
    chosen = whole["quantity"].isin(["pixel_mean", "pixel_std", "checkerboard"])
    np.testing.assert_allclose(sample["mean"][chosen], whole["mean"][chosen], rtol=0.2)


def test_generated_images_of_another_view_are_refused(files):
    write_view(files / "view.h5", galaxies(np.ones(len(IDS)), seed=9), small_labels())
    with pytest.raises(DataError, match=r"good\.h5: made by a generator of other images"):
        measure(files)
    with pytest.raises(DataError, match=r"good\.h5: made by a generator of other images"):
        compare(files)


@pytest.mark.parametrize("damage", [b"", b"\x89HDF\r\n\x1a\n" + b"\0" * 99])
def test_a_damaged_file_is_named(files, damage):
    (files / "bad.h5").write_bytes(damage)
    with pytest.raises(DataError, match=r"bad\.h5: damaged"):
        compare(files)


# Figures


def test_pictures_run_from_0_to_255_whatever_the_scale():
    images = np.random.default_rng(0).normal(40, 1e-3, (5, 3, 6, 6))
    shown = pictures(images, ["g", "i", "y"])
    assert shown.shape == (5, 6, 6, 3) and shown.dtype == np.uint8
    assert (shown.min(axis=(1, 2, 3)) == 0).all() and (shown.max(axis=(1, 2, 3)) == 255).all()
    np.testing.assert_array_equal(pictures(images, ["R", "G", "B"]), shown[..., ::-1])
    assert pictures(np.ones((1, 3, 6, 6)), ["g", "i", "y"]).max() == 0
    grey = pictures(images[:, :1], ["grey"])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    assert "y, i, g are red, green, blue" in stretch_text(["g", "i", "y"])
    assert "red" not in stretch_text(["R", "G", "B"])


def draw_all(folder):
    view, good = folder / "view.h5", folder / "good.h5"
    shown = {"label": "as published", "differences": ["steps 2 (published 3)"]}
    plot_real_vs_generated.main(view, good, folder / "fig2.png", **shown)
    shown |= {"experiment": "good", "layout": "hsc_cosmos"}
    plot_conditional_scaling.main(view, good, folder / "rho.csv", folder / "fig3.png", **shown)
    seeds, pair = folder / "seeds.csv", [good, folder / "bad.h5"]
    plot_generators.main(view, pair, seeds, folder / "generators.png", trainings=GENERATORS, notes=[])


def test_figures_are_drawn(files):
    measure(files)
    compare(files)
    draw_all(files)
    for name in ("fig2", "fig3", "generators"):
        with Image.open(files / f"{name}.png") as image:
            assert image.width > 1000 and len(image.convert("L").getcolors()) > 50


@pytest.mark.parametrize("scale", [1e15, -1e15, 0])
def test_a_generator_gone_wild_is_measured_and_drawn_without_a_warning(files, scale):
    labels = small_labels()
    pixels = scale * galaxies(np.ones(len(IDS)), seed=4)
    write_generated(files / "good.h5", files / "view.h5", pixels, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rho, _ = measure(files)
        table, _ = compare(files)
        draw_all(files)
    assert rho.loc[rho["sample"] == "real", "spearman"].notna().all()
    assert (rho["spearman"].isna() == ((rho["experiment"] == "good") & (scale == 0))).all()
    assert np.isfinite(table["mean"][table["quantity"] != "checkerboard"]).all()


def test_figures_without_an_example_condition_say_what_to_do(files):
    measure(files)
    compare(files)
    with h5py.File(files / "good.h5", "r+") as file:
        examples, conditions = file["examples"][:0], file["example_conditions"][:0]
        del file["examples"], file["example_conditions"]
        file["examples"], file["example_conditions"] = examples, conditions
    with pytest.raises(ConfigError, match="no example condition"):
        draw_all(files)

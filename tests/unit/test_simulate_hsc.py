"""The simulated HSC cut-outs: layout, labels with the published statistics, pictures that follow from the labels."""

from dataclasses import replace

import galsim
import numpy as np
import pandas as pd
import pytest
from astropy.cosmology import Planck18
from scipy.stats import linregress, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from galaxies.datasets.hsc_cosmos import simulator
from galaxies.datasets.hsc_cosmos.population import (
    SELECTED_COLORS,
    SELECTED_MAGNITUDES,
    Galaxy,
    draw_field_galaxy,
    draw_galaxy,
    draw_target,
)
from galaxies.datasets.hsc_cosmos.rendering import MARGIN, Scene, expose, render
from galaxies.datasets.hsc_cosmos.simulator import CATALOGUE, FIRST_ID, IDS, IMAGES, LAST_ID, simulate, simulate_galaxy
from galaxies.datasets.hsc_cosmos.spectra import Light, arcsec_per_kpc, calzetti, luminosity_distance
from galaxies.datasets.hsc_cosmos.survey import (
    DEPTH,
    MOFFAT_BETA,
    PIXEL_SCALE,
    PSF_FWHM,
    SKY_NOISE,
    counts,
    linear_flux,
    stretch,
)
from galaxies.errors import DataError

PUBLISHED_IMAGES = 1866


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """60 images on disk, made by one process."""
    folder = tmp_path_factory.mktemp("hsc") / "data"
    simulate(folder, images=60, seed=3, threads=1)
    return folder


@pytest.fixture(scope="module")
def population():
    """Drawn central galaxies without pictures: four times as many as were published."""
    return [draw_target(np.random.default_rng((5, index))) for index in range(4 * PUBLISHED_IMAGES)]


@pytest.fixture(scope="module")
def survey():
    """700 galaxies: central and whole flux (700, 3) in counts, labels (photo_z, log_mass) and true redshift."""
    images = [simulate_galaxy(17, index) for index in range(700)]
    flux = linear_flux(np.stack([stretch(image.flux) for image in images]).astype(np.float32))
    central = flux[:, :, 13:37, 13:37].sum(axis=(2, 3))
    labels = np.array([(image.photo_z, image.log_mass) for image in images])
    return central, flux.sum(axis=(2, 3)), labels


def read_labels(folder) -> pd.DataFrame:
    """Labels in the order of the images, by the published recipe."""
    table = pd.read_csv(folder / CATALOGUE)
    table = table[table["selected"]].drop_duplicates("HSC_id", keep="first").set_index("HSC_id")
    return table.loc[np.load(folder / IDS)]


def plain(**changes) -> Galaxy:
    """A round galaxy of i = 21 without knots."""
    flux = counts(np.array([21.6, 21.0, 20.7]))
    return replace(Galaxy(flux, np.zeros(3), 0.6, 1.0, 1.0, 0.0), **changes)


def is_dwarf(photo_z: np.ndarray, log_mass: np.ndarray) -> np.ndarray:
    return (photo_z < 0.15) & (log_mass > 8) & (log_mass < 9)


def test_layout_is_the_published_one(written):
    assert sorted(path.name for path in written.iterdir()) == sorted([IDS, IMAGES, CATALOGUE])
    ids, images = np.load(written / IDS), np.load(written / IMAGES)
    assert ids.dtype == np.int64 and ids.shape == (60,) and np.all(np.diff(ids) > 0)
    assert ids[0] >= FIRST_ID and ids[-1] <= LAST_ID
    assert images.dtype == np.float32 and images.shape == (60, 3, 50, 50) and np.isfinite(images).all()
    assert not np.isfortran(images)


def test_catalogue_has_one_row_per_object(written):
    table = pd.read_csv(written / CATALOGUE)
    assert list(table) == ["HSC_id", "COSMOS_id", "selected", "photo_z", "log_mass", "simulated"]
    assert table["COSMOS_id"].is_unique and not table["HSC_id"].is_unique
    assert table["selected"].dtype == bool and table["simulated"].all()
    assert not table["HSC_id"].is_monotonic_increasing  # the published table is in no order of this identifier
    assert (table["photo_z"] > 0).all() and table["log_mass"].between(4, 13).all()
    assert table["HSC_id"].between(FIRST_ID, LAST_ID).all()
    assert 0.2 < (~table["selected"]).mean() < 0.5


def test_recipe_of_the_authors_gives_the_labels_of_the_pictures(written):
    labels = read_labels(written)
    assert len(labels) == 60
    for index in (0, 17, 59):
        galaxy = simulate_galaxy(3, index)
        assert labels.iloc[index]["photo_z"] == pytest.approx(galaxy.photo_z, rel=1e-8)
        assert labels.iloc[index]["log_mass"] == pytest.approx(galaxy.log_mass, rel=1e-8)
        assert labels.index[index] == galaxy.hsc_id


def test_as_many_selected_objects_without_image_as_published():
    """1866 of 2000; the rows do not need the pictures."""
    rng = np.random.default_rng(0)
    rows = [
        row
        for index in range(PUBLISHED_IMAGES)
        for row in simulator._catalogue_rows(np.arange(3 * index, 3 * index + 3), index, (0.1, 8.5), rng)
    ]
    table = simulator._catalogue(rows)
    selected = table[table["selected"]]
    assert selected["HSC_id"].nunique() == 2000
    assert 20 < len(selected) - 2000 < 60  # selected duplicates
    first = table.drop_duplicates("HSC_id")
    # Whoever drops duplicates before the selection loses some galaxies.
    assert first["selected"].sum() < 2000
    kept = selected.drop_duplicates("HSC_id").set_index("HSC_id").loc[3 * np.arange(PUBLISHED_IMAGES)]
    assert (kept["photo_z"] == 0.1).all() and (kept["log_mass"] == 8.5).all()


def test_any_number_of_processes_writes_the_same_bytes(written, tmp_path):
    simulate(tmp_path / "two", images=60, seed=3, threads=2)
    for name in (IDS, IMAGES, CATALOGUE):
        assert (tmp_path / "two" / name).read_bytes() == (written / name).read_bytes()


def test_galaxies_depend_on_seed_and_index_alone(written, tmp_path):
    simulate(tmp_path / "few", images=5, seed=3, threads=1)
    np.testing.assert_array_equal(np.load(tmp_path / "few" / IMAGES), np.load(written / IMAGES)[:5])
    np.testing.assert_array_equal(np.load(tmp_path / "few" / IDS), np.load(written / IDS)[:5])
    assert not np.allclose(simulate_galaxy(3, 0).flux, simulate_galaxy(4, 0).flux)
    assert simulate_galaxy(3, 0).photo_z != simulate_galaxy(4, 0).photo_z


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 0}, "images is 0"),
        ({"images": simulator.CAPACITY + 1}, "expected 1 to"),
        ({"seed": -1}, "seed of the simulation is -1"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_impossible_arguments_are_refused(tmp_path, changes, message):
    arguments = {"images": 1, "seed": 0, "threads": 1} | changes
    with pytest.raises(DataError, match=message):
        simulate(tmp_path / "data", **arguments)
    assert not (tmp_path / "data").exists()


def test_occupied_folders_are_refused(tmp_path):
    (tmp_path / IDS).write_bytes(b"")
    with pytest.raises(DataError, match="not empty"):
        simulate(tmp_path, images=1, seed=0, threads=1)
    with pytest.raises(DataError, match="expected a folder"):
        simulate(tmp_path / IDS, images=1, seed=0, threads=1)


def test_failure_leaves_no_files(tmp_path, monkeypatch):
    calls = []

    def fails_late(galaxy, rng):
        calls.append(galaxy)
        if len(calls) > 20:
            raise RuntimeError
        return render(galaxy, rng)

    monkeypatch.setattr(simulator, "render", fails_late)
    with pytest.raises(RuntimeError):
        simulate(tmp_path / "data", images=40, seed=0, threads=1)
    assert list((tmp_path / "data").iterdir()) == []


def test_last_identifier_is_in_the_published_range():
    rows = simulate_galaxy(0, simulator.CAPACITY - 1).rows
    assert all(FIRST_ID <= row["HSC_id"] <= LAST_ID for row in rows)


def test_labels_have_the_published_statistics(population):
    """Of the 1866 published galaxies; four times as many are drawn.

    A tolerance is two and a half times the standard deviation of the difference, which is that of 1866 galaxies (0.006,
    0.019, 0.014, 0.010, 0.020, 0.008 over 24 draws of 1866) times sqrt(1 + 1/4).
    """
    z = np.array([target.photo_z for target in population])
    mass = np.array([target.log_mass for target in population])
    assert z.mean() == pytest.approx(0.211, abs=0.017)
    assert z.std() == pytest.approx(0.307, abs=0.053)
    assert mass.mean() == pytest.approx(8.627, abs=0.039)
    assert mass.std() == pytest.approx(0.638, abs=0.028)
    assert np.corrcoef(z, mass)[0, 1] == pytest.approx(0.47, abs=0.056)
    assert is_dwarf(z, mass).mean() == pytest.approx(0.279, abs=0.023)


def test_bulk_and_tail_of_the_labels(population):
    z = np.array([target.photo_z for target in population])
    mass = np.array([target.log_mass for target in population])
    truth = np.array([target.redshift for target in population])
    outliers = np.abs(z - truth) > 0.15 * (1 + truth)  # the usual definition of a catastrophic photometric redshift
    assert 0.03 < outliers.mean() < 0.05
    assert 2 < z.max() < 3
    assert np.median(z[~outliers]) == pytest.approx(0.15, abs=0.01)
    assert ((z > 0.05) & (z < 0.25) & (mass > 7.9) & (mass < 9.4)).mean() > 0.5
    histogram, z_edges, mass_edges = np.histogram2d(z, mass, bins=(np.arange(0, 0.5, 0.05), np.arange(7, 10.5, 0.5)))
    z_bin, mass_bin = np.unravel_index(histogram.argmax(), histogram.shape)
    assert 0.1 <= z_edges[z_bin] <= 0.15 and 8.0 <= mass_edges[mass_bin] <= 8.5
    # A mass derived at too large a distance is too large.
    true_mass = np.array([target.log_stellar_mass for target in population])
    assert (mass - true_mass)[outliers].mean() > 0.5
    assert abs((mass - true_mass)[~outliers].mean()) < 0.02


def test_central_galaxies_passed_the_selection(population):
    magnitudes = np.array([target.galaxy.magnitude for target in population])
    colors = np.array([target.galaxy.color for target in population])
    assert SELECTED_MAGNITUDES[0] < magnitudes.min() and magnitudes.max() < SELECTED_MAGNITUDES[1]
    assert SELECTED_COLORS[0] < colors.min() and colors.max() < SELECTED_COLORS[1]


@pytest.mark.parametrize("redshift", [0.053, 0.2, 0.75, 2.0])
def test_distances_are_those_of_the_cosmology(redshift):
    assert luminosity_distance(redshift) == pytest.approx(Planck18.luminosity_distance(redshift).value, rel=1e-3)
    assert arcsec_per_kpc(redshift) == pytest.approx(Planck18.arcsec_per_kpc_proper(redshift).value, rel=1e-3)


@pytest.mark.parametrize(("spectral_type", "name"), [(0.0, "Im"), (1.0, "Scd"), (2.0, "Sbc"), (3.0, "E")])
@pytest.mark.parametrize("redshift", [0.0, 0.15, 0.8])
def test_colors_are_those_of_the_templates(spectral_type, name, redshift):
    """GalSim's own photometry of the redshifted template."""
    sed = galsim.SED(f"CWW_{name}_ext.sed", wave_type="Ang", flux_type="flambda")
    bands = [galsim.Bandpass(f"LSST_{band}.dat", wave_type="nm").withZeropoint("AB") for band in "giy"]
    expected = [sed.atRedshift(redshift).calculateMagnitude(band) for band in bands]
    magnitudes = -2.5 * np.log10(Light(spectral_type).fluxes(9.0, max(redshift, 1e-4)))
    np.testing.assert_allclose(np.diff(magnitudes), np.diff(expected), atol=0.01)
    # The K-correction, magnitude at a redshift minus that at rest, is the same in both.
    near = -2.5 * np.log10(Light(spectral_type).fluxes(9.0, 1e-4)[1])
    rest = sed.calculateMagnitude(bands[1])
    distances = luminosity_distance(max(redshift, 1e-4)) / luminosity_distance(1e-4)
    assert magnitudes[1] - near - 5 * np.log10(distances) == pytest.approx(expected[1] - rest, abs=0.01)


def test_the_sun_at_ten_parsec():
    """One solar luminosity: absolute magnitude 4.58, so 10^9 of them at 100 Mpc (modulus 35) have i = 17.08."""
    redshift = 0.0222
    modulus = Planck18.distmod(redshift).value
    flux = Light(1.0).fluxes(9.0, redshift)[1]
    assert 27 - 2.5 * np.log10(flux) == pytest.approx(4.58 - 22.5 + modulus, abs=0.05)  # a small K-correction


def test_dust_reddens_as_calzetti_found():
    assert calzetti(0.55) == pytest.approx(4.05, abs=0.02)  # R_V, the attenuation in V
    assert calzetti(0.44) - calzetti(0.55) == pytest.approx(1.0, abs=0.1)  # E(B - V) = 1
    dusty, clean = Light(1.0, 0.3), Light(1.0)
    assert dusty.rest_color - clean.rest_color == pytest.approx(0.3 * (calzetti(0.483) - calzetti(0.755)), rel=1e-6)
    assert dusty.mass_to_light > clean.mass_to_light
    color = -2.5 * np.log10(dusty.fluxes(9, 1e-4) / clean.fluxes(9, 1e-4))
    assert color[0] - color[1] == pytest.approx(dusty.rest_color - clean.rest_color, abs=1e-3)


def test_sizes_of_dwarfs():
    """Shen et al. 2003: a late type of 10^8.5 solar masses has 1.55 kpc, with a scatter of 0.47 in the logarithm."""
    rng = np.random.default_rng(0)
    sizes = [draw_galaxy(8.5, 0.1, rng).half_light_radius / arcsec_per_kpc(0.1) for _ in range(2000)]
    assert np.median(sizes) == pytest.approx(1.55 * 1.1**-0.75, rel=0.05)
    assert np.std(np.log(sizes)) == pytest.approx(0.47, rel=0.06)


def test_masses_redden_and_brighten():
    rng = np.random.default_rng(0)
    light, heavy = ([draw_galaxy(mass, 0.15, rng) for _ in range(300)] for mass in (8.0, 10.5))
    assert np.median([g.color for g in heavy]) > np.median([g.color for g in light]) + 0.15
    difference = np.median([g.magnitude for g in light]) - np.median([g.magnitude for g in heavy])
    assert 2.5 * 2.5 - 1.5 < difference < 2.5 * 2.5  # a ratio of 10^2.5 in mass, and more mass per light


def test_field_counts_and_redshifts():
    """LSST Science Book: counts rise by 10^0.31 per magnitude; the median redshift at magnitude i is 2.674 z0."""
    rng = np.random.default_rng(1)
    field = [draw_field_galaxy(26.0, rng) for _ in range(4000)]
    magnitudes = np.array([galaxy.magnitude for galaxy, _, _ in field])
    redshifts = np.array([redshift for _, redshift, _ in field])
    counted, edges = np.histogram(magnitudes, bins=np.arange(22.0, 25.6, 0.5))
    assert linregress(edges[:-1], np.log10(counted)).slope == pytest.approx(0.31, abs=0.05)
    faint = (magnitudes > 24.5) & (magnitudes < 25.5)
    assert np.median(redshifts[faint]) == pytest.approx(2.674 * (0.0417 * 25 - 0.744), rel=0.12)


def test_pictures_are_those_of_galsim():
    """The sum in Fourier space is what GalSim draws for one profile convolved with atmosphere and pixel."""
    galaxy = plain(axis_ratio=0.5, position_angle=0.7, half_light_radius=0.9)
    scene = Scene()
    scene.add_galaxy(galaxy, np.array([MARGIN + 25.3, MARGIN + 23.9]), np.random.default_rng(0))
    picture = scene.blurred(PSF_FWHM)
    profile = galsim.Exponential(half_light_radius=0.9 * np.sqrt(0.5)).shear(q=0.5, beta=0.7 * galsim.radians)
    for band in range(3):
        psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=PSF_FWHM[band])
        light = galsim.Convolve(profile, psf).withFlux(galaxy.flux[band])
        offset = galsim.PositionD(25.3 - 24.5, 23.9 - 24.5)  # from the centre of 50 pixels
        expected = light.drawImage(nx=50, ny=50, scale=PIXEL_SCALE, offset=offset).array
        np.testing.assert_allclose(picture[band], expected, atol=2e-3 * expected.max())


def test_knots_are_part_of_the_light():
    scene, galaxy = Scene(), plain(knots=0.3 * plain().flux)
    scene.add_galaxy(galaxy, np.array([MARGIN + 24.5, MARGIN + 24.5]), np.random.default_rng(0))
    with_knots = scene.blurred(PSF_FWHM).sum(axis=(1, 2))
    np.testing.assert_allclose(with_knots, galaxy.flux, rtol=0.06)  # the wings leave the cut-out


def test_knots_lie_in_the_disk():
    """Their mean light is elongated as the disk: second moments of 200 galaxies that consist of knots."""
    galaxy = plain(knots=plain().flux, axis_ratio=0.2, position_angle=0.6)
    scene, rng = Scene(), np.random.default_rng(0)
    for _ in range(200):
        scene.add_galaxy(galaxy, np.array([MARGIN + 24.5, MARGIN + 24.5]), rng)
    light = scene.blurred(PSF_FWHM)[1]
    y, x = np.indices(light.shape) - 24.5
    xx, xy, yy = ((light * moment).sum() / light.sum() for moment in (x * x, x * y, y * y))
    assert 0.5 * np.arctan2(2 * xy, xx - yy) == pytest.approx(0.6, abs=0.1)


def test_light_as_bright_as_the_sky_doubles_the_variance():
    """Sky of 22.26, 20.48, 18.61 magnitudes per square arcsecond; standard error of the ratio: 0.006."""
    sky = counts(np.array([22.26, 20.48, 18.61])) * 0.168**2
    flux = np.broadcast_to(sky[:, None, None], (3, 120, 120))
    deviation = (expose(flux, np.random.default_rng(0)) - flux).std(axis=(1, 2))
    np.testing.assert_allclose(deviation / SKY_NOISE, np.sqrt(2), rtol=0.03)


def test_sky_noise_gives_the_depth():
    """A point source at the limiting magnitude has a fifth of its flux as error in weighted photometry."""
    deviation = expose(np.zeros((3, 120, 120)), np.random.default_rng(0)).std(axis=(1, 2))
    for band in range(3):
        psf = galsim.Moffat(beta=MOFFAT_BETA, fwhm=PSF_FWHM[band])
        weight = psf.drawImage(nx=99, ny=99, scale=PIXEL_SCALE, method="no_pixel").array
        error = deviation[band] / np.sqrt((weight**2).sum())
        assert counts(DEPTH[band]) / error == pytest.approx(5, rel=0.03)  # standard error of the deviation: 0.6 %


def test_pictures_show_a_small_galaxy_in_the_centre(written):
    median = np.median(np.load(written / IMAGES)[:, 1], axis=0)
    light = np.clip(linear_flux(np.stack([median] * 3))[1] - SKY_NOISE[1], 0, None)
    y, x = np.indices(light.shape)
    centre = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
    assert np.abs(centre - 24.5).max() < 0.7  # each galaxy is up to half a pixel off
    widths = []
    for image in linear_flux(np.load(written / IMAGES))[:, 1]:
        row = image[23:27].mean(axis=0) > 2 * SKY_NOISE[1]
        widths.append(np.flatnonzero(~row[25:]).min(initial=25) + np.flatnonzero(~row[24::-1]).min(initial=25))
    assert np.percentile(widths, 5) > 5 and np.percentile(widths, 95) < 40


def test_stretch_is_logarithmic_where_it_is_bright():
    flux = np.array([-5.0, -1e-3, 0.0, 1e-3, 1e2, 1e4]) * np.ones((3, 1, 6))
    values = stretch(flux)
    assert np.isfinite(values).all() and np.all(np.diff(values) > 0)
    np.testing.assert_allclose(values[:, 0, 4:], [[2, 4]] * 3, atol=1e-5)
    np.testing.assert_allclose(values[:, 0, 2], np.log10(SKY_NOISE))
    np.testing.assert_allclose(linear_flux(values), flux, rtol=1e-9, atol=1e-12)
    batch = np.broadcast_to(flux, (2, 3, 1, 6))
    np.testing.assert_allclose(linear_flux(stretch(batch).astype(np.float32)), batch, rtol=1e-5, atol=1e-6)


def test_stored_background_is_narrow_and_symmetric(written):
    """At the sky level the stretch is linear: one sigma is 1 / (2 ln 10) = 0.217."""
    images = np.load(written / IMAGES)
    for band in range(3):
        sky = images[:, band, :6].ravel()
        low, middle, high = np.percentile(sky, [15.87, 50, 84.13])
        assert middle == pytest.approx(np.log10(SKY_NOISE[band]), abs=0.06)
        assert middle - low == pytest.approx(0.209, abs=0.03)  # asinh(1/2) / ln 10
        assert high - middle < 0.3
        assert images[:, band].min() > np.log10(SKY_NOISE[band]) - 1


@pytest.mark.slow
def test_light_follows_mass_and_redshift(survey):
    """Signs of the correlations; standard error of a rank correlation of 700 galaxies: 0.04."""
    central, _, labels = survey
    assert (central > 0).all()
    flux, color = np.log10(central[:, 1]), -2.5 * np.log10(central[:, 0] / central[:, 1])
    photo_z, log_mass = labels.T
    assert 0.35 < spearmanr(flux, log_mass).statistic < 0.75
    assert -0.40 < spearmanr(flux, photo_z).statistic < -0.03
    assert spearmanr(color, log_mass).statistic > 0.12
    assert spearmanr(color, photo_z).statistic > 0.12


@pytest.mark.slow
def test_flux_and_color_alone_predict_dwarfs_weakly(survey):
    """The paper's networks reach an area under the curve of 0.63; standard error with 700 galaxies: 0.025."""
    _, whole, labels = survey
    magnitudes = -2.5 * np.log10(whole)
    features = np.column_stack(
        [magnitudes[:, 1], magnitudes[:, 0] - magnitudes[:, 1], magnitudes[:, 1] - magnitudes[:, 2]]
    )
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    areas = cross_val_score(classifier, features, is_dwarf(*labels.T), cv=5, scoring="roc_auc")
    assert 0.55 < areas.mean() < 0.75

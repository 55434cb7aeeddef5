"""Figures of generators: they are drawn from the documented files, say what they show, and are the same each time."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_judged import CLASSES, digest, logits_of, training, write_judged, write_unlabelled
from small_views import write_split, write_view

import compare_distributions
import find_neighbours
import plot_gan_curves
import plot_judgement
import plot_mode_balance
import plot_neighbour_distances
import plot_neighbours
import plot_progress
import plot_samples
import tabulate_judgement
import tabulate_mode_balance
from galaxies import plots
from galaxies.display import pictures, true_pictures, true_stretch_text
from galaxies.errors import DataError

SIZE = 8
TRAININGS = [training(name, seed) for name in ("gan", "other") for seed in (0, 1)]
DIFFERENCES = {"differences": ["steps 2 (published 5)"]}


@pytest.fixture
def folder(tmp_path):
    """A view of 80 images, two generators of two seeds each, and what the judge says of them."""
    write_view(tmp_path / "view.h5", count=80, size=SIZE)
    write_split(tmp_path / "split.csv", train=80, validation=0, test=0)
    rng = np.random.default_rng(0)
    write_judged(tmp_path / "real.h5", logits_of(np.arange(80) % 3), rng.random((80, 4)), 100 + np.arange(80))
    for one in TRAININGS:
        pixels = rng.integers(0, 256, (70, 3, SIZE, SIZE), dtype=np.uint8)
        path = write_unlabelled(place(tmp_path, one, "generated.h5"), tmp_path / "view.h5", pixels)
        logits, source = logits_of(rng.integers(0, 3, 70)), digest(path)
        write_judged(place(tmp_path, one, "judged.h5"), logits, rng.random((70, 4)), source_sha256=source)
    return tmp_path


def place(folder, one, name):
    return folder / f"{one['experiment']}{one['seed']}_{name}"


def all_places(folder, name, trainings=TRAININGS):
    return [place(folder, one, name) for one in trainings]


def drawn(path):
    """A picture with something on it."""
    with Image.open(path) as picture:
        assert picture.size[0] > 300 and len(set(picture.convert("L").resize((64, 64)).tobytes())) > 10
    return path.read_bytes()


@pytest.fixture
def notes(monkeypatch):
    """What is written below figures, in the order of drawing."""
    found = []
    write = plots.stamp
    for module in (plot_mode_balance, plot_judgement, plot_neighbours, plot_samples, plot_progress, plot_gan_curves):
        monkeypatch.setattr(
            module, "stamp", lambda figure, note, **more: (found.append(note), write(figure, note, **more))
        )
    return found


def write_metrics(folder):
    """Accuracies of two classifiers, of which `net` is the judge."""
    values = {"accuracy_overall": 61.2, "accuracy_mean_class": 5.0, "accuracy_edge_on": 17.0, "accuracy_round": 80.0}
    rows = [("net", name, value, 40) for name, value in {**values, "largest_class": 34.0}.items()]
    rows += [("other", "accuracy_overall", 99.0, 40), ("other", "largest_class", 98.0, 40)]
    table = pd.DataFrame(rows, columns=["experiment", "metric", "mean", "images"])
    table.to_csv(folder / "metrics.csv", index=False)
    return folder / "metrics.csv"


def draw_balance(folder, name):
    files = (folder / "table.csv", write_metrics(folder), folder / f"{name}.png", folder / f"{name}.pdf")
    plot_mode_balance.main(*files, judge="net", **DIFFERENCES)


@pytest.mark.parametrize(("samples", "seeds"), [(20, 2), (200, 2), (20, 1)])
def test_mode_balance(folder, notes, samples, seeds):
    trainings = [one for one in TRAININGS if one["seed"] < seeds]
    judged = all_places(folder, "judged.h5", trainings)
    settings = {"trainings": trainings, "samples": samples, "repeats": 3}
    tabulate_mode_balance.main(folder / "real.h5", judged, folder / "table.csv", **settings)
    draw_balance(folder, "one")
    draw_balance(folder, "two")
    assert drawn(folder / "one.png") == drawn(folder / "two.png")
    assert "Simulated images" in notes[0] and "steps 2 (published 5)" in notes[0]
    assert "right for 61 % of 40 test images" in notes[0] and "17 % of edge on; naming" in notes[0]
    assert (
        f"samples of {min(samples, 70)}, drawn with replacement" in notes[0]
    )  # of 70 generated images there are no more
    assert "as one judge sees them" in notes[0] and "is not known" in notes[0]
    assert (f"{seeds} trainings" in notes[0]) == (seeds > 1)


def test_bars_have_the_heights_of_the_table(folder, monkeypatch):
    heights = {}
    monkeypatch.setattr(plot_mode_balance, "save_figure", lambda figure, *_: heights.update(bars_of(figure.axes[0])))
    judged = all_places(folder, "judged.h5")
    tabulate_mode_balance.main(
        folder / "real.h5", judged, folder / "table.csv", trainings=TRAININGS, samples=20, repeats=3
    )
    draw_balance(folder, "one")
    table = pd.read_csv(folder / "table.csv").query("quantity == 'count'")
    gan = table[(table["experiment"] == "gan") & (table["over"] == "seeds")].set_index("class")["mean"][CLASSES]
    np.testing.assert_allclose(heights["GAN"], gan)
    real = table[table["experiment"] == "real"].set_index("class")["mean"][CLASSES]
    np.testing.assert_allclose(heights["simulated galaxies"], real)


def bars_of(axis):
    return {c.get_label(): [bar.get_height() for bar in c] for c in axis.containers if hasattr(c, "patches")}


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_scatter_of_judges_is_drawn(tmp_path, notes, monkeypatch, seeds):
    rng = np.random.default_rng(0)
    write_judged(tmp_path / "real.h5", logits_of(rng.integers(0, 3, (4, 80))), rng.random((80, 4)), np.arange(80))
    trainings = [training("gan", seed) for seed in range(seeds)]
    for one in trainings:
        logits = logits_of(rng.choice(3, size=(4, 70), p=[0.7, 0.3, 0]))  # no spirals, so without an interval
        write_judged(place(tmp_path, one, "judged.h5"), logits, rng.random((70, 4)))
    drawn_bars = []
    save = plots.save_figure
    keep = lambda figure, *paths: (drawn_bars.extend(figure.axes[0].containers), save(figure, *paths))  # noqa: E731
    monkeypatch.setattr(plot_mode_balance, "save_figure", keep)
    judged, settings = all_places(tmp_path, "judged.h5", trainings), {"samples": 20, "repeats": 3}
    tabulate_mode_balance.main(tmp_path / "real.h5", judged, tmp_path / "table.csv", trainings=trainings, **settings)
    draw_balance(tmp_path, "one")
    drawn(tmp_path / "one.png")
    table = pd.read_csv(tmp_path / "table.csv").query("quantity == 'count'")
    expected = table[table["over"] == "seeds"].set_index("class").loc[CLASSES]
    bands = [c for c in drawn_bars if hasattr(c, "patches")][3]  # bars and bands of real images, then of the generator
    np.testing.assert_allclose([bar.get_height() for bar in bands][:2], 2 * expected["std_judges"].iloc[:2])
    middles = [bar.get_y() + bar.get_height() / 2 for bar in bands]
    np.testing.assert_allclose(middles, expected["mean"], atol=1e-9)
    assert "as 4 judges see them" in notes[0] and "Shaded bands: standard deviation over judges" in notes[0]
    assert ("there is none" in notes[0]) == (seeds >= 3)
    marks = [mark.get_label() for mark in plot_mode_balance.marks_of(table)]
    whiskers = "95 % interval over trainings" if seeds >= 3 else "deviation over samples"
    assert marks == [whiskers, "deviation over judges", *(["one training"] if seeds > 1 else [])]


def test_judgement(folder, notes):
    settings = {"samples": 20, "repeats": 2, "neighbours": 3}
    compare_distributions.main(folder / "real.h5", folder / "floor.csv", **settings)
    for one in TRAININGS:
        judged, target = place(folder, one, "judged.h5"), place(folder, one, "judgement.csv")
        compare_distributions.main(folder / "real.h5", target, generated=judged, **settings)
    tables = (folder / "table.csv", folder / "per_seed.csv")
    distances = all_places(folder, "judgement.csv")
    tabulate_judgement.main(folder / "floor.csv", distances, *tables, trainings=TRAININGS)
    for name in ("one", "two"):
        files = (*tables, write_metrics(folder), folder / f"{name}.png", folder / f"{name}.pdf")
        plot_judgement.main(*files, judge="net", neighbours=3, **DIFFERENCES)
    assert drawn(folder / "one.png") == drawn(folder / "two.png")
    for words in ("20 images", "biased upwards", "4 features", "3 nearest neighbours", "Simulated images"):
        assert words in notes[0]


def test_neighbours(folder, notes):
    real = folder / "real_neighbours.h5"
    find_neighbours.main(folder / "view.h5", folder / "real.h5", real, neighbours=3)
    for one in TRAININGS:
        given = {"generated": place(folder, one, "generated.h5"), "judged": place(folder, one, "judged.h5")}
        target = place(folder, one, "neighbours.h5")
        find_neighbours.main(folder / "view.h5", folder / "real.h5", target, neighbours=3, **given)
    first = TRAININGS[::2]
    generated, found = all_places(folder, "generated.h5", first), all_places(folder, "neighbours.h5", first)
    pngs = (folder / "pixels.png", folder / "features.png")
    plot_neighbours.main(folder / "view.h5", generated, found, real, *pngs, trainings=first, shown=3, **DIFFERENCES)
    assert drawn(pngs[0]) != drawn(pngs[1])
    assert "by pixels" in notes[0] and "features of the judge" in notes[1] and "Seed 0." in notes[0]
    assert "lower half: the nearest of the others" in notes[0]
    targets = (folder / "distances.png", folder / "distances.pdf")
    found = all_places(folder, "neighbours.h5")
    plot_neighbour_distances.main(real, found, *targets, trainings=TRAININGS, **DIFFERENCES)
    drawn(targets[0])


def test_no_more_rows_than_images_that_were_compared(folder, monkeypatch):
    monkeypatch.setattr(find_neighbours, "QUERIES", 3)
    real, found, generated = folder / "nn.h5", folder / "own.h5", place(folder, TRAININGS[0], "generated.h5")
    given = {"generated": generated, "judged": place(folder, TRAININGS[0], "judged.h5")}
    find_neighbours.main(folder / "view.h5", folder / "real.h5", real, neighbours=2)
    find_neighbours.main(folder / "view.h5", folder / "real.h5", found, neighbours=2, **given)
    figures = []
    for shown in (3, 4, 100):
        pngs, settings = (folder / "p.png", folder / "f.png"), {"trainings": TRAININGS[:1], "shown": shown}
        plot_neighbours.main(folder / "view.h5", [generated], [found], real, *pngs, **settings, **DIFFERENCES)
        figures.append(drawn(pngs[0]))
    assert figures[0] == figures[1] == figures[2]


def test_rows_shown_are_the_first_and_the_nearest():
    nearest = np.array([5.0, 1.0, 9.0, 3.0, 0.5, 4.0])
    assert plot_neighbours.rows_shown(nearest, 4).tolist() == [0, 1, 4, 3]
    assert plot_neighbours.rows_shown(nearest, 5).tolist() == [0, 1, 2, 4, 3]
    assert plot_neighbours.rows_shown(nearest[:3], 5).tolist() == [0, 1, 2]


def test_samples_and_progress(folder, notes):
    generated = place(folder, TRAININGS[0], "generated.h5")
    view, split = folder / "view.h5", folder / "split.csv"
    plot_samples.main(view, split, generated, folder / "samples.png", label="the GAN", **DIFFERENCES)
    plot_progress.main(view, generated, folder / "progress.png", label="the GAN", **DIFFERENCES)
    for name in ("samples.png", "progress.png"):
        drawn(folder / name)
    assert all("Seed 0." in note and "Simulated images" in note for note in notes)
    write_unlabelled(generated, view, np.zeros((10, 3, SIZE, SIZE), dtype=np.uint8), progress=0)
    plot_samples.main(view, split, generated, folder / "few.png", label="the GAN", **DIFFERENCES)
    drawn(folder / "few.png")
    with pytest.raises(DataError, match="no images of the training"):
        plot_progress.main(view, generated, folder / "no.png", label="the GAN", **DIFFERENCES)


@pytest.mark.parametrize(("seeds", "epochs"), [(1, 1), (3, 5)])
def test_gan_curves(tmp_path, notes, seeds, epochs, monkeypatch):
    rng = np.random.default_rng(0)
    histories = [tmp_path / f"{seed}.csv" for seed in range(seeds)]
    columns = ("discriminator_loss", "generator_loss", "real_probability", "generated_probability", "sample_diversity")
    for path in histories:
        values = {name: rng.random(epochs) for name in columns}
        pd.DataFrame({"epoch": 1 + np.arange(epochs), **values, "steps": 30}).to_csv(path, index=False)
    (tmp_path / "provenance.json").write_text(json.dumps({"simulated": True}))
    axes = []
    save = plots.save_figure
    monkeypatch.setattr(
        plot_gan_curves, "save_figure", lambda figure, *paths: (axes.extend(figure.axes), save(figure, *paths))
    )
    files = (tmp_path / "provenance.json", tmp_path / "c.png", tmp_path / "c.pdf")
    plot_gan_curves.main(histories, *files, title="the GAN", **DIFFERENCES)
    drawn(tmp_path / "c.png")
    titles = [axis.get_title() for axis in axes if axis.get_visible()]
    assert titles == ["discriminator loss", "generator loss", "probability of being real", "sample diversity"]
    assert axes[0].lines[0].get_xdata()[-1] == 30 * epochs
    assert [text.get_text() for text in axes[2].get_legend().get_texts()] == ["real", "generated"]
    assert "Simulated images" in notes[0]


def test_colours_are_shown_as_they_are_stored():
    images = np.random.default_rng(0).random((2, 3, 4, 4), dtype=np.float32) / 2
    shown = true_pictures(images, ["R", "G", "B"])
    np.testing.assert_array_equal(shown, np.round(255 * images).transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(true_pictures(images, ["g", "r", "i"]), pictures(images, ["g", "r", "i"]))
    assert true_stretch_text(["R", "G", "B"]) == "Colours and brightness are as stored."
    assert "lowest" in true_stretch_text(["grey"])

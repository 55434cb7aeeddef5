"""From metrics to the tables and figures of the summary, on metrics that are made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

import collect_metrics
import compare_published
import judge_claims
import plot_claims
import plot_comparison
import plot_generator_summary
import summarise_generators
from galaxies.ledger import load_claims, load_ledger
from galaxies.plots import PAGE, SMALL, STYLE, new_figure, save_figure
from galaxies.verdicts import (
    AS_CONFIGURED,
    INCONCLUSIVE,
    NOT_COMPARABLE,
    NOT_REPRODUCED,
    NOT_TESTED,
    REFUTED,
    REPRODUCED,
    SUPPORTED,
)

PROJECT = Path(__file__).parents[2]
LEDGER = load_ledger(PROJECT / "config/metrics.yaml", PROJECT / "workflow/schemas/metrics.schema.yaml")
CLAIMS = load_claims(PROJECT / "config/claims.yaml", PROJECT / "workflow/schemas/claims.schema.yaml")
RMSE = {  # test errors by seed: the published order, and approach 2 far from the published value
    "approach1": [0.136, 0.137, 0.1362, 0.1371],
    "approach2": [0.1462, 0.1463, 0.1461, 0.1464],
    "approach3": [0.15, 0.151, 0.149, 0.1505],
    "approach4": [0.116, 0.1165, 0.1158, 0.1163],
}


def entry(name, table, **changes):
    given = {**LEDGER["metrics"][name], "name": name, "tables": [table], "seeds": [0, 1, 2, 3]}
    return {**given, "differences": [], **changes}


@pytest.fixture(params=[False, True], ids=["real", "simulated"])
def collected(tmp_path, request):
    """Folder with metrics.csv of a run with test errors, the numbers of images, and nothing else."""
    rows = [
        {"experiment": name, "split": split, "seed": seed, "rmse": value, "images": 2000, "comparable": "yes"}
        for name, values in RMSE.items()
        for split in ("test", "validation", "train_augmented")
        for seed, value in enumerate(values)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
    pd.DataFrame({"split": ["train"] * 8000 + ["test"] * 1999}).to_csv(tmp_path / "split.csv", index=False)
    (tmp_path / "provenance.json").write_text(json.dumps({"simulated": request.param}))
    differences = {"approach4": ["epochs 4 (published 20)"]}
    entries = [entry(f"galaxy_zoo_cnn.rmse_test.{name}", 0, differences=differences.get(name, [])) for name in RMSE]
    entries += [entry(f"galaxy_zoo_cnn.images_{name}", 1) for name in ("train", "validation", "test")]
    entries.append(entry("galaxy_zoo_cnn.epochs.approach1", 0, tables=[], setting=20))
    absent = dict.fromkeys(LEDGER["metrics"].keys() - {entry["name"] for entry in entries}, "not in this run")
    collect_metrics.main(
        [tmp_path / "table.csv", tmp_path / "split.csv"],
        [tmp_path / "provenance.json"],
        *(tmp_path / name for name in ("metrics.csv", "missing.csv")),
        papers=["galaxy_zoo_cnn"],
        entries=entries,
        absent=absent,
    )
    return tmp_path, request.param


def compared(folder):
    files = [folder / "metrics.csv", folder / "missing.csv", PROJECT / "config/reported.csv", folder / "comparison.csv"]
    compare_published.main(*files, published=LEDGER["published"])
    return pd.read_csv(files[-1], keep_default_na=False, na_values=[""])


def test_the_ledger_has_a_row_per_metric_and_seed(collected):
    folder, simulated = collected
    table = pd.read_csv(folder / "metrics.csv").set_index("metric")
    rows = table.loc["galaxy_zoo_cnn.rmse_test.approach3"]
    assert list(zip(rows["seed"], rows["value"], strict=True)) == list(enumerate(RMSE["approach3"]))
    assert set(rows["data"]) == {"simulated" if simulated else "real"}
    assert set(rows["images"]) == {2000}
    said = table.loc["galaxy_zoo_cnn.rmse_test.approach4"].iloc[0]
    assert said["settings"] == "epochs 4 (published 20)"
    assert said["comparable"] == ("no: simulated data; " if simulated else "no: ") + "epochs 4 (published 20)"
    assert np.isnan(table.loc["galaxy_zoo_cnn.images_train", "seed"])
    missing = pd.read_csv(folder / "missing.csv").set_index("metric")["reason"]
    assert missing["two_in_one.keep_above"] == "not in this run"
    assert set(missing.index) | set(table.index) == set(LEDGER["metrics"])


def test_every_published_value_has_a_verdict(collected):
    folder, simulated = collected
    table = compared(folder)
    reported = pd.read_csv(PROJECT / "config/reported.csv", dtype=str)
    reported = reported[reported["source_section"].str.startswith("paper:")]
    assert len(table) == len(reported)
    rows = table[table["paper"] == "galaxy_zoo_cnn"].set_index(["experiment", "dataset_split", "metric"])
    first = rows.loc[("approach_1_full_frame_100px", "test", "rmse")]
    assert first["mean"] == pytest.approx(np.mean(RMSE["approach1"]))
    assert first["n_seeds"] == 4 and first["images"] == 2000
    verdicts = {
        ("approach_1_full_frame_100px", "test", "rmse"): REPRODUCED,
        ("approach_2_crop250_70px", "test", "rmse"): NOT_REPRODUCED,
        ("approach_4_resnet_imagenet_70px", "test", "rmse"): NOT_COMPARABLE,  # fewer epochs
        ("approach_1_full_frame_100px", "validation", "rmse_final_epoch"): NOT_COMPARABLE,  # not in this run
        ("approach_4_resnet_imagenet_70px", "train", "wall_time"): NOT_COMPARABLE,
        ("dataset", "used_subset", "images_train"): AS_CONFIGURED,
        ("dataset", "used_subset", "images_test"): NOT_COMPARABLE,  # a setting, and another one
        ("approach_1_full_frame_100px", "train", "epochs"): AS_CONFIGURED,
    }
    for key, verdict in verdicts.items():
        expected = NOT_COMPARABLE if simulated and verdict != AS_CONFIGURED else verdict
        assert rows.loc[key, "verdict"] == expected, key
    assert table.loc[table["verdict"] == NOT_COMPARABLE, "reason"].notna().all()
    if simulated:
        assert set(table["verdict"]) == {NOT_COMPARABLE, AS_CONFIGURED}


def judged(folder):
    files = [folder / name for name in ("metrics.csv", "missing.csv", "claims.csv", "claims.md")]
    judge_claims.main(*files, claims=CLAIMS, units={name: one["unit"] for name, one in LEDGER["metrics"].items()})
    return pd.read_csv(files[2], keep_default_na=False, na_values=[""]), files[3].read_text()


def test_claims_of_constructed_seeds(collected):
    folder, simulated = collected
    table, text = judged(folder)
    assert set(table["claim"]) == set(CLAIMS)
    rows = table[table["claim"] == "galaxy_zoo_cnn_order_of_approaches"].set_index("comparison")["comparison_verdict"]
    prefix = "galaxy_zoo_cnn.rmse_test."
    assert rows[f"{prefix}approach4 / {prefix}approach1 < 0.9"] == SUPPORTED
    assert rows[f"{prefix}approach1 < {prefix}approach3"] == SUPPORTED
    assert rows[f"{prefix}approach1 - {prefix}approach2 > -0.002 and < 0.002"] == REFUTED
    of_claims = table.drop_duplicates("claim").set_index("claim")["verdict"]
    assert of_claims["galaxy_zoo_cnn_order_of_approaches"] == REFUTED
    assert of_claims["two_in_one_order_of_scorers"] == NOT_TESTED
    assert (table.loc[table["comparison_verdict"] == NOT_TESTED, "reason"] == "not in this run").all()
    tested = table[table["comparison_verdict"] != NOT_TESTED]
    assert set(tested["data"]) == {"simulated" if simulated else "real"}
    said = set(tested["settings"])
    assert "approach4: epochs 4 (published 20); approach1: published" in said and "published" in said
    assert ("none is an answer about real galaxies" in text) == simulated


def test_one_seed_is_inconclusive(collected):
    folder, _ = collected
    metrics = pd.read_csv(folder / "metrics.csv", dtype={"seed": "Int64"})
    metrics[metrics["seed"].fillna(0) == 0].to_csv(folder / "metrics.csv", index=False)
    table, _ = judged(folder)
    assert set(table["comparison_verdict"]) == {INCONCLUSIVE, NOT_TESTED}
    comparison = compared(folder)
    assert (comparison.loc[comparison["n_seeds"] == 1, "verdict"] == NOT_COMPARABLE).all()


PAPER = {"paper": "galaxy_zoo_cnn", "title": "A paper"}


def test_figures_are_drawn_and_byte_stable(collected):
    folder, _ = collected
    compared(folder)
    judged(folder)
    made = []
    for number in range(2):
        files = [folder / f"{name}{number}.{kind}" for name in ("comparison", "claims") for kind in ("png", "pdf")]
        plot_comparison.main(folder / "comparison.csv", folder / "metrics.csv", *files[:2], **PAPER)
        plot_claims.main(folder / "claims.csv", *files[2:], **PAPER)
        made.append([path.read_bytes() for path in files])
    assert made[0] == made[1]


@pytest.fixture
def texts(monkeypatch):
    """Size of each text that has been drawn, by what it says; each ends within its figure."""
    sizes = {}

    def note(figure, *paths):
        figure.canvas.draw()
        hidden = [
            tick
            for axis in figure.axes
            if not axis.axison
            for tick in [*axis.xaxis.get_ticklabels(), *axis.yaxis.get_ticklabels()]
        ]
        for text in figure.findobj(Text):
            if text.get_visible() and text.get_text() and text not in hidden:
                sizes[text.get_text()] = text.get_fontsize()
                box = text.get_window_extent()
                assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text.get_text()
                assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text.get_text()
        save_figure(figure, *paths)

    for script in (plot_comparison, plot_claims):
        monkeypatch.setattr(script, "save_figure", note)
    return sizes


@pytest.mark.parametrize("paper", sorted({claim["paper"] for claim in CLAIMS.values()}))
def test_each_paper_has_its_values_and_its_claims_on_a_page(collected, texts, paper):
    folder, _ = collected
    compared(folder)
    judged(folder)
    plot_comparison.main(
        folder / "comparison.csv", folder / "metrics.csv", folder / "a.png", folder / "a.pdf", paper=paper, title="X"
    )
    headings = {name: name.split("/")[1].replace("_", " ") for name in LEDGER["published"]}
    of_paper = {text for name, text in headings.items() if name.startswith(f"{paper}/")}
    assert set(headings.values()) & set(texts) == of_paper
    plot_claims.main(folder / "claims.csv", folder / "b.png", folder / "b.pdf", paper=paper, title="X")
    words = " ".join(texts).replace("\n", " ")
    for claim in CLAIMS.values():
        assert (" ".join(claim["text"].split()) in words) == (claim["paper"] == paper), claim["text"]
    assert min(texts.values()) >= SMALL
    assert fits_a_page(folder / "a.png") and fits_a_page(folder / "b.png")


def test_verdicts_of_published_values_are_counted_and_settings_have_no_marks(collected, texts):
    folder, _ = collected
    table = compared(folder)
    plot_comparison.main(folder / "comparison.csv", folder / "metrics.csv", folder / "a.png", folder / "a.pdf", **PAPER)
    counts = table[table["paper"] == PAPER["paper"]]["verdict"].value_counts()
    assert counts[AS_CONFIGURED] > 0 and AS_CONFIGURED in texts
    (note,) = [text for text in texts if "Published values" in text]
    for verdict in (REPRODUCED, NOT_REPRODUCED, AS_CONFIGURED, NOT_COMPARABLE):
        assert f" {counts.get(verdict, 0)} {verdict}" in note.replace("\n", " ")
    lines = plot_comparison.layout(table[table["verdict"] == AS_CONFIGURED])
    _, axes = new_figure(1, 1, 2, 2)
    plot_comparison.draw(axes[0, 0], lines, pd.read_csv(folder / "metrics.csv"))
    assert not [line for line in axes[0, 0].lines if line.get_marker() != "None"]


@pytest.mark.parametrize(
    ("shown", "ticks"), [([1, 1.05], [0.5, 1, 2]), ([0.05, 1], [0.1, 0.3, 1]), ([0.003], [0.01, 0.1, 1])]
)
def test_axes_of_published_values_have_ticks_about_one(shown, ticks):
    _, axes = new_figure(1, 1, 2, 2)
    plot_comparison.limit(axes[0, 0], shown)
    low, high = axes[0, 0].get_xlim()
    found = [tick for tick in axes[0, 0].xaxis.get_majorticklocs() if low <= tick <= high]
    assert low < min(shown) and set(np.round(found, 6)) >= set(ticks)


def test_values_of_one_name_are_told_apart_by_their_sections():
    table = pd.DataFrame(
        {
            "dataset_split": ["test", "test", "all"],
            "metric": ["mae", "mae", "images"],
            "source_section": ["paper: Table I", "paper: IV-A", "paper: II"],
        }
    )
    expected = ["test, mae, Table I", "test, mae, IV-A", "all, images"]
    assert plot_comparison.labels(table) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-0.628, -1.43, -0.143, np.nan, 0], (-1.6, 0.2, 1)),
        ([1356, np.nan, np.nan, np.nan, 10000], (0, 11000, 0)),
        ([1000.95, 1004], (1000.6, 1004.4, 1)),
        ([0.0], (-1, 1, 1)),
    ],
)
def test_scales_of_claims_end_at_round_numbers(values, expected):
    assert plot_claims.ends(values) == pytest.approx(expected)


def test_texts_of_a_claim_are_whole():
    words = [f"word{number}" for number in range(60)]
    reason = " ".join(words)
    row = pd.Series({"paper": "p", "comparison": "p.a < p.b", "comparison_verdict": NOT_TESTED, "reason": reason})
    texts = plot_claims.texts_of(row)
    assert texts["comparison"] == ["a < b"]
    assert len(texts["reason"]) > 1 and " ".join(texts["reason"]) == reason


def test_generators_of_one_label_are_told_apart_by_their_papers():
    table = pd.DataFrame(
        [("p", "gan", "GAN"), ("p", "gan", "GAN"), ("p", "vae", "VAE"), ("q", "mine", "GAN")],
        columns=["paper", "experiment", "label"],
    )
    expected = {("p", "gan"): "GAN (p)", ("p", "vae"): "VAE", ("q", "mine"): "GAN (q)"}
    assert plot_generator_summary.labels(table) == expected


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_axes_of_generators_hold_real_images_points_and_intervals(scale):
    _, axes = new_figure(1, 1, 2, 2)
    values = np.array([3.0, 4.0, 8.0])  # whose interval begins below 0
    entry = {"range": [0, np.inf], "scale": scale}
    plot_generator_summary.draw(
        axes[0, 0], [(values, 1.0, "red"), (None, None, "red"), (values[:2], 1.0, "red")], entry
    )
    drawn = [line for line in axes[0, 0].lines if np.isfinite(line.get_xdata()).all()]
    assert [line.get_ydata()[0] for line in drawn if list(line.get_xdata()) == [1, 1]] == [-0.5, 1.5]
    (interval,) = [line.get_xdata() for line in drawn if line.get_xdata()[0] == 0]
    left, right = axes[0, 0].get_xlim()
    assert left < 1 and right > interval[1] > 8
    assert axes[0, 0].get_xscale() == scale


def test_a_logarithmic_axis_of_a_value_of_zero_is_linear():
    _, axes = new_figure(1, 1, 2, 2)
    values = np.array([0.0, 4.0])
    plot_generator_summary.draw(axes[0, 0], [(values, None, "red")], {"range": [0, np.inf], "scale": "log"})
    assert axes[0, 0].get_xscale() == "linear" and axes[0, 0].get_xlim()[0] < 0


RECALL = {"a": [0.1, 0.9, 0.95], "b": [0.5, 0.5, 0.5], "few": [0.1, 0.9]}
TV = {"a": 0.2, "b": 0.3, "real": 0.04}


def test_generators_side_by_side(tmp_path):
    content = [
        {"experiment": name, "seed": seed, "metric": "recall", "value": value, "real": 0.97}
        for name, values in RECALL.items()
        for seed, value in enumerate(values, start=5)
    ]
    pd.DataFrame(content).to_csv(tmp_path / "judgement.csv", index=False)
    content = [
        {
            "experiment": name,
            "seed": None if name == "real" else 5,
            "quantity": quantity,
            "over": "samples",
            "mean": mean,
        }
        for quantity, factor in (("total_variation", 1), ("entropy", 10))
        for name, mean in ((name, factor * value) for name, value in TV.items())
    ]
    pd.DataFrame(content).to_csv(tmp_path / "balance.csv", index=False)
    costs = [tmp_path / f"{seed}.json" for seed in (5, 6)]
    for path, seconds in zip(costs, (30, 60), strict=True):
        path.write_text(f'{{"total_seconds": {seconds}, "steps": 30}}')
    copies = {"space": "pixels", "quantity": "isolation", "over": "images", "near_copies": 0.03}
    pd.DataFrame([{"experiment": "a", "seed": 5, **copies}]).to_csv(tmp_path / "f.csv", index=False)
    (tmp_path / "provenance.json").write_text(json.dumps({"simulated": False}))
    shared = {"paper": "p", "differences": [], "reason": None, "seeds": [5, 6, 7]}
    cells = [
        {**shared, "experiment": "a", "label": "A", "quantity": "recall", "tables": [0]},
        {**shared, "experiment": "a", "label": "A", "quantity": "total_variation", "tables": [1]},
        {**shared, "experiment": "a", "label": "A", "quantity": "total_seconds", "tables": [2, 3]},
        {**shared, "experiment": "a", "label": "A", "quantity": "near_copies", "tables": [4]},
        {**shared, "experiment": "b", "label": "B", "quantity": "recall", "tables": [0]},
        {**shared, "experiment": "b", "label": "B", "quantity": "diversity", "tables": [], "reason": "none"},
        {**shared, "experiment": "few", "label": "few", "quantity": "recall", "tables": [0]},
        {**shared, "experiment": "c", "label": "C", "quantity": "recall", "tables": [0]},
    ]
    tables = [tmp_path / "judgement.csv", tmp_path / "balance.csv", *costs, tmp_path / "f.csv"]
    made = tmp_path / "table.csv", tmp_path / "per_seed.csv"
    given = {"papers": ["p"], "cells": cells, "quantities": LEDGER["generators"]}
    summarise_generators.main(tables, [tmp_path / "provenance.json"], *made, **given)
    table = pd.read_csv(made[0]).set_index(["experiment", "quantity"])
    recall = table.loc[("a", "recall")]
    columns = ["mean", "n_seeds", "ci95_low", "ci95_high", "real"]
    assert recall[columns].to_list() == pytest.approx([0.65, 3, 0, 1, 0.97]) and recall["data"] == "real"
    assert table.loc[["b", "few"], ["ci95_low", "ci95_high"]].isna().all(axis=None)
    assert table.loc[("few", "recall"), "mean"] == 0.5
    assert table.loc[("a", "total_variation"), ["mean", "real"]].to_list() == [0.2, 0.04]
    assert table.loc[("a", "near_copies"), ["mean", "real"]].to_list() == [0.03, 0.01]
    assert table.loc[("a", "total_seconds"), "mean"] == 45 and np.isnan(table.loc[("a", "total_seconds"), "real"])
    assert table.loc[("b", "diversity"), "reason"] == "none" and np.isnan(table.loc[("b", "diversity"), "mean"])
    assert "no row has experiment c; there are: a, b" in table.loc[("c", "recall"), "reason"]
    seeds = pd.read_csv(made[1]).set_index(["experiment", "quantity"])
    assert dict(seeds.loc[[("a", "recall")]].to_numpy()[:, 1:]) == dict(enumerate(RECALL["a"], start=5))
    assert dict(seeds.loc[[("a", "total_seconds")]].to_numpy()[:, 1:]) == {5: 30, 6: 60}
    assert ("c", "recall") not in seeds.index
    files = tmp_path / "a.png", tmp_path / "a.pdf"
    plot_generator_summary.main(*made, *files, quantities=LEDGER["generators"])
    assert fits_a_page(files[0])


def fits_a_page(path):
    """Whether a picture is as wide as a page and no higher, at full size."""
    with Image.open(path) as image:
        width, height = (pixels / STYLE["savefig.dpi"] for pixels in image.size)
    return width == PAGE[0] and height <= PAGE[1]


def test_many_generators_fit_on_a_page(tmp_path):
    """As many as all papers have together; no closer than their names are high."""
    quantities = {
        f"{kind}{number}": {**LEDGER["generators"]["diversity"], "group": kind} for kind in "abc" for number in (0, 1)
    }
    rows = [
        {
            "paper": "p",
            "experiment": f"e{one}",
            "label": f"generator {one}",
            "quantity": name,
            "real": 1,
            "data": "real",
        }
        for one in range(22)
        for name in quantities
    ]
    table = pd.DataFrame(rows).assign(mean=2)
    table.to_csv(tmp_path / "table.csv", index=False)
    table.assign(seed=0, value=2).to_csv(tmp_path / "per_seed.csv", index=False)
    figures = []
    files = [tmp_path / name for name in ("table.csv", "per_seed.csv", "a.png", "a.pdf")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plot_generator_summary, "save_figure", lambda figure, *paths: figures.append(figure))
        plot_generator_summary.main(*files, quantities=quantities)
    assert tuple(figures[0].get_size_inches()) == pytest.approx(PAGE)
    heights = [axis.get_window_extent().height / figures[0].dpi / 22 for axis in figures[0].axes]
    assert min(heights) > SMALL / 72

"""Cost of a run: sums written out, and a stage for every rule."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_run import write_run

import plot_cost
import tabulate_cost
from galaxies.errors import DataError

PROJECT = Path(__file__).parents[2]
PAPERS = {path.stem.removeprefix("figures_") for path in (PROJECT / "workflow/rules").glob("figures_*.smk")}


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / name for name in ("cost.csv", "cost_per_figure.csv")]
    tabulate_cost.main(write_run().record(), *paths)
    return paths


def test_time_per_paper_and_stage(tables):
    cost = pd.read_csv(tables[0]).set_index(["paper", "stage"])
    expected = {
        ("first", "data"): (2, 14, 14),  # simulated and packed for both papers
        ("first", "training"): (2, 62, 0),
        ("first", "figures"): (2, 4, 0),
        ("second", "data"): (2, 14, 14),
        ("second", "figures"): (1, 3, 0),
        ("all", "data"): (2, 14, 0),
        ("all", "training"): (2, 62, 0),
        ("all", "figures"): (3, 7, 0),
    }
    for key, values in expected.items():
        assert tuple(cost.loc[key, ["jobs", "seconds", "shared_seconds"]]) == values
    assert cost["jobs"].sum() == sum(jobs for jobs, *_ in expected.values())
    assert tuple(cost.loc[("all", "data"), ["cpu_seconds", "unmeasured_cpu"]]) == (8, 1)
    assert tuple(cost.loc[("all", "training"), ["cpu_seconds", "unmeasured_cpu", "peak_memory_mb"]]) == (56, 0, 300)


def test_a_figure_costs_what_it_depends_on_each_job_once(tables):
    cost = pd.read_csv(tables[1]).set_index(["paper", "name"])
    assert cost["jobs"].to_dict() == {("first", "fig1"): 5, ("first", "fig2"): 4, ("second", "fig1"): 3}
    assert cost["seconds"].to_dict() == {
        ("first", "fig1"): 10 + 4 + 20 + 42 + 2,
        ("first", "fig2"): 10 + 4 + 20 + 2,
        ("second", "fig1"): 10 + 4 + 3,
    }
    assert (cost["seconds"] - cost["shared_seconds"]).to_dict() == {
        ("first", "fig1"): 42 + 2,
        ("first", "fig2"): 2,
        ("second", "fig1"): 3,
    }


def test_every_rule_has_a_stage():
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow/rules").glob("*.smk"))
    parts = re.split(r"^(?:rule|checkpoint) (\w+):\n", text, flags=re.MULTILINE)
    rules = {name for name, body in zip(parts[1::2], parts[2::2], strict=True) if "script:" in body}
    stages = {rule: tabulate_cost.stage_of(rule, PAPERS) for rule in rules - {"record_provenance"}}
    assert stages["train"] == stages["fit_baseline"] == "training"
    assert stages["two_in_one_tabulate_scores"] == "evaluation"
    assert stages["galaxy_zoo_cnn_plot_rmse"] == "figures"
    assert set(stages.values()) == set(tabulate_cost.STAGES)
    with pytest.raises(DataError, match="'polish' is a verb of no stage"):
        tabulate_cost.stage_of("polish_images", PAPERS)


def test_every_submitted_job_is_measured():
    """The time from start to end of other jobs would have that in a queue in it."""
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow/rules").glob("*.smk"))
    local = {n for block in re.findall(r"localrules:.*\n((?:\s+\w+,\n)+)", text) for n in re.findall(r"\w+", block)}
    parts = re.split(r"^(?:rule|checkpoint) (\w+):\n", text, flags=re.MULTILINE)
    rules = {
        n: body for n, body in zip(parts[1::2], parts[2::2], strict=True) if "script:" in body and "output:" in body
    }
    for name, body in rules.items():
        found = re.search(r'benchmark:\n\s+"<benchmarks>/(.*)\.tsv"', body)
        assert found or name in local, name
        assert not found or f'"<logs>/{found[1]}.log"' in body, f"{name}: its benchmark is not beside its log"


def test_figure(tables, tmp_path):
    png, pdf = tmp_path / "cost.png", tmp_path / "cost.pdf"
    plot_cost.main(tables[0], png, pdf, data="simulated")
    pixels = np.asarray(Image.open(png).convert("RGB"))
    assert pixels.shape[1] >= 1000
    # Bars of trainings: 62 s of the first paper and of all, whose widths are those of the seconds.
    orange = (pixels == [0xD5, 0x5E, 0x00]).all(axis=2)[:, : int(0.65 * pixels.shape[1])]
    widths = [row.sum() for row in orange[int(0.2 * len(orange)) :] if row.sum() > 50]
    assert len(widths) > 10 and max(widths) - min(widths) <= 2
    assert pdf.read_bytes().startswith(b"%PDF")


def test_the_summary_has_no_bar(tables, tmp_path):
    """Its jobs are those of the papers, so that a bar of it would be that of all once more."""
    files = [tmp_path / f"{name}.png" for name in ("without", "with")]
    plot_cost.main(tables[0], files[0], tmp_path / "a.pdf", data="simulated")
    cost = pd.read_csv(tables[0])
    again = cost[cost["paper"] == "first"].assign(paper=plot_cost.SUMMARY)
    pd.concat([cost, again]).to_csv(tables[0], index=False)
    plot_cost.main(tables[0], files[1], tmp_path / "a.pdf", data="simulated")
    assert files[0].read_bytes() == files[1].read_bytes()

"""The record of a finished run, beside what Snakemake says of the same files."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from galaxies.files import sha256
from galaxies.provenance import beside_record, find_record

pytestmark = pytest.mark.slow

RESULTS = "results/tiny"
NOT_IN_PAPER = "not in the paper"


@pytest.fixture(scope="module")
def record(finished):
    return json.loads((finished.folder / RESULTS / "summary/provenance.json").read_text())


def test_nothing_to_do_after_a_run(finished):
    assert "Nothing to be done" in finished.dry_run()


def test_every_job_is_recorded_as_snakemake_tells_of_it(finished, record):
    text = finished.snakemake("--quiet", "all", "--detailed-summary").stdout
    lines = text[text.index("output_file\t") :].splitlines()
    told = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:] if "\t" in line]
    told = {row["output_file"]: row for row in told if row["rule"] not in finished.SUMMARY}
    recorded = {name: job for job in record["jobs"] for name in job["outputs"]}
    assert len(recorded) > 200
    assert set(recorded) == set(told)
    for name, job in recorded.items():
        assert job["rule"] == told[name]["rule"]
        assert job["inputs"] == sorted(filter(None, told[name]["input-file(s)"].split(",")))


def test_code_settings_and_digests(finished, record):
    jobs = record["jobs"]
    assert all(len(job["code"]) == 64 for job in jobs)
    assert {job["start"] for job in jobs} <= set(range(len(record["starts"])))
    trainings = [job for job in jobs if job["rule"] == "train"]
    assert all(job["training"]["attempts"][-1]["ended"] == "complete" for job in trainings)
    for job in trainings:
        settings = record["experiments"][job["experiment"]["paper"]][job["experiment"]["name"]]
        assert settings["settings"]["method"] and settings["differences"]
    own = {
        name
        for name, one in record["experiments"]["intergalactic_vae_cnn"].items()
        if NOT_IN_PAPER in one["differences"]
    }
    assert {"dcgan_calibrated", "random_forest"} <= own
    of_paper = record["experiments"]["intergalactic_vae_cnn"]["cnn_gaussian"][
        "differences"
    ]  # no number of it is stated
    assert NOT_IN_PAPER not in of_paper and any(text.startswith("epochs ") for text in of_paper)
    for name in (f"{RESULTS}/morpho_gan/fig3_mode_balance.png", f"{RESULTS}/galaxy_zoo_cnn/approach1/seed0/model.pt"):
        assert record["files"][name]["sha256"] == sha256(finished.folder / name)
    card = json.loads((finished.folder / RESULTS / "data/hsc_cosmos/card.json").read_text())
    assert record["data"]["hsc_cosmos"]["pixels_sha256"] == {"full_50": card["views"]["full_50"]["sha256"]}


def test_cost_of_papers_and_figures(finished, record):
    summary = finished.folder / RESULTS / "summary"
    cost = pd.read_csv(summary / "cost.csv").groupby("paper")["jobs"].sum()
    assert cost["all"] == len(record["jobs"])
    assert (cost.drop("all") < cost["all"]).all()
    figures = pd.read_csv(summary / "cost_per_figure.csv")
    assert len(figures) == sum(len(files) for files in record["targets"].values())
    assert (figures["seconds"] > 0).all()


def test_chain_from_a_figure(finished):
    figure = f"{RESULTS}/morpho_gan/fig3_mode_balance.png"
    command = [sys.executable, "workflow/scripts/trace_file.py", "--file", figure]
    result = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for rule in ("plot_mode_balance", "tabulate_mode_balance", "judge_generated", "train", "simulate_dataset"):
        assert f"made by {rule} (code " in result.stdout
    assert "a source: no job of the workflow made it" in result.stdout


def test_every_file_of_the_run_is_told_of(finished, monkeypatch):
    """By the record, or as what it is beside it."""
    monkeypatch.chdir(finished.folder)
    files = [path for path in Path(RESULTS).rglob("*") if path.is_file()]
    assert len(files) > 500
    for path in files:
        assert beside_record(path) or find_record(path)


def test_a_comment_does_not_change_the_record(finished):
    with finished.edit("record_provenance.py", "\ndef main(", "\n# a remark\ndef main("):
        assert "Nothing to be done" in finished.dry_run()


def test_a_changed_plot_brings_the_record_up_to_date(finished):
    with finished.edit("plot_rmse.py", 'xlabel="RMSE"', 'xlabel="root mean squared error"'):
        text = finished.dry_run()
    assert all(name in text for name in finished.SUMMARY)
    with finished.edit("plot_cost.py", "fontsize=7.5", "fontsize=7"):
        text = finished.dry_run()
    assert "plot_cost" in text and "record_provenance" not in text

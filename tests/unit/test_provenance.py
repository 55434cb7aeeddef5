"""The record of a run: against Snakemake's own records, times written out, and git's own words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import COMMIT, RESULTS, SmallRun, write_run

import trace_file
from galaxies import provenance
from galaxies.errors import DataError
from galaxies.files import sha256
from galaxies.job_records import made_file, read_jobs
from galaxies.provenance import Provenance, find_record
from galaxies.starts import git_state, note_start, read_starts
from record_provenance import starts_of

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_run()


@pytest.fixture
def content(run):
    return json.loads(run.record().read_text())


def job(content, output):
    (found,) = [job for job in content["jobs"] if f"{RESULTS}/{output}" in job["outputs"]]
    return found


def test_names_of_records_are_decoded_as_snakemake_encodes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = SmallRun()
    names = ["a.csv", f"{RESULTS}/é ~.png", "/".join(["long" * 20] * 9)]
    for name in names:
        run.job("plot", [name])
    records = Path(".snakemake/metadata")
    files = [path for path in records.rglob("*") if path.is_file()]
    assert sorted(made_file(path, records) for path in files) == sorted(names)
    assert any(len(path.relative_to(records).parts) > 1 for path in files)


def test_jobs_are_those_that_targets_depend_on(content):
    rules = [job["rule"] for job in content["jobs"]]
    expected = ["simulate_dataset", "pack_view", "train", "train", "plot_losses", "first_plot_more", "plot_sky"]
    assert sorted(rules) == sorted(expected)
    plot = job(content, "first/fig1.png")
    assert plot["outputs"] == [f"{RESULTS}/first/fig1.pdf", f"{RESULTS}/first/fig1.png"]
    assert plot["inputs"] == [f"{RESULTS}/first/net/seed{seed}/model.pt" for seed in (0, 1)]
    assert plot["code"] == "d" * 64
    assert job(content, "first/net/seed1/model.pt")["experiment"] == {"paper": "first", "name": "net", "seed": 1}


def test_every_file_has_size_and_digest(content, monkeypatch):
    names = {name for job in content["jobs"] for name in (*job["outputs"], *job["inputs"])}
    assert set(content["files"]) == names
    for name, described in content["files"].items():
        path = Path(name)
        folder = path.is_dir()
        assert described["bytes"] == (None if folder else len(path.read_bytes()))
        assert described["sha256"] == (None if folder else sha256(path))
    monkeypatch.setattr(provenance, "LARGE", 5)
    assert provenance.describe_file(Path("config/reported.csv")) == {"bytes": 16, "sha256": None}


@pytest.mark.parametrize(
    ("output", "seconds", "cpu", "memory", "measured"),
    [
        ("data/sky/simulated", 10, 8, 104.8576, "benchmark"),  # 100 MiB
        ("data/sky/full_8.h5", 4, None, None, "benchmark"),  # too short to be sampled
        ("first/net/seed0/model.pt", 20, 17, 300, "benchmark"),  # one attempt, with its start and end
        (
            "first/net/seed1/model.pt",
            30 + 12,
            29 + 10,
            300,
            "benchmark",
        ),  # the benchmark knows the second attempt alone
        ("first/fig1.png", 2, None, None, "clock"),
    ],
)
def test_time_and_memory(content, output, seconds, cpu, memory, measured):
    found = job(content, output)
    assert (found["seconds"], found["cpu_seconds"], found["measured"]) == (seconds, cpu, measured)
    assert found["memory_mb"] == pytest.approx(memory)


def test_a_training_that_was_put_back_keeps_its_time(run):
    run.train(0, f"{RESULTS}/data/sky/full_8.h5", 3, [18], benchmark=(2, 90, 1), device_type="cuda")
    content = json.loads(run.record().read_text())
    found = job(content, "first/net/seed0/model.pt")
    assert (found["seconds"], found["cpu_seconds"]) == (18, 17)
    assert found["memory_mb"] == pytest.approx(90 * 1.048576)  # of the host; the GPU's is in its cost.json
    assert found["training"]["peak_memory_bytes"] == 300_000_000
    assert "epoch_seconds" not in found["training"]


def test_only_what_was_used_is_kept(content):
    assert content["experiments"]["first"] == {
        "net": {"settings": {"epochs": 3}, "differences": ["epochs 3 (published 20)"]}
    }
    assert [start["time"] for start in content["starts"]] == ["1970-01-01T00:16:40+00:00"]  # 1000 s
    assert {job["start"] for job in content["jobs"]} == {0}
    assert content["data"]["sky"]["pixels_sha256"] == {"full_8": "2" * 64}


def test_the_same_run_gives_the_same_bytes(run):
    first = run.record().read_bytes()
    note_start(Path(RESULTS) / "starts.json", Path())  # one that did nothing
    assert run.record().read_bytes() == first


def test_start_of_a_job(run):
    jobs = read_jobs(Path(".snakemake/metadata"), [f"{RESULTS}/second/fig1.png"], RESULTS)
    times = [job.started for job in jobs]
    starts = [{"time": time} for time in (sorted(times)[1] - 1, sorted(times)[2])]
    numbers, used = starts_of(jobs, starts)
    expected = dict(zip(sorted(times), (None, 0, 1), strict=True))
    assert numbers == [expected[time] for time in times]
    assert used == starts
    assert starts_of(jobs, []) == ([None] * 3, [])


def test_a_file_without_a_record_or_with_a_foreign_one_is_named(run):
    run.job("plot_sky", [f"{RESULTS}/second/fig1.png"], [f"{RESULTS}/second/unknown.csv"])
    with pytest.raises(DataError, match=r"second/unknown\.csv: Snakemake has no record(.|\n)*--force"):
        run.record()
    run.job("plot_sky", [f"{RESULTS}/second/fig1.png"], record_format_version=5)
    with pytest.raises(DataError, match=r"second/fig1\.png: .* format 5, expected 6"):
        run.record()


def test_files_that_were_deleted_after_their_use(run, capsys):
    for name in ("model.pt", "cost.json"):
        Path(f"{RESULTS}/first/net/seed0/{name}").unlink()
    content = json.loads(run.record().read_text())
    assert content["files"][f"{RESULTS}/first/net/seed0/model.pt"] is None
    found = job(content, "first/net/seed0/model.pt")
    assert (found["seconds"], found["measured"]) == (20, "benchmark")
    assert "training" not in found
    trace_file.main(Path(f"{RESULTS}/first/fig2.png"))
    assert "first/net/seed0/model.pt  [deleted after its use]" in capsys.readouterr().out


def test_what_a_file_needs(run):
    record = Provenance(run.record())
    needed = [job["rule"] for job in record.needed([f"{RESULTS}/first/fig2.png", f"{RESULTS}/second/fig1.png"])]
    assert sorted(needed) == sorted(["simulate_dataset", "pack_view", "train", "first_plot_more", "plot_sky"])
    assert record.needed(["config/reported.csv"]) == []


def test_chain_from_a_figure_to_its_sources(run, capsys):
    run.record()
    trace_file.main(Path(f"{RESULTS}/first/fig1.pdf"))
    text = capsys.readouterr().out
    files = ["first/fig1.pdf", "first/net/seed0/model.pt", "first/net/seed1/model.pt", "data/sky/full_8.h5"]
    for name in files:
        assert f"{RESULTS}/{name}  [sha256 {sha256(Path(RESULTS) / name)[:12]}]" in text
    assert "fig2" not in text
    assert text.count("made by simulate_dataset (code aaaaaaaaaaaa)") == 1
    assert text.count("made by pack_view, see above") == 1
    assert text.count('settings {"epochs": 3}') == text.count("epochs 3 (published 20)") == 1
    assert text.count(f"commit {COMMIT[:12]}, clean, Python 3.11, snakemake 9.0, torch 2.0, numpy 2.1") == 1
    assert "pixels 222222222222, labels 111111111111" in text
    assert 'simulated: {"images": 3}' in text
    assert "attempts: 2" in text
    trace_file.main(Path(f"{RESULTS}/second/fig1.png"))
    assert "a source: no job of the workflow made it" in capsys.readouterr().out


def test_bad_files_end_with_one_clear_message(run, tmp_path):
    run.record()
    (tmp_path / RESULTS / "first/fig1.txt").write_text("")
    figure = Path(f"{RESULTS}/first/fig2.png")
    figure.write_text("another")
    for file, words in [
        ("config/reported.csv", "in no run with a record"),
        (f"{RESULTS}/first/fig1.txt", "provenance.json, which tells of what"),
        (f"{RESULTS}/first/fig1.pgn", f"no such file\nHint: do you mean {RESULTS}/first/fig1.png?"),
        (f"{RESULTS}/logs/nowhere.log", "no such file"),
        (str(figure), "not the file that"),
    ]:
        with pytest.raises(DataError) as caught:
            find_record(Path(file))
        assert file in str(caught.value) and words in str(caught.value)
    script = PROJECT / "workflow/scripts/trace_file.py"
    command = [sys.executable, script, "--file", "nowhere.png"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "nowhere.png: in no run" in result.stderr
    assert "Traceback" not in result.stderr


BESIDE = {
    "config.yaml": "Snakemake writes",
    "starts.json": "starts of Snakemake",
    "summary/provenance.json": "record_provenance",
    "summary/cost.csv": "tabulate_cost",
    "summary/cost_per_figure.csv": "tabulate_cost",
    "summary/cost.png": "plot_cost",
    "ro-crate-metadata.json": "describe_crate",
    "summary/workflow/Snakefile": "describe_crate",
    "README.md": "write_overview",
    "report.html": "snakemake --report",
    "logs/first/net/seed0/train.log": "what a job said",
    "first/scores_of_a%2Fb.csv": "score_images",
}


@pytest.mark.parametrize("name", BESIDE)
def test_of_files_beside_the_record_their_makers_are_named(run, capsys, name):
    run.record()
    path = Path(RESULTS) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    trace_file.main(path)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == str(path) and BESIDE[name] in shown[1] and len(shown) == 2


def test_a_file_in_a_folder_is_traced_by_the_folder(run, capsys):
    """Jobs that make many files, such as a simulation, name the folder alone."""
    run.record()
    image = Path(f"{RESULTS}/data/sky/simulated/1.png")
    image.touch()
    trace_file.main(image)
    shown = capsys.readouterr().out
    assert shown.startswith(f"{image.parent}  [no digest: a folder, or large]")
    assert "made by simulate_dataset" in shown and "pack_view" not in shown


def test_a_damaged_record_is_made_anew_once_it_is_deleted(run):
    record = run.record()
    record.write_text(record.read_text()[:100])
    with pytest.raises(DataError, match=r"provenance\.json: damaged(.|\n)*delete it; .* summary_provenance"):
        find_record(Path(f"{RESULTS}/first/fig2.png"))


def test_a_reader_may_stop_early(run):
    run.record()
    reader, writer = os.pipe()
    os.close(reader)
    script = PROJECT / "workflow/scripts/trace_file.py"
    command = [sys.executable, script, "--file", f"{RESULTS}/first/fig1.png"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def git(folder, *arguments):
    names = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", "-C", folder, *names, *arguments], capture_output=True, text=True, check=True).stdout


def test_commit_and_whether_files_are_those_of_it(tmp_path, monkeypatch):
    assert git_state(tmp_path) == {"commit": None, "reason": "not a git checkout"}
    git(tmp_path, "init")
    (tmp_path / "part").mkdir()
    (tmp_path / "part/a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert git_state(tmp_path) == {"commit": commit, "clean": True}
    assert git_state(tmp_path / "part")["commit"] is None
    (tmp_path / "b.py").write_text("2")
    assert git_state(tmp_path) == {"commit": commit, "clean": False}
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) == {"commit": None, "reason": "git is not installed"}


def test_starts_add_up(tmp_path):
    path = tmp_path / "starts.json"
    assert read_starts(path) == []
    for _ in range(2):
        note_start(path, tmp_path)
    first, second = read_starts(path)
    assert first["time"] <= second["time"]
    assert second["packages"]["numpy"] == __import__("numpy").__version__
    path.write_text("{")
    with pytest.raises(DataError, match=r"starts\.json"):
        read_starts(path)

"""The profile `slurm`, and what Slurm is asked."""

import errno
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from galaxies import controller
from galaxies.errors import ConfigError, PipelineError
from galaxies.slurm import ask_slurm, requeue_this_job

PROJECT = Path(__file__).parents[2]
UUID = "8d8ac610-566d-4ef0-9c22-186b2a5ed793"
PROFILE = yaml.safe_load((PROJECT / "slurm" / "config.yaml").read_text())


def rules() -> dict[str, str]:
    """Text of each rule that runs a script."""
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow" / "rules").glob("*.smk"))
    parts = re.split(r"^(?:rule|checkpoint) (\w+):\n", text, flags=re.MULTILINE)
    return {name: body for name, body in zip(parts[1::2], parts[2::2], strict=True) if "script:" in body}


def test_the_profile_sends_every_gpu_job_and_no_other_to_the_gpu_partition():
    with_gpu = {name for name, body in rules().items() if "gpu=" in body}
    assert with_gpu == set(PROFILE["set-resources"])
    assert {settings["slurm_partition"] for settings in PROFILE["set-resources"].values()} == {"gpu"}


def test_inside_jobs_only_the_training_reads_the_digest_of_its_code():
    """In those of other scripts it is empty, which their results must not depend on."""
    scripts = (PROJECT / "workflow" / "scripts").glob("*.py")
    assert [path.name for path in scripts if re.search(r"^ +code: ", path.read_text(), re.MULTILINE)] == ["train.py"]


def test_every_rule_of_the_profile_is_one_of_every_run():
    """Snakemake refuses settings of a rule that the papers of a run do not include."""
    files = re.findall(
        r'^include: "(workflow/rules/\w+\.smk)"', (PROJECT / "Snakefile").read_text(), flags=re.MULTILINE
    )
    always = "\n".join((PROJECT / file).read_text() for file in files)
    assert len(files) > 5
    assert set(PROFILE["set-resources"]) <= set(re.findall(r"^rule (\w+):", always, flags=re.MULTILINE))


def test_every_submitted_rule_grows_with_the_attempt():
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow" / "rules").glob("*.smk"))
    local = {
        name for block in re.findall(r"localrules:.*\n((?:\s+\w+,\n)+)", text) for name in re.findall(r"\w+", block)
    }
    submitted = {name: body for name, body in rules().items() if name not in local}
    assert {"train", "pack_view", "tabulate_augmentation"} <= set(submitted)
    for name, body in submitted.items():
        assert re.search(r"mem_mb=growing\(\d+\)", body), name
        assert re.search(r"runtime=growing\(\d+\)", body) or name == "train", name


def test_the_default_profile_undoes_nothing():
    default = yaml.safe_load(next((PROJECT / "profiles" / "default").iterdir()).read_text())
    shared = {key for key in default if key in PROFILE and default[key] != PROFILE[key]}
    assert not shared
    assert not {"executor", "jobs", "cores", "default-resources", "set-resources"} & set(default)


def test_names_of_jobs_are_those_that_resume_looks_for():
    assert PROFILE["slurm-jobname-prefix"] == controller.JOB_NAME


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Function that puts pretended commands of Slurm, shell scripts that also note their calls, in front of PATH."""
    calls = tmp_path / "calls"

    def pretend(**scripts: str) -> Path:
        for name, script in scripts.items():
            path = tmp_path / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\necho {name} "$@" >> {calls}\n{script}\n')
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return calls

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return pretend


def test_a_running_job_is_requeued(slurm, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    calls = slurm(squeue=f"echo RUNNING galaxies_{UUID}", scontrol="")
    assert requeue_this_job()
    assert "scontrol requeue 7\n" in calls.read_text()


@pytest.mark.parametrize(
    "job", [f"COMPLETING galaxies_{UUID}", f"CANCELLED galaxies_{UUID}", "", "RUNNING a-snakemake-of-somebody"]
)
def test_a_job_that_is_being_ended_or_is_not_ours_is_not_requeued(slurm, monkeypatch, job):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    calls = slurm(squeue=f"echo {job}", scontrol="")
    assert not requeue_this_job()
    assert "scontrol" not in calls.read_text()


def test_a_slurm_that_refuses_is_told_in_the_log(slurm, monkeypatch, caplog):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    slurm(squeue=f"echo RUNNING galaxies_{UUID}", scontrol="echo Requested operation is presently disabled >&2; exit 1")
    with caplog.at_level(logging.WARNING):
        assert not requeue_this_job()
    assert "Requested operation is presently disabled" in caplog.text


def test_nothing_is_requeued_outside_slurm(slurm, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    calls = slurm(squeue=f"echo RUNNING galaxies_{UUID}", scontrol="")
    assert not requeue_this_job()
    assert not calls.exists()


def test_without_slurm_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PipelineError, match=r"squeue.*\n.*sinfo"):
        ask_slurm("squeue")


def test_jobs_of_other_folders_and_other_names_are_left_alone(slurm, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    lines = [
        f"1|RUNNING|galaxies_{UUID}|{here}|rule_train",
        f"2|RUNNING|galaxies_{UUID}|{there}|rule_train",
        f"3|PENDING|galaxies_mine|{here}|rule_train",
        f"4|PENDING|galaxies_{UUID}|{here}|rule_plot_wildcards_a|b",
    ]
    slurm(squeue="\n".join(f"echo '{line}'" for line in lines))
    assert controller.jobs_of(here) == [
        controller.Job("1", "RUNNING", "rule_train"),
        controller.Job("4", "PENDING", "rule_plot_wildcards_a|b"),
    ]


def test_one_controller_per_folder(tmp_path):
    lock = controller.own_folder(tmp_path)
    with pytest.raises(PipelineError, match=rf"another Snakemake works in this folder .process {os.getpid()} on "):
        controller.own_folder(tmp_path)
    lock.release()
    controller.own_folder(tmp_path).release()


def test_where_requeueing_is_refused_another_batch_job_goes_on(slurm, tmp_path):
    calls = slurm(scontrol="exit 1", sbatch="", resume="sleep 2; exit 3")
    (tmp_path / "slurm").mkdir()
    shutil.copy(PROJECT / "slurm" / "submit", tmp_path / "slurm")
    (tmp_path / "bin" / "resume").rename(tmp_path / "slurm" / "resume")
    arguments = ["all", "--config", "a=b c"]
    environment = {**os.environ, "SLURM_JOB_ID": "5"}
    batch = subprocess.Popen(["bash", "slurm/submit", *arguments], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 30
    while not calls.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    batch.send_signal(signal.SIGUSR1)
    assert batch.wait(30) == 3  # that of Snakemake, which the warning does not end
    assert calls.read_text().splitlines() == [
        "resume all --config a=b c",
        "scontrol requeue 5",
        "sbatch --dependency=afterany:5 slurm/submit all --config a=b c",
    ]


def test_orphans_are_refused_by_their_numbers(slurm, tmp_path):
    slurm(squeue=f"echo '5|PENDING|galaxies_{UUID}|{tmp_path}|rule_train_wildcards_a'")
    with pytest.raises(PipelineError, match=r"5 \(rule_train_wildcards_a\)\n.*slurm/resume"):
        controller.refuse_orphans(tmp_path)


def test_jobs_that_do_not_end_are_an_error_after_a_while(slurm, tmp_path):
    calls = slurm(squeue=f"echo '5|RUNNING|galaxies_{UUID}|{tmp_path}|rule_train'", scontrol="exit 1", scancel="")
    with pytest.raises(PipelineError, match=r"jobs do not end: 5 \(rule_train\)"):
        controller.end_jobs(tmp_path, patience=0.3, pause=0.1)
    asked = calls.read_text().splitlines()
    assert "scancel --signal=TERM 5" in asked and "scancel 5" in asked  # first asked to save, then killed


@pytest.mark.parametrize(("number", "message"), [(errno.ENOSYS, "cannot be locked"), (errno.EDQUOT, "free some space")])
def test_without_locks_or_space_nothing_starts(tmp_path, monkeypatch, number, message):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(PipelineError, match=message):
        controller.own_folder(tmp_path)


def test_slurm_is_asked_for_folders_that_have_submitted_alone(slurm, tmp_path, monkeypatch):
    slurm(squeue="")
    assert not controller.has_submitted(tmp_path)
    (tmp_path / ".snakemake" / "slurm_logs").mkdir(parents=True)
    assert controller.has_submitted(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # a copy of the folder on a machine without Slurm
    assert not controller.has_submitted(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path):
    (tmp_path / ".snakemake").write_text("a file in its place")
    with pytest.raises(PipelineError, match="writable folder"):
        controller.own_folder(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trian": {"runtime"}}, r"set-resources: 'trian' does not exist\n.*did you mean 'train'"),
        ({"train": {"slurm_acount"}}, r"train: 'slurm_acount' does not exist\n.*did you mean 'slurm_account'"),
    ],
)
def test_misspelt_resources_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        controller.check_resources(given, {"train", "predict"})
    controller.check_resources({"train": {"slurm_partition", "runtime"}}, {"train", "predict"})

"""What may happen to a training on a cluster: it ends with the weights of an undisturbed one, bit for bit."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from cluster import wait_for
from submitted import TARGET, Run, copy

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

SHORT = [  # Slurm looks at limits every half minute: it may warn before a job has begun to train; so many attempts
    "--retries",
    "10",
    "--set-resources",
    "train:slurm_partition=short",
    "train:runtime=1",
    "train:slurm_extra='--signal=USR1@20'",
    "--",
]
SAVED = "stopped by SIGTERM"  # asked to stop, and its state saved
KILLED = None


def assert_as_undisturbed(run: Run, undisturbed: Run, ended: list[str | None]) -> None:
    """The controller ends well, the results are those without a fault, and the attempts ended as named."""
    output = run.end()
    assert run.process.returncode == 0, output
    assert run.weights_and_history() == undisturbed.weights_and_history()
    assert run.settings_and_code() == undisturbed.settings_and_code()
    assert [attempt["ended"] for attempt in run.attempts()] == [*ended, "complete"]


def test_undisturbed(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    assert_as_undisturbed(run, undisturbed, ended=[])


@pytest.fixture
def longer(run: Run, undisturbed: Run, tmp_path: Path) -> Run:
    """The training of `run` made longer than the limit on this machine even if it is idle; done without Slurm."""
    seconds = sum(attempt["cpu_seconds"] for attempt in undisturbed.attempts())
    small = run.folder / "small.yaml"
    epochs = int(re.search(r"epochs: (\d+)", small.read_text())[1])
    small.write_text(small.read_text().replace(f"epochs: {epochs}", f"epochs: {round(epochs * 90 / seconds)}"))
    reference = copy(run, tmp_path / "reference")
    reference.start(TARGET, command=("snakemake", "--cores", "1"))
    assert reference.end() and reference.process.returncode == 0, reference.output.read_text()
    return reference


def test_time_limit_shorter_than_the_training(run: Run, longer: Run) -> None:
    run.start(*SHORT, TARGET)
    output = run.end(1800)
    assert run.process.returncode == 0, output
    assert run.weights_and_history() == longer.weights_and_history()
    *before, last = [attempt["ended"] for attempt in run.attempts()]
    # SIGUSR1 is Slurm's warning; on a slow machine it may come before the training has begun, and the limit ends it.
    assert before and last == "complete" and set(before) <= {"stopped by SIGUSR1", "stopped by SIGTERM"}


def test_cancelled_by_somebody_else(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    run.cluster.command("scancel", run.training_job())
    assert_as_undisturbed(run, undisturbed, ended=[SAVED])


def test_requeued_by_an_administrator(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    run.cluster.command("scontrol", "requeue", run.training_job())
    assert_as_undisturbed(run, undisturbed, ended=[SAVED])


def test_preempted(run: Run, undisturbed: Run) -> None:
    run.start("--set-resources", "train:slurm_partition=scavenger", "--", TARGET)
    run.training_job()
    nodes = str(len(run.cluster.nodes))
    run.cluster.command("sbatch", "--partition=urgent", "-A", "lab", "-N", nodes, "--exclusive", "--wrap", "sleep 5")
    assert_as_undisturbed(run, undisturbed, ended=[SAVED])


def test_node_lost(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    job = run.training_job()
    node = run.cluster.command("squeue", "--noheader", "--jobs", job, "--format", "%N").strip()
    run.cluster.crash(node)
    try:
        assert_as_undisturbed(run, undisturbed, ended=[KILLED])
    finally:
        run.cluster.up(node)
        wait_for("the node", lambda: "down" not in run.cluster.command("sinfo", "-h", "-n", node, "-o", "%T"), 120)


def test_slurmctld_restarted(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    run.training_job()
    run.cluster.crash("slurmctld")
    run.cluster.up("slurmctld")
    assert_as_undisturbed(run, undisturbed, ended=[])


def test_snakemake_killed_while_a_training_runs(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    job = run.training_job()
    run.kill()
    assert run.queue() == [job]  # an orphan

    run.start(TARGET)
    assert "LockException" in run.end()
    unlock(run)
    run.start(TARGET)
    assert "`slurm/resume` with the same arguments" in run.end()  # even for those who know how to unlock
    assert run.queue() == [job]

    run.start(TARGET, command=("slurm/resume",))
    assert_as_undisturbed(run, undisturbed, ended=[SAVED])


def unlock(run: Run) -> None:
    command = ["snakemake", "--profile", "slurm", "--configfile", "small.yaml", "--unlock", TARGET]
    subprocess.run(command, cwd=run.folder, env=run.environment, check=True)


def test_a_local_snakemake_beside_orphans(run: Run) -> None:
    run.start(TARGET)
    job = run.training_job()
    run.kill()
    unlock(run)
    run.start(TARGET, command=("snakemake", "--cores", "1"))
    assert "`slurm/resume` with the same arguments" in run.end()
    assert run.process.returncode != 0 and run.queue() == [job]


@pytest.mark.parametrize("restart", [("slurm/resume",), ("snakemake", "--profile", "slurm")])
def test_snakemake_killed_and_the_training_ends_without_it(run: Run, undisturbed: Run, restart: tuple) -> None:
    run.start(TARGET)
    run.training_job()
    run.kill()
    wait_for("the end of the orphan", lambda: not run.queue(), 600)
    made = run.weights_and_history()
    if restart[0] == "snakemake":
        unlock(run)

    run.start("--", TARGET, command=restart)
    assert_as_undisturbed(run, undisturbed, ended=[])
    assert run.weights_and_history() == made
    assert "this training was complete" in run.log()  # it was not made again
    run.start("--dry-run", TARGET)
    assert "Nothing to be done" in run.end() and "missing provenance" not in run.output.read_text()


def test_resume_refuses_while_snakemake_lives(run: Run) -> None:
    run.start(TARGET)
    job = run.training_job()
    command = ["slurm/resume", TARGET, "--configfile", "small.yaml"]
    second = subprocess.run(command, cwd=run.folder, env=run.environment, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another Snakemake works in this folder" in second.stderr
    assert run.queue() == [job]


def test_resume_refuses_beside_a_local_snakemake(run: Run) -> None:
    run.start(TARGET, command=("snakemake", "--cores", "1"))
    wait_for("a state of the training", lambda: any(run.folder.glob("results/small/checkpoints/**/state.pt")), 300)
    command = ["slurm/resume", TARGET, "--configfile", "small.yaml"]
    second = subprocess.run(command, cwd=run.folder, env=run.environment, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another Snakemake works in this folder" in second.stderr
    assert not run.queue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dry-run"], "for a dry run use"),
        (["--configfile", "nothing.yaml"], "nothing.yaml"),
        (["nonsense"], "nonsense"),
    ],
)
def test_resume_with_wrong_arguments_ends_no_job(run: Run, arguments: list[str], message: str) -> None:
    run.start(TARGET)
    job = run.training_job()
    run.kill()
    command = ["slurm/resume", *arguments]
    done = subprocess.run(command, cwd=run.folder, env=run.environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout
    assert run.queue("--states", "running") == [job]


def test_resume_where_nothing_is_left_behind(run: Run, undisturbed: Run) -> None:
    run.start(TARGET, command=("slurm/resume",))
    assert_as_undisturbed(run, undisturbed, ended=[])


@pytest.mark.parametrize(
    ("setting", "message"),
    [("slurm_partition=nowhere", "invalid partition specified: nowhere"), ("slurm_account=nobody", "nobody")],
)
def test_wrong_partition_or_account(run: Run, setting: str, message: str) -> None:
    run.start("--set-resources", f"train:{setting}", "--", TARGET)
    output = run.end()
    assert run.process.returncode != 0
    assert message in output
    assert not run.queue()


def test_stopped_by_ctrl_c_and_started_again(run: Run, undisturbed: Run) -> None:
    run.start(TARGET)
    run.training_job()
    run.process.send_signal(signal.SIGINT)
    run.end()
    wait_for("the end of the cancelled job", lambda: not run.queue(), 300)
    run.start(TARGET)
    assert_as_undisturbed(run, undisturbed, ended=[SAVED])


def test_snakemake_as_a_batch_job_that_is_interrupted(run: Run, undisturbed: Run) -> None:
    options = ["--configfile", "small.yaml", "--slurm-init-seconds-before-status-checks", "2", TARGET]
    submit = ["sbatch", "--parsable", "slurm/submit", *options]
    job = subprocess.run(submit, cwd=run.folder, env=run.environment, check=True, capture_output=True, text=True)
    controller = job.stdout.strip()
    run.training_job()
    run.cluster.command("scontrol", "requeue", controller)
    log = run.folder / "snakemake.log"
    wait_for("the end of the run", lambda: "1 of 1 steps (100%) done" in log.read_text(), 900)
    wait_for("the end of the controller", lambda: not run.queue(), 300)
    assert run.weights_and_history() == undisturbed.weights_and_history()
    assert [attempt["ended"] for attempt in run.attempts()] == [SAVED, "complete"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use the GPU here")
def test_a_gpu_that_torch_cannot_use(run: Run) -> None:
    """Slurm gives a pretended GPU; the training must not take the CPU silently instead."""
    small = run.folder / "small.yaml"
    small.write_text(small.read_text().replace("device: cpu", "device: auto"))
    run.start("--retries", "0", TARGET)
    output = run.end()
    assert run.process.returncode != 0
    assert "Slurm gave this job the GPU 0, but torch" in output


def test_ending_the_batch_job_ends_its_jobs(run: Run) -> None:
    options = ["--configfile", "small.yaml", "--slurm-init-seconds-before-status-checks", "2", TARGET]
    submit = ["sbatch", "--parsable", "slurm/submit", *options]
    job = subprocess.run(submit, cwd=run.folder, env=run.environment, check=True, capture_output=True, text=True)
    run.training_job()
    run.cluster.command("scancel", "--batch", "--signal=TERM", job.stdout.strip())
    wait_for("the end of all jobs", lambda: not run.queue(), 300)
    assert SAVED in run.log()

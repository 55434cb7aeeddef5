"""The Snakemake that starts jobs: one per folder, and an end to the jobs that a dead one left behind.

A *controller* is the Snakemake that starts jobs; an *orphan* is a Slurm job whose controller died. Slurm runs orphans
to their end, but no later controller knows of them: it would submit the same work again.
"""

import difflib
import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from galaxies.errors import ConfigError, PipelineError
from galaxies.files import write_text
from galaxies.slurm import JOB_NAME, ask_slurm

logger = logging.getLogger(__name__)

LOCK = Path(".snakemake/controller.lock")  # in the folder that Snakemake is started in
NAME = re.compile(rf"{JOB_NAME}_[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")  # as the executor makes it
RESOURCES = (  # that a user may set for a rule in slurm/config.yaml
    *("slurm_account", "slurm_partition", "qos", "reservation", "constraint", "slurm_extra", "tmpdir"),
    *("mem_mb", "mem_mb_per_cpu", "runtime", "gpu", "gpu_model", "gres", "nodes", "tasks"),
    *("cpus_per_task", "cpus_per_gpu", "tasks_per_gpu"),
)


@dataclass(frozen=True)
class Job:
    """A job in Slurm's queue: its number, its state in Slurm's words (RUNNING, PENDING, ...), and what it makes."""

    number: str
    state: str
    what: str


def own_folder(folder: Path) -> FileLock:
    """Lock that a controller of `folder` holds as long as it lives.

    Raises PipelineError if another one has it, or if the file system has no locks or no space.
    """
    path = folder / LOCK
    owner = path.with_suffix(".owner")
    lock = FileLock(path, fallback_to_soft=False)
    try:
        path.parent.mkdir(exist_ok=True)
        lock.acquire(blocking=False)
        write_text(owner, f"process {os.getpid()} on {os.uname().nodename}")
    except Timeout:
        who = owner.read_text() if owner.exists() else "it has just begun"
        raise PipelineError(
            f"{folder}: another Snakemake works in this folder ({who})",
            "wait for it, or end it with Ctrl-C; two at the same time need two clones of the project",
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PipelineError(
                f"{path}: {error.strerror}", "free some space; `quota -s` or `df` tells how much there is"
            ) from error
        raise PipelineError(
            f"{path}: cannot be locked, so that two writers of one file could not be kept apart ({error})",
            "put the project into a writable folder of a file system with flock (NFS 4; Lustre mounted with flock)",
        ) from error
    return lock


def has_submitted(folder: Path) -> bool:
    """Whether jobs were ever submitted from `folder`, on a machine that can ask Slurm for them."""
    return (folder / ".snakemake" / "slurm_logs").is_dir() and shutil.which("squeue") is not None


def refuse_orphans(folder: Path) -> None:
    """Raise PipelineError if jobs of an earlier controller of `folder` are still in Slurm's queue."""
    if orphans := jobs_of(folder):
        raise PipelineError(
            f"jobs of an earlier Snakemake still run or wait, and write to the same files: {_numbers(orphans)}",
            "`slurm/resume` with the same arguments ends them without a loss and continues the run",
        )


def jobs_of(folder: Path) -> list[Job]:
    """Jobs in Slurm's queue that a controller in `folder` submitted, whether it lives or not."""
    lines = ask_slurm("squeue", "--me", "--noheader", "--format", "%i|%T|%j|%Z|%k").splitlines()
    jobs = [line.split("|", 4) for line in lines]
    here = folder.resolve()
    return [
        Job(number, state, comment)
        for number, state, name, place, comment in jobs
        if NAME.fullmatch(name) and Path(place).resolve() == here
    ]


def end_jobs(folder: Path, patience: float = 600, pause: float = 5) -> None:
    """End all jobs of `folder`: those that wait at once, those that run after they have saved their state.

    patience : seconds until jobs that do not end by themselves are killed, and again until they are given up.
    pause : seconds between looks at the queue. Raises PipelineError if jobs do not even end when they are killed.
    """
    start = told = time.monotonic()
    jobs = jobs_of(folder)
    for job in jobs:
        logger.info("ending job %s of an earlier Snakemake (%s, %s)", job.number, job.what, job.state.lower())
    while jobs:
        now = time.monotonic()
        if now - start > 2 * patience:
            raise PipelineError(f"jobs do not end: {_numbers(jobs)}", "`scancel` them, or ask the cluster's support")
        if now - told > 60:
            told = now
            logger.info("waiting for the end of %s", _numbers(jobs))
        for job in jobs:
            if job.state == "RUNNING" and now - start <= patience:
                _try("scontrol", "update", f"jobid={job.number}", "requeue=0")
                _try("scancel", "--signal=TERM", job.number)
            elif job.state != "COMPLETING":
                _try("scancel", job.number)
        time.sleep(pause)
        jobs = jobs_of(folder)


def check_resources(given: dict[str, Collection[str]], rules: Collection[str]) -> None:
    """Raise ConfigError for a rule or a resource in slurm/config.yaml that does not exist; Snakemake ignores such.

    given : rule -> names of the resources set for it.
    """
    for rule, resources in given.items():
        _check("set-resources", rule, rules)
        for resource in resources:
            _check(f"set-resources: {rule}", resource, RESOURCES)


def _check(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        similar = difflib.get_close_matches(name, known, 1)
        raise ConfigError(
            f"slurm/config.yaml: {where}: {name!r} does not exist",
            f"did you mean {similar[0]!r}?" if similar else f"there are: {', '.join(sorted(known))}",
        )


def _numbers(jobs: list[Job]) -> str:
    return ", ".join(f"{job.number} ({job.what})" for job in jobs)


def _try(*command: str) -> None:
    """Ask Slurm for something that may be refused because the job has just ended."""
    try:
        ask_slurm(*command)
    except PipelineError as error:
        logger.debug("%s", error)

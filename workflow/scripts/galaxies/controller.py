"""The Snakemake that submits jobs: one per folder, and an end to the jobs that a dead one left behind.

A *controller* is the Snakemake that submits jobs; an *orphan* is a job whose controller died. Slurm runs orphans to
their end, but no later controller knows of them: it would submit the same work again.
"""

import contextlib
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from galaxies.errors import PipelineError
from galaxies.files import write_text
from galaxies.slurm import ask_slurm

logger = logging.getLogger(__name__)

JOB_NAME = "galaxies"  # prefix of the names of all jobs, as in slurm/config.yaml
LOCK = Path(".snakemake/slurm_controller.lock")  # in the folder that Snakemake works in


@dataclass(frozen=True)
class Job:
    """A job in Slurm's queue: its number, its state in Slurm's words (RUNNING, PENDING, ...), and what it makes."""

    number: str
    state: str
    what: str


def own_folder(folder: Path) -> FileLock:
    """Lock that a controller of `folder` holds as long as it lives. Raises PipelineError if another one has it."""
    path = folder / LOCK
    path.parent.mkdir(exist_ok=True)
    lock, owner = FileLock(path), path.with_suffix(".owner")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise PipelineError(
            f"{folder}: another Snakemake submits jobs from this folder ({owner.read_text()})",
            "wait for it, or end it with Ctrl-C, which cancels its jobs; two runs at the same time need two clones",
        ) from None
    except NotImplementedError as error:
        raise PipelineError(
            f"{path}: this file system has no locks, so that two writers of one file could not be kept apart",
            "put the project on a file system with flock: NFS 4 has it, Lustre with the mount option flock",
        ) from error
    write_text(owner, f"process {os.getpid()} on {os.uname().nodename}")
    return lock


def jobs_of(folder: Path) -> list[Job]:
    """Jobs in Slurm's queue that a controller in `folder` submitted, whether it lives or not."""
    lines = ask_slurm("squeue", "--me", "--noheader", "--format", "%i|%T|%j|%Z|%k").splitlines()
    jobs = [line.split("|", 4) for line in lines]
    here = folder.resolve()
    return [
        Job(number, state, comment)
        for number, state, name, place, comment in jobs
        if name.startswith(f"{JOB_NAME}_") and Path(place).resolve() == here
    ]


def end_jobs(folder: Path, patience: float = 600, pause: float = 5) -> None:
    """End all jobs of `folder`: those that wait at once, those that run after they have saved their state.

    patience : seconds until jobs that do not end are killed. pause : seconds between looks at the queue.
    """
    end = time.monotonic() + patience
    jobs = jobs_of(folder)
    for job in jobs:
        logger.info("ending job %s of an earlier Snakemake (%s, %s)", job.number, job.what, job.state.lower())
    while jobs:
        late = time.monotonic() > end
        for job in jobs:
            with contextlib.suppress(PipelineError):  # it may have ended meanwhile
                if job.state == "RUNNING" and not late:
                    ask_slurm("scontrol", "update", f"jobid={job.number}", "requeue=0")
                    ask_slurm("scancel", "--signal=TERM", job.number)
                elif job.state != "COMPLETING":
                    ask_slurm("scancel", job.number)
        time.sleep(pause)
        jobs = jobs_of(folder)

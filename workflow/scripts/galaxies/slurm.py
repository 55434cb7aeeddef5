"""Slurm, asked from inside and outside its jobs."""

import logging
import os
import subprocess

from galaxies.errors import PipelineError

logger = logging.getLogger(__name__)

JOB_NAME = "galaxies"  # prefix of the names of this project's jobs, as in slurm/config.yaml


def requeue_this_job() -> bool:
    """Have Slurm end this process's job and run it again later, under the same number. False: it will not.

    For a process that has saved its state because the job's time is nearly over or its node is wanted for others. A job
    that is being cancelled stays cancelled; a job that somebody else made, for a whole Snakemake, is left alone.
    """
    number = os.environ.get("SLURM_JOB_ID")
    if number is None:
        return False
    try:
        state, _, name = ask_slurm("squeue", "--noheader", "--jobs", number, "--format", "%T %j").strip().partition(" ")
        if state != "RUNNING" or not name.startswith(f"{JOB_NAME}_"):
            return False
        ask_slurm("scontrol", "requeue", number)
    except PipelineError as error:
        logger.warning("Slurm does not run job %s again by itself: %s", number, error)
        return False
    logger.warning("job %s goes on in Slurm's queue", number)
    return True


def ask_slurm(*command: str) -> str:
    """Standard output of one of Slurm's commands. Raises PipelineError with its message if it fails."""
    try:
        done = subprocess.run(command, text=True, capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PipelineError(
            f"{command[0]}: {error}", "are Slurm's commands there, and does it answer? try `sinfo`"
        ) from error
    if done.returncode:
        raise PipelineError(f"{' '.join(command)}: {done.stderr.strip()}", "does Slurm answer? try `sinfo`")
    return done.stdout

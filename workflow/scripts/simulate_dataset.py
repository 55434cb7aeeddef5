"""Simulate a stand-in for a data set: the published files, with drawn galaxies."""

import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from galaxies.errors import DataError
from galaxies.registry import construct, named_module
from galaxies.scripting import run_script


def main(folder: Path, *, dataset: str, simulate: dict, threads: int, layout: str = "") -> None:
    """Write the files of `dataset` into `folder`, all or none. simulate : `seed` and how many objects, as configured.

    layout : name of its package in `galaxies.datasets`, if the data set has another name.

    They are written beside `folder` first, under a lock, because a simulation may outlive the workflow that started it
    and must not write among the files of the next one. Raises DataError if another one is still at work.
    """
    simulator = named_module(f"datasets.{layout or dataset}", "simulator")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.part")
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        raise DataError(
            f"{folder}: another simulation is writing here", "wait for it or stop it; the lock ends with its process"
        ) from None
    with held:
        shutil.rmtree(beside, ignore_errors=True)
        try:
            construct(simulator.simulate, dict(simulate), f"data.{dataset}.simulate", folder=beside, threads=threads)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

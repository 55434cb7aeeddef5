"""Simulate a stand-in for a data set: the published files, with drawn galaxies."""

from pathlib import Path

from galaxies.registry import construct, named_module
from galaxies.scripting import run_script


def main(folder: Path, *, dataset: str, simulate: dict, threads: int) -> None:
    """Write the files of `dataset` into `folder`. simulate : `seed` and how many objects, as in the configuration."""
    simulator = named_module(f"datasets.{dataset}", "simulator")
    construct(simulator.simulate, dict(simulate), f"data.{dataset}.simulate", folder=folder, threads=threads)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

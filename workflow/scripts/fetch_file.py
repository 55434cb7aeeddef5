"""Download one file of a data set, and check it before it gets its name."""

from pathlib import Path

from galaxies.registry import named_module
from galaxies.scripting import run_script


def main(path: Path, *, layout: str, name: str) -> None:
    """Write the file `name` of the data sets of `layout` to `path`; continues a download that was interrupted."""
    named_module(f"datasets.{layout}", "download").fetch(name, path)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

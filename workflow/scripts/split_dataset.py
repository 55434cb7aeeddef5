"""Choose the training, validation and test images of a paper."""

from pathlib import Path

from galaxies.data.catalogue import read_catalogue
from galaxies.data.splits import make_split, write_split
from galaxies.scripting import run_script


def main(catalogue: Path, split: Path, *, selection: str, sizes: dict, seed: int) -> None:
    """Write `split` (CSV: object_id, split) with sets of the given `sizes`."""
    write_split(split, make_split(read_catalogue(catalogue), selection, dict(sizes), seed))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

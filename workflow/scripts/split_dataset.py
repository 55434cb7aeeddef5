"""Choose the training, validation and test images of a paper."""

from pathlib import Path

from galaxies.data.catalogue import read_catalogue
from galaxies.data.splits import make_split, write_split
from galaxies.scripting import run_script


def main(catalogue: Path, split: Path, *, selection: str, sizes: dict, seed: int) -> None:
    """Write `split` (CSV: GalaxyID, split) with the given `sizes` of train, validation and test."""
    write_split(split, make_split(read_catalogue(catalogue).index, selection, dict(sizes), seed))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

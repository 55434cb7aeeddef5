"""Join the histories of one experiment's seeds into one table."""

from pathlib import Path

import pandas as pd

from galaxies.files import atomic, reading
from galaxies.scripting import run_script


def main(histories: list[Path], history: Path, *, seeds: list[int]) -> None:
    """Write seed, epoch and the metrics of the histories; histories[i] is the training with seeds[i]."""
    tables = []
    for path, seed in zip(histories, seeds, strict=True):
        with reading(path):
            table = pd.read_csv(path).set_index("epoch")
        tables.append(table.reset_index().assign(seed=seed).set_index("seed"))
    with atomic(history) as temporary:
        pd.concat(tables).to_csv(temporary)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Join the histories of one experiment's seeds into one table."""

from pathlib import Path

import pandas as pd

from galaxies.files import atomic
from galaxies.scripting import run_script


def main(histories: list[Path], history: Path, *, seeds: list[int]) -> None:
    """Write seed, epoch, loss, rmse, val_loss, val_rmse; histories[i] is the training with seeds[i]."""
    tables = [pd.read_csv(path).assign(seed=seed) for path, seed in zip(histories, seeds, strict=True)]
    table = pd.concat(tables, ignore_index=True)
    with atomic(history) as temporary:
        table[["seed", *table.columns.drop("seed")]].to_csv(temporary, index=False)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Join the histories of one experiment's seeds into one table."""

from pathlib import Path

import pandas as pd

from galaxies.files import atomic, reading
from galaxies.scripting import run_script

COLUMNS = ["epoch", "loss", "rmse", "val_loss", "val_rmse"]


def main(histories: list[Path], history: Path, *, seeds: list[int]) -> None:
    """Write seed, epoch, loss, rmse, val_loss, val_rmse; histories[i] is the training with seeds[i]."""
    tables = []
    for path, seed in zip(histories, seeds, strict=True):
        with reading(path):
            tables.append(pd.read_csv(path)[COLUMNS].assign(seed=seed))
    with atomic(history) as temporary:
        pd.concat(tables)[["seed", *COLUMNS]].to_csv(temporary, index=False)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

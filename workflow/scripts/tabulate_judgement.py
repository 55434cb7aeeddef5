"""Distances of all generators to real images in the features of a judge, over seeds and beside those of real images."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.errors import DataError
from galaxies.files import atomic, reading
from galaxies.scripting import run_script
from galaxies.stats import summarise

ENDS = {"kernel": (-np.inf, np.inf), "frechet": (0, np.inf), "density": (0, np.inf)}  # of a metric; else 0 and 1
COLUMNS = ["repeat", "metric", "value", "images", "features", "simulated"]


def main(floor: Path, distances: list[Path], table: Path, per_seed: Path, *, trainings: list[dict]) -> None:
    """Write `table`, over seeds, and `per_seed`: per generator and metric, beside real images.

    floor : compare_distributions.py of real images with real ones. distances : of the generators, in the order of
    `trainings`, each {experiment, label, seed, differences}. Values of a seed are means over its samples, of which
    std_samples is the mean standard deviation; n_samples counts them. real : the mean of two disjoint samples of real
    images, what a perfect generator would have at this number of images; real_std : its deviation over random halves,
    which share images and so vary less than independent ones.
    Raises DataError if the files are of samples of different sizes or features: such values do not compare.
    """
    of_real = read(floor)
    reference = of_real.groupby("metric", sort=False)["value"].agg(["mean", "std"])
    facts = {key: of_real[key].iloc[0] for key in ("images", "features")}
    rows = []
    for path, training in zip(distances, trainings, strict=True):
        values = read(path)
        for key, expected in facts.items():
            if values[key].iloc[0] != expected:
                raise DataError(
                    f"{path}: {values[key].iloc[0]} {key}, expected {expected} as in {floor}",
                    "run the same command again; the workflow makes what is out of date",
                )
        names = {key: training[key] for key in ("experiment", "label", "seed")}
        for metric, group in values.groupby("metric", sort=False):
            row = {"metric": metric, "value": group["value"].mean(), "std_samples": group["value"].std()}
            rows.append(names | row | {"n_samples": len(group), "real": reference.loc[metric, "mean"]})
    data = "simulated" if of_real["simulated"].iloc[0] else "real"
    seeds = pd.DataFrame(rows).assign(**facts, data=data)
    notes = {training["experiment"]: "; ".join(training["differences"]) for training in trainings}
    summaries = []
    for (metric, experiment, label), group in seeds.groupby(["metric", "experiment", "label"], sort=False):
        summary = summarise(group["value"].to_numpy())
        low, high = np.clip([summary.ci95_low, summary.ci95_high], *ENDS.get(metric, (0, 1)))
        row = {"metric": metric, "experiment": experiment, "label": label, "mean": summary.mean, "std": summary.std}
        row |= {"n_seeds": summary.n, "ci95_low": low, "ci95_high": high}
        row |= {"std_samples": group["std_samples"].mean(), "n_samples": group["n_samples"].iloc[0]}
        row |= {"real": reference.loc[metric, "mean"], "real_std": reference.loc[metric, "std"]}
        summaries.append(row | facts | {"data": data, "differences": notes[experiment]})
    for path, content in ((table, pd.DataFrame(summaries)), (per_seed, seeds)):
        with atomic(path) as temporary:
            content.to_csv(temporary, index=False)


def read(path: Path) -> pd.DataFrame:
    """A table of compare_distributions.py."""
    with reading(path):
        return pd.read_csv(path)[COLUMNS]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

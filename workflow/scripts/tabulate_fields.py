"""Generated star fields of all generators beside real ones: flux, lit pixels, scores, over seeds."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import reading, write_text
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real_images"
MEASURES = ("lit", "flux")
SPREAD = "flux_deviation"  # over the images of one generator


def main(
    measured: list[Path],
    real: list[Path],
    table: Path,
    per_seed: Path,
    *,
    trainings: list[dict],
    views: list[str],
    names: list[str],
) -> None:
    """Write means over the images: a row per generator and quantity, with the interval over seeds, and one per seed.

    measured : from measure_fields.py, in the order of `trainings`, each {experiment, label, seed, view, differences}.
    real : the same of real images that no generator has seen, in the order of `views`. names : of the scorers.
    flux_deviation : standard deviation of the flux over images, which is 0 for a generator of one image.
    ratio : of the mean to that of real images of the same view.
    """
    quantities = [*MEASURES, SPREAD, *(f"score_{name}" for name in names)]
    of_view = {view: means(path, quantities) for view, path in zip(views, real, strict=True)}
    rows, of_seeds = [], []
    for path, training in zip(measured, trainings, strict=True):
        identity, values = (
            {key: training[key] for key in ("experiment", "label", "view", "seed")},
            means(path, quantities),
        )
        rows.append({**identity, **values})
        of_seeds += [
            {**identity, "images": values["images"], "quantity": quantity, "value": values[quantity]}
            | {"ratio": ratio(values[quantity], of_view[training["view"]][quantity])}
            for quantity in quantities
            if not np.isnan(values[quantity])
        ]
    seeds = pd.DataFrame(rows)
    write_text(per_seed, pd.DataFrame(of_seeds).to_csv(index=False))
    differences = {training["experiment"]: training["differences"] for training in trainings}
    result = [
        {"experiment": REAL, "label": "real images", "view": view, "images": values["images"], "quantity": quantity}
        | {"mean": values[quantity]}
        for view, values in of_view.items()
        for quantity in quantities
    ]
    for (experiment, label, view), group in seeds.groupby(["experiment", "label", "view"], sort=False):
        shared = {"experiment": experiment, "label": label, "view": view, "images": group["images"].iloc[0]}
        for quantity in quantities:
            if group[quantity].isna().any():
                continue
            summary, reference = summarise(group[quantity].to_numpy()), of_view[view][quantity]
            row = {**shared, "quantity": quantity, "mean": summary.mean, "std": summary.std, "n_seeds": summary.n}
            row |= {"ci95_low": summary.ci95_low, "ci95_high": summary.ci95_high}
            row["ratio"] = ratio(summary.mean, reference)
            result.append({**row, "differences": "; ".join(differences[experiment])})
    write_text(table, pd.DataFrame(result).to_csv(index=False))


def ratio(value: float, reference: float) -> float:
    """Of a value to that of real images; NaN where these have none of it."""
    return value / reference if reference else float("nan")


def means(path: Path, quantities: list[str]) -> dict[str, float]:
    """Number of images of a file, and the mean of each quantity over them."""
    with reading(path):
        table = pd.read_csv(path)
        table[SPREAD] = table["flux"].std()
        return {"images": len(table), **{quantity: float(table[quantity].mean()) for quantity in quantities}}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

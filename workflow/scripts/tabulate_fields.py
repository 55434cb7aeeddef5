"""Generated star fields of all generators beside real ones: flux, lit pixels, scores, over seeds."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import reading, write_text
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real_images"
MEASURES = ("concentration", "lit", "flux")
SPREAD = "flux_deviation"  # over the images of one generator
TRUE = "true_score"


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
    flux_deviation : standard deviation of the flux over images, which is 0 for a generator of one image. ratio : of the
    mean to that of real images of the same view; not of scores. Of real images, ci95 is over the images, and each score
    has the mean absolute error and the correlation with the true scores that are left at this resolution: where a
    scorer knows little of real images, its scores of generated ones mean as little.
    """
    scores = [f"score_{name}" for name in names]
    quantities = [*MEASURES, SPREAD, *scores]
    rows, of_view = [], {}
    for view, path in zip(views, real, strict=True):
        images = read(path)
        of_view[view] = means(images, quantities)
        shared = {"experiment": REAL, "label": "real images", "view": view, "images": len(images)}
        rows += [{**shared, "quantity": name, **of_images(images, name)} for name in quantities]
    seeds = pd.DataFrame(
        {**{key: training[key] for key in ("experiment", "label", "view", "seed")}, **means(read(path), quantities)}
        for path, training in zip(measured, trainings, strict=True)
    )
    write_text(per_seed, seeds.to_csv(index=False))
    differences = {training["experiment"]: training["differences"] for training in trainings}
    for (experiment, label, view), group in seeds.groupby(["experiment", "label", "view"], sort=False):
        shared = {"experiment": experiment, "label": label, "view": view, "images": group["images"].iloc[0]}
        for quantity in quantities:
            if group[quantity].isna().any():
                continue
            summary, reference = summarise(group[quantity].to_numpy()), of_view[view][quantity]
            row = {**shared, "quantity": quantity, "mean": summary.mean, "std": summary.std, "n_seeds": summary.n}
            row |= {"ci95_low": summary.ci95_low, "ci95_high": summary.ci95_high}
            if quantity not in scores and reference:
                row["ratio"] = summary.mean / reference
            rows.append({**row, "differences": "; ".join(differences[experiment])})
    write_text(table, pd.DataFrame(rows).to_csv(index=False))


def read(path: Path) -> pd.DataFrame:
    """The table of a file, with the deviation of the flux as a column."""
    with reading(path):
        table = pd.read_csv(path)
        return table.assign(**{SPREAD: table["flux"].std()})


def means(images: pd.DataFrame, quantities: list[str]) -> dict[str, float]:
    """Number of images, and the mean of each quantity over them."""
    return {"images": len(images), **{quantity: float(images[quantity].mean()) for quantity in quantities}}


def of_images(images: pd.DataFrame, quantity: str) -> dict[str, float]:
    """Mean of a quantity of real images with its interval over images; of a score, how well it is known of them."""
    values = images[quantity].to_numpy()
    if quantity == SPREAD:
        return {"mean": values[0]}
    summary = summarise(values)
    row = {"mean": summary.mean, "std": summary.std, "ci95_low": summary.ci95_low, "ci95_high": summary.ci95_high}
    true = images[TRUE].to_numpy()
    if quantity.startswith("score_") and len(true) > 1 and np.isfinite(true).all():
        constant = not (values.std() and true.std())
        row |= {"true_mean": true.mean(), "mae": np.abs(values - true).mean()}
        row["correlation"] = np.nan if constant else np.corrcoef(values, true)[0, 1]
    return row


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

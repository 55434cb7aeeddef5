"""Generated star fields of all generators beside real ones: their light, blobs and scores, over seeds."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.field_measures import FieldMeasures
from galaxies.files import reading, write_text
from galaxies.scripting import run_script
from galaxies.stats import median_interval, summarise

REAL = "real_images"
MEASURES = FieldMeasures._fields
DISTANCE = "distance_to_real"
FEWEST = 6  # images; the median of fewer has no 95 % interval
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
    """Write a row per generator and quantity, with the interval over seeds, and one per seed.

    measured : from measure_fields.py, in the order of `trainings`, each {experiment, label, seed, view, differences}.
    real : the same of real images that no generator has seen, in the order of `views`. names : of the scorers.
    sky, flux, lit, concentration, blobs : medians over the images, as a few bright ones would decide means.
    distance_to_real : mean over these five of |a - b| / (a + b), where a and b are those of generated and of real
    images (the Canberra distance), of the sky plus one level: 0 if all are equal, 1/3 if they differ by factors of two,
    1 if one side has none; of the real images, that between two halves of them. It tells neither places nor whether
    images differ. flux_deviation : standard deviation of the flux over images, which is 0 for a generator of one image.
    score_<name> : means over the images.
    real, ratio : the quantity of real images of the same view, and that of generated ones over it, which scores have
    not. Of real images, ci95 is over the images, and each score has the mean absolute error and the correlation with
    the true scores that are left at this resolution: where a scorer knows little of real images, its scores of
    generated ones mean as little.
    """
    quantities = [*MEASURES, SPREAD, *(f"score_{name}" for name in names)]
    rows, of_view = [], {}
    for view, path in zip(views, real, strict=True):
        images = read(path)
        of_view[view] = typical(images, quantities)
        shared = {"experiment": REAL, "label": "held-out images", "view": view, "images": len(images)}
        rows += [{**shared, "quantity": name, **of_images(images, name)} for name in quantities]
        halves = distance(*(typical(images.iloc[first::2], quantities) for first in (0, 1)))
        rows.append({**shared, "quantity": DISTANCE, "mean": halves})
        of_view[view][DISTANCE] = halves
    of_seeds = []
    for path, training in zip(measured, trainings, strict=True):
        images, of_real = read(path), of_view[training["view"]]
        identity = {key: training[key] for key in ("experiment", "label", "view", "seed")} | {"images": len(images)}
        values = typical(images, quantities)
        values[DISTANCE] = distance(values, of_real)
        of_seeds += [
            {**identity, "quantity": name, "value": value, "real": of_real[name]}
            | {"ratio": ratio(name, value, of_real[name])}
            for name, value in values.items()
            if not np.isnan(value)  # scorers of images of another shape, images whose grey levels mean nothing
        ]
    seeds = pd.DataFrame(of_seeds)
    write_text(per_seed, seeds.to_csv(index=False))
    differences = {training["experiment"]: training["differences"] for training in trainings}
    by = ["experiment", "label", "view", "quantity"]
    for (experiment, label, view, quantity), group in seeds.groupby(by, sort=False):
        summary = summarise(group["value"].to_numpy())
        row = {"experiment": experiment, "label": label, "view": view, "images": group["images"].iloc[0]}
        row |= {"quantity": quantity, "mean": summary.mean, "std": summary.std, "n_seeds": summary.n}
        row |= {"ci95_low": summary.ci95_low, "ci95_high": summary.ci95_high}
        row |= {"real": group["real"].iloc[0], "ratio": group["ratio"].mean()}
        rows.append({**row, "differences": "; ".join(differences[experiment])})
    write_text(table, pd.DataFrame(rows).to_csv(index=False))


def ratio(quantity: str, value: float, real: float) -> float:
    """Of a value to that of real images; NaN of scores and distances, and where real images have none of it."""
    return value / real if quantity in (*MEASURES, SPREAD) and real else float("nan")


def distance(generated: dict[str, float], real: dict[str, float]) -> float:
    """Mean Canberra distance of the measures, 0 to 1; NaN if one of them is unknown."""
    one, other = (
        np.array([values[name] for name in MEASURES]) + [name == "sky" for name in MEASURES]  # mostly 0
        for values in (generated, real)
    )
    total = one + other
    return float(np.mean(np.abs(one - other) / np.where(total == 0, 1, total)))


def read(path: Path) -> pd.DataFrame:
    """The table of a file, with the deviation of the flux as a column."""
    with reading(path):
        table = pd.read_csv(path)
        return table.assign(**{SPREAD: table["flux"].std()})


def typical(images: pd.DataFrame, quantities: list[str]) -> dict[str, float]:
    """The median of each measure over the images, and the mean of what else there is."""
    return {name: float(images[name].median() if name in MEASURES else images[name].mean()) for name in quantities}


def of_images(images: pd.DataFrame, quantity: str) -> dict[str, float]:
    """A quantity of real images with its interval over images; of a score, how well it is known of them."""
    values = images[quantity].to_numpy()
    if quantity == SPREAD:
        return {"mean": values[0]}
    if quantity in MEASURES:
        low, high = median_interval(values) if len(values) >= FEWEST else (np.nan, np.nan)
        return {"mean": np.median(values), "std": values.std(ddof=1), "ci95_low": low, "ci95_high": high}
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

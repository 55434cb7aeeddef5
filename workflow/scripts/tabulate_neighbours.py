"""Are generated images copies? Distances to the nearest training image, beside those of real images to another one."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.errors import DataError
from galaxies.files import atomic
from galaxies.neighbours import SPACES, Neighbours, isolation, near_copies, read_neighbours
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real"
QUANTILES = {"min": 0, "q01": 0.01, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1}
RESAMPLES = 1000  # bootstrap samples behind the interval of a ratio
OVER_IMAGES, OVER_SEEDS = "images", "seeds"
RESULTS = ["median_over_real", "near_copies"]


def main(real: Path, found: list[Path], table: Path, *, trainings: list[dict]) -> None:
    """Write a row per space, quantity, experiment and seed; and rows over seeds, whose seed is empty.

    real : neighbours of training images among the others. found : neighbours of generated images among the training
        images, in the order of `trainings`, each {experiment, label, seed}.

    distance : to the nearest training image, root mean square over pixels (on the scale that networks see) or features.
        Images that are smoother than real ones are nearer to all images, copies or not.
    isolation : that distance over that to the second nearest image, which smoothness hardly changes; small for copies.
    min to max : quantiles over images. median_over_real : ratio of the medians of generated and real images, with a
        95 % interval over images (bootstrap of both samples), or over seeds.
    near_copies : share of generated images below the lowest 1 % of real ones, with its interval; 0.01 is expected of a
        generator that draws new galaxies. p_value : of so many or more, see `galaxies.neighbours.near_copies`; not
        corrected for the number of such tests in the table.
    """
    reference, rows = read_neighbours(real), []
    for space in SPACES:
        values = quantities(reference, space)
        facts = {
            "experiment": REAL,
            "label": f"{'simulated' if reference.simulated else 'real'} galaxies",
            "seed": None,
        }
        rows += [facts | described(space, quantity, of_real) for quantity, of_real in values.items()]
        for path, training in zip(found, trainings, strict=True):
            made = read_neighbours(path)
            if (made.view_sha256, made.training_images) != (reference.view_sha256, reference.training_images):
                raise DataError(f"{path}: of other training images than {real}", "run the same command again")
            facts = {key: training[key] for key in ("experiment", "label", "seed")}
            for quantity, of_generated in quantities(made, space).items():
                compared = comparison(of_generated, values[quantity])
                rows.append(facts | described(space, quantity, of_generated) | compared)
    result = pd.DataFrame(rows)
    result = pd.concat([result, over_seeds(result[result["experiment"] != REAL])])
    result["seed"] = result["seed"].astype("Int64")
    result = result.assign(
        training_images=reference.training_images, data="simulated" if reference.simulated else "real"
    )
    with atomic(table) as temporary:
        result.to_csv(temporary, index=False)


def quantities(found: Neighbours, space: str) -> dict[str, np.ndarray]:
    """Values (Q,) by quantity."""
    distances = found.distances[space]
    return {"distance": distances[:, 0], "isolation": isolation(distances)}


def described(space: str, quantity: str, values: np.ndarray) -> dict:
    """Quantiles over images."""
    row = {"space": space, "quantity": quantity, "over": OVER_IMAGES, "n": len(values)}
    return row | dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True))


def comparison(generated: np.ndarray, real: np.ndarray) -> dict:
    """How generated values compare with real ones."""
    draw = np.random.default_rng(0)
    medians = [
        np.median(values[draw.integers(len(values), size=(RESAMPLES, len(values)))], axis=1)
        for values in (generated, real)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):  # a median of 0: more than half of the images are repeated
        ratio, resampled = np.median(generated) / np.median(real), medians[0] / medians[1]
    low, high = np.percentile(resampled, [2.5, 97.5])
    row = {"median_over_real": ratio, "median_over_real_ci95_low": low, "median_over_real_ci95_high": high}
    copies = near_copies(generated, real)
    row |= {
        "near_copies": copies.share,
        "near_copies_ci95_low": copies.ci95_low,
        "near_copies_ci95_high": copies.ci95_high,
    }
    return row | {"p_value": copies.p_value}


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, quantiles included, with intervals of what is compared."""
    result = []
    for key, group in rows.groupby(["experiment", "label", "space", "quantity"], sort=False):
        row = dict(zip(("experiment", "label", "space", "quantity"), key, strict=True)) | {"seed": None}
        row |= {"over": OVER_SEEDS, "n": len(group)} | {name: group[name].mean() for name in QUANTILES}
        for name in RESULTS:
            summary = summarise(group[name].to_numpy())
            low, high = np.clip([summary.ci95_low, summary.ci95_high], 0, 1 if name == "near_copies" else np.inf)
            row |= {name: summary.mean, f"{name}_ci95_low": low, f"{name}_ci95_high": high}
        result.append(row)
    return pd.DataFrame(result)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

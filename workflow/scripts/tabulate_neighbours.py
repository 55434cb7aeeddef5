"""Are generated images copies? Distances to the nearest training image, beside those of real images to another one."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.errors import DataError
from galaxies.files import atomic
from galaxies.neighbours import SPACES, Neighbours, isolation, mutual_pairs, near_copies, read_neighbours
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real"
QUANTILES = {"min": 0, "q01": 0.01, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1}
RESAMPLES = 1000  # bootstrap samples behind the interval of a ratio
OVER_IMAGES, OVER_SEEDS = "images", "seeds"
KEY = ["experiment", "label", "space", "quantity"]


def main(real: Path, found: list[Path], table: Path, *, trainings: list[dict]) -> None:
    """Write a row per space, quantity, experiment and seed; and rows over seeds, whose seed is empty.

    real : neighbours of training images among the others. found : neighbours of generated images among the training
        images, in the order of `trainings`, each {experiment, label, seed}.

    distance : to the nearest training image, root mean square over pixels (on the scale that networks see) or features.
        Images that are smoother than real ones are nearer to all images, copies or not.
    isolation : that distance over that to the second nearest image, which smoothness hardly changes; small for copies.
    min to max : quantiles over images. median_over_real : ratio of the medians of generated and real images, with a
        95 % interval over images (bootstrap of both samples), or over seeds.
    near_copies : share of generated images below the lowest 1 % of real ones, with its interval; about 0.01 or less is
        expected of a generator that draws new galaxies, twice the share of one image in small data sets. p_value : of
        so many or more, see `galaxies.neighbours.near_copies`; not corrected for the number of such tests in the table.
    detectable_share : smallest share of exact copies among all images of the generator that this test would have found
        (p_value of 0.05 or less) with a probability of 0.8, had the other images values as they have here; empty if no
        share would. A large p_value speaks against such a share or a larger one. It does not exclude fewer copies;
        near copies that lie farther than the threshold, such as turned, shifted or altered images; and, for isolation,
        copies of training images that are there twice. Of each training 2000 images at most were searched: of copies
        that are one in 10000 images, there may be none among them.
    below_all_real : number of generated images with a smaller value than all real ones, for a look at single copies.

    Over seeds, the images of all trainings are pooled for near_copies and what follows it, as one threshold holds for
    all: the interval is of the share of these trainings, not of further ones. near_copies_most : the share of the
    training that has most, with its interval.
    """
    reference, rows, over_trainings = read_neighbours(real), [], {}
    for space in SPACES:
        values, pooled = quantities(reference, space), {}
        pairs = mutual_pairs(reference.own_ids, reference.ids[space][:, 0])
        facts = {
            "experiment": REAL,
            "label": f"{'simulated' if reference.simulated else 'real'} galaxies",
            "seed": None,
        }
        rows += [facts | described(space, quantity, of_real) for quantity, of_real in values.items()]
        for path, training in zip(found, trainings, strict=True):
            made = read_neighbours(path)
            expect_same(made, reference, path, real)
            facts = {key: training[key] for key in ("experiment", "label", "seed")}
            for quantity, of_generated in quantities(made, space).items():
                of_real, row = values[quantity], facts | described(space, quantity, of_generated)
                rows.append(row | ratio_of_medians(of_generated, of_real) | copies(of_generated, of_real, pairs))
                key = (facts["experiment"], facts["label"], space, quantity)
                pooled.setdefault(key, []).append(of_generated)
        for key, of_generated in pooled.items():
            over_trainings[key] = copies(np.concatenate(of_generated), values[key[-1]], pairs)
    result = pd.DataFrame(rows)
    result = pd.concat([result, over_seeds(result[result["experiment"] != REAL], over_trainings)])
    result = result.astype({"seed": "Int64", "below_all_real": "Int64"})
    result = result.assign(
        training_images=reference.training_images, data="simulated" if reference.simulated else "real"
    )
    with atomic(table) as temporary:
        result.to_csv(temporary, index=False)


def expect_same(made: Neighbours, reference: Neighbours, path: Path, real: Path) -> None:
    """Raise DataError unless both are neighbours among the same training images, by features of the same judge."""
    if (made.view_sha256, made.training_images) != (reference.view_sha256, reference.training_images):
        raise DataError(f"{path}: of other training images than {real}", "run the same command again")
    if made.judge_sha256 != reference.judge_sha256:
        raise DataError(f"{path}: by features of another judge than {real}", "run the same command again")


def quantities(found: Neighbours, space: str) -> dict[str, np.ndarray]:
    """Values (Q,) by quantity."""
    distances = found.distances[space]
    return {"distance": distances[:, 0], "isolation": isolation(distances)}


def described(space: str, quantity: str, values: np.ndarray) -> dict:
    """Quantiles over images."""
    row = {"space": space, "quantity": quantity, "over": OVER_IMAGES, "n": len(values)}
    return row | dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True))


def ratio_of_medians(generated: np.ndarray, real: np.ndarray) -> dict:
    """Of generated over real values, with its bootstrap interval."""
    draw = np.random.default_rng(0)
    medians = [
        np.median(values[draw.integers(len(values), size=(RESAMPLES, len(values)))], axis=1)
        for values in (generated, real)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):  # a median of 0: more than half of the images are repeated
        ratio, resampled = np.median(generated) / np.median(real), medians[0] / medians[1]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {"median_over_real": ratio, "median_over_real_ci95_low": low, "median_over_real_ci95_high": high}


def copies(generated: np.ndarray, real: np.ndarray, pairs: np.ndarray) -> dict:
    """The test for near copies, see `galaxies.neighbours.near_copies`."""
    test = near_copies(generated, real, pairs)
    row = {"near_copies": test.share, "near_copies_ci95_low": test.ci95_low, "near_copies_ci95_high": test.ci95_high}
    row |= {"p_value": test.p_value, "detectable_share": test.detectable_share}
    return row | {"below_all_real": test.below_all_real}


def over_seeds(rows: pd.DataFrame, over_trainings: dict[tuple, dict]) -> pd.DataFrame:
    """Means over seeds, quantiles included, with intervals; and by KEY, what is of all images of all trainings."""
    result = []
    for key, group in rows.groupby(KEY, sort=False):
        row = dict(zip(KEY, key, strict=True)) | {"seed": None, "over": OVER_SEEDS, "n": len(group)}
        summary = summarise(group["median_over_real"].to_numpy())
        low, high = np.clip([summary.ci95_low, summary.ci95_high], 0, np.inf)
        row |= {name: group[name].mean() for name in QUANTILES} | {"median_over_real": summary.mean}
        row |= {"median_over_real_ci95_low": low, "median_over_real_ci95_high": high}
        most = group.loc[group["near_copies"].idxmax()]
        row |= {f"near_copies_most{end}": most[f"near_copies{end}"] for end in ("", "_ci95_low", "_ci95_high")}
        result.append(row | over_trainings[key])
    return pd.DataFrame(result)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

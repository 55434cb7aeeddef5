"""How many images of each generator judges put into each class, beside real ones, and how far the two are apart."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import atomic
from galaxies.judged_images import Judged, consecutive_samples, drawn_with_replacement
from galaxies.mode_balance import class_counts, entropy, jensen_shannon, total_variation
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real"
OVER_SAMPLES, OVER_SEEDS = "samples", "seeds"
COLUMNS = ["experiment", "label", "seed", "quantity", "class", "mean", "std", "over", "n", "ci95_low", "ci95_high"]
COLUMNS += ["std_judges", "n_judges", "images"]
DISTANCES = {"total_variation": total_variation, "jensen_shannon": jensen_shannon}
DRAWS, SEED = 1000, 0  # samples of real images: so many that chance hardly changes their means

Values = dict[tuple[str, str], np.ndarray]  # quantity and class -> (J, R), of each of J judges and R samples


def main(real: Path, judged: list[Path], table: Path, *, trainings: list[dict], samples: int, repeats: int) -> None:
    """Write a row per experiment, seed and quantity, over samples of images; and rows over seeds, whose seed is empty.

    real : judged real images. judged : judged images of the generators, in the order of `trainings`, each {experiment,
        label, seed}. samples, repeats : images of a sample, and samples of generated images; fewer where there are
        fewer images.

    count : images of a sample in each `class`. total_variation, jensen_shannon (divergence in bits, base 2) : between
    the classes of a sample and those of all real images, both by the same judge. entropy : of the classes, in bits.
    All are means over the judges.
    The rows of real images say what sampling alone does: theirs are 1000 samples as large as those of the generators,
    drawn with replacement from the real images, so that a generator whose classes are exactly as frequent as those of
    the real images has the same expectations.
    n, std : number of samples or seeds, and deviation over them (ddof 1). n_judges, std_judges : number of judges, and
    deviation over them (ddof 1) of the means over samples and seeds, empty for one judge. ci95 : of the mean over
    seeds, as these judges see them: their own scatter is not in it. Empty for one seed, and where all seeds are equal:
    an interval without width would claim that no other seed can differ. images : of a sample.
    """
    models: dict[str, tuple[dict, list[Values]]] = {}  # experiment -> what it is, and its values by seed
    rows = []
    with Judged(real) as opened:
        classes, simulated = opened.classes, opened.simulated
        of_real = opened.logits.argmax(axis=2)
        reference = class_counts(of_real, len(classes))
        for path, training in zip(judged, trainings, strict=True):
            with Judged(path) as made:
                made.expect_judge(opened)
                drawn = consecutive_samples(len(made), samples, repeats)
                values = values_of(made.logits.argmax(axis=2), drawn, reference, classes)
            facts = {key: training[key] for key in ("experiment", "label")} | {"images": len(drawn[0])}
            rows += [facts | {"seed": training["seed"]} | row for row in over_samples(values)]
            models.setdefault(training["experiment"], (facts, []))[1].append(values)
    size = max(facts["images"] for facts, _ in models.values())
    values = values_of(of_real, drawn_with_replacement(of_real.shape[1], size, DRAWS, SEED), reference, classes)
    facts = {"experiment": REAL, "label": "simulated galaxies" if simulated else "real galaxies", "images": size}
    rows = [facts | row for row in over_samples(values)] + rows
    for facts, of_seeds in models.values():
        rows += [facts | row for row in over_seeds(of_seeds, facts["images"], len(classes))]
    result = pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})
    result["data"] = "simulated" if simulated else "real"
    with atomic(table) as temporary:
        result.to_csv(temporary, index=False)


def values_of(seen: np.ndarray, samples: Iterable[np.ndarray], reference: np.ndarray, classes: list[str]) -> Values:
    """Every quantity of samples of images.

    seen : (J, N), the class that each judge sees in each image. samples : rows of images. reference : (J, K), how many
    real images each judge sees in each class.
    """
    counts = np.stack([class_counts(seen[:, rows], len(classes)) for rows in samples], axis=1)
    values = {("count", name): counts[:, :, k] for k, name in enumerate(classes)}
    for name, distance in DISTANCES.items():
        of_judges = zip(counts, reference, strict=True)
        values[name, ""] = np.array([[distance(sample, real) for sample in of_judge] for of_judge, real in of_judges])
    values["entropy", ""] = np.array([[entropy(sample) for sample in of_judge] for of_judge in counts])
    return values


def over_samples(values: Values) -> list[dict]:
    """Means over judges and samples, a row per quantity and class."""
    rows = []
    for (quantity, name), numbers in values.items():
        row = {"quantity": quantity, "class": name, "over": OVER_SAMPLES} | scatter(numbers.mean(axis=0))
        rows.append(row | scatter_of_judges(numbers.mean(axis=1)))
    return rows


def over_seeds(of_seeds: list[Values], images: int, classes: int) -> list[dict]:
    """Means over seeds of the means over judges and samples of so many images, with their intervals."""
    highest = {"count": images, **dict.fromkeys(DISTANCES, 1), "entropy": np.log2(classes)}
    rows = []
    for quantity, name in of_seeds[0]:
        means = np.array([values[quantity, name].mean(axis=1) for values in of_seeds])  # seeds, judges
        row = {"quantity": quantity, "class": name, "over": OVER_SEEDS} | scatter(means.mean(axis=1))
        row |= scatter_of_judges(means.mean(axis=0))
        rows.append(row | interval(means.mean(axis=1), highest[quantity]))
    return rows


def scatter(values: np.ndarray) -> dict:
    """Mean and deviation over samples or seeds."""
    summary = summarise(values)
    return {"mean": summary.mean, "std": summary.std, "n": summary.n}


def scatter_of_judges(means: np.ndarray) -> dict:
    """Deviation over judges, NaN for one."""
    summary = summarise(means)
    return {"std_judges": summary.std, "n_judges": summary.n}


def interval(values: np.ndarray, highest: float) -> dict:
    """95 % interval of the mean of values from 0 to `highest`; NaN where one value, or equal ones, tell no scatter."""
    summary = summarise(values)
    limits = np.clip([summary.ci95_low, summary.ci95_high], 0, highest)
    low, high = limits if np.ptp(values) else (np.nan, np.nan)
    return {"ci95_low": low, "ci95_high": high}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""How many images of each generator a judge puts into each class, beside real ones, and how far the two are apart."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import atomic
from galaxies.judged_images import Judged, consecutive_samples, random_samples
from galaxies.mode_balance import class_counts, entropy, jensen_shannon, total_variation
from galaxies.scripting import run_script
from galaxies.stats import summarise

REAL = "real"
OVER_SAMPLES, OVER_SEEDS = "samples", "seeds"
COLUMNS = ["experiment", "label", "seed", "quantity", "class", "mean", "std", "over", "n", "ci95_low", "ci95_high"]
COLUMNS += ["images", "disjoint"]
SEED = 0  # of the samples of real images


def main(real: Path, judged: list[Path], table: Path, *, trainings: list[dict], samples: int, repeats: int) -> None:
    """Write a row per experiment, seed and quantity, over samples of images; and rows over seeds, whose seed is empty.

    real : judged real images. judged : judged images of the generators, in the order of `trainings`, each {experiment,
        label, seed}. samples, repeats : images of a sample, and samples; fewer where there are fewer images.

    count : images of a sample in each `class`. total_variation, jensen_shannon (divergence in bits, base 2) : between
    the classes of a sample and those of all real images; for real images those of a sample and of all others, so that
    these rows say what sampling alone does. entropy : of the classes, in bits.
    n, std : number of samples or seeds, and deviation over them (ddof 1). ci95 : of the mean over seeds. images : of a
    sample. disjoint : whether the samples share no image.
    """
    models: dict[str, tuple[dict, list[list[dict]]]] = {}  # experiment -> what it is, and its rows by seed
    with Judged(real) as opened:
        reference, classes, simulated = opened.logits, opened.classes, opened.simulated
        drawn = random_samples(len(opened), samples, repeats, SEED)
        facts = {"experiment": REAL, "label": "simulated galaxies" if simulated else "real galaxies"}
        facts |= {"images": len(drawn[0]), "disjoint": sum(map(len, drawn)) <= len(opened)}
        rows = [facts | row for row in summaries(real_values(reference, drawn), classes)]
        for path, training in zip(judged, trainings, strict=True):
            with Judged(path) as made:
                made.expect_judge(opened)
                drawn = consecutive_samples(len(made), samples, repeats)
                of_seed = summaries(generated_values(made.logits, drawn, class_counts(reference)), classes)
            facts = {key: training[key] for key in ("experiment", "label")} | {
                "images": len(drawn[0]),
                "disjoint": True,
            }
            rows += [facts | {"seed": training["seed"]} | row for row in of_seed]
            models.setdefault(training["experiment"], (facts, []))[1].append(of_seed)
    for facts, of_seeds in models.values():
        rows += [facts | row for row in mean_over_seeds(of_seeds, facts["images"], len(classes))]
    result = pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})
    result["data"] = "simulated" if simulated else "real"
    with atomic(table) as temporary:
        result.to_csv(temporary, index=False)


def real_values(logits: np.ndarray, samples: list[np.ndarray]) -> list[dict]:
    """Quantities of samples of real images, each compared with all other real images."""
    counts = class_counts(logits)
    values = []
    for rows in samples:
        inside = class_counts(logits[rows])
        values.append(quantities(inside, counts - inside))
    return values


def generated_values(logits: np.ndarray, samples: list[np.ndarray], reference: np.ndarray) -> list[dict]:
    """Quantities of samples of generated images, compared with the class counts (K,) of all real ones."""
    return [quantities(class_counts(logits[rows]), reference) for rows in samples]


def quantities(counts: np.ndarray, reference: np.ndarray) -> dict:
    """Counts (K,) of a sample and how they compare with those of other images, which may be none."""
    compared = {"total_variation": total_variation, "jensen_shannon": jensen_shannon}
    distances = {name: f(counts, reference) if reference.sum() else np.nan for name, f in compared.items()}
    return {"count": counts, **distances, "entropy": entropy(counts)}


def summaries(values: list[dict], classes: list[str]) -> list[dict]:
    """Mean and deviation over samples, a row per class and quantity."""
    columns = [("count", name, [v["count"][k] for v in values]) for k, name in enumerate(classes)]
    columns += [(name, "", [v[name] for v in values]) for name in ("total_variation", "jensen_shannon", "entropy")]
    rows = []
    for quantity, name, numbers in columns:
        summary = summarise(numbers)
        row = {"quantity": quantity, "class": name, "mean": summary.mean, "std": summary.std}
        rows.append(row | {"over": OVER_SAMPLES, "n": summary.n})
    return rows


def mean_over_seeds(of_seeds: list[list[dict]], images: int, classes: int) -> list[dict]:
    """Mean over seeds of the means over samples of so many images, with its interval."""
    highest = {"count": images, "total_variation": 1, "jensen_shannon": 1, "entropy": np.log2(classes)}
    rows = []
    for same in zip(*of_seeds, strict=True):
        summary = summarise([row["mean"] for row in same])
        low, high = np.clip([summary.ci95_low, summary.ci95_high], 0, highest[same[0]["quantity"]])
        row = {key: same[0][key] for key in ("quantity", "class")} | {"over": OVER_SEEDS, "n": summary.n}
        rows.append(row | {"mean": summary.mean, "std": summary.std, "ci95_low": low, "ci95_high": high})
    return rows


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""How far generated images are from real ones in the features of a judge; or real ones from other real ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.distribution_distances import frechet_distance, kernel_distance, neighbourhood_scores
from galaxies.errors import DataError
from galaxies.files import atomic
from galaxies.judged_images import Judged, consecutive_samples, disjoint_pairs
from galaxies.scripting import run_script

SEED = 0  # of the samples of real images, the same for all generators


def main(
    real: Path, distances: Path, *, samples: int, repeats: int, neighbours: int, generated: Path | None = None
) -> None:
    """Write a row per repeat and metric: repeat, metric, value, images (of each of the two samples), features.

    real, generated : judged images; without `generated`, a sample of real images is compared with another, disjoint
    one. samples : images of a sample; half of the real ones where there are fewer than twice as many, so that this
    floor has the size of what it is compared with. repeats : samples, fewer where there are fewer generated images. All
    generators are compared with the same samples of real images. neighbours : k of `neighbourhood_scores`.
    """
    with Judged(real) as opened, Judged(generated or real) as made:
        made.expect_judge(opened)
        pairs = disjoint_pairs(len(opened), samples, repeats, SEED)
        references, others = zip(*pairs, strict=True)
        size = len(references[0])
        if generated:
            others = consecutive_samples(len(made), size, repeats)
        if not neighbours < size == len(others[0]):
            raise DataError(
                f"{real}: {len(opened)} images give samples of {size}, {made.path} gives {len(others[0])}; expected "
                f"the same number, and more than the {neighbours} neighbours",
                "use a larger data set, or set judgement.samples or judgement.neighbours lower",
            )
        rows = []
        for repeat, (reference, other) in enumerate(zip(references, others, strict=False)):  # there may be fewer others
            values = metrics(opened.read_features(reference), made.read_features(other), neighbours)
            rows += [{"repeat": repeat, "metric": name, "value": value} for name, value in values.items()]
        facts = {"images": size, "features": opened.features.shape[1], "simulated": opened.simulated}
    with atomic(distances) as temporary:
        pd.DataFrame(rows).assign(**facts).to_csv(temporary, index=False)


def metrics(real: np.ndarray, other: np.ndarray, neighbours: int) -> dict[str, float]:
    """Every metric of two samples of features (N, F)."""
    return {
        "frechet": frechet_distance(real, other),
        "kernel": kernel_distance(real, other),
        **neighbourhood_scores(real, other, neighbours),
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

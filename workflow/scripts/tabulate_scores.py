"""Statistics of the similarity scores that the two_in_one paper states, beside its values."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text
from galaxies.data.catalogue import read_catalogue
from galaxies.errors import DataError
from galaxies.files import atomic, reading
from galaxies.reported import read_reported, reported_value
from galaxies.score_predictions import reasons_of_data
from galaxies.scripting import run_script
from galaxies.true_scores import good_threshold

EXPERIMENT = "scored_dataset_statistics"  # in reported.csv
GOOD = "scored_above_0.74"


def main(catalogue: Path, provenance: Path, reported: Path, table: Path, *, paper: str) -> None:
    """Write dataset_split, metric, value, published, published_source, comparable, data, objects, score_above
    (two_in_one, IV-B).

    The rows are named as in the table of published values. The good images are those above the 20th percentile of
    these scores (`score_above`), rounded to 0.01 as the paper does. Deviations are those of the
    population. Raises DataError without scored images.
    """
    data = read_catalogue(catalogue)
    with reading(provenance):
        origin = json.loads(provenance.read_text(encoding="utf-8"))
    scores = data.labels.loc[data.subset == "scored", "score"].to_numpy()
    galaxy = data.labels.loc[data.subset == "labeled", "galaxy"].to_numpy()
    if not len(scores) or not len(galaxy):
        raise DataError(f"{catalogue}: {len(scores)} scored and {len(galaxy)} labelled images, expected both")
    percentile = float(np.percentile(scores, 20))
    threshold = good_threshold(scores)
    good = scores[scores > threshold]
    values = [
        ("scored_all_9600", "score_percentile_20", percentile, len(scores)),
        (GOOD, "score_mean", good.mean(), len(good)),
        (GOOD, "score_std", good.std(), len(good)),
        ("labeled_1200", "galaxy_fraction", galaxy.mean(), len(galaxy)),
        ("labeled_1200", "irrelevant_fraction", 1 - galaxy.mean(), len(galaxy)),
    ]
    published = read_reported(reported, paper)
    records = []
    for split, metric, value, count in values:
        number, source = reported_value(published, EXPERIMENT, split, metric)
        records.append(
            {
                "dataset_split": split,
                "metric": metric,
                "value": value,
                "published": number,
                "published_source": source,
                "comparable": comparable_text(reasons_of_data(origin)),
                "data": "simulated" if origin["simulated"] else "real",
                "objects": count,
                "score_above": threshold if split == GOOD else "",
            }
        )
    with atomic(table) as temporary:
        pd.DataFrame(records).to_csv(temporary, index=False)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""What generated images look like in numbers: diversity, checkerboards, memorisation, pixel values."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.store import View
from galaxies.display import condition_text
from galaxies.fidelity import (
    checkerboard_index,
    diversity,
    like_pairs,
    mean_distance,
    nearest_distances,
    power_spectra,
)
from galaxies.files import atomic
from galaxies.generated_images import Generated, as_networks_see, nearest_labels, real_blocks_with_ids
from galaxies.scripting import run_script
from galaxies.stats import summarise

SAMPLE = 2000
"""Images that are compared, at most; more would not fit into memory and not change the means."""
ALL = "all"
KEYS = ["experiment", "label", "quantity", "part"]
STATISTICS = ["real", "mean", "std", "n_seeds", "ci95_low", "ci95_high"]


def main(view: Path, generated: list[Path], table: Path, per_seed: Path, *, trainings: list[dict]) -> None:
    """Write `table`, over seeds, and `per_seed`: per generator and quantity, beside real images.

    view : the real images. generated : from generate.py, in the order of `trainings`, each {experiment, label, seed,
        differences}, where `differences` are texts on how the settings differ from the published.

    diversity : how different images of like labels are, see `galaxies.fidelity.diversity`; 0 is mode collapse.
    example_diversity : mean distance between images of one example condition (`part`), over that between as many real
        images whose labels are nearest to it.
    nearest_training : mean distance of generated images to the nearest image of the training, over that of real images
        to the nearest other one. Far below 1 the generator copies; images without the noise of real ones have about
        0.7. nearest_training_closest is the same of the 1 % of images that are nearest.
    checkerboard : `galaxies.fidelity.checkerboard_index`, per band, and their mean.
    pixel_mean, pixel_std : of all pixels of a band, on the scale that the networks see.
    """
    rows = []
    with View(view) as packed:
        simulated = bool(packed.attributes["simulated"])
        for path, training in zip(generated, trainings, strict=True):
            with Generated(path) as made:
                made.expect_view(packed)
                values = compare(made, packed)
            facts = {"experiment": training["experiment"], "label": training["label"], "seed": training["seed"]}
            rows += [facts | dict(zip(("quantity", "part", "value", "real"), value, strict=True)) for value in values]
    seeds = pd.DataFrame(rows).assign(data="simulated" if simulated else "real")
    summaries = []
    for key, group in seeds.groupby(KEYS, sort=False):
        summary = summarise(group["value"].to_numpy())
        row = dict(zip(KEYS, key, strict=True)) | {"real": group["real"].mean(), "n_seeds": summary.n}
        summaries.append(row | {name: getattr(summary, name) for name in ("mean", "std", "ci95_low", "ci95_high")})
    result = pd.DataFrame(summaries)[[*KEYS, *STATISTICS]].assign(data=seeds["data"].iloc[0])
    result["differences"] = result["experiment"].map({t["experiment"]: "; ".join(t["differences"]) for t in trainings})
    for path, content in ((table, result), (per_seed, seeds)):
        with atomic(path) as temporary:
            content.to_csv(temporary, index=False)


def compare(made: Generated, view: View) -> list[tuple[str, str, float, float]]:
    """Quantity, part, value of the generated images and of the real ones with the same labels."""
    rows = np.arange(len(made.ids))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    fake = made.read(rows)
    real = as_networks_see(view.read(view.rows(made.ids[rows])))
    pairs = like_pairs(made.labels[rows])
    trained = made.ids[np.isin(made.split, made.trained_on)]
    to_training = nearest_distances(fake, np.full(len(fake), -1), real_blocks_with_ids(view, trained))
    between_real = nearest_distances(real, made.ids[rows], real_blocks_with_ids(view, trained))
    closest, closest_real = (np.percentile(values, 1) for values in (to_training, between_real))
    values = [
        ("diversity", ALL, diversity(fake, real, pairs), 1.0),
        ("nearest_training", ALL, to_training.mean() / between_real.mean(), 1.0),
        ("nearest_training_closest", ALL, closest / closest_real, 1.0),
    ]
    values += [("example_diversity", *value) for value in example_diversity(made, view)]
    index, real_index = (checkerboard_index(power_spectra(images)) for images in (fake, real))
    values.append(("checkerboard", ALL, index.mean(), real_index.mean()))
    for number, band in enumerate(view.channels):
        pixels, real_pixels = (images[:, number].astype(np.float64) for images in (fake, real))
        values.append(("checkerboard", band, index[number], real_index[number]))
        values.append(("pixel_mean", band, pixels.mean(), real_pixels.mean()))
        values.append(("pixel_std", band, pixels.std(), real_pixels.std()))
    return values


def example_diversity(made: Generated, view: View) -> list[tuple[str, float, float]]:
    """Example condition, mean distance between its images over that between the nearest real images, and 1."""
    values = []
    for condition, examples in zip(made.example_conditions, made.examples, strict=True):
        nearest = nearest_labels(made.labels, condition, len(examples))
        real = as_networks_see(view.read(view.rows(made.ids[nearest])))
        value = mean_distance(examples) / mean_distance(real)
        values.append((condition_text(made.columns, condition), value, 1.0))
    return values


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Do generated images follow their labels? Fluxes against labels, and what the predictor sees."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.data.store import View
from galaxies.fidelity import aperture_sums, bootstrap_correlations, rank_correlations
from galaxies.files import atomic
from galaxies.generated_images import Generated, real_blocks
from galaxies.metrics import rmse
from galaxies.registry import named_module
from galaxies.scripting import run_script

ALL_BANDS = "all"
CORRELATIONS = ["experiment", "seed", "sample", "images", "band", "label", "spearman", "ci95_low", "ci95_high"]
PARTIAL = ["label_fixed", "partial_spearman", "partial_ci95_low", "partial_ci95_high"]
ERRORS = ["experiment", "seed", "label", "sample", "seen_in_training", "images", "rmse", "rmse_in_std", "label_std"]


def main(
    view: Path, generated: list[Path], correlations: Path, errors: Path, *, trainings: list[dict], layout: str
) -> None:
    """Write two tables of all generators and seeds, of all images of the split.

    view : the real images. generated : from generate.py, in the order of `trainings`, {experiment, seed} each.
    correlations : Spearman's rho of the flux in a central aperture with each label, for real images (experiment and
        seed empty) and generated ones of the same labels; band "all" is the sum. `partial_` holds the other labels
        fixed, as labels depend on one another. 95 % intervals are from resampled images, not from seeds. The aperture
        and the scale are those of `photometry` of the `layout` of the data set.
    errors : RMSE of the predictor on the real images of each set of the split and on generated images, in the unit of
        the label and in its standard deviations over these images: 1 is what always predicting the mean gives.
        seen_in_training : whether the predictor was trained on these real images.
    """
    rows, predicted = [], []
    with View(view) as packed:
        photometry = named_module(f"datasets.{layout}", "photometry")
        radius = photometry.aperture_radius(int(packed.attributes["size"]), int(packed.attributes["crop"]))
        measured = set()  # labels for which the real images are done; generators of the same ones share these rows
        for path, training in zip(generated, trainings, strict=True):
            with Generated(path) as made:
                made.expect_view(packed)
                if tuple(made.columns) not in measured:
                    measured.add(tuple(made.columns))
                    linear = map(photometry.linear_flux, real_blocks(packed, made.ids))
                    facts = {"experiment": None, "seed": None, "sample": "real"}
                    rows += correlation_rows(facts, aperture_sums(linear, radius), made, photometry.BANDS)
                linear = map(photometry.linear_flux, made.blocks())
                facts = {key: training[key] for key in ("experiment", "seed")} | {"sample": "generated"}
                rows += correlation_rows(facts, aperture_sums(linear, radius), made, photometry.BANDS)
                predicted += error_rows(training, made)
        simulated = bool(packed.attributes["simulated"])
    for path, content, columns in ((correlations, rows, CORRELATIONS + PARTIAL), (errors, predicted, ERRORS)):
        table = pd.DataFrame(content, columns=columns).assign(data="simulated" if simulated else "real")
        table["seed"] = table["seed"].astype("Int64")
        with atomic(path) as temporary:
            table.to_csv(temporary, index=False)


def correlation_rows(facts: dict, fluxes: np.ndarray, made: Generated, bands: tuple[str, ...]) -> list[dict]:
    """Rows of `correlations` for fluxes (N, B) of images with the labels of `made`."""
    if len(bands) > 1:
        fluxes, bands = np.column_stack([fluxes.sum(axis=1), fluxes]), (ALL_BANDS, *bands)
    (rho,), (partial,) = rank_correlations(fluxes, made.labels)
    intervals = bootstrap_correlations(fluxes, made.labels)
    rows = []
    for i, band in enumerate(bands):
        for j, label in enumerate(made.columns):
            (low, partial_low), (high, partial_high) = intervals[:, :, i, j]
            row = {"images": len(fluxes), "band": band, "label": label, "spearman": rho[i, j]}
            row |= {"ci95_low": low, "ci95_high": high, "partial_spearman": partial[i, j]}
            row |= {"partial_ci95_low": partial_low, "partial_ci95_high": partial_high}
            fixed = " ".join(name for name in made.columns if name != label)
            rows.append(facts | row | {"label_fixed": fixed})
    return rows


def error_rows(training: dict, made: Generated) -> list[dict]:
    """Rows of `errors` for one generator; none if it has no predictor."""
    if np.isnan(made.predicted_real).all():
        return []
    deviation = made.labels.std(axis=0, dtype=np.float64)
    samples = [(f"real_{name}", made.predicted_real, made.split == name) for name in sorted(set(made.split))]
    samples.append(("generated", made.predicted_generated, np.full(len(made.ids), True)))
    rows = []
    for sample, predicted, chosen in samples:
        for j, label in enumerate(made.columns):
            error = rmse(predicted[chosen, j], made.labels[chosen, j])
            row = {"experiment": training["experiment"], "seed": training["seed"], "label": label, "sample": sample}
            row["seen_in_training"] = sample.removeprefix("real_") in made.trained_on if sample != "generated" else None
            row |= {"images": int(chosen.sum()), "rmse": error, "rmse_in_std": error / deviation[j]}
            rows.append(row | {"label_std": deviation[j]})
    return rows


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

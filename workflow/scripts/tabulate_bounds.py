"""The evidence lower bounds of all autoencoders, on images they were trained on and on held-out ones, over seeds."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.examined_vae import SETS, Examined
from galaxies.files import reading, write_text
from galaxies.paired import seed_interval
from galaxies.scripting import run_script
from galaxies.stats import summarise

ACTIVE = 0.01  # nats; a dimension with less says next to nothing of an image
CONVERGED = 0.01  # of the whole fall of the bound that may be left


def main(
    examined: list[Path], histories: list[Path], table: Path, per_seed: Path, *, trainings: list[dict], reference: str
) -> None:
    """Write a row per autoencoder and quantity, in nats per image where nothing else is said, and one per training.

    examined, histories : from examine_vae.py and train.py, in the order of `trainings`, each {experiment, label, seed,
    comparable, differences}; bounds are compared with those of the experiment `reference` where `comparable` is true:
    the same held-out images with the same pixel values. Differences are paired by seed.
    negative_bound_<set>, log_likelihood_<set>, divergence_<set> : means over the images. active_dimensions : those with
    a divergence above 0.01. iterations_to_convergence : steps after which the bound of the training images has made
    all but 1 % of its fall since the end of the first epoch.
    """
    rows = []
    for path, history, training in zip(examined, histories, trainings, strict=True):
        facts = {key: training[key] for key in ("experiment", "label", "seed")}
        rows.append({**facts, **quantities_of(Examined(path), history)})
    seeds = pd.DataFrame(rows)
    write_text(per_seed, seeds.to_csv(index=False))
    of_reference = seeds[seeds["experiment"] == reference].set_index("seed")
    facts = {training["experiment"]: training for training in trainings}
    result = []
    for (experiment, label), group in seeds.groupby(["experiment", "label"], sort=False):
        for quantity in seeds.columns[3:]:
            summary = summarise(group[quantity].to_numpy())
            row = {"experiment": experiment, "label": label, "quantity": quantity, "mean": summary.mean}
            row |= {"std": summary.std, "n_seeds": summary.n, "ci95_low": summary.ci95_low}
            row |= {"ci95_high": summary.ci95_high, "minus": reference}
            if facts[experiment]["comparable"] and experiment != reference:
                pairs = group.set_index("seed")[quantity] - of_reference[quantity]
                low, high = seed_interval(pairs.to_numpy())
                row |= {"difference": pairs.mean(), "difference_ci95_low": low, "difference_ci95_high": high}
            result.append({**row, "differences": "; ".join(facts[experiment]["differences"])})
    write_text(table, pd.DataFrame(result).to_csv(index=False))


def quantities_of(examined: Examined, history: Path) -> dict[str, float]:
    """What the table has of one training."""
    result = {}
    for name in SETS:
        result[f"negative_bound_{name}"] = float(examined.negative_bound(name).mean())
        for term, values in examined.bounds[name].items():
            result[f"{term}_{name}"] = float(values.mean(dtype=np.float64))
    result["active_dimensions"] = int((examined.activity > ACTIVE).sum())
    with reading(history):
        curve = pd.read_csv(history)
        result["iterations_to_convergence"] = converged_after(
            curve["steps"].cumsum().to_numpy(), curve["negative_bound"].to_numpy()
        )
    return result


def converged_after(steps: np.ndarray, values: np.ndarray) -> float:
    """First of `steps` after which falling `values` stay within 1 % of their fall of the last; NaN for none."""
    fall = values[0] - values[-1]
    if not fall > 0:
        return float("nan")
    above = np.flatnonzero(values > values[-1] + CONVERGED * fall)
    return float(steps[above[-1] + 1])


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

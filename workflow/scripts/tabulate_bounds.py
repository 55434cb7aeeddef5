"""The evidence lower bounds of all autoencoders, on images they were trained on and on held-out ones, over seeds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text
from galaxies.examined_vae import SETS, Examined
from galaxies.files import reading, write_text
from galaxies.paired import seed_interval
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script
from galaxies.stats import summarise

ACTIVE = 0.01  # nats; a dimension with less says next to nothing of an image
CONVERGED = 0.02  # of its last value that the bound may be away from it
LAST = 0.1  # of the epochs, whose mean is that last value
ITERATIONS = "iterations_to_convergence"
CHANGES = ("bound_late_change", "divergence_late_change", "divergence_of_highest")
OF_TRAINING = ("_training", ITERATIONS, *CHANGES)  # how quantities end that depend on which images are trained on


def main(
    examined: list[Path],
    histories: list[Path],
    provenance: Path,
    reported: Path,
    table: Path,
    per_seed: Path,
    *,
    trainings: list[dict],
    paper: str,
    reference: str,
) -> None:
    """Write a row per autoencoder and quantity, in nats per image where nothing else is said, and one per training.

    examined, histories : from examine_vae.py and train.py, in the order of `trainings`, each {experiment, label, seed,
        same_pixels, same_training, reported_as, differences}. Held-out images are compared with those of the experiment
        `reference` where `same_pixels` is true, training images and iterations where `same_training` is, too.
        Differences are paired by seed.
    provenance : of the data set. reported : published values, of `paper`.
    negative_bound_<set>, log_likelihood_<set>, divergence_<set> : means over the images; empty for training images if
        none is like the held-out ones. active_dimensions : those with a divergence above 0.01.
    iterations_to_convergence : steps after which the held-out bound stays within 2 % of the mean of its last tenth of
        epochs; empty if that still changes.
    bound_late_change, divergence_late_change : of the means of the last tenth of epochs against the tenth before, on
        held-out images, as a share. divergence_of_highest : the former over the highest of all epochs.
    """
    with reading(provenance):
        simulated = json.loads(provenance.read_text(encoding="utf-8"))["simulated"]
    published = read_reported(reported, paper)
    rows = []
    for path, history, training in zip(examined, histories, trainings, strict=True):
        facts = {key: training[key] for key in ("experiment", "label", "seed")}
        rows.append({**facts, **quantities_of(Examined(path), history)})
    seeds = pd.DataFrame(rows)
    write_text(per_seed, seeds.to_csv(index=False))
    of_reference = seeds[seeds["experiment"] == reference].set_index("seed")
    result = []
    for facts in {training["experiment"]: training for training in trainings}.values():
        group = seeds[seeds["experiment"] == facts["experiment"]].set_index("seed")
        for quantity in seeds.columns[3:]:
            row = {"experiment": facts["experiment"], "label": facts["label"], "quantity": quantity}
            row |= summary_of(group[quantity])
            alike = facts["same_training"] if quantity.endswith(OF_TRAINING) else facts["same_pixels"]
            row["minus"] = reference
            if alike and facts["experiment"] != reference:
                row |= difference_of(group[quantity] - of_reference[quantity])
            value, source = reported_value(published, facts["reported_as"], "training", quantity)
            if source:
                row |= {"published": value, "published_source": source}
                row["comparable"] = comparable_text([*(["simulated data"] if simulated else []), *facts["differences"]])
            result.append({**row, "differences": "; ".join(facts["differences"])})
    data = "simulated" if simulated else "real"
    write_text(table, pd.DataFrame(result).assign(data=data).to_csv(index=False))


def quantities_of(examined: Examined, history: Path) -> dict[str, float]:
    """What the table has of one training."""
    result = {}
    for name in SETS:
        terms = {"negative_bound": examined.negative_bound(name), **examined.bounds[name]}
        for term, values in terms.items():
            result[f"{term}_{name}"] = float(values.mean(dtype=np.float64)) if len(values) else np.nan
    result["active_dimensions"] = int((examined.activity > ACTIVE).sum())
    with reading(history):
        curve = pd.read_csv(history)
        bound, divergence = (curve[f"val_{name}"].to_numpy() for name in ("negative_bound", "kl_divergence"))
        result[ITERATIONS] = converged_after(curve["steps"].cumsum().to_numpy(), bound)
        ends = [last_tenths(values) for values in (bound, divergence)]
        values = [*(last / before - 1 for before, last in ends), ends[1][1] / divergence.max()]
        result |= dict(zip(CHANGES, values, strict=True))
    return result


def converged_after(steps: np.ndarray, values: np.ndarray) -> float:
    """First of `steps` after which `values` stay within 2 % of their last; NaN if they still change.

    Their last is the mean of the last tenth of them; they still change if it is 2 % away from that of the tenth before,
    or if there are too few of them to tell.
    """
    before, last = last_tenths(values)
    if not abs(before - last) <= CONVERGED * abs(last):
        return float("nan")
    tenth = int(len(values) * LAST)
    away = np.flatnonzero(np.abs(values[:-tenth] - last) > CONVERGED * abs(last))
    return float(steps[away[-1] + 1] if len(away) else steps[0])


def last_tenths(values: np.ndarray) -> tuple[float, float]:
    """Means of the tenth before the last of `values`, and of the last; NaN if there are fewer than ten."""
    tenth = int(len(values) * LAST)
    if tenth < 1:
        return float("nan"), float("nan")
    return float(values[-2 * tenth : -tenth].mean()), float(values[-tenth:].mean())


def summary_of(values: pd.Series) -> dict[str, float]:
    """Mean over those seeds that have a value, with its interval."""
    known = values.dropna()
    if known.empty:
        return {"n_seeds": 0}
    summary = summarise(known.to_numpy())
    return {
        "mean": summary.mean,
        "std": summary.std,
        "n_seeds": summary.n,
        "ci95_low": summary.ci95_low,
        "ci95_high": summary.ci95_high,
    }


def difference_of(pairs: pd.Series) -> dict[str, float]:
    """Mean of differences of seeds that both have a value for, with its interval."""
    known = pairs.dropna()
    if known.empty:
        return {}
    low, high = seed_interval(known.to_numpy())
    return {"difference": known.mean(), "difference_ci95_low": low, "difference_ci95_high": high}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

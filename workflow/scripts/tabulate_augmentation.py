"""Metrics of all classifiers of an augmentation experiment, paired differences between its arms, and its answer."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.augmentation_predictions import WHOLE, Predictions, read_predictions
from galaxies.classification_metrics import METRICS, RANKING, log_loss, prior_log_loss, reliability
from galaxies.errors import DataError
from galaxies.files import atomic, write_text
from galaxies.paired import (
    joint_interval,
    resampling_interval,
    resampling_weights,
    seed_interval,
    sign_flip_test,
    smallest_p_value,
)
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script
from galaxies.stats import summarise

RESAMPLES = 1000
KINDS = ("final", "selected")  # after the last epoch; after the epoch that early stopping chooses
MEASURES = [f"{metric}_{kind}" for kind in KINDS for metric in METRICS]
PRIMARY = "log_loss_selected"  # the metric of the planned comparison
PUBLISHED = {  # metric -> set and metric in the table of published values, whose trainings had 100 epochs
    "train_log_loss_final": ("train", "bce_epoch_100"),
    "log_loss_best": ("validation", "bce_best"),
    "best_epoch": ("validation", "best_epoch"),
    "log_loss_final": ("validation", "bce_epoch_100"),
    "roc_auc_final": ("validation", "roc_auc"),
    "average_precision_final": ("validation", "average_precision"),
}
TITLES = {
    "log_loss_selected": "log-loss, early stopping",
    "log_loss_final": "log-loss, last epoch",
    "log_loss_best": "log-loss, best epoch (optimistic)",
    "roc_auc_selected": "ROC AUC, early stopping",
    "roc_auc_final": "ROC AUC, last epoch",
    "average_precision_final": "average precision, last epoch",
}


def main(
    predictions: Path,
    reported: Path,
    summary: Path,
    table: Path,
    markdown: Path,
    effects: Path,
    calibration: Path,
    answer: Path,
    answer_markdown: Path,
    *,
    paper: str,
    study: dict,
    notes: dict,
) -> None:
    """Write the tables. All metrics are of the validation images; losses are in nats.

    study : `baseline`, `question` ({arm, against, text}) and `arms`, a list of {arm, label, generator, leaked,
        reported_as}. notes : per arm, texts on how its settings differ from the published ones.
    summary : one row per training. `_final` is after the last epoch. `_selected` is early stopping without a look at
        the images that it is judged on: the epoch with the smallest log-loss of one half of the validation images is
        evaluated on the other half, both ways; ranking metrics are means of the two halves, as the scores of two epochs
        have no common scale. `log_loss_best`, the smallest over epochs, is optimistic: it is
        chosen on the images that it is measured on.
    table, markdown : each metric per arm and size over seeds, beside the values of the original notebooks.
    effects : each arm minus the baseline of the same size, paired by seed: 95 % intervals over seeds, over validation
        images, and over both; sign-flip p-values, raw and adjusted for the number of arms at that size.
    calibration : share of class 1 per bin of predicted probability, seeds binned together, 95 % interval over images.
    answer, answer_markdown : the planned comparison in one row: `better` or `worse` if the interval over seeds and
        images leaves out 0, else `no clear difference`.
    """
    found = read_predictions(predictions)
    arms = {arm["arm"]: arm for arm in study["arms"]}
    weights = resampling_weights(len(found.target), RESAMPLES)
    by_training, epochs = chosen_predictions(found)
    values = measure(by_training, found.target, weights)
    trainings = describe_trainings(found, epochs, values[..., 0], arms)
    results = tabulate(trainings, arms, read_reported(reported, paper), notes)
    differences = compare_arms(found, values, arms, study["baseline"])
    tables = {
        summary: trainings,
        table: results,
        effects: differences,
        calibration: tabulate_calibration(found, by_training, weights, arms),
    }
    for path, content in tables.items():
        write_table(path, content)
    write_text(markdown, table_text(results, differences, arms, arms[study["baseline"]]["label"]))
    verdict = answer_question(found, values, trainings, arms, study["question"])
    write_table(answer, pd.DataFrame([verdict]))
    write_text(answer_markdown, answer_text(verdict, arms))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whole or not at all."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False)


# From curves to numbers


def halves_of(target: np.ndarray, seed: int = 0) -> np.ndarray:
    """A random half of the objects, bool (N,), with half of each class as far as that goes; always the same one."""
    draw = np.random.default_rng(seed)
    first = np.zeros(len(target), dtype=bool)
    for number, label in enumerate((0, 1)):  # of two odd classes, one half has more of one, the other of the other
        members = draw.permutation(np.flatnonzero(target == label))
        first[members[: (len(members) + number) // 2]] = True
    return first


def select_epochs(probability: np.ndarray, target: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Probabilities (N,) at the epoch that the other half of the objects would stop at, and both epochs, from 1.

    probability : (E, N). Each half is evaluated at the epoch with the smallest log-loss of the other.
    """
    selected, epochs = np.empty(len(target), dtype=probability.dtype), []
    for evaluated in (first, ~first):
        best = int(np.argmin(log_loss(probability[:, ~evaluated], target[~evaluated])))
        selected[evaluated] = probability[best, evaluated]
        epochs.append(best + 1)
    return selected, epochs


def chosen_predictions(found: Predictions) -> tuple[np.ndarray, pd.DataFrame]:
    """Probabilities (T, kinds, N) in the order of KINDS, and what the curves of each training say of its epochs."""
    first = halves_of(found.target)
    chosen, rows = [], []
    for row in range(len(found.trainings)):
        curve = found.probability(row)
        selected, epochs = select_epochs(curve, found.target, first)
        chosen.append(np.stack([curve[-1], selected]))
        losses = log_loss(curve, found.target)
        rows.append(
            {
                "log_loss_best": losses.min(),
                "best_epoch": int(losses.argmin()) + 1,
                "selected_epoch_1": epochs[0],
                "selected_epoch_2": epochs[1],
            }
        )
    return np.stack(chosen), pd.DataFrame(rows)


def measure(probability: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values (T, M, 1 + B) of each of MEASURES: first of the validation images, then of B resamples of them.

    probability : (T, kinds, N). weights : (B, N), how often each image is in each resample.
    """
    weights, first = np.concatenate([np.ones((1, len(target))), weights]), halves_of(target)

    def value(name: str, kind: str, values: np.ndarray) -> np.ndarray:
        if kind == "selected" and name in RANKING:  # two epochs have no common scale: each half is ranked by itself
            parts = [METRICS[name](values[half], target[half], weights[:, half]) for half in (first, ~first)]
            return (parts[0] + parts[1]) / 2
        return METRICS[name](values, target, weights)

    rows = [dict(zip(KINDS, kinds, strict=True)) for kinds in probability]
    return np.stack([[value(name, kind, row[kind]) for kind in KINDS for name in METRICS] for row in rows])


def describe_trainings(found: Predictions, epochs: pd.DataFrame, values: np.ndarray, arms: dict) -> pd.DataFrame:
    """One row per training: what it is and its metrics (T, M)."""
    trainings = found.trainings
    return pd.DataFrame(
        {
            **{name: trainings[name] for name in ("arm", "size", "seed", "real_images")},
            "prior_log_loss": [prior_log_loss(rate, found.target) for rate in trainings["positive_rate"]],
            "train_log_loss_final": found.train_loss[:, -1],
            **epochs,
            **dict(zip(MEASURES, values.T, strict=True)),
            "generator": [arms[arm]["generator"] for arm in trainings["arm"]],
            "generator_saw_validation": [bool(arms[arm]["leaked"]) for arm in trainings["arm"]],
            "data": found.data,
        }
    )


def tabulate(trainings: pd.DataFrame, arms: dict, published: pd.DataFrame, notes: dict) -> pd.DataFrame:
    """Mean, deviation and interval over seeds of each metric, per arm and size, beside the published values.

    `published` has one value per recorded run of the authors. `comparable` says what keeps them apart from ours.
    """
    rows = []
    for (arm, size), members in grouped(trainings, arms):
        reasons = (["simulated data"] if members["data"].iloc[0] == "simulated" else []) + list(notes.get(arm, []))
        for metric in ("prior_log_loss", "train_log_loss_final", "log_loss_best", "best_epoch", *MEASURES):
            result = summarise(members[metric])
            names = arms[arm]["reported_as"] if size == WHOLE and metric in PUBLISHED else []
            reference = [reported_value(published, name, *PUBLISHED[metric]) for name in names]
            reference = [(value, source) for value, source in reference if source]
            rows.append(
                {
                    "arm": arm,
                    "label": arms[arm]["label"],
                    "size": size,
                    "real_images": members["real_images"].iloc[0],
                    "metric": metric,
                    "mean": result.mean,
                    "std": result.std,
                    "n_seeds": result.n,
                    "ci95_low": result.ci95_low,
                    "ci95_high": result.ci95_high,
                    "published": "; ".join(f"{value:.4g}" for value, _ in reference),
                    "published_source": "; ".join(source for _, source in reference),
                    "comparable": "" if not reference else f"no: {'; '.join(reasons)}" if reasons else "yes",
                    "generator_saw_validation": members["generator_saw_validation"].iloc[0],
                    "data": members["data"].iloc[0],
                }
            )
    return pd.DataFrame(rows)


def grouped(trainings: pd.DataFrame, arms: dict) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """((arm, size), rows by seed) in the order of the study's arms, few real images first."""
    order = trainings.assign(position=trainings["arm"].map(list(arms).index))
    order = order.sort_values(["position", "real_images", "seed"])
    return [(key, rows) for key, rows in order.groupby(["arm", "size"], sort=False)]


# Differences between arms


def paired(found: Predictions, values: np.ndarray, arm: str, against: str, size: str) -> np.ndarray:
    """Values (T, ...) of one arm minus those of another at the same size, (n, ...) seed by seed."""
    ours, theirs = found.rows(arm, size), found.rows(against, size)
    seeds = [list(found.trainings["seed"][rows]) for rows in (ours, theirs)]
    if seeds[0] != seeds[1] or not len(ours):
        raise DataError(
            f"{found.path}: size {size}: arm {arm} has the seeds {seeds[0]}, arm {against} has {seeds[1]}; "
            "expected the same, and at least one",
            "name arms and sizes that the configuration has, or delete the file and run the same command again",
        )
    return values[ours] - values[theirs]


def describe_difference(differences: np.ndarray) -> dict:
    """Mean of differences (n, 1 + B) over seeds and its 95 % intervals; column 0 is measured, the others resampled."""
    result = summarise(differences[:, 0])
    intervals = {
        "seeds": seed_interval(differences[:, 0]),
        "images": resampling_interval(result.mean, differences[:, 1:].mean(axis=0)),
    }
    intervals["both"] = joint_interval(result.mean, *intervals.values())
    row = {"difference_mean": result.mean, "difference_std": result.std, "n_seeds": result.n}
    for over, (low, high) in intervals.items():
        row |= {f"ci95_{over}_low": low, f"ci95_{over}_high": high}
    return row


def compare_arms(found: Predictions, values: np.ndarray, arms: dict, baseline: str) -> pd.DataFrame:
    """Every arm minus the baseline of the same size, for every metric; p-values are adjusted for the arms of a size."""
    trainings = found.trainings.sort_values("real_images")
    rows = []
    for size in trainings["size"].unique():
        present = set(trainings.loc[trainings["size"] == size, "arm"])
        others = [arm for arm in arms if arm in present and arm != baseline]
        if not others:
            continue
        differences = np.stack([paired(found, values, arm, baseline, size) for arm in others])
        for position, measure_name in enumerate(MEASURES):
            of_measure = differences[:, :, position]
            for arm, one, raw, adjusted in zip(others, of_measure, *sign_flip_test(of_measure[..., 0]), strict=True):
                rows.append(
                    {
                        "arm": arm,
                        "minus": baseline,
                        "size": size,
                        "metric": measure_name,
                        "lower_is_better": lower_is_better(measure_name),
                        **describe_difference(one),
                        "p_value": raw,
                        "p_value_adjusted": adjusted,
                        "smallest_p_value": smallest_p_value(one.shape[0]),
                        "arms_compared": len(others),
                        "generator_saw_validation": bool(arms[arm]["leaked"]),
                        "data": found.data,
                    }
                )
    return pd.DataFrame(rows)


def lower_is_better(measure_name: str) -> bool:
    return measure_name.rpartition("_")[0] not in RANKING


def tabulate_calibration(found: Predictions, probability: np.ndarray, weights: np.ndarray, arms: dict) -> pd.DataFrame:
    """Reliability per arm, size and kind of prediction (T, kinds, N)."""
    rows = []
    for (arm, size), members in grouped(found.trainings, arms):
        for position, kind in enumerate(KINDS):
            curve = reliability(probability[members.index, position], found.target, weights)
            for number, (count, mean, share) in enumerate(
                zip(curve["count"], curve["mean_probability"], curve["positive_share"], strict=True)
            ):
                low, high = np.clip(resampling_interval(share, curve["resampled_share"][:, number]), 0, 1)
                row = {"arm": arm, "size": size, "kind": kind, "bin": number + 1, "count": count}
                row |= {"mean_probability": mean, "positive_share": share, "ci95_low": low, "ci95_high": high}
                rows.append(row | {"data": found.data})
    return pd.DataFrame(rows)


def answer_question(
    found: Predictions, values: np.ndarray, trainings: pd.DataFrame, arms: dict, question: dict
) -> dict:
    """The planned comparison: one arm against another with all real images, by PRIMARY.

    It is one comparison, so its p-value is not adjusted.
    """
    arm, against = question["arm"], question["against"]
    differences = paired(found, values[:, MEASURES.index(PRIMARY)], arm, against, WHOLE)
    result = describe_difference(differences)
    (p_value,), _ = sign_flip_test(differences[None, :, 0])
    ours, theirs = (trainings.loc[found.rows(name, WHOLE)] for name in (arm, against))
    word = "no clear difference"
    if result["ci95_both_low"] > 0 or result["ci95_both_high"] < 0:
        word = "better" if (result["difference_mean"] < 0) == lower_is_better(PRIMARY) else "worse"
    return {
        "question": question["text"],
        "answer": word,
        "arm": arm,
        "against": against,
        "metric": PRIMARY,
        "arm_mean": ours[PRIMARY].mean(),
        "against_mean": theirs[PRIMARY].mean(),
        **result,
        "p_value": p_value,
        "smallest_p_value": smallest_p_value(len(differences)),
        "prior_log_loss": ours["prior_log_loss"].mean(),
        "generator_saw_validation": bool(arms[arm]["leaked"]),
        "data": found.data,
    }


# For people


def answer_text(answer: dict, arms: dict) -> str:
    """The answer in one line of Markdown."""

    def interval(over: str) -> str:
        low, high = (answer[f"ci95_{over}_{end}"] for end in ("low", "high"))
        return "undefined" if np.isnan(low) else f"{low:+.4f} to {high:+.4f}"

    caution = "Simulated data, no answer about real galaxies. " if answer["data"] == "simulated" else ""
    leak = " The generator had seen the validation images." if answer["generator_saw_validation"] else ""
    return (
        f"{caution}{answer['question']} **{answer['answer'].capitalize()}**: the validation log-loss of "
        f"“{arms[answer['arm']]['label']}” is {answer['arm_mean']:.4f} nats, that of "
        f"“{arms[answer['against']]['label']}” {answer['against_mean']:.4f}, difference "
        f"{answer['difference_mean']:+.4f} (95 % interval over seeds {interval('seeds')}, over images "
        f"{interval('images')}, over both {interval('both')}; sign-flip p = {answer['p_value']:.3g}, with "
        f"{answer['n_seeds']} seeds at least {answer['smallest_p_value']:.3g}). A constant prior has "
        f"{answer['prior_log_loss']:.4f}.{leak}\n"
    )


def table_text(results: pd.DataFrame, effects: pd.DataFrame, arms: dict, baseline: str) -> str:
    """The table as a person reads it: one line per arm and size."""
    lines = [
        f"Validation metrics on {results['data'].iloc[0]} data: mean over seeds, its 95 % interval in brackets. Early",
        "stopping chooses its epoch on other images than those it is judged on; the best epoch is chosen on the same",
        "ones and so is optimistic. The difference is in log-loss with early stopping, to the arm",
        f"“{baseline}” of the same size; its interval is over seeds and images, its p-value adjusted for the number",
        "of arms. Published values are of the authors' recorded runs; the column `comparable` of the CSV table says",
        "what sets them apart.",
        "",
        f"| arm | real images | seeds | {' | '.join(TITLES.values())} | difference | adjusted p |",
        "|---" * (5 + len(TITLES)) + "|",
    ]
    primary = effects[effects["metric"] == PRIMARY].set_index(["arm", "size"]) if len(effects) else effects
    for (arm, size), rows in results.groupby(["arm", "size"], sort=False):
        by_metric = rows.set_index("metric")
        cells = [cell(by_metric.loc[name]) for name in TITLES]
        difference = p_value = ""
        if (arm, size) in primary.index:
            row = primary.loc[(arm, size)]
            low, high = row["ci95_both_low"], row["ci95_both_high"]
            difference = f"{row['difference_mean']:+.4f}" + ("" if np.isnan(low) else f" [{low:+.4f}, {high:+.4f}]")
            p_value = f"{row['p_value_adjusted']:.3g} (at least {row['smallest_p_value']:.3g})"
        first = rows.iloc[0]
        label = arms[arm]["label"] + (" (generator saw the validation images)" if arms[arm]["leaked"] else "")
        parts = [label, str(first["real_images"]), str(first["n_seeds"]), *cells, difference, p_value]
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines) + "\n"


def cell(row: pd.Series) -> str:
    """`0.5512 [0.5401, 0.5623]`, with the published values behind it."""
    text = f"{row['mean']:.4f}"
    if not np.isnan(row["ci95_low"]):
        text += f" [{row['ci95_low']:.4f}, {row['ci95_high']:.4f}]"
    return text + (f"; published {row['published']}" if row["published"] else "")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Metrics of all classifiers of an augmentation experiment, paired differences between its arms, and its answer."""

from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.augmentation_predictions import COUNTS, WHOLE, Predictions, few_images_first, read_predictions
from galaxies.classification_metrics import (
    BOUNDS,
    METRICS,
    RANKING,
    calibration_noise,
    log_loss,
    prior_log_loss,
    reliability,
)
from galaxies.comparison import comparable_text
from galaxies.early_stopping import choose_epochs, measure_stopped, reselect, stopped
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
RESELECTIONS = 300  # resamples that choose epochs anew: half of the time goes into them
RUNS = " | "  # between the values of several recorded runs
APART = "‡"  # at published values that are of something else
KINDS = ("final", "selected")  # after the last epoch; after the epoch that early stopping chooses
MEASURES = [f"{metric}_{kind}" for kind in KINDS for metric in METRICS]
NOISE = [f"calibration_noise_{kind}" for kind in KINDS]
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
        reported_as}; reported_as maps the names of the published runs of an arm to what sets each apart from it.
    notes : per arm, texts on how its settings differ from the published ones.
    summary : one row per training. `classifier_images` and `generator_images` are the numbers of real images that the
        classifier itself and its generator were trained on. `_final` is after the last epoch. `_selected` is early
        stopping without a look at the images that it is judged on (galaxies.early_stopping). `log_loss_best`, the
        smallest over epochs, is optimistic: it is chosen on the images that it is measured on. `calibration_noise_`
        is the mean calibration error that the same predictions would have if they were perfectly calibrated.
    table, markdown : each metric per arm and size over seeds; intervals over seeds end where the range of the metric
        does. Beside them the values of the original notebooks; `published`, `published_source` and `comparable`, which
        is yes or says why not, list the recorded runs in the same order.
    effects : each arm minus the baseline of the same size, paired by seed: 95 % intervals over seeds, over validation
        images, and over both, those of `_selected` for other choices of the epochs too; sign-flip p-values over seeds
        alone, raw and adjusted for the number of arms at that size.
    calibration : share of class 1 per bin of predicted probability, mean over seeds, 95 % interval over images.
    answer, answer_markdown : the planned comparison in one row: `better` or `worse` if the interval over seeds and
        images leaves out 0, else `no clear difference`.
    """
    found = read_predictions(predictions)
    arms = {arm["arm"]: arm for arm in study["arms"]}
    weights = resampling_weights(len(found.target), RESAMPLES)
    values, reselected = measure(found, weights)
    by_training, epochs = chosen_predictions(found)
    trainings = describe_trainings(found, epochs, values[..., 0], arms)
    results = tabulate(trainings, arms, read_reported(reported, paper), notes)
    differences = compare_arms(found, values, reselected, arms, study["baseline"])
    tables = {
        summary: trainings,
        table: results,
        effects: differences,
        calibration: tabulate_calibration(found, by_training, weights, arms),
    }
    for path, content in tables.items():
        write_table(path, content)
    write_text(markdown, table_text(results, differences, arms, arms[study["baseline"]]["label"]))
    verdict = answer_question(found, values, reselected, trainings, arms, study["question"])
    write_table(answer, pd.DataFrame([verdict]))
    write_text(answer_markdown, answer_text(verdict, arms))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, whole or not at all."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False)


# From curves to numbers


def measure(found: Predictions, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (T, M, 1 + B) of each of MEASURES, first of the validation images, then of B resamples of them; and what
    another choice of epochs changes, (T, M, 2, C) as `reselect` gives it, 0 after the last epoch.

    weights : (B, N), how often each image is in each resample.
    """
    trainings, metrics = len(found.trainings), len(METRICS)
    reselections = weights[:RESELECTIONS]
    weights = np.concatenate([np.ones((1, len(found.target))), weights])
    values = np.empty((trainings, len(MEASURES), len(weights)))
    reselected = np.zeros((trainings, len(MEASURES), 2, len(reselections)))
    for row in range(trainings):
        curve = found.logit(row)
        (epochs,) = choose_epochs(curve, found.target, weights[:1])
        values[row, :metrics] = [metric(curve[-1], found.target, weights) for metric in METRICS.values()]
        values[row, metrics:] = measure_stopped(curve, found.target, epochs, weights)
        reselected[row, metrics:] = reselect(curve, found.target, reselections)
    return values, reselected


def chosen_predictions(found: Predictions) -> tuple[np.ndarray, pd.DataFrame]:
    """Logits (T, kinds, N) in the order of KINDS, and what the curves of each training say of its epochs."""
    chosen, rows = [], []
    for row in range(len(found.trainings)):
        curve = found.logit(row)
        (epochs,) = choose_epochs(curve, found.target, np.ones((1, len(found.target))))
        chosen.append((curve[-1], stopped(curve, found.target, epochs)))
        losses = log_loss(curve, found.target)
        rows.append(
            {
                "log_loss_best": losses.min(),
                "best_epoch": int(losses.argmin()) + 1,
                "selected_epoch_1": epochs[0] + 1,
                "selected_epoch_2": epochs[1] + 1,
            }
            | {name: calibration_noise(logit) for name, logit in zip(NOISE, chosen[-1], strict=True)}
        )
    return np.array(chosen), pd.DataFrame(rows)


def describe_trainings(found: Predictions, epochs: pd.DataFrame, values: np.ndarray, arms: dict) -> pd.DataFrame:
    """One row per training: what it is and its metrics (T, M)."""
    trainings = found.trainings
    return pd.DataFrame(
        {
            **{name: trainings[name] for name in ("arm", "size", "seed", *COUNTS)},
            "validation_images": len(found.target),
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

    `published` has one value per recorded run of the authors. `comparable` says what keeps each apart from ours.
    """
    rows = []
    for (arm, size), members in grouped(trainings, arms):
        of_ours = (["simulated data"] if members["data"].iloc[0] == "simulated" else []) + list(notes.get(arm, []))
        for metric in ("prior_log_loss", "train_log_loss_final", "log_loss_best", "best_epoch", *MEASURES, *NOISE):
            result = summarise(members[metric])
            low, high = np.clip((result.ci95_low, result.ci95_high), *bounds_of(metric))
            runs = arms[arm]["reported_as"] if size == WHOLE and metric in PUBLISHED else {}
            found = {name: reported_value(published, name, *PUBLISHED[metric]) for name in runs}
            reference = {name: of_run for name, of_run in found.items() if of_run[1]}
            reasons = [[*filter(None, [runs[name]]), *of_ours] for name in reference]
            rows.append(
                {
                    "arm": arm,
                    "label": arms[arm]["label"],
                    "size": size,
                    **members[list(COUNTS)].iloc[0],
                    "metric": metric,
                    "mean": result.mean,
                    "std": result.std,
                    "n_seeds": result.n,
                    "ci95_low": low,
                    "ci95_high": high,
                    "published": RUNS.join(f"{value:.4g}" for value, _ in reference.values()),
                    "published_source": RUNS.join(source for _, source in reference.values()),
                    "comparable": RUNS.join(comparable_text(why) for why in reasons),
                    "generator_saw_validation": members["generator_saw_validation"].iloc[0],
                    "data": members["data"].iloc[0],
                }
            )
    return pd.DataFrame(rows)


def bounds_of(measure_name: str) -> tuple[float, float]:
    """Lowest and highest possible value of a column of metrics."""
    if measure_name == "best_epoch":
        return 1, np.inf
    return next((ends for name, ends in BOUNDS.items() if measure_name.startswith(name)), (0, np.inf))


def grouped(trainings: pd.DataFrame, arms: dict) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """((arm, size), rows by seed) in the order of the study's arms, few real images first."""
    order = trainings.assign(
        position=trainings["arm"].map(list(arms).index), of=trainings["size"].map(few_images_first)
    )
    order = order.sort_values(["position", "of", "seed"])
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


def describe_difference(differences: np.ndarray, reselected: np.ndarray, measure_name: str) -> dict:
    """Mean of differences (n, 1 + B) over seeds and its 95 % intervals; column 0 is measured, the others resampled.

    reselected : (n, 2, C), as `measure` gives it. Intervals end where the range of the differences does.
    """
    measured, resampled = differences[:, 0], differences[:, 1:]
    result = summarise(measured)
    intervals = {
        "seeds": seed_interval(measured),
        "images": resampling_interval(result.mean, resampled.mean(axis=0), reselected.mean(axis=0)),
        "both": joint_interval(measured, resampled, reselected),
    }
    row = {"difference_mean": result.mean, "difference_std": result.std, "n_seeds": result.n}
    low, high = bounds_of(measure_name)
    for over, ends in intervals.items():
        row[f"ci95_{over}_low"], row[f"ci95_{over}_high"] = np.clip(ends, low - high, high - low)
    return row


def compare_arms(
    found: Predictions, values: np.ndarray, reselected: np.ndarray, arms: dict, baseline: str
) -> pd.DataFrame:
    """Every arm minus the baseline of the same size, for every metric; p-values are adjusted for the arms of a size."""
    trainings = found.trainings
    rows = []
    for size in sorted(trainings["size"].unique(), key=few_images_first):
        present = set(trainings.loc[trainings["size"] == size, "arm"])
        others = [arm for arm in arms if arm in present and arm != baseline]
        if not others:
            continue
        differences, choices = (
            np.stack([paired(found, array, arm, baseline, size) for arm in others]) for array in (values, reselected)
        )
        for position, measure_name in enumerate(MEASURES):
            of_measure = differences[:, :, position]
            p_values = sign_flip_test(of_measure[..., 0])
            for arm, one, choice, raw, adjusted in zip(
                others, of_measure, choices[:, :, position], *p_values, strict=True
            ):
                rows.append(
                    {
                        "arm": arm,
                        "minus": baseline,
                        "size": size,
                        "metric": measure_name,
                        "lower_is_better": lower_is_better(measure_name),
                        **describe_difference(one, choice, measure_name),
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


def tabulate_calibration(found: Predictions, logit: np.ndarray, weights: np.ndarray, arms: dict) -> pd.DataFrame:
    """Reliability per arm, size and kind of prediction (T, kinds, N)."""
    rows = []
    for (arm, size), members in grouped(found.trainings, arms):
        for position, kind in enumerate(KINDS):
            curve = reliability(logit[members.index, position], found.target, weights)
            for number, (count, mean, share) in enumerate(
                zip(curve["count"], curve["mean_probability"], curve["positive_share"], strict=True)
            ):
                low, high = np.clip(resampling_interval(share, curve["resampled_share"][:, number]), 0, 1)
                row = {"arm": arm, "size": size, "kind": kind, "bin": number + 1, "count": count}
                row |= {"mean_probability": mean, "positive_share": share, "ci95_low": low, "ci95_high": high}
                rows.append(row | {"data": found.data})
    return pd.DataFrame(rows)


def answer_question(
    found: Predictions, values: np.ndarray, reselected: np.ndarray, trainings: pd.DataFrame, arms: dict, question: dict
) -> dict:
    """The planned comparison: one arm against another with all real images, by PRIMARY.

    It is one comparison, so its p-value is not adjusted.
    """
    arm, against = question["arm"], question["against"]
    primary = MEASURES.index(PRIMARY)
    differences, choice = (paired(found, array[:, primary], arm, against, WHOLE) for array in (values, reselected))
    result = describe_difference(differences, choice, PRIMARY)
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
        f"{interval('images')}, over both, which decides, {interval('both')}; over seeds alone, for these images, "
        f"sign-flip p = {answer['p_value']:.3g}, with {answer['n_seeds']} seeds at least "
        f"{answer['smallest_p_value']:.3g}). A constant prior has {answer['prior_log_loss']:.4f}.{leak}\n"
    )


def table_text(results: pd.DataFrame, effects: pd.DataFrame, arms: dict, baseline: str) -> str:
    """The table as a person reads it: one line per arm and size."""
    lines = [
        f"Validation metrics on {results['data'].iloc[0]} data: mean over seeds, its 95 % interval in brackets. Early",
        "stopping chooses its epoch on other images than those it is judged on; the best epoch is chosen on the same",
        "ones and so is optimistic. The difference is in log-loss with early stopping, to the arm",
        f"“{baseline}” of the same size. Its interval is over seeds and validation images; its p-value is over seeds",
        "alone, for these validation images, and adjusted for the number of arms. Neither covers another draw of the",
        f"training images where a size is `{WHOLE}`. Real images are those that the classifier itself is trained on,",
        "and those that its generator is. Classifiers with real and generated images see more images per step; one",
        "that starts from another arm has had the steps of that arm too.",
        f"Published values are of the authors' recorded runs, {APART} marks those that are not comparable; the column",
        "`comparable` of the CSV table says why.",
        "",
        "| arm | real images: classifier | generator | seeds | "
        f"{' | '.join(TITLES.values())} | difference | adjusted p |",
        "|---" * (6 + len(TITLES)) + "|",
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
        counts = (str(first[name]) for name in (*COUNTS, "n_seeds"))
        parts = [label, *counts, *cells, difference, p_value]
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines) + "\n"


def cell(row: pd.Series) -> str:
    """`0.5512 [0.5401, 0.5623]`, with the published values behind it."""
    text = f"{row['mean']:.4f}"
    if not np.isnan(row["ci95_low"]):
        text += f" [{row['ci95_low']:.4f}, {row['ci95_high']:.4f}]"
    if not row["published"]:
        return text
    runs = zip(row["published"].split(RUNS), row["comparable"].split(RUNS), strict=True)
    return text + "; published " + ", ".join(value + ("" if verdict == "yes" else APART) for value, verdict in runs)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

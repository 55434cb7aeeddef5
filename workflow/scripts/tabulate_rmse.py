"""Errors of all trained networks and baselines, over seeds and beside the published values."""

import json
from itertools import combinations
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text, reasons_against
from galaxies.data.names import SPLIT_NAMES
from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS, QUESTIONS
from galaxies.files import atomic, reading, write_text
from galaxies.metrics import rmse
from galaxies.reported import read_reported, reported_value
from galaxies.scripting import run_script
from galaxies.stats import summarise

INTERVALS = ("ci95_low", "ci95_high", "prediction95_low", "prediction95_high")
DIFFERENCES = [
    "experiment",
    "minus",
    "difference_mean",
    "difference_std",
    "n_seeds",
    "ci95_low",
    "ci95_high",
    "p_value",
]
TABLE = [
    "experiment",
    "description",
    "split",
    "rmse_mean",
    "rmse_std",
    "n_seeds",
    *INTERVALS,
    "below_train_mean",
    "published",
    "published_source",
    "comparable",
    "epochs",
    "best_epoch",
    "parameters",
    "seconds_per_epoch",
    "images_per_second",
    "data",
]


def main(
    predictions: list[Path],
    histories: list[Path],
    costs: list[Path],
    baselines: Path,
    provenance: Path,
    reported: Path,
    table: Path,
    per_seed: Path,
    markdown: Path,
    questions: Path,
    violations: Path,
    comparisons: Path,
    *,
    paper: str,
    trainings: list[dict],
) -> None:
    """Write the five tables.

    predictions, histories, costs : one file per training, in the order of `trainings`.
    trainings : per training {experiment, seed, description, reported_as, differences}.
    table : one row per experiment or baseline and split. `train` is in evaluation mode without augmentation,
        `train_augmented` the running mean of the last epoch that the paper reports. ci95 is the interval of the mean
        over seeds, prediction95 that of one more training, which is what a published single-seed value is; neither
        holds the scatter of the test galaxies. below_train_mean says whether ci95 (for one seed, the value itself) lies
        wholly below the error of predicting the train mean.
    per_seed : one row per training and split, with the number of its galaxies.
    questions : test RMSE per label column. violations : how far predicted fractions miss the sums of their tree.
    comparisons : differences of test RMSE between experiments, paired by seed.
    """
    published = read_reported(reported, paper)
    with reading(provenance):
        origin = json.loads(provenance.read_text())
    with reading(baselines):
        base = pd.read_csv(baselines)[["baseline", "split", "rmse"]]
    mean_baseline = base[base["baseline"] == "train_mean"].set_index("split")["rmse"]
    rows, of_seeds, by_question, by_group, errors = [], [], [], [], {}
    for experiment, members in _by_experiment(trainings).items():
        first = trainings[members[0]]
        runs = [_read_run(predictions[i], histories[i], costs[i]) for i in members]
        common = {
            "experiment": experiment,
            "description": first["description"],
            "comparable": _comparable(origin, first["differences"]),
            "epochs": len(runs[0]["history"]),
            "best_epoch": float(np.mean([r["history"].set_index("epoch")["val_rmse"].idxmin() for r in runs])),
            "parameters": sum(runs[0]["cost"]["parameters"].values()),
            "seconds_per_epoch": float(np.mean([r["cost"]["seconds_per_epoch"] for r in runs])),
            "images_per_second": float(np.mean([r["cost"]["images_per_second"] for r in runs])),
        }
        for split in ("train_augmented", *SPLIT_NAMES):
            summary = summarise([r["rmse"][split] for r in runs])
            metric = "rmse" if split == "test" else "rmse_final_epoch"
            reported_split = {"train_augmented": "train", "train": None}.get(split, split)
            value, section = reported_value(published, first["reported_as"], reported_split, metric)
            reference = mean_baseline[split.removesuffix("_augmented")]
            upper = summary.mean if np.isnan(summary.ci95_high) else summary.ci95_high
            rows.append(
                common
                | {"split": split, "rmse_mean": summary.mean, "rmse_std": summary.std, "n_seeds": summary.n}
                | {key: getattr(summary, key) for key in INTERVALS}
                | {"below_train_mean": bool(upper < reference), "published": value, "published_source": section}
            )
        identity = {key: common[key] for key in ("experiment", "comparable")}
        of_seeds += [
            {**identity, "seed": trainings[i]["seed"], "split": split, "rmse": value, "images": run["images"][split]}
            for i, run in zip(members, runs, strict=True)
            for split, value in run["rmse"].items()
        ]
        errors[experiment] = {trainings[i]["seed"]: run["rmse"]["test"] for i, run in zip(members, runs, strict=True)}
        by_question += _per_column(experiment, runs)
        by_group += _sum_violations(experiment, runs)
    rows += [
        {"experiment": r.baseline, "description": "baseline, no network", "split": r.split, "rmse_mean": r.rmse}
        for r in base.itertuples()
    ]
    data = "simulated" if origin["simulated"] else "real"
    result, seeds = pd.DataFrame(rows).assign(data=data)[TABLE], pd.DataFrame(of_seeds).assign(data=data)
    compared = pd.DataFrame(_compare(errors), columns=DIFFERENCES)
    tables = {table: result, per_seed: seeds, questions: by_question, violations: by_group, comparisons: compared}
    for path, content in tables.items():
        with atomic(path) as temporary:
            pd.DataFrame(content).to_csv(temporary, index=False)
    write_text(markdown, _markdown(result))


def _by_experiment(trainings: list[dict]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for index, training in enumerate(trainings):
        members.setdefault(training["experiment"], []).append(index)
    return members


def _read_run(predictions: Path, history: Path, cost: Path) -> dict:
    with reading(predictions), h5py.File(predictions) as file:
        predicted, truth, parts = file["predictions"][:], file["labels"][:], file["split"][:]
        columns = list(file.attrs["columns"])
    with reading(history):
        curve = pd.read_csv(history)[["epoch", "rmse", "val_rmse"]]
    with reading(cost):
        costs = json.loads(cost.read_text())
    errors = {name: rmse(predicted[parts == code], truth[parts == code]) for code, name in enumerate(SPLIT_NAMES)}
    errors["train_augmented"] = float(curve["rmse"].iloc[-1])
    images = {name: int((parts == code).sum()) for code, name in enumerate(SPLIT_NAMES)}
    images["train_augmented"] = images["train"]
    test = parts == SPLIT_NAMES.index("test")
    return {
        "columns": columns,
        "history": curve,
        "cost": costs,
        "rmse": errors,
        "images": images,
        "predicted": predicted[test],
        "truth": truth[test],
    }


def _comparable(origin: dict, differences: list[str]) -> str:
    """`yes`, or why a value must not be judged against the paper's."""
    reasons = reasons_against(origin, differences)
    return comparable_text(reasons)


def _compare(errors: dict[str, dict[int, float]]) -> list[dict]:
    """Test RMSE of one experiment minus that of another, paired by seed: mean, interval, two-sided p-value."""
    rows = []
    for first, second in combinations(errors, 2):
        differences = [errors[first][seed] - errors[second][seed] for seed in errors[first]]
        summary = summarise(differences)
        row = {"experiment": first, "minus": second, **_named("difference", summary)}
        rows.append(row | {"p_value": summary.p_value_of_zero})
    return rows


def _per_column(experiment: str, runs: list[dict]) -> list[dict]:
    """RMSE of each label column on the test split, over seeds."""
    rows = []
    for index, column in enumerate(runs[0]["columns"]):
        summary = summarise([rmse(r["predicted"][:, index], r["truth"][:, index]) for r in runs])
        rows.append({"experiment": experiment, "column": column} | _named("rmse", summary))
    return rows


def _sum_violations(experiment: str, runs: list[dict]) -> list[dict]:
    """Absolute difference between the sum of each group of answers and what it must be, on the test split."""
    rows = []
    for name, members, parent in _groups(runs[0]["columns"]):
        position = {column: i for i, column in enumerate(runs[0]["columns"])}
        chosen = [position[column] for column in members]
        errors = []
        for run in runs:
            target = run["predicted"][:, position[parent]] if parent else 1.0
            errors.append(np.abs(run["predicted"][:, chosen].sum(axis=1) - target))
        rows.append(
            {"experiment": experiment, "group": name, "sums_to": parent or "1"}
            | _named("mean_abs", summarise([e.mean() for e in errors]))
            | {"largest_abs": float(max(e.max() for e in errors))}
        )
    return rows


def _groups(columns: list[str]) -> list[tuple[str, list[str], str | None]]:
    """(name, columns, column they sum to or None for 1) of each group of exclusive answers."""
    if columns == list(COLUMNS):
        return [(f"Q{q.number} {q.text}", list(q.columns), q.parent) for q in QUESTIONS]
    one_hot: dict[str, list[str]] = {}
    for column in columns:
        if "=" in column:
            one_hot.setdefault(column.split("=")[0], []).append(column)
    return [(name, members, None) for name, members in one_hot.items()]


def _named(prefix: str, summary) -> dict:
    return {
        f"{prefix}_mean": summary.mean,
        f"{prefix}_std": summary.std,
        "n_seeds": summary.n,
        "ci95_low": summary.ci95_low,
        "ci95_high": summary.ci95_high,
    }


def _markdown(table: pd.DataFrame) -> str:
    """The table as a person reads it: test and validation errors, one line per network."""
    lines = [
        f"RMSE on {table['data'].iloc[0]} data, mean over training seeds and its 95 % interval",
        "",
        "| experiment | what was run | seeds | validation | test | test, 95 % interval | published test | comparable |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for experiment, rows in table.groupby("experiment", sort=False):
        by_split = rows.set_index("split")
        test, validation = by_split.loc["test"], by_split.loc["validation"]
        seeds = "" if np.isnan(test.n_seeds) else f"{test.n_seeds:.0f}"
        interval = "" if np.isnan(test.ci95_low) else f"{test.ci95_low:.4f} to {test.ci95_high:.4f}"
        published = "" if np.isnan(test.published) else f"{test.published:.4f}"
        lines.append(
            f"| {experiment} | {test.description} | {seeds} | {validation.rmse_mean:.4f} | {test.rmse_mean:.4f} | "
            f"{interval} | {published} | {'' if pd.isna(test.comparable) else test.comparable} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

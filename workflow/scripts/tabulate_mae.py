"""Mean absolute errors of all scorers, over seeds and beside the published values."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.comparison import comparable_text
from galaxies.data.catalogue import Catalogue, read_catalogue
from galaxies.data.names import ID
from galaxies.errors import DataError
from galaxies.files import reading, write_text
from galaxies.paired import joint_interval, resampling_interval, resampling_weights
from galaxies.reported import read_reported, reported_value
from galaxies.score_predictions import PREDICTED, QUERY, SET, read_predictions, reasons_of_data, reasons_of_targets
from galaxies.score_range import HIGHEST, LOWEST
from galaxies.scripting import run_script
from galaxies.stats import summarise
from galaxies.true_scores import scores_of

SETS = {"scored_validation": "validation", "scored_test": "test"}  # of the split -> of the table
HIDDEN = "hidden_score"
SIMULATED = ("sim_public", "sim_private")
PUBLISHED = {  # paper -> set -> what config/reported.csv calls the published one that it stands for
    "two_in_one": {
        "validation": "validation_96_images",
        "sim_public": "kaggle_public_test",
        "sim_private": "kaggle_private_test",
    },
    "intergalactic_vae_cnn": {"test": "kaggle_leaderboard"},
}
SAME_IMAGES = ("validation_96_images",)  # of published sets: those whose images a run has
TWO_IN_ONE = "two_in_one_score_discriminator"  # in config/reported.csv
CONSTANT = "constant_median"
RESAMPLES, SEED = 2000, 0
NO_SEED = -1  # of what has nothing random

COLUMNS = [
    *("experiment", "label", "set", "images", "n_seeds", "mae_mean", "mae_std"),
    *(f"ci95_{over}_{end}" for over in ("seeds", "images") for end in ("low", "high")),
    *("chose_epoch", "minus", "difference", "difference_seeds"),
    *(f"difference_ci95_{over}_{end}" for over in ("images", "both") for end in ("low", "high")),
    *("published", "published_set", "published_source", "comparable", "data"),
]


def main(
    predictions: list[Path],
    catalogue: Path,
    provenance: Path,
    reported: Path,
    table: Path,
    per_seed: Path,
    markdown: Path,
    *,
    trainings: list[dict],
    paper: str,
    reference: str,
    train_on: list[str],
) -> None:
    """Write the tables as CSV, and what a reader wants of it as Markdown (two_in_one, Table I; intergalactic_vae_cnn).

    predictions : CSV object_id,set,predicted, one file per training, in the order of `trainings`, each {experiment,
        label, seed, random (whether another seed would train another), reported_as, differences, truncate_scores (as
        in its settings, None without), epoch_chosen_on (the set of the split that chose the epoch of its weights, or
        None)}.
    catalogue, provenance : of the data set. reported : published values. train_on : sets of the split.
    table : a row per experiment and set; constant_median predicts the median score of the training images. sim_public
        and sim_private are halves of the query images, drawn once, where simulated data has their scores.
        ci95_seeds : 95 % interval of the mean over seeds (Student's t); ci95_images : bootstrap interval over the
        images, of the mean over these trainings. difference : to the errors of the experiment `reference` on the same
        images with the same seeds, of which there are difference_seeds; ci95_both covers other seeds and other images,
        and is empty for one seed.
    per_seed : a row per experiment, set and seed, without a seed where nothing is random.
        chose_epoch : whether the images of the set chose the epoch of the weights, so that the error is optimistic.

    Raises
    ------
    DataError
        Trainings predicted different images, an image has no score, or there is nothing to evaluate on.
    """
    with reading(provenance):
        origin = json.loads(provenance.read_text(encoding="utf-8"))
    objects, published = read_catalogue(catalogue), read_reported(reported, paper)
    images, predicted = _read(predictions, trainings)
    sets, stands_for = _sets(images, objects), PUBLISHED.get(paper, {})
    train = images.loc[images[SET].isin(train_on), ID].to_numpy()
    if not len(train):
        raise DataError(f"{predictions[0]}: no image is in the sets {', '.join(train_on)}", "fit to images of a set")
    median = np.median(scores_of(objects, train))
    predicted[CONSTANT] = {NO_SEED: np.full(len(images), median)}
    facts = {training["experiment"]: training for training in reversed(trainings)}
    facts[CONSTANT] = {"label": f"constant {median:.2f}, the median", "reported_as": None, "epoch_chosen_on": None}
    rows, of_trainings = [], []
    for name, (chosen, scores) in sets.items():
        weights = resampling_weights(len(scores), RESAMPLES, SEED) / len(scores)
        errors = {
            experiment: {seed: np.abs(values[chosen] - scores) for seed, values in of_seeds.items()}
            for experiment, of_seeds in predicted.items()
        }
        for experiment, of_seeds in errors.items():
            row = {"experiment": experiment, "label": facts[experiment]["label"], "set": name, "minus": reference}
            row["chose_epoch"] = SETS.get(facts[experiment]["epoch_chosen_on"]) == name
            row |= _errors(of_seeds, weights)
            if experiment != reference:
                row |= _difference(of_seeds, errors.get(reference, {}), weights)
            known_as = stands_for.get(name, "")
            value, source = reported_value(published, facts[experiment]["reported_as"], known_as, "mae")
            if source:
                reasons = reasons_against(origin, known_as, facts[experiment])
                reasons += ["the test images chose the epoch"] if row["chose_epoch"] else []
                row |= {"published": value, "published_set": known_as, "published_source": source}
                row["comparable"] = comparable_text(reasons)
            rows.append(row)
            identity = {"experiment": experiment, "label": row["label"], "set": name, "images": len(scores)}
            identity["comparable"] = row.get("comparable")
            of_trainings += [
                {**identity, "seed": None if seed == NO_SEED else seed, "mae": values.mean()}
                for seed, values in of_seeds.items()
            ]
    data = "simulated" if origin["simulated"] else "real"
    result = pd.DataFrame(rows).reindex(columns=COLUMNS).assign(data=data)
    seeds = pd.DataFrame(of_trainings).assign(data=data).astype({"seed": "Int64"})
    write_text(table, result.to_csv(index=False))
    write_text(per_seed, seeds.to_csv(index=False))
    write_text(markdown, _markdown(result))


def reasons_against(origin: dict, published_set: str, training: dict) -> list[str]:
    """Why an error must not be judged against the one on a published set; empty if it may.

    origin : provenance of the data set. training : one of `trainings`.
    """
    reasons = reasons_of_data(origin)
    validation, network = published_set in SAME_IMAGES, training["reported_as"] == TWO_IN_ONE
    reasons += [] if validation else ["other test images"]
    if network:
        reasons += ["the authors' code evaluates on all scored images"] if validation else []
        reasons += reasons_of_targets(training)
    return [*reasons, *training["differences"]]


def _read(paths: list[Path], trainings: list[dict]) -> tuple[pd.DataFrame, dict[str, dict[int, np.ndarray]]]:
    """Images (object_id and set), and the predictions (N,) for them by experiment and seed."""
    images, predicted = None, {}
    for path, training in zip(paths, trainings, strict=True):
        table = read_predictions(path)
        if images is None:
            images = table[[ID, SET]]
        elif not images.equals(table[[ID, SET]]):
            raise DataError(
                f"{path}: predictions for other images, or in other sets, than {paths[0]}",
                "delete the predictions and run the same command again",
            )
        seed = training["seed"] if training["random"] else NO_SEED
        predicted.setdefault(training["experiment"], {})[seed] = table[PREDICTED].to_numpy()
    return images, predicted


def _sets(images: pd.DataFrame, objects: Catalogue) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Set of the table -> rows among the images, and their true scores."""
    sets = {}
    for part, name in SETS.items():
        if len(rows := np.flatnonzero(images[SET] == part)):
            sets[name] = rows, scores_of(objects, images[ID].to_numpy()[rows])
    query = np.flatnonzero(images[SET] == QUERY)
    if HIDDEN in objects.labels and len(query) > 1:
        halves = np.array_split(np.random.default_rng(SEED).permutation(query), len(SIMULATED))
        for name, rows in zip(SIMULATED, map(np.sort, halves), strict=True):
            sets[name] = rows, scores_of(objects, images[ID].to_numpy()[rows], HIDDEN)
    if not sets:
        raise DataError(f"no image with a score is in the sets {', '.join(SETS)}", "give the split such a set")
    return sets


def _errors(errors: dict[int, np.ndarray], weights: np.ndarray) -> dict:
    """errors : absolute ones (N,) by seed. weights : of the images in resamples (B, N), with sum 1."""
    of_images = np.mean(list(errors.values()), axis=0)
    summary = summarise([values.mean() for values in errors.values()])
    intervals = {
        "seeds": (summary.ci95_low, summary.ci95_high),
        "images": resampling_interval(summary.mean, weights @ of_images) if len(of_images) > 1 else (np.nan, np.nan),
    }
    return {
        "images": len(of_images),
        "mae_mean": summary.mean,
        "mae_std": summary.std,
        "n_seeds": 0 if NO_SEED in errors else summary.n,
        **_ends("ci95", intervals, LOWEST, HIGHEST),
    }


def _difference(errors: dict[int, np.ndarray], of_reference: dict[int, np.ndarray], weights: np.ndarray) -> dict:
    """Errors minus those of the reference: same images, same seeds; nothing where no seed is the same."""
    if NO_SEED in errors:
        errors = dict.fromkeys(of_reference, errors[NO_SEED])
    pairs = [errors[seed] - of_reference[seed] for seed in errors if seed in of_reference]
    if not pairs or weights.shape[1] < 2:
        return {}
    per_seed, resampled = np.mean(pairs, axis=1), np.stack(pairs) @ weights.T
    mean = float(per_seed.mean())
    intervals = {
        "images": resampling_interval(mean, resampled.mean(axis=0)),
        "both": joint_interval(per_seed, resampled),
    }
    ends = _ends("difference_ci95", intervals, LOWEST - HIGHEST, HIGHEST - LOWEST)
    return {"difference": mean, "difference_seeds": len(pairs), **ends}


def _ends(prefix: str, intervals: dict[str, tuple[float, float]], lowest: float, highest: float) -> dict:
    return {
        f"{prefix}_{over}_{end}": float(np.clip(value, lowest, highest))
        for over, interval in intervals.items()
        for end, value in zip(("low", "high"), interval, strict=True)
    }


def _markdown(table: pd.DataFrame) -> str:
    """The table as a person reads it: a line per experiment, the sets side by side."""
    label = dict(zip(table["experiment"], table["label"], strict=True))
    sets = {name: rows.set_index("experiment") for name, rows in table.groupby("set", sort=False)}
    reference, with_reference = table["minus"].iloc[0], table["difference"].notna().any()
    columns = {
        "model": label,
        "seeds": {name: str(n or "") for name, n in next(iter(sets.values()))["n_seeds"].items()},
    }
    for name, rows in sets.items():
        columns[f"{name} ({rows['images'].iloc[0]} images)"] = {
            row.Index: _number(row.mae_mean, row.ci95_images_low, row.ci95_images_high) for row in rows.itertuples()
        }
        if rows["published"].notna().any():
            published_set = rows["published_set"].dropna().iloc[0]
            columns[f"{name}: paper, {published_set.replace('_', ' ')}"] = rows["published"].map(_number)
    if with_reference:
        fair = [name for name, rows in sets.items() if not rows["chose_epoch"].any()] or list(sets)
        compared = "test" if "test" in fair else fair[0]
        columns[f"{compared}: minus {label[reference]}"] = {
            name: _difference_text(row) for name, row in sets[compared].iterrows()
        }
    simulated = table["data"].iloc[0] == "simulated"
    lines = [
        f"Mean absolute error in units of the score (0 to 8) on {'simulated' if simulated else 'real'} images",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *("| " + " | ".join(cells[name] for cells in columns.values()) + " |" for name in label),
        "",
        *(f"- {note}" for note in _notes(table, label, with_reference)),
    ]
    return "\n".join(lines) + "\n"


def _notes(table: pd.DataFrame, label: dict[str, str], with_reference: bool) -> list[str]:
    """What the numbers mean, the order of the models, and what is not comparable with the paper."""
    one = not (table["difference_ci95_both_low"].notna().any() or (table["n_seeds"] > 1).any())
    of = "Of one training each" if one else "Means over training seeds"
    notes = [f"{of}, in brackets the 95 % interval over images (bootstrap)."]
    if with_reference:
        notes[0] += "" if one else " That of a difference covers other seeds, too."
    known = table[table["published"].notna()]
    for name, rows in table[table["experiment"].isin(known["experiment"])].groupby("set", sort=False):
        rows = rows.drop_duplicates("published" if rows["published"].notna().any() else "experiment")
        if len(rows) > 1:
            here = _order(rows, "mae_mean")
            paper = _order(rows, "published") if rows["published"].notna().all() else here
            said = "as in the paper" if here == paper else f"in the paper: {paper}"
            notes.append(f"Order on {name}: {here}{f' ({said})' if rows['published'].notna().all() else ''}.")
    if with_reference:
        notes += _clear_differences(table, label)
    for name, rows in table[table["chose_epoch"]].groupby("set", sort=False):
        others = [other for other in dict.fromkeys(table["set"]) if other != name]
        optimistic = "on them, these errors are optimistic, and so are differences to them"
        chose_nothing = f"; those of {' and '.join(others)} chose nothing" if others else ""
        notes.append(
            f"The images of {name} chose the epoch of {', '.join(rows['label'])}: {optimistic}{chose_nothing}."
        )
    if table["data"].iloc[0] == "simulated":
        notes.append("Simulated images: no number is comparable with the paper's.")
        if set(SIMULATED) & set(table["set"]):
            notes.append(f"{' and '.join(SIMULATED)}: halves of the query images, in place of Kaggle's secret sets.")
        return notes
    notes.append("Scores of query images are secret: query_pred_<experiment>.csv can be submitted to learn the error.")
    for text, rows in known[known["comparable"] != "yes"].groupby("comparable", sort=False):
        names = ", ".join(label[name] for name in dict.fromkeys(rows["experiment"]))
        notes.append(f"Not comparable with the paper's numbers: {names} ({text.removeprefix('no: ')}).")
    return notes


def _clear_differences(table: pd.DataFrame, label: dict[str, str]) -> list[str]:
    """Which models differ from the reference by more than the intervals of the differences, set by set."""
    seeds = table["difference_ci95_both_low"].notna().any()
    over, notes = "seeds and images" if seeds else "images, of one training,", []
    for name, rows in table[table["difference"].notna()].groupby("set", sort=False):
        rows = rows.set_index("experiment")
        ends = [
            rows[f"difference_ci95_both_{end}"].fillna(rows[f"difference_ci95_images_{end}"]) for end in ("low", "high")
        ]
        better, worse = ([label[one] for one in rows.index[chosen]] for chosen in (ends[1] < 0, ends[0] > 0))
        texts = [f"{word}: {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
        reference = label[table["minus"].iloc[0]]
        notes.append(
            f"Clearly other than {reference} on {name} (interval over {over} without 0): {'; '.join(texts) or 'none'}."
        )
    return notes


def _order(rows: pd.DataFrame, key: str) -> str:
    return " < ".join(rows.sort_values(key, kind="stable")["label"])


def _difference_text(row: pd.Series) -> str:
    over = "images" if np.isnan(row["difference_ci95_both_low"]) else "both"
    return _number(row["difference"], *(row[f"difference_ci95_{over}_{end}"] for end in ("low", "high")), sign="+")


def _number(value: float, low: float = np.nan, high: float = np.nan, sign: str = "") -> str:
    """A number with its interval, or nothing."""
    if np.isnan(value):
        return ""
    return f"{value:{sign}.3f}" + ("" if np.isnan(low) else f" [{low:{sign}.3f}, {high:{sign}.3f}]")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""The shipped ledger and claims, what is refused at start, and how values are found in tables."""

import copy
import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from galaxies.config import published_config
from galaxies.errors import ConfigError, DataError
from galaxies.ledger import IN_PAPER, check_claims, check_ledger, identity, load_claims, load_ledger, metrics_of
from galaxies.ledger_tables import values_of
from galaxies.reported import read_reported

PROJECT = Path(__file__).parents[2]
CONFIG, SCHEMAS = PROJECT / "config", PROJECT / "workflow/schemas"
METRICS, CLAIMS, REPORTED = CONFIG / "metrics.yaml", CONFIG / "claims.yaml", CONFIG / "reported.csv"
PAPERS = {
    "galaxy_zoo_cnn": 6,
    "two_in_one": 5,
    "intergalactic_vae_cnn": 6,
    "galaxy_cgan_augmentation": 5,
    "morpho_gan": 3,
}
"""Findings of each paper, which are claims, at least."""


@functools.cache
def settings_of(paper):
    path = CONFIG / "experiments" / f"{paper}.yaml"
    return published_config(paper, CONFIG / "experiments", SCHEMAS / "config.schema.yaml") if path.exists() else None


@functools.cache
def ledger_of(path=METRICS):
    ledger = load_ledger(path, SCHEMAS / "metrics.schema.yaml")
    check_ledger(ledger, path, REPORTED, settings_of, settings_of)
    return ledger


def claims_of(path=CLAIMS):
    claims = load_claims(path, SCHEMAS / "claims.schema.yaml")
    check_claims(claims, path, ledger_of()["metrics"], settings_of)
    return claims


# What is shipped


def test_every_published_value_of_a_paper_has_an_entry_and_no_entry_is_of_another():
    table = read_reported(REPORTED)
    stated = {identity(row) for row in table[table["source_section"].str.startswith(IN_PAPER)].to_dict("records")}
    assert set(ledger_of()["published"]) == stated


def test_every_finding_of_every_paper_is_a_claim():
    claims = claims_of()
    for paper, findings in PAPERS.items():
        assert sum(claim["paper"] == paper for claim in claims.values()) >= findings, paper
    assert {claim["paper"] for claim in claims.values()} == set(PAPERS)


def test_every_claim_names_metrics_with_a_direction_and_of_one_unit():
    metrics = ledger_of()["metrics"]
    for name, claim in claims_of().items():
        for comparison in claim["comparisons"]:
            assert len({metrics[metric]["unit"] for metric in metrics_of(comparison)}) == 1, name


def test_every_ratio_to_real_images_has_real_images():
    ratios = [one for one in ledger_of()["generators"].values() if one["unit"] == "ratio to real images"]
    assert ratios and all(one["real"] in ("real", 1) for one in ratios)


def test_real_images_are_beside_all_that_is_measured_of_images():
    of_generators_alone = {"acceptance", "parameters", "total_seconds", "images_per_second"}
    assert {name for name, one in ledger_of()["generators"].items() if one["real"] is None} == of_generators_alone


def test_published_units_are_those_of_the_metrics():
    same = {"score units (0-8)": "score", "epoch": "epochs", "iterations": "steps"}
    ledger, table = ledger_of(), read_reported(REPORTED)
    for row in table[table["source_section"].str.startswith(IN_PAPER)].to_dict("records"):
        ours = ledger["published"][identity(row)]["ours"]
        if ours:
            unit = ledger["metrics"][ours]["unit"]
            assert unit == same.get(row["units"], row["units"]), identity(row)


# What is refused


def broken(tmp_path, file, change):
    content = yaml.safe_load(file.read_text())
    change(content)
    path = tmp_path / file.name
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return path


BROKEN_METRICS = [
    (lambda c: c["metrics"]["two_in_one.keep_above"].update(paper="two_in_two"), ["no paper", "two_in_two"]),
    (
        lambda c: c["metrics"]["galaxy_cgan_augmentation.epochs.cgan"].update(experiment="cgann"),
        ["galaxy_cgan_augmentation.epochs.cgan", "'cgann'", "did you mean 'cgan'"],
    ),
    (
        lambda c: c["metrics"]["two_in_one.keep_above"].update(value="score"),
        ["two_in_one.keep_above: found value and setting", "one of value, count and setting"],
    ),
    (
        lambda c: c["metrics"]["two_in_one.keep_above"].pop("setting"),
        ["two_in_one.keep_above: found none", "one of value, count and setting"],
    ),
    (
        lambda c: c["metrics"]["morpho_gan.step_ratio.morpho_gan"].update(seed="seed"),
        ["morpho_gan.step_ratio.morpho_gan.intervals", "column 'seed'", "leave intervals out"],
    ),
    (
        lambda c: c["published"].update(
            {"morpho_gan/mode_balance/real_and_generated/repeats": {"relation": "at_most"}}
        ),
        ["real_and_generated/repeats: found relation", "`ours`, `reason` or both"],
    ),
    (lambda c: c["metrics"]["two_in_one.keep_above"].update(table="a.csv"), ["a setting is of none"]),
    (
        lambda c: c["metrics"]["two_in_one.keep_above"].update(setting="generation.keep_over"),
        ["the settings have no generation.keep_over"],
    ),
    (lambda c: c["metrics"]["two_in_one.keep_above"].update(beter="lower"), ["unknown key 'beter'", "'better'"]),
    (lambda c: c["metrics"]["two_in_one.keep_above"].update(better="more"), ["'more'"]),
    (lambda c: c["metrics"]["two_in_one.keep_above"].update(each={"x": ["1", "2"]}), ["is there twice"]),
    (
        lambda c: c["published"]["morpho_gan/mode_balance/real_and_generated/repeats"].update(ours="morpho_gan.repeat"),
        ["no metric has the name 'morpho_gan.repeat'", "did you mean 'morpho_gan.repeats'"],
    ),
    (
        lambda c: c["published"].pop("morpho_gan/mode_balance/real_and_generated/repeats"),
        ["no entry for 'morpho_gan/mode_balance/real_and_generated/repeats'"],
    ),
    (
        lambda c: c["published"].update({"morpho_gan/mode_balance/real/repeats": {"reason": "none"}}),
        ["has no value 'morpho_gan/mode_balance/real/repeats'"],
    ),
    (
        lambda c: c["generators"]["recall"].update(range=[1, 0]),
        ["generators.recall.range", "no number is above 1 and below 0", "exchange"],
    ),
    (lambda c: c["generators"]["recall"].pop("range"), ["generators.recall", "range"]),
]


@pytest.mark.parametrize(("change", "words"), BROKEN_METRICS)
def test_bad_entries_of_the_ledger_are_named(tmp_path, change, words):
    with pytest.raises(ConfigError) as error:
        ledger_of(broken(tmp_path, METRICS, change))
    for word in words:
        assert word in str(error.value)


NAME, RATIO = "morpho_gan_steps_are_not_slower", "morpho_gan.step_ratio.morpho_gan"
BROKEN_CLAIMS = [
    (
        lambda c: c[NAME].update(comparisons=[{"value": "morpho_gan.steps_ratio.morpho_gan", "below": 1}]),
        [NAME, "'morpho_gan.steps_ratio.morpho_gan'", "did you mean 'morpho_gan.step_ratio.morpho_gan'"],
    ),
    (lambda c: c[NAME].update(paper="morphogan"), [NAME, "'morphogan'"]),
    (lambda c: c[NAME].update(comparisons=[]), [NAME]),
    (
        lambda c: c[NAME].update(comparisons=[{"value": RATIO}]),
        [f"{NAME}.comparisons.0: found value; expected `above`, `below` or both beside `value`"],
    ),
    (
        lambda c: c[NAME].update(comparisons=[{"ratio": [RATIO, RATIO], "value": RATIO, "below": 1}]),
        [f"{NAME}.comparisons.0: found ratio and value and below; expected one of `less`, `difference`, `ratio` and"],
    ),
    (
        lambda c: c[NAME].update(comparisons=[{"below": 1}]),
        ["found below; expected one of `less`, `difference`, `ratio` and `value`, the last three with `above`"],
    ),
    (lambda c: c[NAME].update(comparisons=[{}]), [f"{NAME}.comparisons.0: found nothing; expected one of `less`"]),
    (
        lambda c: c[NAME].update(comparisons=[{"less": [RATIO, RATIO], "above": 1}]),
        [f"{NAME}.comparisons.0: found less and above; expected `less` without `above` and `below`"],
    ),
    (
        lambda c: c[NAME].update(comparisons=[{"value": RATIO, "above": 0.05, "below": -0.05}]),
        [f"{NAME}.comparisons.0: no number is above 0.05 and below -0.05", "exchange the bounds"],
    ),
    (
        lambda c: c[NAME].update(comparisons=[{"less": [RATIO, "two_in_one.keep_above"]}]),
        [f"{NAME}.comparisons.0: found {RATIO} in ", "two_in_one.keep_above in ", "one unit"],
    ),
    (lambda c: c[NAME].update(comparisons=[{"less": ["morpho_gan.step_ratio.morpho_gan"]}]), [NAME]),
    (lambda c: c[NAME].pop("source"), [NAME, "'source' is missing"]),
    (lambda c: c[NAME].update(sauce="x"), ["unknown key 'sauce'"]),
]


@pytest.mark.parametrize(("change", "words"), BROKEN_CLAIMS)
def test_bad_claims_are_named(tmp_path, change, words):
    with pytest.raises(ConfigError) as error:
        claims_of(broken(tmp_path, CLAIMS, change))
    for word in words:
        assert word in str(error.value)


# Values in tables


ENTRY = {
    "table": "table.csv", "where": {}, "value": "value", "count": None, "seed": "seed", "images": None,
    "comparable": None, "intervals": [], "trainings": None,
}  # fmt: skip


def found(tmp_path, content, seeds=(0, 1), **changes):
    path = tmp_path / f"{np.random.default_rng().integers(1 << 40)}.csv"
    pd.DataFrame(content).to_csv(path, index=False)
    return values_of({**copy.deepcopy(ENTRY), **changes}, [path], list(seeds), "name")


TABLE = {
    "seed": [0, 1, 0, 1, 0, 1],
    "epoch": [1, 1, 2, 2, 3, 3],
    "kind": ["a", "a", "a", "a", "b", "b"],
    "value": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    "images": [7] * 6,
    "comparable": ["no: other images; few"] * 6,
}


@pytest.mark.parametrize(
    ("where", "values"),
    [
        ({"epoch": 1}, [0.1, 0.2]),
        ({"epoch": "last"}, [0.5, 0.6]),
        ({"kind": "a", "epoch": "last"}, [0.3, 0.4]),
        ({"kind": "a", "epoch": [2, 9]}, [0.3, 0.4]),
        ({"kind": "b"}, [0.5, 0.6]),
    ],
)
def test_rows_are_selected_by_their_columns(tmp_path, where, values):
    rows, why = found(tmp_path, TABLE, where=where)
    assert not why
    assert [row["value"] for row in rows] == values
    assert [row["seed"] for row in rows] == [0, 1]


def test_what_nothing_random_made_has_no_seed(tmp_path):
    """Ridge regression stands among seeded scorers with an empty seed."""
    rows, _ = found(
        tmp_path, {"seed": [np.nan, 0], "kind": ["ridge", "forest"], "value": [0.5, 0.4]}, where={"kind": "ridge"}
    )
    assert [(row["seed"], row["value"]) for row in rows] == [(None, 0.5)]


def test_sample_size_and_reasons_come_along(tmp_path):
    rows, _ = found(tmp_path, TABLE, where={"epoch": 1}, images="images", comparable="comparable")
    assert rows[0]["images"] == 7
    assert rows[0]["reasons"] == ["other images", "few"]


def test_rows_and_shares_are_counted(tmp_path):
    for count, value in (("rows", 4), ("share", 4 / 6)):
        rows, _ = found(tmp_path, TABLE, where={"kind": "a"}, value=None, seed=None, count=count)
        assert [row["value"] for row in rows] == [value]
        assert rows[0]["images"] == 6


def test_the_first_interval_with_numbers_counts(tmp_path):
    content = {"value": [0.5], "b_low": [np.nan], "b_high": [np.nan], "i_low": [0.4], "i_high": [0.7]}
    intervals = [{"over": over, "low": f"{over}_low", "high": f"{over}_high"} for over in ("b", "i")]
    (row,), _ = found(tmp_path, content, seed=None, intervals=intervals)
    assert (row["over"], row["ci95_low"], row["ci95_high"]) == ("i", 0.4, 0.7)


def test_no_row_is_a_reason_with_what_is_there(tmp_path):
    rows, why = found(tmp_path, TABLE, where={"kind": "c"})
    assert rows == [] and "no row has kind c; there are: a, b" in why


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": "valu"}, ["metric name", "'valu'", "seed, epoch, kind, value", "did you mean 'value'"]),
        ({"where": {"kinds": "a"}}, ["'kinds'", "did you mean 'kind'"]),
        ({"where": {"kind": "a"}}, ["4 rows", "one per seed", "`where`"]),
    ],
)
def test_a_bad_column_or_too_many_rows_name_entry_file_and_columns(tmp_path, changes, words):
    with pytest.raises(DataError) as error:
        found(tmp_path, TABLE, **changes)
    for word in [*words, ".csv"]:
        assert word in str(error.value)


def test_json_files_are_read_by_keys_with_dots(tmp_path):
    paths = []
    for seed in (0, 1):
        paths.append(tmp_path / f"{seed}.json")
        paths[-1].write_text(json.dumps({"parameters": {"generator": 10 + seed, "encoder": 5}, "steps": 3}))
    entry = {**ENTRY, "table": "a/seed{seed}/cost.json", "seed": None}
    for key, values in (("parameters.generator", [10, 11]), ("parameters", [15, 16]), ("steps", [3, 3])):
        rows, _ = values_of({**entry, "value": key}, paths, [0, 1], "name")
        assert [(row["seed"], row["value"]) for row in rows] == list(enumerate(values))

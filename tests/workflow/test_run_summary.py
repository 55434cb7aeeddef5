"""The summary of a finished run: no entry of the ledger is dead, and bad entries end before any work."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from galaxies.ledger import load_claims, load_ledger, metrics_of

PROJECT = Path(__file__).parents[2]
SCHEMAS = PROJECT / "workflow/schemas"
LEDGER = load_ledger(PROJECT / "config/metrics.yaml", SCHEMAS / "metrics.schema.yaml")
CLAIMS = load_claims(PROJECT / "config/claims.yaml", SCHEMAS / "claims.schema.yaml")
LEFT_OUT = "the run does not include "
EXPECTED = {  # what the tiny run cannot have, though it includes the experiment
    "galaxy_zoo_cnn.val_rmse_epoch_10.": "no row has epoch 10",
    "morpho_gan.step_ratio": "the run does not make morpho_gan/step_cost.csv",  # without the reference
    "intergalactic_vae_cnn.iterations_to_convergence.": "undefined",  # it has not converged
}

pytestmark = pytest.mark.slow


def read(finished, name):
    return pd.read_csv(finished.folder / f"results/tiny/summary/{name}.csv", keep_default_na=False, na_values=[""])


def test_every_metric_has_values_or_a_reason_that_is_expected(finished):
    found = set(read(finished, "metrics")["metric"])
    missing = read(finished, "metrics_missing").set_index("metric")["reason"]
    assert found | set(missing.index) == set(LEDGER["metrics"])
    for name, reason in missing.items():
        words = next((words for start, words in EXPECTED.items() if name.startswith(start)), LEFT_OUT)
        assert words in reason or reason.startswith(LEFT_OUT), (name, reason)


def test_what_the_tiny_run_leaves_out_has_siblings_that_it_makes(finished):
    """So that the file and the columns of every metric have been read."""
    found = {(m["paper"], m["table"], m["value"]) for n, m in LEDGER["metrics"].items() if n in made(finished)}
    lengths = {(paper, Path(table or "").name, value) for paper, table, value in found}
    for name, metric in LEDGER["metrics"].items():
        if name.startswith(tuple(EXPECTED)) or metric["setting"]:
            continue
        assert (metric["paper"], Path(metric["table"]).name, metric["value"]) in lengths, name


def made(finished):
    return set(read(finished, "metrics")["metric"])


def test_every_published_value_and_every_claim_is_there(finished):
    comparison, claims = read(finished, "comparison"), read(finished, "claims")
    reported = pd.read_csv(PROJECT / "config/reported.csv", dtype=str)
    assert len(comparison) == reported["source_section"].str.startswith("paper:").sum()
    assert set(comparison["verdict"]) <= {"not comparable", "as configured"}  # simulated data
    assert set(claims["claim"]) == set(CLAIMS)
    tested = claims[claims["comparison_verdict"] != "not tested"]
    assert len(tested) > 30 and set(tested["data"]) == {"simulated"}
    missing = set(read(finished, "metrics_missing")["metric"])
    for name, rows in claims.groupby("claim"):
        names = {metric for comparison in CLAIMS[name]["comparisons"] for metric in metrics_of(comparison)}
        assert (rows["comparison_verdict"] == "not tested").any() == bool(names & missing), name


@pytest.mark.parametrize("kind", ["comparison", "claims"])
def test_papers_with_values_or_claims_have_a_figure_of_them_and_others_none(finished, kind):
    figures = (finished.folder / "results/tiny/summary").glob(f"{kind}_*.png")
    assert {path.stem.removeprefix(f"{kind}_") for path in figures} == set(read(finished, kind)["paper"])
    assert "morphology_classifier" in yaml.safe_load((finished.folder / "tiny.yaml").read_text())["papers"]


def test_every_quantity_of_generators_has_a_value_somewhere(finished):
    table = read(finished, "generators")
    assert set(table.loc[table["mean"].notna(), "quantity"]) == set(LEDGER["generators"])
    assert table.loc[table["mean"].isna(), "reason"].notna().all()
    pairs = {("two_in_one", "two_in_one"), ("intergalactic_vae_cnn", "dcgan"), ("morpho_gan", "dcgan")}
    assert pairs <= set(zip(table["paper"], table["experiment"], strict=True))


BAD = [
    ("metrics.yaml", lambda c: c["metrics"]["two_in_one.keep_above"].update(paper="two"), ["no paper", "'two'"]),
    (
        "metrics.yaml",
        lambda c: c["metrics"]["two_in_one.{quantity}"].update(table="score_statistic.csv"),
        ["no rule makes", "score_statistic.csv", "did you mean 'score_statistics.csv'"],
    ),
    (
        "claims.yaml",
        lambda c: c["galaxy_zoo_cnn_late_drop"]["comparisons"][1].update(
            less=["galaxy_zoo_cnn.rmse", "galaxy_zoo_cnn"]
        ),
        ["galaxy_zoo_cnn_late_drop", "no metric has the name 'galaxy_zoo_cnn.rmse'"],
    ),
]


@pytest.mark.parametrize(("file", "change", "words"), BAD)
def test_a_bad_entry_ends_before_any_work(checkout, file, change, words):
    path = checkout.folder / "config" / file
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    result = checkout.snakemake("--dry-run")
    assert result.returncode != 0
    for word in words:
        assert word in result.stdout
    assert "Traceback" not in result.stdout
    assert not (checkout.folder / "results").exists()

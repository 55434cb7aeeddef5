"""Cost of training steps: which experiments are compared, and what the table says."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from test_config import EXPERIMENTS, SCHEMA

import measure_step_cost
from galaxies.config import published_config
from galaxies.errors import ConfigError, TrainingError
from galaxies.stats import median_interval
from galaxies.step_cost import peak_memory

pytestmark = pytest.mark.usefixtures("one_thread")
SETTINGS = {"size": 32, "channels": 1, "compute": {"device": "cpu", "log_seconds": 1}, "threads": 1, "seed": 0}
COMPARED = {"reference": "dist_gan", "model": "morpho_gan"}


@pytest.fixture
def experiments():
    """The published ones with small networks."""
    published = published_config("morpho_gan", EXPERIMENTS, SCHEMA)["experiments"]
    chosen = {name: published[name] for name in ("dcgan", "dist_gan", "morpho_gan")}
    for settings in chosen.values():
        settings["batch_size"] = 4
        for network in settings["networks"].values():
            network["width"] = 2
    return chosen


def test_table_of_two_comparisons(experiments, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(measure_step_cost, "peak_memory", lambda experiment, **rest: seen.append(experiment) or 1000)
    measure_step_cost.main(tmp_path / "cost.csv", experiments=experiments, steps=6, **COMPARED, **SETTINGS)
    table = pd.read_csv(tmp_path / "cost.csv")
    assert table["comparison"].to_list() == ["same networks"] * 3 + ["as configured"] * 3
    assert table["model"].to_list() == ["dcgan", "dist_gan", "morpho_gan"] * 2
    assert table["images_per_step"].to_list() == [4, 12, 12] * 2
    reference = table[table["model"] == "dist_gan"]
    assert (reference[["ratio_to_reference", "ratio_ci95_low", "ratio_ci95_high"]] == 1).all(axis=None)
    assert (table["ratio_ci95_low"] <= table["ratio_to_reference"]).all()
    assert (table["ratio_to_reference"] <= table["ratio_ci95_high"]).all()
    assert (table["seconds_per_step"] > 0).all()
    same, configured = seen[:3], seen[3:]
    ours = experiments["morpho_gan"]["networks"]
    assert [model["networks"] for model in same[1:]] == [ours, ours]
    assert same[0]["networks"] == {name: ours[name] for name in ("generator", "discriminator")}
    assert same[1]["penalty"]["kind"] == "interpolated"
    assert configured == list(experiments.values())


@pytest.mark.slow
def test_memory_grows_with_the_networks(experiments):
    small, large = experiments["dist_gan"], experiments["morpho_gan"]
    for network in large["networks"].values():
        network["width"] = 48
    settings = {**SETTINGS, "compute": {"device": "cpu"}}
    peaks = [peak_memory(experiment, **settings) for experiment in (small, large)]
    # weights, gradients and two moments of Adam (three for a generator with two optimisers), float32
    weights = 48 * 48 * (2 + 8) * 25 * 3 * 4 * 4
    assert peaks[1] - peaks[0] > weights


@pytest.mark.slow
def test_a_process_that_fails_says_why(experiments):
    with pytest.raises(TrainingError, match=r"dcgan failed.*power of two"):
        peak_memory(experiments["dcgan"], **{**SETTINGS, "size": 33, "compute": {"device": "cpu"}})


def test_incomplete_questions_are_refused(experiments, tmp_path):
    with pytest.raises(ConfigError, match="steps is 5"):
        measure_step_cost.main(tmp_path / "cost.csv", experiments=experiments, steps=5, **COMPARED, **SETTINGS)
    del experiments["dist_gan"]
    with pytest.raises(ConfigError, match="'dist_gan'"):
        measure_step_cost.main(tmp_path / "cost.csv", experiments=experiments, steps=6, **COMPARED, **SETTINGS)


@pytest.mark.parametrize("n", [6, 7, 20, 101])
def test_interval_of_the_median_is_the_narrowest_by_ranks_that_covers_95_percent(n):
    low, high = median_interval(np.random.default_rng(0).permutation(n))
    assert low + high == n - 1
    below = binom(n, 0.5)  # number of values below the median; as many as `low` or fewer, or more than `high`: missed
    assert below.cdf(low) + below.sf(high) <= 0.05
    assert below.cdf(low + 1) + below.sf(high - 1) > 0.05
    with pytest.raises(ValueError, match="six"):
        median_interval(np.arange(5))

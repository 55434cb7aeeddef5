"""What may be judged against the paper, and what not."""

from pathlib import Path

import pytest

from galaxies.comparison import origin_note, reasons_against, same_quantity
from galaxies.config import deep_merge, published_config
from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS
from galaxies.experiments import differences

PROJECT = Path(__file__).parents[2]
PUBLISHED_ORIGIN = {
    "simulated": False,
    "rows": 61578,
    "columns": {column: {"kind": "vote_fraction"} for column in COLUMNS},
    "labels": [{"file": "training_solutions_rev1.zip"}],
}


def test_published_data_at_published_settings_may_be_judged():
    assert reasons_against(PUBLISHED_ORIGIN, []) == []
    assert origin_note(PUBLISHED_ORIGIN, []) == "Real images."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"simulated": True}, "simulated data"),
        ({"rows": 61577}, "61577 of the 61578"),
        ({"labels": [{"file": "my_debiased.csv"}]}, "my_debiased.csv"),
        ({"columns": {column: {"kind": "numeric"} for column in COLUMNS}}, "other targets"),
        ({"columns": {"spiral": {"kind": "numeric"}}}, "other targets"),
    ],
)
def test_other_data_may_not(change, reason):
    origin = PUBLISHED_ORIGIN | change
    assert any(reason in text for text in reasons_against(origin, []))
    assert "not comparable" in origin_note(origin, [])


def test_targets_decide_whether_published_values_are_drawn():
    assert same_quantity(PUBLISHED_ORIGIN | {"simulated": True})
    assert not same_quantity(PUBLISHED_ORIGIN | {"columns": {"spiral": {"kind": "numeric"}}})


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ({"epochs": 6}, "epochs 6 (published 20)"),
        ({"network": {"pretrained": "none"}}, "network pretrained none (published imagenet)"),
        ({"network": {"bn_momentum": 0.1}}, "network bn momentum 0.1 (published 0.01)"),
        ({"augmentation": {"zoom": [1, 1]}}, "augmentation zoom 1-1 (published 0.8-1.2)"),
    ],
)
def test_each_changed_setting_is_named(override, text):
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    published = published_config("galaxy_zoo_cnn", PROJECT / "config/experiments", schema)["experiments"]["approach4"]
    assert differences(deep_merge(published, override), published) == [text]

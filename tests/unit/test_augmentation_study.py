"""The grid of the augmentation experiment: which trainings it has, and what each is given."""

from copy import deepcopy

import pytest

from galaxies.augmentation_study import check_generators, check_study, expanded, grid, saw_validation
from galaxies.errors import ConfigError

GAN = {
    "method": "conditional_gan",
    "conditions": ["z"],
    "view": "full_50",
    "train_on": ["train"],
    "train_images": None,
    "steps": 7,
}
EXPERIMENTS = {"gan": GAN, "gan_all": {**GAN, "train_on": ["validation", "train"]}}
ARM = {"label": "an arm", "augmentation": {}, "real_images": True, "generator": None, "generated_per_real": 1}
ARM |= {"initialise_from": None, "sizes": None}
STUDY = {
    "target": "dwarf",
    "classifier": {"view": "full_50", "epochs": 5, "train_on": ["train"], "validate_on": "validation"},
    "sizes": [96, "all"],
    "baseline": "real",
    "question": {"arm": "leaked", "against": "flips", "text": "?"},
    "arms": {
        "real": {**ARM, "label": "a"},
        "flips": {**ARM, "label": "b", "augmentation": {"flip_vertical": True}},
        "only": {**ARM, "label": "c", "real_images": False, "generator": "gan"},
        "then_real": {**ARM, "label": "d", "initialise_from": "only"},
        "leaked": {**ARM, "label": "e", "real_images": False, "generator": "gan_all", "sizes": ["all"]},
        "leaked_then_real": {**ARM, "label": "f", "initialise_from": "leaked", "sizes": ["all"]},
    },
}


def test_every_arm_has_every_size_save_where_it_says_so():
    entries = [(entry["arm"], entry["size"]) for entry in grid(STUDY)]
    assert entries == [(arm, size) for arm in ("real", "flips", "only", "then_real") for size in (96, "all")] + [
        ("leaked", "all"),
        ("leaked_then_real", "all"),
    ]
    assert [entry["experiment"] for entry in grid(STUDY)][:2] == ["real_n96", "real"]


def test_arms_differ_in_their_images_alone():
    experiments = expanded({"augmentation": STUDY, "experiments": EXPERIMENTS})
    differ = {"augmentation", "real_images", "generator", "generated_per_real", "initialise_from", "train_images"}
    for arm in STUDY["arms"]:
        shared = {key: value for key, value in experiments[arm].items() if key not in differ}
        assert shared == {
            "method": "classification",
            "view": "full_50",
            "epochs": 5,
            "target": "dwarf",
            "train_on": ["train"],
            "validate_on": "validation",
        }


def test_a_smaller_size_has_its_own_generator_of_the_same_images():
    experiments = expanded({"augmentation": STUDY, "experiments": EXPERIMENTS})
    assert experiments["only_n96"]["generator"] == "gan_n96"
    assert experiments["gan_n96"] == {**GAN, "train_images": 96}
    assert experiments["only_n96"]["train_images"] == experiments["gan_n96"]["train_images"]
    assert experiments["only"]["generator"] == "gan"
    assert experiments["gan"] == GAN
    assert experiments["then_real_n96"]["initialise_from"] == "only_n96"


def test_leaks_are_found_also_through_pre_training():
    leaked = [arm for arm in STUDY["arms"] if saw_validation(STUDY, EXPERIMENTS, arm)]
    assert leaked == ["leaked", "leaked_then_real"]


def change(path, value):
    study = deepcopy(STUDY)
    *parents, last = path
    node = study
    for key in parents:
        node = node[key]
    node[last] = value
    return study


def test_a_sound_study_passes():
    check_study("augmentation", STUDY, EXPERIMENTS)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["baseline"], "reel", ["baseline", "'reel'", "real, flips"]),
        (["question", "against"], "none", ["question.against", "'none'"]),
        (["sizes"], [96], ["baseline", "'all'"]),
        (["arms", "real", "sizes"], [96], ["baseline", "'all'"]),
        (["arms", "only", "sizes"], [50], ["arms.only.sizes", "50"]),
        (["arms", "only", "generator"], "flips", ["arms.only.generator", "'flips'", "gan, gan_all"]),
        (["arms", "leaked", "sizes"], None, ["arms.leaked", "gan_all", "validation and train", "96"]),
        (["arms", "only", "generator"], None, ["arms.only", "neither real images nor a generator"]),
        (["arms", "only", "initialise_from"], "then_real", ["circle", "only -> then_real -> only"]),
        (["arms", "then_real", "initialise_from"], "leaked", ["then_real.initialise_from", "leaked has no size 96"]),
        (["arms", "gan"], ARM, ["'gan'", "several trainings"]),
        (["arms", "real_n96"], ARM, ["'real_n96'", "several trainings"]),
        (["arms", "gan_n96"], ARM, ["'gan_n96'", "several trainings"]),
        (["arms", "other"], {**ARM, "label": "a"}, ["'a'", "several arms"]),
        (["question", "arm"], "flips", ["question", "flips is compared with itself"]),
        (["arms", "real", "generated_per_real"], 2, ["arms.real.generated_per_real", "no generator"]),
        (["classifier", "view"], "crop32_32", ["arms.only.generator", "full_50", "crop32_32"]),
    ],
)
def test_what_does_not_fit_is_named(path, value, words):
    with pytest.raises(ConfigError) as error:
        check_study("augmentation", change(path, value), EXPERIMENTS)
    for word in words:
        assert word in str(error.value)


def test_a_generator_of_few_images_is_refused():
    """The sizes of the study decide; a number of its own would be passed over."""
    experiments = {**EXPERIMENTS, "gan": {**GAN, "train_images": 20}}
    with pytest.raises(ConfigError, match="train_images 20"):
        check_study("augmentation", STUDY, experiments)


@pytest.mark.parametrize(
    ("experiments", "examples", "words"),
    [
        ({"gan_all": {**GAN, "view": "full_64"}}, [{"z": 1.0}], "gan has view full_50, gan_all has full_64"),
        ({"gan_all": {**GAN, "conditions": ["m"]}}, [{"z": 1.0}], "gan has conditions"),
        ({}, [{"z": 1.0}, {"mass": 1.0}], "example_conditions.1: labels mass; expected z"),
        ({}, [], "example_conditions: none"),
        ({"gan_all": {"method": "classification"}}, [{"z": 1.0}], "gan_all is a classifier"),
    ],
)
def test_generators_that_cannot_be_compared_are_refused(experiments, examples, words):
    known = {name: {**GAN, "conditions": ["z"]} for name in EXPERIMENTS}
    paper = {"include": ["gan", "gan_all"], "experiments": known | experiments, "example_conditions": examples}
    with pytest.raises(ConfigError, match=words):
        check_generators("papers.p", paper)

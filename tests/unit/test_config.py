"""Merging, defaults and messages of the configuration."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from galaxies.augmentation_study import expanded, grid
from galaxies.config import (
    deep_merge,
    label_differences,
    load_yaml,
    merged_config,
    published_config,
)
from galaxies.errors import ConfigError, DataError
from galaxies.experiments import describe, differences, experiments_of
from galaxies.reported import read_recorded_rows, read_reported, read_rows

PROJECT = Path(__file__).parents[2]
EXPERIMENTS = PROJECT / "config/experiments"
SCHEMA = PROJECT / "workflow/schemas/config.schema.yaml"
MINIMAL = {"run": "test", "data": {"gz2_kaggle": {"source": "simulated"}}, "papers": {"galaxy_zoo_cnn": None}}


def merge(overrides: dict) -> dict:
    return merged_config(deep_merge(MINIMAL, overrides), EXPERIMENTS, SCHEMA)


def two_in_one(**paper: dict) -> dict:
    """Star fields, and what is told of the paper about them."""
    simulated = {"source": "simulated", "simulate": {"labeled": 60, "scored": 240, "query": 6}}
    return {"data": {"cil_cosmology": simulated}, "papers": {"two_in_one": paper}}


def experiment(override: dict) -> dict:
    return {"papers": {"galaxy_zoo_cnn": {"experiments": {"approach1": override}}}}


@pytest.mark.parametrize("name", ["config", "paper", "sample"])
def test_shipped_runs_are_valid(name):
    overrides = load_yaml(PROJECT / f"config/{name}.yaml")
    config = merged_config(overrides, EXPERIMENTS, SCHEMA)
    assert config["run"] == {"config": "demo"}.get(name, name)


def test_run_without_overrides_has_the_published_settings():
    config = merge({})
    published = published_config("galaxy_zoo_cnn", EXPERIMENTS, SCHEMA)
    assert config["papers"]["galaxy_zoo_cnn"] == published
    for name, settings in published["experiments"].items():
        assert differences(config["papers"]["galaxy_zoo_cnn"]["experiments"][name], settings) == []


def test_override_replaces_one_leaf_and_keeps_its_neighbours():
    config = merge(experiment({"optimiser": {"learning_rate": 0.5}}))
    settings = config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach1"]
    assert settings["optimiser"] == {"name": "adamax", "learning_rate": 0.5, "betas": [0.9, 0.999], "epsilon": 1e-7}
    reference = published_config("galaxy_zoo_cnn", EXPERIMENTS, SCHEMA)["experiments"]["approach1"]
    assert differences(settings, reference) == ["optimiser learning rate 0.5 (published 0.001)"]


def test_another_architecture_replaces_the_whole_network():
    config = merge(experiment({"network": {"architecture": "resnet50", "pretrained": "none"}}))
    network = config["papers"]["galaxy_zoo_cnn"]["experiments"]["approach1"]["network"]
    assert network["architecture"] == "resnet50"
    assert "filters" not in network


def test_papers_of_a_run_are_those_that_it_names():
    assert merged_config({**MINIMAL, "papers": {}}, EXPERIMENTS, SCHEMA)["papers"] == {}


def test_values_of_the_command_line_come_as_text():
    """`--config seeds='[0]'` reaches the workflow as ['0']."""
    changes = {"seeds": ["0", "3"], "downloads_as_jobs": "true", "data": {"gz2_kaggle": {"shard_images": "50"}}}
    config = merge(changes | {"compute": {"log_seconds": "2.5"}})
    assert config["seeds"] == [0, 3]
    assert config["downloads_as_jobs"] is True
    assert config["data"]["gz2_kaggle"]["shard_images"] == 50
    assert config["compute"]["log_seconds"] == 2.5
    assert merge({"run": "2026"})["run"] == "2026"  # where text is wanted it stays text


def test_null_takes_a_published_set_away():
    data = {"cil_cosmology": {"source": "simulated"}}
    split = {"sizes": {"labeled_train": None, "labeled_validation": None, "scored_train": 100}}
    config = merge({"data": data, "papers": {"two_in_one": {"include": [], "split": split}}})
    assert config["papers"]["two_in_one"]["split"]["sizes"] == {"scored_validation": 96, "scored_train": 100}


def test_a_data_set_with_a_name_of_its_own_has_the_keys_and_defaults_of_its_layout():
    labels = [{"file": "color_mass.csv", "kind": "colour_mass", "mass_column": "mass"}]
    settings = {"layout": "gz2_kaggle", "source": "local", "path": "a", "labels": labels, "shard_images": "50"}
    data = merge({"data": {"colours": settings, "other": {"layout": "cil_cosmology", "source": "simulated"}}})["data"]
    assert [data[name]["layout"] for name in data] == ["gz2_kaggle", "gz2_kaggle", "cil_cosmology"]
    assert data["colours"]["labels"] == labels
    assert data["colours"]["frame"] == data["gz2_kaggle"]["frame"] == 424
    assert data["colours"]["shard_images"] == 50  # from the command line
    assert data["gz2_kaggle"]["labels"] == [{"file": "training_solutions_rev1", "kind": "solutions"}]
    assert data["other"]["simulate"]["scored"] == 9600


def test_a_paper_takes_any_configured_data_set():
    data = {"colours": {"layout": "gz2_kaggle", "source": "simulated"}}
    config = merge({"data": data, "papers": {"galaxy_zoo_cnn": {"dataset": "colours"}}})
    assert config["papers"]["galaxy_zoo_cnn"]["dataset"] == "colours"


def with_data(name, **settings):
    return {"data": {name: {"source": "local", "path": "a"} | settings}}


CLASSES = {"same_files_as": "gz2_kaggle", "labels": [{"file": "training_solutions_rev1", "kind": "five_classes"}]}


@pytest.mark.parametrize(
    "files",
    [
        {"source": "simulated", "simulate": {"images": 20_000, "seed": 4}},
        {"source": "local", "path": "somewhere", "frame": 423, "images": "pictures"},
    ],
)
def test_a_data_set_takes_the_files_of_another_and_has_labels_of_its_own(files):
    overrides = {"data": {"gz2_kaggle": {**files, "views": ["full_64"]}, "classes": {**CLASSES, "unmatched": "drop"}}}
    data = merge(overrides)["data"]
    ours, other = data["classes"], data["gz2_kaggle"]
    for key in ("layout", "source", "path", "images", "frame", "simulate"):
        assert ours[key] == other[key]
    assert ours["labels"] == CLASSES["labels"]
    assert (ours["unmatched"], other["unmatched"], ours["views"]) == ("drop", "error", [])
    again = merge({"data": data})["data"]  # what a run writes beside its results is a configuration, too
    assert again == data


def classifier(**paper):
    """Overrides of a run with the morphology classifier."""
    return {"data": {"gz2_classes": CLASSES}, "papers": {"morphology_classifier": paper}}


def test_the_morphology_classifier_is_the_published_one():
    paper = merge(classifier())["papers"]["morphology_classifier"]
    assert paper == published_config("morphology_classifier", EXPERIMENTS, SCHEMA)
    settings = paper["experiments"]["resnet26"]
    assert settings["optimiser"] == {
        "name": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 0,
    }
    assert settings["inputs"]["frame"] == 424
    assert settings["classes"] is None


def test_an_optimiser_of_another_name_replaces_the_whole_one():
    config = merge(classifier(experiments={"resnet26": {"optimiser": {"name": "adam", "learning_rate": 0.001}}}))
    optimiser = config["papers"]["morphology_classifier"]["experiments"]["resnet26"]["optimiser"]
    assert optimiser == {"name": "adam", "learning_rate": 0.001, "betas": [0.9, 0.999]}


def inputs(**change):
    return classifier(experiments={"resnet26": {"inputs": change}})


def test_fractions_of_a_split_may_come_from_the_command_line():
    sizes = merge(classifier(split={"sizes": {"test": "0.25"}}))["papers"]["morphology_classifier"]["split"]["sizes"]
    assert sizes == {"test": 0.25, "train": "rest"}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"data": {"classes": {"same_files_as": "gz2_kagle"}}}, ["data.classes.same_files_as", "mean 'gz2_kaggle'?"]),
        ({"data": {"classes": {"same_files_as": ["gz2_kaggle"]}}}, ["data.classes.same_files_as", "gz2_kaggle"]),
        (
            {"data": {"classes": CLASSES, "more": {"same_files_as": "classes"}}},
            ["data.more.same_files_as", "classes itself", "write gz2_kaggle here"],
        ),
        ({"data": {"classes": {"same_files_as": "classes"}}}, ["data.classes.same_files_as", "itself"]),
        ({"data": {"classes": {**CLASSES, "source": "local"}}}, ["data.classes.source", "'local'", "data.gz2_kaggle"]),
        ({"data": {"classes": {**CLASSES, "frame": 400}}}, ["data.classes.frame", "400", "leave frame to"]),
        ({"data": {"classes": {**CLASSES, "layout": "hsc_cosmos"}}}, ["data.classes.layout", "'hsc_cosmos'"]),
        ({"data": {"classes": {**CLASSES, "label": []}}}, ["data.classes", "'label'", "'labels'"]),
        (with_data("gz2_kaggle", labels=[{"file": "a", "kind": "five_classes", "column": "b"}]), ["'column'"]),
        (
            with_data(
                "gz2_kaggle", labels=[{"file": "t", "kind": "numeric", "column": "b", "classes": {"a": [1], "c": [2]}}]
            ),
            ["'classes'", "numeric"],
        ),
        (
            with_data("gz2_kaggle", labels=[{"file": "a", "kind": "class", "column": "b", "classes": {"a": [1]}}]),
            ["labels.0.classes"],
        ),
        ({"papers": {"morphology_classifier": None}}, ["morphology_classifier.dataset", "gz2_classes"]),
        (classifier(not_in_paper=["resnet"]), ["not_in_paper", "'resnet'", "'resnet26'"]),
        (classifier(split={"sizes": {"test": 1.5}}), ["split.sizes.test", "1.5"]),
        (classifier(split={"sizes": {"test": None}}), ["no 'test'", "resnet26"]),
        (classifier(experiments={"resnet26": {"optimiser": {"betas": [0, 0]}}}), ["optimiser", "'betas'"]),
        (classifier(experiments={"resnet26": {"optimiser": {"name": "sdg"}}}), ["optimiser.name", "'sdg'", "'sgd'"]),
        (classifier(experiments={"resnet26": {"decay": {"evry": 3}}}), ["decay", "'evry'", "'every'"]),
        (classifier(experiments={"resnet26": {"view": "crop200_64"}}), ["resnet26.inputs", "241", "crop200_64"]),
        (inputs(crop=[200, 190]), ["inputs.crop", "200", "190"]),
        (inputs(contrast=[2, 1]), ["inputs.contrast", "2", "1"]),
        (inputs(size=90), ["size 90", "resized 80"]),
        (
            classifier(experiments={"resnet26": {"view": "full_128", "inputs": {"frame": 423}}}),
            ["inputs.frame", "423", "gz2_classes.frame is 424"],
        ),
    ],
)
def test_bad_classifiers_and_shared_files_are_refused(overrides, words):
    with pytest.raises(ConfigError) as caught:
        merge(overrides)
    for word in words:
        assert word in str(caught.value)


def test_merging_leaves_its_arguments_alone():
    base, overrides = {"a": {"b": [1], "c": 2}}, {"a": {"b": [3]}}
    merged = deep_merge(base, overrides)
    merged["a"]["b"].append(4)
    assert base == {"a": {"b": [1], "c": 2}}
    assert overrides == {"a": {"b": [3]}}
    assert merged == {"a": {"b": [3, 4], "c": 2}}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"sed": [1]}, ["unknown key 'sed'", "'seeds'"]),
        ({"seeds": []}, ["seeds"]),
        ({"seeds": [-1]}, ["seeds.0", "-1"]),
        ({"seeds": [1, 1]}, ["seeds", "non-unique"]),
        ({"seeds": [1.0]}, ["seeds.0", "1.0", "integer"]),
        (experiment({"epochs": 3.0}), ["approach1.epochs", "3.0", "integer"]),
        ({"images": 2024}, ["images", "2024", "./ before"]),
        (
            two_in_one(split={"sizes": {"scored_validation": "rest"}}),
            ["and scored_train both take"],
        ),
        (two_in_one(split={"sizes": {"few": 3}}), ["split.sizes", "'few'", "labeled, scored"]),
        (two_in_one(split={"sizes": {5: 5}}), ["split.sizes", "5"]),
        (two_in_one(split={"seed": 2**40}), ["split.seed", str(2**40), "at most 4294967295"]),
        (
            two_in_one(experiments={"two_in_one": {"validate_on": "labeled_validation"}}),
            ["two_in_one.validate_on", "'labeled_validation' have no score"],
        ),
        ({"run": "a/b"}, ["run", "a/b"]),
        (experiment({"epoch": 1}), ["approach1", "'epoch'", "'epochs'"]),
        (experiment({"epochs": "many"}), ["epochs", "'many'", "integer"]),
        (experiment({"network": {"filtres": [1]}}), ["'filtres'", "'filters'"]),
        (experiment({"network": {"architecture": "cnm"}}), ["architecture", "'cnm'", "'cnn'"]),
        (experiment({"network": {"dense": [5, 5]}}), ["dense has 2", "dropout 1"]),
        (experiment({"view": "crop_70"}), ["view", "crop_70"]),
        (experiment({"augmentation": {"zoom": [2, 1]}}), ["zoom", "2", "1"]),
        ({"papers": {"galaxy_zoo_cnn": {"include": ["approach9"]}}}, ["include", "'approach9'"]),
        ({"papers": {"galaxy_zoo": {}}}, ["'galaxy_zoo'", "'galaxy_zoo_cnn'"]),
        ({"papers": {"galaxy_zoo_cnn": {"experiments": {"aproach1": {}}}}}, ["'aproach1'", "'approach1'"]),
        ({"papers": {"galaxy_zoo_cnn": {"split": {"sizes": {"train": 10**6}}}}}, ["split.sizes", "1004000"]),
        ({"papers": []}, ["papers", "[]"]),
        ({"data": {"gz2_kaggle": {"source": "local"}}}, ["data.gz2_kaggle.path"]),
        ({"data": {"gz2": {"source": "local"}}}, ["'gz2'", "gz2_kaggle"]),
        (
            {"data": {"gz2_kagle": {"source": "local"}}},
            ["'gz2_kagle'", "mean 'gz2_kaggle'?", "new name needs", "`layout`"],
        ),
        ({"data": {"gz2_kagle": None}}, ["'gz2_kagle'", "mean 'gz2_kaggle'?", "`layout`"]),
        (with_data("colours", layout="gz2_kagle"), ["data.colours.layout", "'gz2_kagle'", "mean 'gz2_kaggle'?"]),
        (with_data("colours", layout=["gz2_kaggle"]), ["data.colours.layout", "['gz2_kaggle']", "mean 'gz2_kaggle'?"]),
        (with_data("gz2_kaggle", layout="hsc_cosmos"), ["data.gz2_kaggle.layout", "'hsc_cosmos'", "gz2_kaggle"]),
        (with_data("a/b", layout="gz2_kaggle"), ["data", "'a/b'"]),
        (with_data(5, layout="gz2_kaggle"), ["data", "5", "string"]),
        (with_data("colours", layout="gz2_kaggle", frames=9), ["data.colours", "'frames'", "'frame'"]),
        (with_data("stamps", layout="hst_cosmos", source="simulated"), ["data.stamps.source", "'simulated'"]),
        (with_data("cutouts", layout="hsc_cosmos", views=["full_25"]), ["data.cutouts.views", "full_50"]),
        (with_data("cutouts", layout="hsc_cosmos", source="simulated", frame=64), ["data.cutouts.frame", "50 pixels"]),
        ({"papers": {"galaxy_zoo_cnn": {"dataset": "gz2_kagle"}}}, ["dataset", "'gz2_kagle'", "mean 'gz2_kaggle'?"]),
        (
            with_data("gz2_kaggle", labels=[{"file": "a", "kind": "colour_mass", "column": "b"}]),
            ["'column'", "colour_mass"],
        ),
        (with_data("gz2_kaggle", labels=[{"file": "a", "kind": "class", "column": "b", "range": [0, 2]}]), ["'range'"]),
        ({"data": {"gz2_kaggle": {"labels": [{"file": "a", "kind": "colour_mass"}]}}}, ["only source local"]),
        ({"data": {"gz2_kaggle": {"labels": [{"file": "a.csv", "kind": "class"}]}}}, ["labels.0", "'column'"]),
        (experiment({"view": "crop500_70"}), ["approach1.view", "500", "424"]),
        (
            experiment({"view": "crop250_7"}),
            ["approach1.view: crop250_7 does not fit network", "block 2", "fewer filters"],
        ),
        (experiment({"network": {"kernel_size": 4}}), ["approach1.network.kernel_size: found 4", "odd"]),
        (experiment({"optimiser": {"learning_rate": "1e-3"}}), ["learning_rate", "'1e-3'", "1.0e-3"]),
        ({"data": {"gz2_kaggle": {"labels": [{"file": "a", "kind": "solutions", "column": "b"}]}}}, ["'column'"]),
        ({"compute": {"device": "gpu"}}, ["compute.device", "'gpu'"]),
        ({"compute": {"threads": 0}}, ["compute.threads: found 0, expected at least 1"]),
        ({"compute": {"log_seconds": 0}}, ["compute.log_seconds: found 0, expected more than 0"]),
        (with_data("hst_cosmos", source="download"), ["data.hst_cosmos.source", "known: local"]),
        (with_data("gz2_kaggle", path="a/{b}"), ["data.gz2_kaggle.path", "braces"]),
        (with_data("gz2_kaggle", source="simulated", frame=100), ["data.gz2_kaggle.frame", "424 pixels"]),
        (with_data("cil_cosmology", views=["pooled_64"]), ["data.cil_cosmology.views", "500, 250, 125, 63"]),
        (with_data("cil_cosmology", views=["histogram_300"]), ["histogram_300", "256"]),
        (with_data("cil_cosmology", views=["full_1001"]), ["full_1001", "not enlarged"]),
        (with_data("gz2_kaggle", views=["pooled_53"]), ["data.gz2_kaggle.views", "full, crop"]),
        (with_data("hsc_cosmos", views=["full_25"]), ["full_25", "not resampled", "full_50"]),
        (with_data("hst_cosmos", views=["crop64_32"]), ["crop64_32", "crop32_32"]),
        (with_data("hsc_cosmos", views=["ful_50"]), ["data.hsc_cosmos.views", "ful_50"]),
        ({"papers": {"two_in_one": None}}, ["papers.two_in_one.dataset", "cil_cosmology"]),
        ({"papers": {"galaxy_zoo_cnn": {"split": {"sizes": {"test": None}}}}}, ["no 'test'", "approach1"]),
        ({"papers": {"galaxy_zoo_cnn": {"split": {"sizes": {"test": 0}}}}}, ["split.sizes.test", "0"]),
    ],
)
def test_bad_configuration_names_key_and_remedy(overrides, words):
    with pytest.raises(ConfigError) as caught:
        merge(overrides)
    for word in words:
        assert word in str(caught.value)


def test_a_bad_key_of_the_published_settings_is_told_to_be_there(tmp_path):
    for path in EXPERIMENTS.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "galaxy_zoo_cnn.yaml"
    path.write_text(path.read_text().replace("epochs:", "epoch:", 1))
    words = rf"{path} is not valid:(.|\n)*  experiments\.approach1: unknown key 'epoch'; did you mean 'epochs'"
    with pytest.raises(ConfigError, match=words):
        merged_config(MINIMAL, tmp_path, SCHEMA)
    with pytest.raises(ConfigError, match=r"the configuration is not valid:\n  top level: unknown key 'sed'"):
        merged_config({**MINIMAL, "sed": 1}, EXPERIMENTS, SCHEMA)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_published_settings_are_told_of_only_if_they_are_bad(path):
    """A mistake of the run is one of the run, in whatever paper."""
    with pytest.raises(ConfigError, match="the configuration is not valid:\n  top level: unknown key 'sed'"):
        merged_config({**MINIMAL, "papers": {path.stem: None}, "sed": 1}, EXPERIMENTS, SCHEMA)


def test_broken_yaml_names_file_and_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [1\nb: 2\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml(.|\n)*line 2"):
        load_yaml(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", ["bad.yaml: line 3", "'a'", "line 1", "another name"]),
        ("data:\n  gz1: {source: local}\n  gz1: {source: local}\n", ["line 3", "'gz1'", "line 2"]),
        ("a: [{b: 1,\n  'b': 1}]\n", ["line 2", "'b'", "line 1"]),
        ("a: &a {b: 1, b: 2}\nc: {<<: *a, b: 3}\n", ["line 1", "'b'"]),
        ("c: {<<: &a {b: 1, b: 2}}\n", ["line 1", "'b'"]),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", ["line 4", "'<<'", "[*a, *b]"]),
    ],
)
def test_a_key_that_is_there_twice_is_refused(tmp_path, text, words):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_yaml(tmp_path / "bad.yaml")
    for word in words:
        assert word in str(caught.value)


def test_merged_keys_may_be_written_again_and_mappings_merged_more_than_once(tmp_path):
    text = "a: &a {b: 1}\nc: &c {<<: *a, b: 2}\nd: {<<: *c, b: 3}\ne: {<<: [*a, *c], f: 4}\ng: *c\n1: 5\n'1': 6\n"
    (tmp_path / "good.yaml").write_text(text)
    merged = {"a": {"b": 1}, "c": {"b": 2}, "d": {"b": 3}, "e": {"b": 1, "f": 4}, "g": {"b": 2}, 1: 5, "1": 6}
    assert load_yaml(tmp_path / "good.yaml") == merged


def test_yaml_that_is_absent_or_no_text_is_one_message(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_yaml(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml: not valid YAML"):
        load_yaml(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("dataset_split", "split"),
            ["line 1", "paper, experiment, split", "expected paper, experiment, dataset_split"],
        ),
        ((",0.55622,", ",abc,"), ["line 2", "value 'abc' is no number"]),
        ((",0.55622,", ",,"), ["line 2", "value ''"]),
        ((",0.55622,", ",nan,"), ["line 2", "value 'nan'"]),
        ((",0.55622,", ","), ["line 2", "6 fields, expected 7"]),
    ],
)
def test_bad_published_values_name_their_line(tmp_path, change, words):
    text = (PROJECT / "config/reported.csv").read_text()
    assert change[0] in text
    (tmp_path / "reported.csv").write_text(text.replace(*change, 1))
    with pytest.raises(DataError) as caught:
        read_rows(tmp_path / "reported.csv")
    for word in ["reported.csv", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((",notebook,", ",page,"), ["line 1", "repo, commit, page", "expected repo, commit, notebook"]),
        ((",2,0.6238,", ",two,0.6238,"), ["line 3", "epoch 'two' is no number"]),
        ((",0.6238,", ",inf,"), ["line 3", "train_loss 'inf' is no number"]),
        ((",0.6381\n", ",\n"), ["line 3", "val_loss ''"]),
        ((",0.6381\n", "\n"), ["line 3", "6 fields, expected 7"]),
    ],
)
def test_bad_recorded_curves_name_their_line(tmp_path, change, words):
    text = (PROJECT / "config/recorded_curves.csv").read_text()
    assert change[0] in text
    (tmp_path / "recorded_curves.csv").write_text(text.replace(*change, 1))
    with pytest.raises(DataError) as caught:
        read_recorded_rows(tmp_path / "recorded_curves.csv")
    for word in ["recorded_curves.csv", *words]:
        assert word in str(caught.value)


def test_recorded_curves_are_read_as_pandas_reads_them():
    path = PROJECT / "config/recorded_curves.csv"
    assert read_recorded_rows(path) == pd.read_csv(path, dtype=str).to_dict("records")


def test_published_values_are_read_as_pandas_reads_them():
    path = PROJECT / "config/reported.csv"
    assert read_rows(path) == read_reported(path, as_printed=True).to_dict("records")


CLASS_TABLE = {"file": "labels_a.csv", "kind": "class", "column": "b"}


@pytest.mark.parametrize(
    ("labels", "published", "texts"),
    [
        (None, "gz2_kaggle", []),
        ([{"file": "training_solutions_rev1.zip", "kind": "solutions"}], "gz2_kaggle", []),
        (CLASSES["labels"], "gz2_classes", []),
        (
            [CLASS_TABLE, {"file": "c", "kind": "numeric", "column": "d"}],
            "gz2_kaggle",
            ["labels class of labels a and numeric of c (published solutions of training solutions rev1)"],
        ),
        (
            None,
            "gz2_classes",
            ["labels solutions of training solutions rev1 (published five classes of training solutions rev1)"],
        ),
        ([CLASS_TABLE], "cil_cosmology", []),  # which the layout tells already
    ],
)
def test_other_label_tables_than_published_are_a_difference(labels, published, texts):
    settings = {"source": "local", "path": "a", **({"labels": labels} if labels else {})}
    data = merge({"data": {"gz2_kaggle": settings}})["data"]["gz2_kaggle"]
    assert label_differences(data, published, SCHEMA) == texts


def test_what_is_not_published_is_said_to_be_none():
    sizes = ({"sizes": {"test": 0.1, "train": 5}}, {"sizes": {"train": 4}})
    assert differences(*sizes) == ["sizes test 0.1 (published none)", "sizes train 5 (published 4)"]


@pytest.mark.parametrize("paper", [path.stem for path in EXPERIMENTS.glob("*.yaml")])
def test_what_is_set_apart_from_a_paper_exists(paper):
    settings = published_config(paper, EXPERIMENTS, SCHEMA)
    assert set(settings["not_in_paper"]) <= set(experiments_of(settings))


@pytest.mark.parametrize("paper", ["galaxy_zoo_cnn", "two_in_one", "intergalactic_vae_cnn"])
def test_every_published_experiment_names_a_reported_one(paper):
    reported = set(read_reported(PROJECT / "config/reported.csv", paper)["experiment"])
    names = {e["reported_as"] for e in published_config(paper, EXPERIMENTS, SCHEMA)["experiments"].values()}
    assert len(names) > 1
    assert names - {None} <= reported


def test_every_recorded_run_of_an_arm_is_a_reported_one():
    reported = set(read_reported(PROJECT / "config/reported.csv", "galaxy_cgan_augmentation")["experiment"])
    arms = published_config("galaxy_cgan_augmentation", EXPERIMENTS, SCHEMA)["augmentation"]["arms"]
    caveats = {name: caveat for arm in arms.values() for name, caveat in arm["reported_as"].items()}
    assert set(caveats) == {name for name in reported if name.startswith("classifier_")}
    assert [name for name, caveat in caveats.items() if not caveat] == ["classifier_real_run3"]


def test_label_says_what_was_run():
    experiments = published_config("galaxy_zoo_cnn", EXPERIMENTS, SCHEMA)["experiments"]
    assert describe(experiments["approach1"]) == "CNN 32-64-128-128, dense 512; full frame at 100 px"
    assert describe(experiments["approach4"]) == "ResNet-50 from ImageNet weights, dense 512; 250 px crop at 70 px"
    assert "from random weights" in describe(experiments["approach4_scratch"])


def test_every_key_is_documented():
    """config/README.md names every key of the schema."""
    text = (PROJECT / "config/README.md").read_text()

    def keys(node):
        for name, rule in node.get("properties", {}).items():
            yield name
            yield from keys(rule)
        for child in node.get("$defs", {}).values():
            yield from keys(child)

    papers = {path.stem for path in EXPERIMENTS.glob("*.yaml")}
    missing = {key for key in keys(load_yaml(SCHEMA)) if f"`{key}`" not in text} - papers
    assert not missing


def study(**paper: object) -> dict:
    """Overrides of a run with the augmentation experiment."""
    return {"data": {"hsc_cosmos": {"source": "simulated"}}, "papers": {"galaxy_cgan_augmentation": paper}}


def test_published_augmentation_experiment():
    """The card's grid: eleven arms, of which those with a generator that saw the validation images have one size."""
    paper = merge(study())["papers"]["galaxy_cgan_augmentation"]
    assert paper == published_config("galaxy_cgan_augmentation", EXPERIMENTS, SCHEMA)
    trainings = grid(paper["augmentation"])
    assert len(trainings) == 9 * 5 + 2
    assert paper["experiments"]["cgan"]["steps"] == 450 * 29
    assert expanded(paper)["gan_only_n96"]["generator"] == "cgan_train_only_n96"
    assert "reported_as" not in expanded(paper)["real"]


def steps(**change: object) -> dict:
    """Configuration of a run of Morpho-GAN whose comparison of steps is changed."""
    return {
        "data": {"gz2_classes": {"same_files_as": "gz2_kaggle"}},
        "papers": {"morpho_gan": {"step_cost": change}, "morphology_classifier": {}},
    }


def test_cost_of_steps_asks_nothing_of_what_a_run_leaves_out():
    config = steps(reference="dcgan")
    config["papers"]["morpho_gan"]["include"] = ["dcgan"]
    assert merge(config)["papers"]["morpho_gan"]["step_cost"] == {
        "reference": "dcgan",
        "model": "morpho_gan",
        "steps": 30,
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "morphogan"}, ["step_cost.model", "'morphogan'", "'morpho_gan'"]),
        ({"steps": 5}, ["step_cost.steps", "5"]),
        ({"reference": "dist_gan", "model": "dcgan"}, ["step_cost", "'encoder'", "exchange"]),
    ],
)
def test_bad_comparisons_of_steps_are_refused(change, words):
    with pytest.raises(ConfigError) as caught:
        merge(steps(**change))
    for word in words:
        assert word in str(caught.value)


def test_steps_of_other_views_or_with_labels_are_not_compared():
    config = steps()
    config["papers"]["morpho_gan"]["experiments"] = {"dist_gan": {"view": "crop256_64"}}
    with pytest.raises(ConfigError, match="step_cost: the reference has view crop256_64, the model crop256_128"):
        merge(config)
    with pytest.raises(ConfigError, match="conditional_gan needs labels"):
        merge(study(step_cost={"reference": "cgan", "model": "cgan_no_minibatch"}))


def test_a_published_arm_can_be_taken_away():
    paper = merge(study(augmentation={"arms": {"real_geometric": None}}))["papers"]["galaxy_cgan_augmentation"]
    assert "real_geometric" not in paper["augmentation"]["arms"]
    assert "real_flips" in paper["augmentation"]["arms"]
    assert "real_geometric" not in paper["not_in_paper"] and "gan_only" in paper["not_in_paper"]


@pytest.mark.parametrize(
    ("paper", "words"),
    [
        ({"augmentation": {"arm": {}}}, ["augmentation", "unknown key 'arm'", "'arms'"]),
        ({"augmentation": {"sizes": [1]}}, ["augmentation.sizes"]),
        ({"augmentation": {"baseline": "reel"}}, ["augmentation.baseline", "'reel'"]),
        ({"augmentation": {"arms": {"real": None}}}, ["augmentation.baseline", "'real'"]),
        ({"augmentation": {"arms": {"gan_only": {"generator": "gan"}}}}, ["gan_only.generator", "'gan'"]),
        ({"augmentation": {"classifier": {"view": "crop32_32"}}}, ["generator", "full_50", "crop32_32"]),
        ({"augmentation": {"classifier": {"view": "full_64"}}}, ["full_64"]),
        ({"augmentation": {"classifier": {"network": {"filters": [4]}}}}, ["classifier.network", "1 values", "3"]),
        ({"experiments": {"cgan": {"hinge_sign": "minus"}}}, ["cgan.hinge_sign", "'minus'"]),
        (
            {"experiments": {"cgan": {"networks": {"generator": {"filter": [3]}}}}},
            ["generator", "'filter'", "'filters'"],
        ),
        ({"experiments": {"cgan": {"train_on": ["train", "test"]}}}, ["split.sizes", "'test'", "cgan"]),
        ({"experiments": {"cgan": {"method": "condition"}}}, ["cgan.method", "'condition'", "conditional_gan"]),
        ({"split": {"sizes": {"validation": None}}}, ["split.sizes", "'validation'"]),
        ({"seeds": []}, ["galaxy_cgan_augmentation"]),
    ],
)
def test_bad_studies_are_refused(paper, words):
    with pytest.raises(ConfigError) as caught:
        merge(study(**paper))
    for word in words:
        assert word in str(caught.value)

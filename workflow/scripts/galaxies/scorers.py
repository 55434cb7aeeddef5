"""Experiments that score images: which methods do, what they need, and which of their trainings make images."""

from typing import Any

from galaxies.errors import ConfigError
from galaxies.registry import named_module
from galaxies.views import parse_view

BASELINES = ("ridge", "random_forest")
"""Methods of scikit-learn, which the script fit_baseline.py fits."""
NETWORKS = ("two_in_one", "score_regression")
"""Methods that train a network to score images; their modules have `load_scorer`."""
DISCRIMINATORS = ("discriminator_score",)
"""Methods that train nothing: they take scores from the discriminator of another experiment."""
SCORERS = (*NETWORKS, *BASELINES, *DISCRIMINATORS)
TESTED = ("scored_validation", "scored_test")
"""Sets of a split that errors are measured on."""


def scored_by(settings: dict[str, Any]) -> str:
    """What makes the predictions of an experiment: a baseline, a discriminator or a network."""
    kinds = {"baseline": BASELINES, "discriminator": DISCRIMINATORS}
    return next((kind for kind, methods in kinds.items() if settings["method"] in methods), "network")


def draws_images(settings: dict[str, Any]) -> bool:
    """Whether an experiment trains a generator against its scores."""
    return settings["method"] == "two_in_one" and settings["steps"] > settings["discriminator_steps"]


def check_scorers(where: str, paper: dict[str, Any], dataset: dict[str, Any]) -> None:
    """Raise ConfigError unless the scorers of a paper take the images of its data set, and its judge exists.

    where : place of the paper in the configuration.
    """
    for name in paper["include"]:
        settings = paper["experiments"][name]
        here = f"{where}.experiments.{name}"
        if settings["method"] not in SCORERS:
            continue
        if seen := [one for one in settings["train_on"] if one in (*TESTED, settings.get("validate_on"))]:
            raise ConfigError(
                f"{here}.train_on: errors are measured on {seen[0]!r}, which must not be trained on",
                "name other sets of the split",
            )
        if not set(TESTED) & paper["split"]["sizes"].keys():
            raise ConfigError(
                f"{where}.split.sizes: no set to measure the errors of {name} on",
                f"add {' or '.join(TESTED)}",
            )
        _check_scored(here, settings, dataset)
        if settings["method"] in BASELINES and parse_view(settings["view"]).kind != "histogram":
            raise ConfigError(f"{here}.view: {settings['view']} has no features", "write such as histogram_10")
        if settings["method"] == "two_in_one":
            _check_networks(here, settings, dataset)
        if settings["method"] == "score_regression":
            _check_regression(here, settings)
        if settings["method"] in DISCRIMINATORS:
            _check_discriminator(here, settings, paper)
    generation = paper.get("generation")
    if not generation:
        return
    judge, where = generation["judge"], f"{where}.generation"
    if not any(draws_images(paper["experiments"][name]) for name in paper["include"]):
        return
    judges = [name for name in paper["include"] if paper["experiments"][name]["method"] in BASELINES]
    if judge not in judges:
        raise ConfigError(
            f"{where}.judge: {judge!r} is no included experiment of method {' or '.join(BASELINES)}",
            f"include it, name one of: {', '.join(judges) or 'none'}; or leave all of it out by `generation: null`",
        )
    if generation["most_draws"] < generation["wanted"]:
        raise ConfigError(
            f"{where}: most_draws is {generation['most_draws']}, fewer than the {generation['wanted']} images wanted",
            "raise most_draws, or lower wanted",
        )


def check_scorers_of_all(papers: dict[str, Any]) -> None:
    """Raise ConfigError if a name is of one kind of scorer in one paper and of another elsewhere: rules go by it."""
    kinds: dict[str, tuple[str, str]] = {}
    for paper, settings in papers.items():
        for name, experiment in settings["experiments"].items():
            kind = scored_by(experiment)
            other, before = kinds.setdefault(name, (paper, kind))
            if kind != before:
                raise ConfigError(
                    f"papers.{paper}.experiments: {name!r} is a {kind} here, and a {before} in {other}",
                    "give one of them another name",
                )


def _check_scored(where: str, settings: dict[str, Any], dataset: dict[str, Any]) -> None:
    """The sets that scores are learned from, or measured on, are of images that have one, where the layout says which.

    2-in-1 also learns from images that have a label instead.
    """
    labels = getattr(named_module(f"datasets.{dataset['layout']}", "files"), "SUBSET_LABELS", {})
    unscored = [subset for subset, names in labels.items() if "score" not in names]
    keys = {"validate_on": [settings.get("validate_on", "")]}
    if settings["method"] != "two_in_one":
        keys["train_on"] = settings["train_on"]
    for key, sets in keys.items():
        if bad := [name for name in sets if name.startswith(tuple(unscored))]:
            raise ConfigError(
                f"{where}.{key}: the images of {bad[0]!r} have no score", "name a set such as scored_train"
            )


def _check_regression(where: str, settings: dict[str, Any]) -> None:
    """The network sees images, and can say every score."""
    if parse_view(settings["view"]).kind == "histogram":
        raise ConfigError(f"{where}.view: {settings['view']} has no images", "write such as full_140")
    if settings["network"]["output_activation"] != "linear":
        raise ConfigError(
            f"{where}.network.output_activation: found {settings['network']['output_activation']!r}, whose values end "
            "at 1; scores do not",
            "write linear",
        )


def _check_discriminator(where: str, settings: dict[str, Any], paper: dict[str, Any]) -> None:
    """The discriminator is one that the run trains, and on no image that errors are measured on."""
    named = settings["discriminator"]
    gans = [name for name in paper["include"] if paper["experiments"][name]["method"] == "dcgan"]
    if named not in gans:
        raise ConfigError(
            f"{where}.discriminator: {named!r} is no included experiment of method dcgan",
            f"include it, or name one of: {', '.join(gans) or 'none'}",
        )
    if seen := [one for one in paper["experiments"][named]["train_on"] if one in TESTED]:
        raise ConfigError(
            f"{where}.discriminator: {named} is trained on {seen[0]!r}, which errors are measured on",
            f"name other sets of the split as train_on of {named}",
        )


def _check_networks(where: str, settings: dict[str, Any], dataset: dict[str, Any]) -> None:
    """The generator makes images like those of the data set, and these are pooled as the view is."""
    generator = settings["networks"]["generator"]
    if parse_view(settings["view"]).kind != "pooled":
        raise ConfigError(
            f"{where}.view: {settings['view']} is not pooled as the networks do", "write such as pooled_63"
        )
    if generator["size"] != dataset["frame"]:
        raise ConfigError(
            f"{where}.networks.generator.size: found {generator['size']}, the images have {dataset['frame']} px"
        )
    if generator.get("upsample_gap") == "reshape" and generator["filters"][0] % 25:
        raise ConfigError(
            f"{where}.networks.generator.filters: {generator['filters'][0]} maps cannot be read anew as larger ones",
            "give a multiple of 25 first, or `upsample_gap: bilinear`",
        )

"""Experiments that score images: which methods do, what they need, and which of their trainings make images."""

from typing import Any

from galaxies.data.projections import pooled_sizes
from galaxies.errors import ConfigError
from galaxies.views import parse_view

BASELINES = ("ridge", "random_forest")
"""Methods of scikit-learn, which the script fit_baseline.py fits."""
SCORERS = ("two_in_one", *BASELINES)


OF_GENERATOR = ("gen_score_loss", "target_score", "micro_batch", "discriminator_steps")


def score_alike(settings: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether trainings of two experiments with the same seed end with the same scorer: a generator changes nothing."""
    return _scoring_part(settings) == _scoring_part(other)


def _scoring_part(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that decide what a scorer learns."""
    names = ("label", "reported_as", *OF_GENERATOR)
    part = {key: value for key, value in settings.items() if key not in names}
    for section in ("networks", "optimisers"):
        if section in part:
            part[section] = {key: value for key, value in part[section].items() if key != "generator"}
    return part


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
        if settings["method"] in BASELINES and parse_view(settings["view"]).kind != "histogram":
            raise ConfigError(f"{here}.view: {settings['view']} has no features", "write such as histogram_10")
        if settings["method"] == "two_in_one":
            _check_networks(here, settings, dataset)
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
            f"include it, or name one of: {', '.join(judges) or 'none'}",
        )
    if generation["most_draws"] < generation["wanted"]:
        raise ConfigError(
            f"{where}: most_draws is {generation['most_draws']}, fewer than the {generation['wanted']} images wanted",
            "raise most_draws, or lower wanted",
        )


def _check_networks(where: str, settings: dict[str, Any], dataset: dict[str, Any]) -> None:
    """The generator makes images like those of the data set, and these are pooled as the view is."""
    kind, _, size = parse_view(settings["view"])
    generator = settings["networks"]["generator"]
    if kind != "pooled":
        raise ConfigError(
            f"{where}.view: {settings['view']} is not pooled as the networks do", "write such as pooled_63"
        )
    if generator["size"] != dataset["frame"]:
        raise ConfigError(
            f"{where}.networks.generator.size: found {generator['size']}, the images have {dataset['frame']} px"
        )
    if size not in pooled_sizes(generator["size"]):
        raise ConfigError(f"{where}.view: images of {generator['size']} px are not pooled to {size} px")
    if generator["upsample_gap"] == "reshape" and generator["filters"][0] % 25:
        raise ConfigError(
            f"{where}.networks.generator.filters: {generator['filters'][0]} maps cannot be read anew as larger ones",
            "give a multiple of 25 first, or `upsample_gap: bilinear`",
        )

"""The judgement of a paper's generators: a classifier, the judge, sorts real and generated images."""

from typing import Any

from galaxies.augmentation_study import GENERATOR_METHODS
from galaxies.errors import ConfigError
from galaxies.registry import named_module

UNLABELLED_GENERATORS = ("dcgan", "dist_gan")
GENERATORS = (*GENERATOR_METHODS, *UNLABELLED_GENERATORS)
"""Methods whose module has `load_generator`, with labels and without."""
JUDGES = ("multiclass_classification",)
"""Methods whose module has `load_classifier`."""


def check_judgement(name: str, config: dict[str, Any]) -> None:
    """Raise ConfigError unless the judge of paper `name` exists and takes the images of the paper's generators."""
    paper = config["papers"][name]
    where, judgement = f"papers.{name}.judgement", paper["judgement"]
    for experiment in judgement["generators"] or []:
        _one_of(f"{where}.generators", experiment, paper["include"], f"included in {name}")
    named = judgement["generators"] or paper["include"]
    generators = {e: s for e in named for s in [paper["experiments"][e]] if s["method"] in GENERATORS}
    if not generators:
        raise ConfigError(f"{where}: {name} includes no generator", "take the section away, or include one")
    first, reference = next(iter(generators.items()))
    for experiment, settings in generators.items():
        for key in ("view", "train_on"):
            if settings[key] != reference[key]:
                raise ConfigError(
                    f"{where}: {first} has {key} {reference[key]}, {experiment} has {settings[key]}; generators "
                    "that are judged together have the same",
                    "name those that do under `generators` of the judgement",
                )
        if settings["train_images"] is not None:
            raise ConfigError(
                f"{where}: {experiment} has train_images {settings['train_images']}",
                "leave it out; generated images are compared with all that their generator could see",
            )
    if judgement["samples"] <= judgement["neighbours"]:
        raise ConfigError(
            f"{where}: samples of {judgement['samples']} images have no {judgement['neighbours']} neighbours each",
            "make samples larger, or neighbours smaller",
        )
    judge = _judge(where, judgement, config)
    datasets = [config["data"][config["papers"][of]["dataset"]] for of in (name, judgement["paper"])]
    channels = [_channels(dataset, reference["view"]) for dataset in datasets]
    if channels[0] != channels[1]:
        raise ConfigError(
            f"{where}: {judgement['experiment']} takes images of {', '.join(channels[1])}; the generators of {name} "
            f"make {', '.join(channels[0])}",
            "name a classifier of such images",
        )
    if judge["view"] != reference["view"]:
        raise ConfigError(
            f"{where}: {judgement['experiment']} is trained and tested on images like {judge['view']}; the generators "
            f"of {name} make images like {reference['view']}",
            "give both the same view: how good a judge is was measured at its own resolution",
        )
    frames = [dataset.get("frame") for dataset in datasets]
    if reference["view"].startswith("full_") and frames[0] != frames[1]:
        raise ConfigError(
            f"{where}: the view {reference['view']} shows frames of {frames[0]} px of the generators' data and of "
            f"{frames[1]} px of the judge's",
            "choose a view that crops, such as crop256_128",
        )


def _judge(where: str, judgement: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Settings of the judge."""
    _one_of(f"{where}.paper", judgement["paper"], config["papers"], "papers of the run")
    study = config["papers"][judgement["paper"]]
    _one_of(f"{where}.experiment", judgement["experiment"], study["include"], f"included in {judgement['paper']}")
    settings = study["experiments"][judgement["experiment"]]
    if settings["method"] not in JUDGES:
        raise ConfigError(
            f"{where}.experiment: {judgement['experiment']} has method {settings['method']}",
            f"name a classifier, of method {' or '.join(JUDGES)}",
        )
    return settings


def _channels(dataset: dict[str, Any], view: str) -> tuple[str, ...]:
    return named_module(f"datasets.{dataset['layout']}", "images").projection(view, dataset).channels


def _one_of(where: str, name: str, known: Any, of: str) -> None:
    if name not in known:
        raise ConfigError(f"{where}: found {name!r}; {of}: {', '.join(known) or 'none'}")

"""The judgement of a paper's generators: a classifier, the judge, sorts real and generated images."""

from typing import Any

from galaxies.augmentation_study import GENERATOR_METHODS
from galaxies.errors import ConfigError
from galaxies.registry import named_module

GENERATORS = (*GENERATOR_METHODS, "dcgan", "dist_gan")
"""Methods whose module has `load_generator`, with labels and without."""
JUDGES = ("multiclass_classification",)
"""Methods whose module has `load_classifier`."""


def check_judgement(name: str, config: dict[str, Any]) -> None:
    """Raise ConfigError unless the judge of paper `name` exists and takes the images of the paper's generators."""
    paper = config["papers"][name]
    where, judgement = f"papers.{name}.judgement", paper["judgement"]
    generators = {e: s for e, s in paper["experiments"].items() if e in paper["include"] and s["method"] in GENERATORS}
    if not generators:
        raise ConfigError(f"{where}: {name} includes no generator", "take the section away, or include one")
    first, reference = next(iter(generators.items()))
    for experiment, settings in generators.items():
        for key in ("view", "train_on"):
            if settings[key] != reference[key]:
                raise ConfigError(
                    f"{where}: {first} has {key} {reference[key]}, {experiment} has {settings[key]}; generators "
                    "that are judged together have the same"
                )
        if settings["train_images"] is not None:
            raise ConfigError(
                f"{where}: {experiment} has train_images {settings['train_images']}",
                "leave it out; generated images are compared with all that their generator could see",
            )
    judge = _judge(where, judgement, config)
    channels = [
        _channels(config["data"][config["papers"][of]["dataset"]], settings["view"])
        for of, settings in ((name, reference), (judgement["paper"], judge))
    ]
    if channels[0] != channels[1]:
        raise ConfigError(
            f"{where}: {judgement['experiment']} takes images of {', '.join(channels[1])}; the generators of {name} "
            f"make {', '.join(channels[0])}",
            "name a classifier of such images",
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

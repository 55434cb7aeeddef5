"""Comparisons of generated star fields with real ones: which generators take part, and what they need."""

from typing import Any

from galaxies.data.names import GREY_LEVELS
from galaxies.errors import ConfigError
from galaxies.judgement import UNLABELLED_GENERATORS
from galaxies.registry import named_module
from galaxies.scorers import BASELINES, NETWORKS

AUTOENCODERS = ("vae",)
FIELD_GENERATORS = (*AUTOENCODERS, *UNLABELLED_GENERATORS)
"""Methods without labels whose images are measured as star fields."""
SAME_PIXELS = ("view", "stretch", "validate_on", "validation_pool")
"""What two autoencoders must have in common for their bounds on held-out images to be comparable."""
SAME_TRAINING = ("train_on", "pool", "train_images")
"""What they must have in common besides for those on training images."""


def first_good(paper: dict[str, Any]) -> str | None:
    """The included autoencoder that others are compared with: the first that is not among the poor ones."""
    names = [name for name in paper["include"] if paper["experiments"][name]["method"] in AUTOENCODERS]
    poor = (paper.get("generated_fields") or {}).get("poor", [])
    return next((name for name in names if name not in poor), next(iter(names), None))


def comparable(first: dict[str, Any], second: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether the settings of two autoencoders agree in `keys`."""
    return all(first[key] == second[key] for key in keys)


def check_fields(where: str, paper: dict[str, Any], dataset: dict[str, Any]) -> None:
    """Raise ConfigError unless what a paper has under `generated_fields` exists and fits together.

    where : place of the paper in the configuration. dataset : settings of its data set.
    """
    section, experiments = paper["generated_fields"], paper["experiments"]
    here = f"{where}.generated_fields"
    generators = [name for name in paper["include"] if experiments[name]["method"] in FIELD_GENERATORS]
    _check_names(f"{here}.scorers", section["scorers"], experiments, (*NETWORKS, *BASELINES), "trained scorer")
    _check_names(f"{here}.poor", section["poor"], experiments, AUTOENCODERS, "autoencoder")
    for name in section["real_sets"]:
        if name not in paper["split"]["sizes"]:
            raise ConfigError(f"{here}.real_sets: the split has no set {name!r}", _known(paper["split"]["sizes"]))
    for name in generators:
        settings = experiments[name]
        if seen := sorted({*section["real_sets"]} & {*settings["train_on"]}):
            raise ConfigError(
                f"{here}.real_sets: {name} is trained on {seen[0]!r}; generated images are compared with others",
                "name a set that no generator is trained on",
            )
        projection = named_module(f"datasets.{dataset['layout']}", "images").projection(settings["view"], dataset)
        if projection.units != GREY_LEVELS or len(projection.shape) != 3 or projection.shape[0] != 1:
            raise ConfigError(
                f"{where}.experiments.{name}.view: {settings['view']} has no images of grey levels, as star fields are",
                "take the section away, or choose a view such as full_128 of cil_cosmology",
            )
    first = first_good(paper)
    for name in section["poor"]:
        if name in generators and not comparable(experiments[first], experiments[name], SAME_PIXELS[:2]):
            raise ConfigError(
                f"{here}.poor: {name} and {first} have other views or stretches, and are shown side by side",
                "name autoencoders of the same view and stretch",
            )


def check_autoencoders(where: str, paper: dict[str, Any]) -> None:
    """Raise ConfigError for an autoencoder whose bound would be measured on images that it is trained on."""
    for name in paper["include"]:
        settings = paper["experiments"][name]
        if settings["method"] in AUTOENCODERS and settings["validate_on"] in settings["train_on"]:
            raise ConfigError(
                f"{where}.experiments.{name}.validate_on: {settings['validate_on']!r} is trained on",
                "name a set that is held out",
            )


def _check_names(
    where: str, names: list[str], experiments: dict[str, Any], methods: tuple[str, ...], what: str
) -> None:
    known = [name for name, settings in experiments.items() if settings["method"] in methods]
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}: {name!r} is no {what}", _known(known))


def _known(names: list[str] | dict[str, Any]) -> str:
    return f"name some of: {', '.join(names)}" if names else "there is none; leave the list empty"

"""Comparisons of generated star fields with real ones: which generators take part, and what they need."""

from typing import Any

from galaxies.errors import ConfigError
from galaxies.scorers import SCORERS
from galaxies.views import parse_view

AUTOENCODERS = ("vae",)
FIELD_GENERATORS = (*AUTOENCODERS, "dcgan")
"""Methods without labels whose images are measured as star fields."""
SAME_PIXELS = ("view", "stretch", "validate_on", "validation_pool")
"""What two autoencoders must have in common for their bounds to be comparable."""


def check_fields(where: str, paper: dict[str, Any]) -> None:
    """Raise ConfigError unless scorers, sets and shown autoencoders of `generated_fields` exist and fit together.

    where : place of the paper in the configuration.
    """
    section, experiments = paper["generated_fields"], paper["experiments"]
    here = f"{where}.generated_fields"
    for name in section["scorers"]:
        known = [e for e in paper["include"] if experiments[e]["method"] in SCORERS]
        if name not in known:
            raise ConfigError(f"{here}.scorers: {name!r} is no included experiment that scores images", _known(known))
    for name in section["poor"]:
        known = [e for e, settings in experiments.items() if settings["method"] in AUTOENCODERS]
        if name not in known:
            raise ConfigError(f"{here}.poor: {name!r} is no autoencoder", _known(known))
    for name in section["real_sets"]:
        if name not in paper["split"]["sizes"]:
            raise ConfigError(f"{here}.real_sets: the split has no set {name!r}", _known(list(paper["split"]["sizes"])))
    for name in paper["include"]:
        settings = experiments[name]
        if settings["method"] not in FIELD_GENERATORS:
            continue
        if seen := sorted({*section["real_sets"]} & {*settings["train_on"]}):
            raise ConfigError(
                f"{here}.real_sets: {name} is trained on {seen[0]!r}; generated images are compared with others",
                "name a set that no generator is trained on",
            )
        if parse_view(settings["view"]).kind in ("histogram", "pooled"):
            raise ConfigError(f"{where}.experiments.{name}.view: {settings['view']} shows no image")


def _known(names: list[str]) -> str:
    return f"name some of: {', '.join(names)}" if names else "include one first"

"""Methods and architectures by the names that experiments use."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

from galaxies.errors import ConfigError


def named_module(package: str, name: str) -> ModuleType:
    """Module `galaxies.<package>.<name>`; a name that does not exist is a ConfigError that lists those that do.

    The import is late on purpose: an experiment runs, and its code digest covers, only the modules that it names.
    """
    parent = importlib.import_module(f"galaxies.{package}")
    names = sorted(module.name for module in pkgutil.iter_modules(parent.__path__))
    if name not in names:
        raise ConfigError(f"{package} has no {name!r}; it has: {', '.join(names)}")
    return importlib.import_module(f"galaxies.{package}.{name}")


def has_module(package: str, name: str) -> bool:
    """Whether there is a module `galaxies.<package>.<name>`."""
    parent = importlib.import_module(f"galaxies.{package}")
    return name in {module.name for module in pkgutil.iter_modules(parent.__path__)}


def build_network(settings: dict[str, Any], where: str, **given: Any) -> Any:
    """The network of `architecture`, a module of `galaxies.models`, that the other `settings` and `given` describe.

    `where` names the place of `settings` in the configuration. ConfigError for an unknown or missing name or key.
    """
    arguments = {key: value for key, value in settings.items() if key != "architecture"}
    return construct(named_module("models", settings["architecture"]).build, arguments, where, **given)


def construct(function: Callable, settings: dict[str, Any], where: str, **given: Any) -> Any:
    """Call `function(**given, **settings)`, after checking the keys of `settings` against its signature.

    `where` names the place of `settings` in the configuration. ConfigError for a key that is unknown or missing.
    """
    parameters = inspect.signature(function).parameters
    accepted = [name for name in parameters if name not in given]
    required = [name for name in accepted if parameters[name].default is inspect.Parameter.empty]
    unknown = sorted(set(settings) - set(accepted))
    missing = [name for name in required if name not in settings]
    if unknown or missing:
        problem = f"unknown key {unknown[0]!r}" if unknown else f"key {missing[0]!r} is missing"
        raise ConfigError(f"{where}: {problem}; the keys are: {', '.join(accepted)}")
    return function(**given, **settings)

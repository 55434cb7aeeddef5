"""One set of versions: in requirements.lock, for conda, and in the container."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
SCRIPTS = PROJECT / "workflow" / "scripts"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    lines = (PROJECT / "requirements.lock").read_text().splitlines()
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines if line[0] != "#")}


def pinned(environment: str) -> dict[str, str]:
    """Packages that an environment installs with pip."""
    (pip,) = [entry["pip"] for entry in dependencies(environment) if isinstance(entry, dict)]
    return {normal(name): version for name, _, version in (entry.partition("==") for entry in pip)}


def dependencies(environment: str) -> list:
    return yaml.safe_load((PROJECT / "envs" / environment).read_text())["dependencies"]


def third_party(scripts: set[str | Path]) -> set[str]:
    """Packages that scripts import, themselves or through the library."""
    pending, seen, packages = [SCRIPTS / script for script in scripts], set(), set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in imports(path):
            if module.split(".")[0] == "galaxies":
                file = SCRIPTS / (module.replace(".", "/") + ".py")
                pending.append(file if file.exists() else file.with_suffix("") / "__init__.py")
            elif module.split(".")[0] not in sys.stdlib_module_names:
                packages.add(module.split(".")[0])
    return packages


def imports(path: Path) -> set[str]:
    """Modules that a file imports; of `from package import module`, the module, too, if it is one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} | {name for name in modules if (SCRIPTS / (name.replace(".", "/") + ".py")).exists()}
    return found


def scripts_of(environment: str) -> set[str]:
    """Scripts of the rules that name an environment."""
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow" / "rules").glob("*.smk"))
    rules = re.split(r"^(?:rule|checkpoint) ", text, flags=re.MULTILINE)
    rules = [rule for rule in rules if f'"../../envs/{environment}"' in rule]
    return {re.search(r'"../scripts/(\w+\.py)"', rule)[1] for rule in rules}


@pytest.mark.parametrize("environment", ["torch.yaml", "plot.yaml"])
def test_conda_environments_have_the_locked_versions(environment):
    versions = locked()
    assert pinned(environment) == {name: versions[name] for name in pinned(environment)}


@pytest.mark.parametrize("environment", ["torch.yaml", "plot.yaml"])
def test_conda_environments_have_what_their_scripts_import(environment):
    distributions = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "PyYAML"}
    assert scripts_of(environment)
    by_name = {"torch.yaml": ("datasets", "methods", "models"), "plot.yaml": ()}  # modules that settings name
    modules = {path for part in by_name[environment] for path in (SCRIPTS / "galaxies" / part).rglob("*.py")}
    wanted = {normal(distributions.get(name, name)) for name in third_party(scripts_of(environment) | modules)}
    assert wanted <= set(pinned(environment))


def test_the_container_has_the_locked_versions():
    recipe = (PROJECT / "envs" / "Containerfile").read_text()
    assert "COPY requirements.lock /" in recipe and "--requirement /requirements.lock" in recipe
    python = re.search(r"python:(\d+\.\d+)-", recipe)[1]
    assert f"python={python}" in dependencies("torch.yaml") and f"python={python}" in dependencies("plot.yaml")

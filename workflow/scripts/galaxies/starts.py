"""The starts of Snakemake that made a run: when, at which commit of the project, and with which packages."""

import json
import platform
import subprocess
import time
from importlib.metadata import distributions
from pathlib import Path

from galaxies.files import reading, write_text


def note_start(path: Path, project: Path) -> None:
    """Add this start to the list in `path`, a JSON file; `project` is the folder of the Snakefile."""
    versions = {"python": platform.python_version(), "packages": packages()}
    start = {"time": time.time(), "git": git_state(project), **versions}
    write_text(path, json.dumps([*read_starts(path), start], indent=1) + "\n")


def read_starts(path: Path) -> list[dict]:
    """Starts in the order in which they were, none if there is no such file."""
    if not path.exists():
        return []
    with reading(path):
        return json.loads(path.read_text(encoding="utf-8"))


def git_state(project: Path) -> dict:
    """Commit of a checkout, and whether its files are those of the commit; else why there is none."""
    if not (project / ".git").exists():  # git would look for one further up
        return {"commit": None, "reason": "not a git checkout"}
    command = ["git", "-C", str(project), "status", "--porcelain=v2", "--branch"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except FileNotFoundError:
        return {"commit": None, "reason": "git is not installed"}
    except subprocess.CalledProcessError as error:
        return {"commit": None, "reason": error.stderr.strip().partition("\n")[0]}
    commit = next(line.split()[-1] for line in lines if line.startswith("# branch.oid"))
    return {"commit": commit, "clean": all(line.startswith("#") for line in lines)}


def packages() -> dict[str, str]:
    """Every installed Python package with its version."""
    found = {package.name: package.version for package in distributions()}
    return {name: found[name] for name in sorted(filter(None, found))}  # the remains of a broken one have no name

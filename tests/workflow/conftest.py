"""A copy of the project in a temporary folder, and a finished tiny run in it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PARTS = ["Snakefile", "workflow", "config", "profiles", "envs", "requirements.lock"]


@dataclass
class Workflow:
    """A checkout in a folder of its own."""

    # Rules that follow all others.
    SUMMARY = ("record_provenance", "describe_crate", "tabulate_cost", "plot_cost", "write_overview")

    folder: Path

    def snakemake(self, *arguments: str, configfile: str = "tiny.yaml") -> subprocess.CompletedProcess:
        """Run snakemake there on two cores; standard output and error come back as one text."""
        command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--configfile", configfile]
        return subprocess.run(
            command,
            cwd=self.folder,
            text=True,
            timeout=3000,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def planned(self, *targets: str, **options: str) -> list[str]:
        """Rules that a dry run would execute, one entry per job; rules that only collect files, and those that record
        how others were made, left out."""
        text = self.dry_run(*targets, **options)
        if "Nothing to be done" in text:
            return []
        table = text.split("Job stats:\n", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
        counts = {rule: int(count) for rule, count in (line.split() for line in table)}
        left_out = {"all", "total", *self.SUMMARY}
        return sorted(r for r, n in counts.items() for _ in range(n) if r not in left_out and "_fig" not in r)

    def dry_run(self, *arguments: str, **options: str) -> str:
        """What a dry run prints."""
        result = self.snakemake("--dry-run", *arguments, **options)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def edit(self, file: str, old: str, new: str) -> "Edit":
        """Context in which `old` is replaced by `new` in a file of the workflow."""
        return Edit(self.folder / "workflow" / "scripts" / file, old, new)


class Edit:
    def __init__(self, path: Path, old: str, new: str):
        self.path, self.old, self.new = path, old, new

    def __enter__(self) -> None:
        self.text = self.path.read_text()
        assert self.old in self.text, f"{self.old!r} is not in {self.path}"
        self.path.write_text(self.text.replace(self.old, self.new, 1))

    def __exit__(self, *_) -> None:
        self.path.write_text(self.text)


def copy_project(folder: Path) -> Workflow:
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    shutil.copy(Path(__file__).parent / "tiny.yaml", folder)
    return Workflow(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Workflow:
    """The project, nothing made yet."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The project with the tiny run finished; tests leave it as they found it."""
    workflow = copy_project(tmp_path_factory.mktemp("finished"))
    result = workflow.snakemake()
    assert result.returncode == 0, result.stdout
    return workflow

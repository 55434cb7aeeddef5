"""Entry scripts get the same arguments from Snakemake and from the shell, and end with clear messages."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from galaxies.scripting import run_script

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
SCRIPT = """
    '''Do a thing.'''
    from pathlib import Path
    from galaxies.errors import DataError, Interrupted
    from galaxies.scripting import run_script

    def main(
        views: list[Path], table: Path, *, settings: dict, seed: int, weights: Path | None = None, fast: bool = False
    ) -> None:
        '''Write things.'''
        if seed == 1:
            raise DataError("row 7 is bad", "mend it")
        if seed == 2:
            raise Interrupted("state saved")
        if seed == 6:
            raise Interrupted("no step", progress=False)
        if seed == 3:
            raise OSError(28, "No space left on device", "out.csv")
        if seed == 4:
            raise ValueError("a defect")
        if seed == 5:
            raise KeyboardInterrupt
        print([v.name for v in views], table.name, settings, seed, weights, fast)

    if __name__ == "__main__":
        run_script(main, globals().get("snakemake"))
"""


def run(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(SCRIPTS), **environment}, check=False
    )


def options(seed: int) -> list[str]:
    return ["--views", "a.h5", "b.h5", "--table", "t.csv", "--settings", '{"epochs": 2}', "--seed", str(seed)]


def test_command_line(tmp_path):
    result = run(tmp_path, *options(0), "--fast")
    assert result.stdout.strip() == "['a.h5', 'b.h5'] t.csv {'epochs': 2} 0 None True"


def test_help_names_every_option(tmp_path):
    result = run(tmp_path, "--help")
    assert result.returncode == 0
    for option in ("--views", "--table", "--settings", "--seed", "--weights", "--fast", "Do a thing."):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("seed", "code", "words"),
    [
        (1, 1, ["Error: row 7 is bad", "Hint: mend it"]),
        (2, 75, ["state saved"]),
        (3, 1, ["out.csv: No space left on device"]),
        (5, 130, ["Interrupted"]),
    ],
)
def test_expected_errors_are_one_message(tmp_path, seed, code, words):
    result = run(tmp_path, *options(seed))
    assert result.returncode == code
    assert "Traceback" not in result.stderr
    assert all(word in result.stderr for word in words)


@pytest.mark.parametrize(("seed", "requeued"), [(0, False), (1, False), (2, True), (6, False)])
def test_slurm_runs_an_interrupted_job_again_if_it_came_further(tmp_path, seed, requeued):
    for name in ("squeue", "scontrol"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho $0 $@ >> {tmp_path}/calls\necho RUNNING galaxies_1\n")
        path.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    run(tmp_path, *options(seed), PATH=path, SLURM_JOB_ID="12")
    calls = (tmp_path / "calls").read_text() if (tmp_path / "calls").exists() else ""
    assert ("scontrol requeue 12" in calls) == requeued


def test_defect_keeps_its_traceback(tmp_path):
    result = run(tmp_path, *options(4))
    assert result.returncode == 1
    assert "Traceback" in result.stderr


class Named(list):
    """As Snakemake's named lists: positional, and by name."""

    def __init__(self, **named):
        super().__init__(named.values())
        self._named = named

    def items(self):
        return self._named.items()


def job(log: Path, **parameters) -> SimpleNamespace:
    inputs = Named(views=["a.h5"], weights=[])
    return SimpleNamespace(
        threads=3, input=inputs, output=Named(table="t.csv"), params=Named(**parameters), log=[str(log)]
    )


def test_snakemake_job(tmp_path):
    calls = []

    def main(views: list[Path], table: Path, *, seed: int, threads: int, weights: Path | None = None) -> None:
        calls.append((views, table, seed, threads, weights))

    run_script(main, job(tmp_path / "log.txt", seed=5, code="unused"))
    assert calls == [([Path("a.h5")], Path("t.csv"), 5, 3, None)]


def test_error_of_a_job_is_in_its_log(tmp_path):
    from galaxies.errors import DataError

    def main(table: Path) -> None:
        raise DataError(f"{table}: empty")

    with pytest.raises(SystemExit) as ended:
        run_script(main, job(tmp_path / "log.txt"))
    assert ended.value.code == 1
    assert "Error: t.csv: empty" in (tmp_path / "log.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_every_script_has_help(script):
    result = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) > 3

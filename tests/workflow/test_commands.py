"""The commands and names of the documentation work: long ones as dry runs, in a checkout."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import draw_rulegraph

PROJECT = Path(__file__).parents[2]
PAPERS = [path.stem for path in (PROJECT / "config/experiments").glob("*.yaml")]
PAGES = ["README.md", "config/README.md", "docs/augmentation.md"]
PARTS = ["Snakefile", "Makefile", "requirements.lock", "workflow", "config", "profiles", "envs", "slurm", "tests"]
PLACEHOLDERS = {"<name>": "galaxy_zoo_cnn", "<file>": "config/config.yaml"}


def commands() -> list[str]:
    """Commands of the code blocks and of the text, each once, without what a block says behind `#`."""
    found = {}
    for page in PAGES:
        text = (PROJECT / page).read_text()
        lines = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)).splitlines()
        lines += re.findall(r"`((?:\.venv/bin/)?(?:snakemake|python|make) [^`]+)`", re.sub(r"\s*\n\s*", " ", text))
        for line in lines:
            command = re.sub(r"\s+#.*$", "", line).strip()
            if command and not command.endswith("..."):
                found[command] = None
    return list(found)


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    """A checkout with all that a command may name."""
    folder = tmp_path_factory.mktemp("everything")
    for source in (PROJECT / part for part in PARTS):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    (folder / "FOLDER").mkdir()
    (folder / "FOLDER/image.png").touch()
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False
    )


def test_there_are_commands():
    assert len(commands()) > 15
    assert ".venv/bin/snakemake --cores all galaxy_zoo_cnn_fig5" in commands()


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_command_is_understood(everything, command):
    for word, value in PLACEHOLDERS.items():
        command = command.replace(word, value)
    program, *arguments = shlex.split(command.removeprefix(".venv/bin/"))
    if program == "make":
        result = run(everything, "make", "--dry-run", *arguments)
        assert result.returncode == 0, result.stdout
    elif program == "python" and arguments[0] == "-c":
        result = run(everything, sys.executable, *arguments)
        assert (result.returncode, result.stdout) == (0, "")
    elif program == "python":
        result = run(everything, sys.executable, arguments[0], "--help")
        assert result.returncode == 0, result.stdout
        assert not [option for option in arguments[1:] if option.startswith("--") and option not in result.stdout]
    elif program == "snakemake" and "--report" in arguments:  # of a run that is not made here
        result = run(everything, sys.executable, "-m", "snakemake", *arguments)
        assert "marked for report but does not exist" in result.stdout, result.stdout
    elif program == "snakemake":
        result = run(everything, sys.executable, "-m", "snakemake", "--dry-run", *arguments)
        if "config/sample.yaml" in arguments:  # folders of the reader
            assert "no such folder" in result.stdout and "Traceback" not in result.stdout
        else:
            assert result.returncode == 0, result.stdout
    elif "slurm/" in command:
        script = everything / next(word for word in (program, *arguments) if word.startswith("slurm/"))
        assert os.access(script, os.X_OK)
    elif program == "rocrate-validator":  # a whole run is validated elsewhere
        result = run(everything, str(Path(sys.executable).parent / program), arguments[0], "--help")
        assert result.returncode == 0 and arguments[1] in result.stdout, result.stdout
    else:
        assert command == "source .venv/bin/activate"


def test_the_line_of_an_error_in_yaml_is_shown(tmp_path):
    (tmp_path / "bad.yaml").write_text("run: bad\nseeds: [0, 1\npapers:\n")
    (command,) = [command for command in commands() if "yaml.safe_load" in command]
    result = run(tmp_path, sys.executable, *shlex.split(command)[1:-1], "bad.yaml")
    assert 'in "bad.yaml", line 3' in "\n".join(result.stdout.splitlines()[-4:])


@pytest.mark.slow
def test_a_target_after_the_configuration_file_is_taken_for_a_file(everything):
    target = "galaxy_zoo_cnn_fig5"
    result = run(everything, sys.executable, "-m", "snakemake", "-n", "--configfile", "config/config.yaml", target)
    (error,) = re.findall(f"^FileNotFoundError.*{target}.*$", result.stdout, flags=re.MULTILINE)
    assert error in re.sub(r"\s*\n\s*", " ", (PROJECT / "README.md").read_text())


@pytest.mark.slow
def test_the_names_that_a_run_has_are_listed(everything):
    snakemake = (sys.executable, "-m", "snakemake", "-n")
    assert "No rule to produce galaxy_zoo_cnn_fgi5" in run(everything, *snakemake, "galaxy_zoo_cnn_fgi5").stdout
    assert "\ngalaxy_zoo_cnn_fig5\n" in run(everything, *snakemake, "--list-target-rules").stdout


@pytest.fixture(scope="module")
def rules(everything) -> set[str]:
    """Rules of the demo, short names among them."""
    listed = run(everything, sys.executable, "-m", "snakemake", "--list-rules").stdout
    return {line.split()[0] for line in listed.splitlines() if line}


def paper_of(name: str) -> str:
    """Paper that a short name begins with; longer names first, as one may begin another."""
    return next((paper for paper in sorted(PAPERS, key=len, reverse=True) if name.startswith(paper)), "")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/figures.md"])
def test_all_short_names_of_the_documentation_exist(rules, page):
    paper, checked = "", 0
    for line in (PROJECT / page).read_text().splitlines():
        for cell in line.split("|")[2:4]:  # columns in which there are short names
            for name in re.findall(r"`([a-z_0-9<>]+)`", cell):
                name = paper + name if name.startswith("_") else name
                if paper_of(name):
                    paper = paper_of(name)
                    assert any(re.fullmatch(name.replace("<model>", ".+"), rule) for rule in rules), name
                    checked += 1
    assert checked > 15


@pytest.mark.slow
def test_the_picture_of_the_stages_is_that_of_the_rules(everything, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph"], cwd=everything, text=True, capture_output=True, check=True
    )
    (tmp_path / "rules.dot").write_text(result.stdout)
    draw_rulegraph.main(tmp_path / "rules.dot", PROJECT / "workflow/rules", tmp_path / "a.dot", tmp_path / "a.svg")
    again = "run workflow/scripts/draw_rulegraph.py as its first lines say"
    assert (PROJECT / "docs/rulegraph.dot").read_text() == (tmp_path / "a.dot").read_text(), again
    picture = (PROJECT / "docs/rulegraph.svg").read_text()
    for stage in set(re.findall(r'"(.+?)"', (tmp_path / "a.dot").read_text())):
        assert stage.split()[0] in picture

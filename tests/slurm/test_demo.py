"""The whole demo on a cluster gives what the demo on one machine gives, bit for bit."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from cluster import Cluster
from submitted import PARTS, PROJECT, environment_of

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

BINARY = Path(sys.executable).parent
TIMES = ("step_cost.csv", "cost.csv", "cost_per_figure.csv", "claims.md", "README.md")  # files that tell of times
TIMED = re.compile("second|step_ratio")  # in rows of the summary that do


def checkout(folder: Path) -> Path:
    for part in PARTS:
        (shutil.copytree if (PROJECT / part).is_dir() else shutil.copy2)(PROJECT / part, folder / part)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Digest of all weights, images, histories and tables of the demo by path; tables without what a clock said."""
    results = folder / "results" / "demo"
    paths = [path for path in results.rglob("*.*") if path.suffix in (".csv", ".md", ".h5", ".pt")]
    found = {}
    for path in paths:
        if "checkpoints" in path.parts or path.name in TIMES:  # those are second names of the same files
            continue
        content = path.read_bytes()
        if path.name == "table_rmse.csv":
            content = pd.read_csv(path).drop(columns=["seconds_per_epoch", "images_per_second"]).to_csv().encode()
        if path.parent.name == "summary":
            content = "\n".join(line for line in path.read_text().splitlines() if not TIMED.search(line)).encode()
            assert len(content.splitlines()) > 10, path
        found[str(path.relative_to(results))] = hashlib.sha256(content).hexdigest()
    return found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished local demo: that of `make demo` where it is up to date."""
    command = [BINARY / "snakemake", "--cores", "all"]
    dry_run = subprocess.run([*command, "--dry-run"], cwd=PROJECT, capture_output=True, text=True, check=True)
    said = dry_run.stdout + dry_run.stderr
    if "Nothing to be done" in said and "missing provenance" not in said:
        return PROJECT
    folder = checkout(tmp_path_factory.mktemp("local"))
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def test_the_demo_on_the_cluster(cluster: Cluster, local: Path, tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    text = (PROJECT / "config" / "README.md").read_text()
    command = re.search(r"^snakemake --profile slurm --configfile .* compute='{device: cpu}' -- all", text, re.M)[0]
    command = command.replace(" -- ", " --slurm-init-seconds-before-status-checks 2 --jobs 5 -- ")  # on two cores
    environment = environment_of(cluster)
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(contents(local)) > 100
    assert contents(folder) == contents(local)
    figures = {str(path.relative_to(local)) for path in (local / "results" / "demo").rglob("*.png")}
    assert figures == {str(path.relative_to(folder)) for path in (folder / "results" / "demo").rglob("*.png")}
    submitted = re.findall(r"has been submitted with SLURM jobid (\d+)", done.stdout + done.stderr)
    assert len(submitted) == len(set(submitted))  # no job needed a second attempt

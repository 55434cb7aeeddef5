"""A test cluster, and runs that are submitted to it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing_packages, wait_for
from submitted import PARTS, PROJECT, TARGET, Run, copy


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster of three nodes."""
    if missing := missing_packages():
        text = f"Slurm is not installed ({', '.join(missing)}); `tests/slurm/cluster.py install` does it on Debian"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    cluster.start(port=26817 + 100 * process)  # each process that runs tests has a cluster of its own
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Run:
    """A checkout with data and split made, so that the training alone is left."""
    folder = tmp_path_factory.mktemp("prepared")
    for part in PARTS:
        (shutil.copytree if (PROJECT / part).is_dir() else shutil.copy2)(PROJECT / part, folder / part)
    shutil.copy2(Path(__file__).parent / "small.yaml", folder)
    run = Run(folder, cluster)
    inputs = ["results/small/data/gz2_kaggle/full_100.h5", "results/small/galaxy_zoo_cnn/split.csv"]
    run.start(*inputs, command=("snakemake", "--cores", "1"))
    assert run.end() and run.process.returncode == 0, run.output.read_text()
    return run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, prepared: Run) -> Run:
    """The training made on this machine, without Slurm."""
    run = copy(prepared, tmp_path_factory.mktemp("undisturbed"))
    run.start(TARGET, command=("snakemake", "--cores", "1"))
    assert run.end() and run.process.returncode == 0, run.output.read_text()
    return run


@pytest.fixture
def run(tmp_path: Path, prepared: Run) -> Iterator[Run]:
    """A checkout from which the training is submitted."""
    run = copy(prepared, tmp_path)
    yield run
    if run.process and run.process.poll() is None:
        run.kill()
    if jobs := run.queue():
        run.cluster.command("scancel", *jobs, check=False)
        wait_for("the end of the run's jobs", lambda: not run.queue(), 60)

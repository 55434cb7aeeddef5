"""A checkout from which a run is submitted to the test cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import Cluster, wait_for

PROJECT = Path(__file__).parents[2]
PARTS = ["Snakefile", "workflow", "config", "profiles", "envs", "slurm", "requirements.lock"]
TRAINING = Path("results/small/galaxy_zoo_cnn/approach1/seed0")
TARGET = str(TRAINING / "model.pt")


def environment_of(cluster: Cluster) -> dict[str, str]:
    """Environment with the cluster's commands and with Snakemake."""
    return {**cluster.environment, "PATH": f"{Path(sys.executable).parent}:{cluster.environment['PATH']}"}


class Run:
    """A checkout from which a run is submitted."""

    def __init__(self, folder: Path, cluster: Cluster):
        self.folder, self.cluster = folder, cluster
        self.environment = environment_of(cluster)
        self.output = folder / "output.txt"
        self.process: subprocess.Popen | None = None

    def start(self, *arguments: str, command: tuple[str, ...] = ("snakemake", "--profile", "slurm")) -> None:
        """Start a controller in the background."""
        quick = ["--slurm-init-seconds-before-status-checks", "2"]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--configfile", "small.yaml", *quick, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Tests in the background of a shell ignore it, and so would what they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def end(self, seconds: float = 900) -> str:
        """Wait for the end of the controller; what it said."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the controller does not end:\n{self.output.read_text()}\n{self.log()}")
        return self.output.read_text()

    def kill(self) -> None:
        """End the controller as a crash of its machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def queue(self, *options: str) -> list[str]:
        """Numbers of the jobs of this run in Slurm's queue."""
        lines = self.cluster.command("squeue", "--noheader", "--format", "%i %Z", *options).splitlines()
        return [line.split()[0] for line in lines if line.split()[1] == str(self.folder)]

    def training_job(self) -> str:
        """Number of the job whose training is well on its way."""
        wait_for("a state of the training", lambda: any(self.folder.glob("results/small/checkpoints/**/state.pt")), 300)
        return self.queue("--states", "running")[0]

    def log(self) -> str:
        """The training's log of all attempts."""
        path = self.folder / "results/small/logs/galaxy_zoo_cnn/approach1/seed0/train.log"
        return path.read_text() if path.exists() else ""

    def attempts(self) -> list[dict]:
        return json.loads((self.folder / TRAINING / "cost.json").read_text())["attempts"]

    def settings_and_code(self) -> list[str]:
        """Digests under which states of the training are kept: another attempt goes on with those of the same alone."""
        kept = self.folder / "results/small/checkpoints" / TRAINING.relative_to("results/small")
        return [path.name for path in kept.iterdir() if path.is_dir()]

    def weights_and_history(self) -> tuple[bytes, bytes]:
        return (self.folder / TRAINING / "model.pt").read_bytes(), (self.folder / TRAINING / "history.csv").read_bytes()


def copy(run: Run, folder: Path) -> Run:
    """The checkout as it is, in another folder."""
    shutil.copytree(run.folder, folder / "checkout")
    return Run(folder / "checkout", run.cluster)

"""Print how a file of a run was made: from what, by which code, with which settings, down to the sources."""

import json
import os
import sys
from pathlib import Path

from galaxies.provenance import Provenance, beside_record, find_record
from galaxies.scripting import run_script

SHOWN = 12  # digits of a digest


def main(file: Path) -> None:
    """Print the chain from `file`, for example a figure, to its sources, each step once.

    The chain is read from summary/provenance.json in the folder of the run, which has all digests in full. Of files
    that the run has beside it, such as logs, what they are is printed.
    """
    show(chain_of(file))


def chain_of(file: Path) -> list[str]:
    """Lines that tell how a file was made. Raises DataError if nothing is known of it."""
    if said := beside_record(file):
        return [str(file), f"  {said}"]
    record, name = find_record(file)
    return Chain(record).lines(name)


def show(lines: list[str]) -> None:
    """Print lines, as far as the reader of a pipe, such as `head`, takes them."""
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends


class Chain:
    """Text of a chain; a job, the settings of an experiment or a start that were shown before are only named again."""

    def __init__(self, record: Provenance):
        self.record = record
        self.shown: set[str] = set()

    def lines(self, name: str, depth: int = 0) -> list[str]:
        """A file, the job that made it, and the same for each file that the job read."""
        indent = "  " * depth
        job, described = self.record.maker(name), self.record.files[name]
        text = [f"{indent}{name}  [{state_of(described)}]"]
        if job is None:
            return [*text, f"{indent}  a source: no job of the workflow made it"]
        if not self.first(job["outputs"][0]):
            return [*text, f"{indent}  made by {job['rule']}, see above"]
        text += [f"{indent}  {line}" for line in [self.made(job), *self.data(name), *self.trained(job)]]
        return text + [line for needed in job["inputs"] for line in self.lines(needed, depth + 2)]

    def first(self, what: str) -> bool:
        """Whether something is shown for the first time."""
        new = what not in self.shown
        self.shown.add(what)
        return new

    def made(self, job: dict) -> str:
        """Who made a file, with which code, when and at what cost."""
        code = f"code {job['code'][:SHOWN]}" if job["code"] else "code not recorded"
        took = f"{job['seconds']:.4g} s" + (f", {job['memory_mb']:.0f} MB" if job["memory_mb"] else "")
        return f"made by {job['rule']} ({code}) at {job['ended']} in {took}; {self.start(job['start'])}"

    def start(self, number: int | None) -> str:
        """Start of Snakemake that a job belongs to, with commit and versions when it is named for the first time."""
        if number is None:
            return "its start of Snakemake was not recorded"
        if not self.first(f"start {number}"):
            return f"start {number}"
        start = self.record.content["starts"][number]
        git = start["git"]
        commit = git.get("reason") or f"commit {git['commit'][:SHOWN]}, {'clean' if git['clean'] else 'with changes'}"
        packages = start["packages"]
        used = [f"{name} {packages[name]}" for name in ("snakemake", "torch", "numpy") if name in packages]
        return f"start {number}: " + ", ".join([start["time"], commit, f"Python {start['python']}", *used])

    def data(self, name: str) -> list[str]:
        """Digests and source of simulated files, a catalogue or a view."""
        for dataset, data in self.record.content["data"].items():
            folder = f"{self.record.content['results']}/data/{dataset}"
            if name == f"{folder}/simulated":
                return [f"simulated: {json.dumps(data['settings']['simulate'])}"]
            if name == f"{folder}/catalogue.csv":
                return [f"labels of {data['title']}, {data['source']}, {data['licence']}"]
            for view, digest in data["pixels_sha256"].items():
                if name == f"{folder}/{view}.h5":
                    labels = data["catalogue_sha256"][:SHOWN]
                    return [f"view {view} of {dataset}, pixels {digest[:SHOWN]}, labels {labels}"]
        return []

    def trained(self, job: dict) -> list[str]:
        """Experiment, seed and settings of a job, and on what its training ran."""
        if "experiment" not in job:
            return []
        paper, name, seed = (job["experiment"][key] for key in ("paper", "name", "seed"))
        text = [f"experiment {name} of {paper}, seed {seed}"]
        if training := job.get("training"):
            attempts = len(training["attempts"])
            text.append(f"trained on {training['device']}, torch {training['torch']}, attempts: {attempts}")
        if self.first(f"{paper}/{name}"):
            known = self.record.content["experiments"][paper][name]
            text.append(f"settings {json.dumps(known['settings'])}")
            text.append(f"differs from the published: {'; '.join(known['differences']) or 'in nothing'}")
        return text


def state_of(described: dict | None) -> str:
    """Digest of a file, or why there is none."""
    if described is None:
        return "deleted after its use"
    return f"sha256 {described['sha256'][:SHOWN]}" if described["sha256"] else "no digest: a folder, or large"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

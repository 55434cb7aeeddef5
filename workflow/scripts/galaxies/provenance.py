"""The record of how a run was made: its jobs, each with what it read, made and took, and the digests of the files."""

import difflib
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from galaxies.errors import DataError
from galaxies.files import reading, sha256

RECORD = "summary/provenance.json"  # in the folder of a run
BESIDE_RECORD = {
    "config.yaml": "the merged configuration of the run, which Snakemake writes whenever it is started",
    "starts.json": "the starts of Snakemake, each of which adds itself; the record has those that jobs belong to",
    RECORD: "the record itself, made by record_provenance from what Snakemake keeps of its jobs in .snakemake/metadata",
    "summary/cost.csv": "the cost per paper and stage, made by tabulate_cost from the record",
    "summary/cost_per_figure.csv": "the cost per figure and table, made by tabulate_cost from the record",
    "summary/cost.p*": "a figure of the cost, made by plot_cost from summary/cost.csv",
    "ro-crate-metadata.json": "the run as an RO-Crate, made by describe_crate from the record",
    "summary/workflow*": "a copy of the workflow as it was when describe_crate made the RO-Crate",
    "README.md": "the page on the run, made by write_overview after everything else",
    "report.html": "the report, made by `snakemake --report` from the figures and tables of the run",
    "logs/*": "what a job said; the file's name is that of the rule or of what it made",
    "benchmarks/*": "time and memory of the last attempt of a job; the record has them with the job",
    "checkpoints/*": "the state of a training, a sample of its images, or a second name of its results",
    "data/*/.*.lock": "a lock, which keeps two jobs from writing the same files",
    "*/scores_of_*.csv": "scores of images that are no part of the run, made by score_images",
}
"""Files that a run has beside what its record tells of, by their names in its folder: what each is, and who made it."""
LARGE = 2**30  # bytes; larger files have no digest, for the sake of time


class Provenance:
    """What `provenance.json` says.

    content : all of it. jobs : mappings with rule, inputs, outputs, code and more (record_provenance.py).
    """

    def __init__(self, path: Path):
        try:
            with reading(path):
                self.content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
                self.jobs: list[dict] = self.content["jobs"]
                self._makers = {name: job for job in self.jobs for name in job["outputs"]}
                self.files: dict[str, dict | None] = self.content["files"]
        except DataError as error:
            again = "delete it; `snakemake --cores 1 summary_provenance`, with the run's --configfile, makes it anew"
            raise DataError(error.message, again) from error

    def maker(self, name: str) -> dict | None:
        """The job that made a file; None for a source."""
        return self._makers.get(name)

    def needed(self, names: Iterable[str]) -> list[dict]:
        """Jobs that files depend on, each once, in the order of the record."""
        pending, reached = list(names), set()
        while pending:
            job = self.maker(pending.pop())
            if job is not None and job["outputs"][0] not in reached:
                reached.add(job["outputs"][0])
                pending.extend(job["inputs"])
        return [job for job in self.jobs if job["outputs"][0] in reached]


def folder_with_record(file: Path) -> Path:
    """Folder of the run that a file is of. Raises DataError if it is in none that has a record."""
    folder = next((parent for parent in file.resolve().parents if (parent / RECORD).is_file()), None)
    if folder is None:
        raise DataError(
            f"{file}: in no run with a record ({RECORD})",
            "name a file in results/<run>/; `snakemake all` makes the record",
        )
    return folder


def beside_record(file: Path) -> str | None:
    """What a file is that a run has beside its record, and who made it; None for a file that the record may have."""
    name = file.resolve().relative_to(folder_with_record(file)).as_posix()
    kinds = (said for pattern, said in BESIDE_RECORD.items() if fnmatchcase(name, pattern))
    return next(kinds, None) if file.exists() else None


def find_record(file: Path) -> tuple[Provenance, str]:
    """The record of the run that a file is of, and the file's name in it; of a file in a folder that a job made as a
    whole, the name of that folder.

    Raises DataError if the file is in no run, if the run has no record or the record no such file, or if the file is
    not the one that the record tells of.
    """
    folder = folder_with_record(file)
    record = Provenance(folder / RECORD)
    place = file.resolve().relative_to(folder)
    names = [f"{record.content['results']}/{part.as_posix()}" for part in (place, *place.parents)]
    name = next((name for name in names if record.maker(name)), None)
    if name is None and file.exists():
        raise DataError(
            f"{file}: not in {folder / RECORD}, which tells of what the figures and tables of the run are made from",
            "`snakemake all` brings the record up to date",
        )
    if name is None:
        nearest = difflib.get_close_matches(names[0], [made for job in record.jobs for made in job["outputs"]], n=1)
        raise DataError(f"{file}: no such file", f"do you mean {nearest[0]}?" if nearest else None)
    path = folder / Path(name).relative_to(record.content["results"])
    if describe_file(path) != record.files[name]:
        raise DataError(
            f"{file}: not the file that {folder / RECORD} tells of", "`snakemake all` brings the record up to date"
        )
    return record, name


def describe_file(path: Path) -> dict[str, Any] | None:
    """Size and SHA-256 of a file; both None for a folder, the latter for a large one. None if there is no such file."""
    if not path.exists():
        return None
    if path.is_dir():
        return {"bytes": None, "sha256": None}
    size = path.stat().st_size
    return {"bytes": size, "sha256": sha256(path) if size <= LARGE else None}

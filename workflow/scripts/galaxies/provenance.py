"""The record of how a run was made: its jobs, each with what it read, made and took, and the digests of the files."""

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from galaxies.errors import DataError
from galaxies.files import reading, sha256

RECORD = "summary/provenance.json"  # in the folder of a run
LARGE = 2**30  # bytes; larger files have no digest, for the sake of time


class Provenance:
    """What `provenance.json` says.

    content : all of it. jobs : mappings with rule, inputs, outputs, code and more (record_provenance.py).
    """

    def __init__(self, path: Path):
        with reading(path):
            self.content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self.jobs: list[dict] = self.content["jobs"]
            self._makers = {name: job for job in self.jobs for name in job["outputs"]}
            self.files: dict[str, dict | None] = self.content["files"]

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


def find_record(file: Path) -> tuple[Provenance, str]:
    """The record of the run that a file is of, and the file's name in it.

    Raises DataError if the file is in no run, if the run has no record or the record no such file, or if the file is
    not the one that the record tells of.
    """
    folder = next((parent for parent in file.resolve().parents if (parent / RECORD).is_file()), None)
    if folder is None:
        raise DataError(
            f"{file}: in no run with a record ({RECORD})",
            "name a file in results/<run>/; `snakemake all` makes the record",
        )
    record = Provenance(folder / RECORD)
    name = f"{record.content['results']}/{file.resolve().relative_to(folder).as_posix()}"
    if record.maker(name) is None:
        nearest = difflib.get_close_matches(name, [made for job in record.jobs for made in job["outputs"]], n=1)
        raise DataError(
            f"{file}: no job of the run made it, as far as {folder / RECORD} knows",
            f"do you mean {nearest[0]}?" if nearest else "`snakemake all` brings the record up to date",
        )
    if describe_file(file) != record.files[name]:
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

"""What Snakemake recorded of the jobs that it finished: who made a file, from what, with which code, and when."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from galaxies.errors import DataError
from galaxies.files import reading

RECORDS = Path(".snakemake/metadata")  # one JSON file for each file that a job made, named by its path in base64
FORMAT = 6  # of these records
CODE = re.compile("'([0-9a-f]{64})'")  # digest of the code, a parameter of the rule; parameters are recorded unnamed


@dataclass(frozen=True)
class Job:
    """A finished job.

    code : digest of what it executed, None for a rule without. started : when Snakemake gave it to its executor, a
    batch system may have kept it waiting; ended : when its last output was written; both in seconds since 1970.
    """

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    code: str | None
    started: float
    ended: float


def read_jobs(records: Path, targets: Iterable[str], results: str) -> list[Job]:
    """Jobs that made `targets`, and whatever these were made from, ordered by what they made.

    results : folder of the run, whose files were all made by jobs; others may be sources.
    Raises DataError if one of the former has no record, or if a record has another format.
    """
    found = {made_file(path, records): path for path in records.rglob("*") if path.is_file()}
    jobs: dict[tuple, list[str]] = {}
    contents = {}
    for name, path in found.items():
        with reading(path):
            contents[name] = content = json.loads(path.read_text(encoding="utf-8"))
            jobs.setdefault((content["rule"], *content["log"], content["job_hash"]), []).append(name)
    makers = {name: (key, names) for key, names in jobs.items() for name in names}
    reached: dict[tuple, Job] = {}
    pending = list(targets)
    while pending:
        name = pending.pop()
        if name not in makers:
            if name.startswith(f"{results}/"):
                raise DataError(
                    f"{name}: Snakemake has no record of how it was made", f"make it again: `snakemake --force {name}`"
                )
            continue
        key, names = makers[name]
        if key not in reached:
            reached[key] = job_of(sorted(names), contents)
            pending.extend(reached[key].inputs)
    return sorted(reached.values(), key=lambda job: job.outputs)


def job_of(names: list[str], contents: dict[str, dict]) -> Job:
    """The job that made the files `names`."""
    first = contents[names[0]]
    if (version := first["record_format_version"]) != FORMAT:
        raise DataError(
            f"{names[0]}: Snakemake's record of it has format {version}, expected {FORMAT}",
            f"make it again with the Snakemake of requirements.lock: `snakemake --force {names[0]}`",
        )
    codes = [match[1] for parameter in first["params"] if (match := CODE.fullmatch(parameter))]
    started = min(contents[name]["starttime"] for name in names)
    ended = max(contents[name]["endtime"] for name in names)
    log = first["log"][0]
    return Job(first["rule"], tuple(first["input"]), tuple(names), log, codes[0] if codes else None, started, ended)


def made_file(record: Path, records: Path) -> str:
    """Path of the file that a record is of; the name of a long one is spread over folders that begin with @."""
    parts = record.relative_to(records).parts
    return base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()

"""Record how every file of a run was made: jobs, settings, code, commits, packages, digests, time and memory."""

import bisect
import csv
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxies.errors import DataError
from galaxies.files import reading, write_text
from galaxies.job_records import Job, read_jobs
from galaxies.provenance import describe_file
from galaxies.scripting import run_script
from galaxies.starts import read_starts

logger = logging.getLogger("galaxies.record_provenance")

OF_CARD = ("title", "page", "licence", "citation", "simulated", "source", "recipe", "tables", "catalogue_sha256")


def main(
    cards: list[Path],
    record: Path,
    *,
    records: Path,
    starts: Path,
    results: Path,
    run: str,
    targets: dict,
    data: dict,
    experiments: dict,
) -> None:
    """Write `record` (JSON).

    cards : of the data sets, in the order of `data`, their settings by name. records : Snakemake's, of its jobs.
    starts : when Snakemake was started, and with what. results : folder of the run. run : its name.
    targets : paper -> short name -> file, for the figures and tables. experiments : paper -> name -> settings, and
    their differences from the published ones.

    Times are those of the records, so that the same run gives the same bytes. The time of a job is its benchmark's
    where it has one, else that from start to end; a training's covers all its attempts (`measure`).
    """
    jobs = read_jobs(records, [file for files in targets.values() for file in files.values()], str(results))
    made_in, used_starts = starts_of(jobs, read_starts(starts))
    described = []
    for job, start in zip(jobs, made_in, strict=True):
        experiment = experiment_of(job, str(results))
        described.append(
            {
                "rule": job.rule,
                "outputs": job.outputs,
                "inputs": job.inputs,
                "code": job.code,
                "start": start,
                "started": in_words(job.started),
                "ended": in_words(job.ended),
                **({"experiment": experiment} if experiment else {}),
                **measure(job, results),
            }
        )
    files = sorted({name for job in jobs for name in (*job.outputs, *job.inputs)})
    used = {(job["experiment"]["paper"], job["experiment"]["name"]) for job in described if "experiment" in job}
    content = {
        "run": run,
        "results": str(results),
        "starts": [start | {"time": in_words(start["time"])} for start in used_starts],
        "data": {
            name: {"settings": settings} | of_card(card)
            for (name, settings), card in zip(data.items(), cards, strict=True)
        },
        "experiments": {
            paper: {name: known[name] for name in known if (paper, name) in used}
            for paper, known in experiments.items()
        },
        "targets": targets,
        "jobs": described,
        "files": {name: describe_file(Path(name)) for name in files},
    }
    write_text(record, json.dumps(content, indent=1) + "\n")
    logger.info("Recorded %d jobs and %d files", len(jobs), len(files))


def starts_of(jobs: list[Job], starts: list[dict]) -> tuple[list[int | None], list[dict]]:
    """Starts of Snakemake that jobs belong to, and for each job its place among them; None if it was not recorded."""
    times = [start["time"] for start in starts]
    last = [bisect.bisect(times, job.started) for job in jobs]  # number of starts before the job
    used = sorted(set(last) - {0})
    return [used.index(number) if number else None for number in last], [starts[number - 1] for number in used]


def in_words(seconds: float) -> str:
    """Time since 1970 as ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def experiment_of(job: Job, results: str) -> dict[str, Any] | None:
    """Experiment and seed whose folder a job writes to."""
    match = re.match(rf"{re.escape(results)}/([^/]+)/([^/]+)/seed(\d+)/", job.outputs[0])
    return {"paper": match[1], "name": match[2], "seed": int(match[3])} if match else None


def of_card(card: Path) -> dict[str, Any]:
    """Source of a data set, and the digests of its labels and of the pixels of its views."""
    with reading(card):
        content = json.loads(card.read_text(encoding="utf-8"))
        views = {name: view["sha256"] for name, view in content["views"].items()}
        return {key: content[key] for key in OF_CARD if key in content} | {"pixels_sha256": views}


def measure(job: Job, results: Path) -> dict[str, Any]:
    """Wall time and CPU time in seconds and memory in MB (1e6 bytes) of a job; `training`: what its cost.json says.

    A benchmark is of the last attempt alone, and shorter than that if a complete training was put back; its CPU time
    ends at the last look of Snakemake, up to half a minute early. Times of a training are therefore those of earlier
    attempts, as far as their states were saved, and the longer of both for the last.
    """
    measured = read_benchmark(results / "benchmarks" / Path(job.log).relative_to(results / "logs").with_suffix(".tsv"))
    clock = {"seconds": round(job.ended - job.started, 2), "cpu_seconds": None, "memory_mb": None, "measured": "clock"}
    measured = measured or clock
    cost = next((Path(name) for name in job.outputs if Path(name).name == "cost.json"), None)
    if cost is None or not cost.exists():  # of no training, or of one whose files were deleted after their use
        return measured
    with reading(cost):
        training = json.loads(cost.read_text(encoding="utf-8"))
        del training["epoch_seconds"]
    for key in ("seconds", "cpu_seconds"):
        *earlier, last = (attempt[key] for attempt in training["attempts"])
        measured[key] = round(sum(earlier) + max(last, measured[key] or 0), 2)
    if training["device_type"] == "cpu":  # else it is that of the GPU
        measured["memory_mb"] = max(training["peak_memory_bytes"] / 1e6, measured["memory_mb"] or 0)
    return measured | {"training": training}


def read_benchmark(path: Path) -> dict[str, Any] | None:
    """What Snakemake measured of a job, of a short one only its time; None if the rule has no benchmark."""
    if not path.exists():
        return None
    with reading(path), path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
        if len(rows) != 1:
            raise DataError(f"{path}: {len(rows)} rows, expected one", "delete it and make what it is of again")
        numbers = {key: known(rows[0][key]) for key in ("s", "cpu_time", "max_rss")}
    mebibytes = numbers["max_rss"]
    memory = None if mebibytes is None else mebibytes * 2**20 / 1e6
    return {"seconds": numbers["s"], "cpu_seconds": numbers["cpu_time"], "memory_mb": memory, "measured": "benchmark"}


def known(text: str) -> float | None:
    """A number of a benchmark; Snakemake writes NA for what it could not measure."""
    return None if text in ("NA", "-") else float(text)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

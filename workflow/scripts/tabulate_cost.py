"""What a run took: time and memory per paper and stage, and per figure and table with all that it depends on."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from galaxies.errors import DataError
from galaxies.files import atomic
from galaxies.provenance import Provenance
from galaxies.scripting import run_script

STAGES = {  # stage -> verbs that names of its rules begin with, after the paper's if a rule is of one paper
    "data": ("fetch", "simulate", "prepare", "split", "pack", "describe"),
    "training": ("train", "fit"),
    "generation": ("generate", "sample", "draw"),
    "evaluation": (
        *("predict", "classify", "judge", "compare", "measure", "evaluate", "examine", "find", "score"),
        *("tabulate", "join", "write", "collect", "summarise"),
    ),
    "figures": ("plot", "make"),
}


def main(record: Path, cost: Path, per_figure: Path) -> None:
    """Write `cost`, a row per paper and stage, and `per_figure`, a row per figure or table.

    record : provenance.json of the run. A job that several figures of a paper need counts once for the paper, one that
    several papers need counts for each; the paper `all` has every job once. seconds : the sum over jobs, which may have
    run side by side. shared_seconds : of jobs that another paper, or another figure of the run, needs, too.
    unmeasured_cpu : jobs whose CPU time is not known and not in cpu_seconds.
    """
    run = Provenance(record)
    papers = run.content["targets"]
    needed = {paper: run.needed(files.values()) for paper, files in papers.items()}
    shared = in_several(needed.values())
    rows = []
    for paper, jobs in {**needed, "all": run.jobs}.items():
        stages = [stage_of(job["rule"], papers) for job in jobs]
        for stage in STAGES:
            of_stage = [job for job, found in zip(jobs, stages, strict=True) if found == stage]
            rows.append({"paper": paper, "stage": stage} | total(of_stage, shared if paper != "all" else no_job))
    figures = [(paper, name, file) for paper, files in papers.items() for name, file in files.items()]
    depends = {file: run.needed([file]) for _, _, file in figures}
    shared = in_several(depends.values())
    of_figures = [
        {"paper": paper, "name": name, "file": file} | total(depends[file], shared) for paper, name, file in figures
    ]
    for path, content in ((cost, rows), (per_figure, of_figures)):
        with atomic(path) as temporary:
            pd.DataFrame(content).to_csv(temporary, index=False)


def stage_of(rule: str, papers: dict) -> str:
    """Stage of a rule, by the verb in its name."""
    own = next((paper for paper in papers if rule.startswith(f"{paper}_")), "")
    verb = rule.removeprefix(f"{own}_").split("_")[0]
    for stage, verbs in STAGES.items():
        if verb in verbs:
            return stage
    raise DataError(f"rule {rule}: {verb!r} is a verb of no stage", "add it to STAGES of tabulate_cost.py")


def in_several(groups) -> Callable[[dict], bool]:
    """Function that tells whether several of the groups have a job."""
    counts = pd.Series([job["outputs"][0] for jobs in groups for job in jobs]).value_counts()
    return lambda job: counts[job["outputs"][0]] > 1


def no_job(job: dict) -> bool:
    """Whether a job is shared by a group that has no other beside it."""
    return False


def total(jobs: list[dict], shared: Callable[[dict], bool]) -> dict[str, float | int | None]:
    """Time and memory of some jobs together."""
    cpu = [job["cpu_seconds"] for job in jobs if job["cpu_seconds"] is not None]
    memory = [job["memory_mb"] for job in jobs if job["memory_mb"] is not None]
    return {
        "jobs": len(jobs),
        "seconds": round(sum(job["seconds"] for job in jobs), 2),
        "shared_seconds": round(sum(job["seconds"] for job in jobs if shared(job)), 2),
        "cpu_seconds": round(sum(cpu), 2),
        "unmeasured_cpu": len(jobs) - len(cpu),
        "peak_memory_mb": round(max(memory), 1) if memory else None,
    }


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Describe a run as a Provenance Run Crate: its files and jobs in RO-Crate's vocabulary, which machines can read."""

import json
import mimetypes
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from rocrate.model import ComputationalWorkflow, ContextEntity, DataEntity
from rocrate.rocrate import ROCrate

from galaxies.files import write_text
from galaxies.provenance import Provenance, describe_file
from galaxies.scripting import run_script

PROFILES = [
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/ro/wfrun/provenance/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
]
COMPLETED = "http://schema.org/CompletedActionStatus"
UNKNOWN_FORMAT = "application/octet-stream"  # the registered type of files that have no type of their own
PARTS = ("Snakefile", "workflow", "config", "envs", "profiles", "requirements.lock")  # of the workflow


def main(record: Path, config: Path, metadata: Path, workflow: Path, *, project: Path) -> None:
    """Write `metadata`, whose folder is the crate, and copy the workflow from the folder `project` to `workflow`.

    record : provenance.json of the run. config : its merged configuration. Files of the run are named where they are;
    what lies elsewhere, such as downloads, is named without being part of the crate.
    """
    copy_workflow(project, workflow)
    write_text(metadata, Crate(Provenance(record), metadata.parent, [record, config], workflow).text())


def copy_workflow(project: Path, folder: Path) -> None:
    """Copy what a run needs of the project, but no results."""
    for part in PARTS:
        source, place = project / part, folder / part
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)


class Crate:
    """The crate of one run: its files, a step per rule, an action per job, and the actions that join them."""

    def __init__(self, record: Provenance, folder: Path, about: list[Path], workflow: Path):
        self.record, self.folder, self.crate = record, folder, ROCrate(version="1.1")
        self.files: dict[str, DataEntity | ContextEntity] = {}
        run, jobs = record.content["run"], record.jobs
        started, ended = min(job["started"] for job in jobs), max(job["ended"] for job in jobs)
        licences = {f"{data['title']}: {data['licence']}" for data in record.content["data"].values()}
        root = self.crate.root_dataset
        root["name"] = f"Run {run} of five papers on machine-learned galaxy images"
        root["description"] = "Figures and tables, trained models and data, and how each of them was made"
        root["datePublished"] = ended
        root["license"] = [
            self.named(f"#licence-{number}", "CreativeWork", name=text) for number, text in enumerate(sorted(licences))
        ]
        root["conformsTo"] = [self.named(url, "CreativeWork", name=url.split("/", 3)[-1]) for url in PROFILES]
        place = workflow.relative_to(folder)
        self.crate.add_dataset(dest_path=place, properties={"name": "the workflow, with its configuration"})
        properties = {"@type": [*ComputationalWorkflow.TYPES, "HowTo"], "name": "Snakefile"}  # it has steps
        self.workflow = self.crate.add_workflow(
            dest_path=place / "Snakefile", main=True, lang="snakemake", properties=properties
        )
        described = [self.part(path.relative_to(folder).as_posix(), path.name, describe_file(path)) for path in about]
        self.add_steps()
        sources = sorted({name for job in jobs for name in job["inputs"] if record.maker(name) is None})
        targets = sorted({file for files in record.content["targets"].values() for file in files.values()})
        whole = self.action(
            "#workflow",
            "CreateAction",
            name=f"Run of the workflow for {run}",
            instrument=self.workflow,
            object=[described[-1], *map(self.file, sources)],
            result=[*map(self.file, targets), described[0]],
            startTime=started,
            endTime=ended,
        )
        versions = {start["packages"].get("snakemake") for start in record.content["starts"]} - {None}
        facts_of_engine = {"url": "https://snakemake.github.io/", "softwareVersion": sorted(versions)}
        engine = self.named("#snakemake", "SoftwareApplication", name="Snakemake", **facts_of_engine)
        organised = self.action(
            "#snakemake-run",
            "OrganizeAction",
            name=f"Snakemake's work on {run}",
            instrument=engine,
            object=self.controls,
            result=whole,
            startTime=started,
            endTime=ended,
        )
        root["mentions"] = [whole, organised, *self.actions]

    def add_steps(self) -> None:
        """Tool and step of each rule, action of each job, and what put them into order."""
        jobs = defaultdict(list)
        for job in self.record.jobs:
            jobs[job["rule"]].append(job)
        self.actions, self.controls, steps, tools = [], [], [], []
        for position, (rule, made) in enumerate(sorted(jobs.items()), 1):
            tools.append(self.named(f"#rule-{rule}", "SoftwareApplication", name=rule))
            steps.append(
                self.named(f"#step-{rule}", "HowToStep", name=rule, position=str(position), workExample=tools[-1])
            )
            actions = [self.job(tools[-1], job) for job in made]
            self.actions += actions
            self.controls.append(
                self.action(
                    f"#control-{rule}", "ControlAction", name=f"jobs of {rule}", instrument=steps[-1], object=actions
                )
            )
        self.workflow["step"], self.workflow["hasPart"] = steps, tools

    def job(self, tool: ContextEntity, job: dict[str, Any]) -> ContextEntity:
        """Action of one job; its code and its settings are among what it started from."""
        values = []
        if job["code"]:
            values.append(self.value(f"#code-{job['code']}", "digest of the code", job["code"]))
        if experiment := job.get("experiment"):
            paper, name, seed = (experiment[key] for key in ("paper", "name", "seed"))
            values.append(self.value(f"#seed-{seed}", "seed", str(seed)))
            known = self.record.content["experiments"][paper][name]
            values.append(self.value(f"#settings-{paper}-{name}", "settings", json.dumps(known, sort_keys=True)))
        return self.action(
            f"#job-{self.relative(job['outputs'][0])}",
            "CreateAction",
            name=f"{tool['name']}: {Path(job['outputs'][0]).name}",
            instrument=tool,
            object=[*map(self.file, job["inputs"]), *values],
            result=[*map(self.file, job["outputs"])],
            startTime=job["started"],
            endTime=job["ended"],
        )

    def relative(self, name: str) -> str:
        """Name of a file of the run in the crate; of any other, its own."""
        return name.removeprefix(f"{self.record.content['results']}/")

    def file(self, name: str) -> DataEntity | ContextEntity:
        """A file that a job read or made, once."""
        if name not in self.files:
            inside = name.startswith(f"{self.record.content['results']}/")
            described = self.record.files[name]
            self.files[name] = (
                self.part(self.relative(name), Path(name).name, described)
                if inside
                else self.named(f"#source-{name}", "CreativeWork", name=name, **facts(described))
            )
        return self.files[name]

    def part(self, place: str, name: str, described: dict[str, Any]) -> DataEntity:
        """A file or folder of the crate."""
        properties = {"name": name, **facts(described)}
        if described["bytes"] is None:
            return self.crate.add_dataset(dest_path=place, properties=properties)
        kind, _ = mimetypes.guess_type(name)
        return self.crate.add_file(dest_path=place, properties=properties | {"encodingFormat": kind or UNKNOWN_FORMAT})

    def value(self, identifier: str, name: str, value: str) -> ContextEntity:
        """A named value, once."""
        return self.named(identifier, "PropertyValue", name=name, value=value)

    def named(self, identifier: str, kind: str, **properties: Any) -> ContextEntity:
        """An entity that is no part of the crate, once."""
        found = self.crate.get(identifier)
        return found or self.add(identifier, kind, properties)

    def action(self, identifier: str, kind: str, **properties: Any) -> ContextEntity:
        """A completed action."""
        return self.add(identifier, kind, {**properties, "actionStatus": COMPLETED})

    def add(self, identifier: str, kind: str, properties: dict[str, Any]) -> ContextEntity:
        entity = self.crate.add(ContextEntity(self.crate, identifier, properties={"@type": kind}))
        for key, value in properties.items():
            if value != []:
                entity[key] = value[0] if isinstance(value, list) and len(value) == 1 else value
        return entity

    def text(self) -> str:
        """The metadata file; entities ordered by what identifies them."""
        content = self.crate.metadata.generate()
        content["@graph"].sort(key=lambda entity: entity["@id"])
        return json.dumps(content, indent=1, sort_keys=True) + "\n"


def facts(described: dict[str, Any]) -> dict[str, str]:
    """Size and digest of a file, as far as they are known, in RO-Crate's terms."""
    sizes = {"contentSize": described["bytes"], "sha256": described["sha256"]}
    return {key: str(value) for key, value in sizes.items() if value is not None}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

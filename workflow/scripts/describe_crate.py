"""Describe a run as a Provenance Run Crate: its files and jobs in RO-Crate's vocabulary, which machines can read."""

import json
import mimetypes
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from rocrate.model import ComputationalWorkflow, ContextEntity, DataEntity, Entity
from rocrate.rocrate import ROCrate

from galaxies.files import write_text
from galaxies.provenance import Provenance, describe_file
from galaxies.scripting import run_script

PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/ro/wfrun/provenance/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
COMPLETED = "http://schema.org/CompletedActionStatus"
FORMATS = mimetypes.MimeTypes()  # those of Python, not those of the machine, too
UNKNOWN_FORMAT = "application/octet-stream"  # the registered type of files that have no type of their own
PARTS = ("Snakefile", "workflow", "config", "envs", "profiles", "requirements.lock")  # of the workflow


def main(record: Path, metadata: Path, workflow: Path, *, config: Path, project: Path) -> None:
    """Write `metadata`, whose folder is the crate, and copy the workflow from the folder `project` to `workflow`.

    record : provenance.json of the run. config : its merged configuration. Files of the run are named where they are;
    what lies elsewhere, such as downloads, is named without being part of the crate.
    """
    for part in PARTS:
        source, copy = project / part, workflow / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    crate = Crate(Provenance(record), metadata.parent)
    crate.add_workflow(workflow / "Snakefile")
    crate.add_jobs()
    crate.add_run(record, config)
    write_text(metadata, crate.text())


class Crate:
    """The crate of one run: its files, an action per job, a step per rule, and the actions that join them."""

    def __init__(self, record: Provenance, folder: Path):
        self.record, self.folder, self.crate = record, folder, ROCrate(version="1.1")
        self.parts: dict[str, DataEntity] = {}
        self.started = min(job["started"] for job in record.jobs)
        self.ended = max(job["ended"] for job in record.jobs)
        licences = sorted({f"{data['title']}: {data['licence']}" for data in record.content["data"].values()})
        root = self.crate.root_dataset
        root["name"] = f"Run {record.content['run']} of five papers on machine-learned galaxy images"
        root["description"] = "Figures and tables, trained models and data, and how each of them was made"
        root["datePublished"] = self.ended
        root["license"] = [self.add(f"#licence-{n}", "CreativeWork", name=text) for n, text in enumerate(licences)]
        root["conformsTo"] = [self.add(url, "CreativeWork", name=url.split("/", 3)[-1]) for url in PROFILES]

    def add_workflow(self, snakefile: Path) -> None:
        """The workflow, whose main file is `snakefile`."""
        place = snakefile.relative_to(self.folder)
        self.crate.add_dataset(dest_path=place.parent, properties={"name": "the workflow and its configuration"})
        kinds = [*ComputationalWorkflow.TYPES, "HowTo"]  # the last because it has steps
        properties = {"@type": kinds, "name": "Snakefile", "encodingFormat": "text/plain"}
        self.workflow = self.crate.add_workflow(dest_path=place, main=True, lang="snakemake", properties=properties)

    def add_jobs(self) -> None:
        """Tool and step of each rule, the action of each job, and one that joins those of a rule."""
        jobs = defaultdict(list)
        for job in self.record.jobs:
            jobs[job["rule"]].append(job)
        tools, steps, self.jobs, self.controls = [], [], [], []
        for rule, made in sorted(jobs.items()):
            tool = self.add(f"#rule-{rule}", "SoftwareApplication", name=rule)
            step = self.add(f"#step-{rule}", "HowToStep", name=rule, workExample=tool)
            actions = [self.job(tool, job) for job in made]
            name = f"jobs of {rule}"
            control = self.add(f"#control-{rule}", "ControlAction", name=name, instrument=step, object=actions)
            tools, steps = [*tools, tool], [*steps, step]
            self.jobs, self.controls = [*self.jobs, *actions], [*self.controls, control]
        self.workflow["step"], self.workflow["hasPart"] = steps, tools

    def add_run(self, record: Path, config: Path) -> None:
        """The run as a whole: from sources and configuration to the targets and their record."""
        run = self.record.content["run"]
        sources = sorted({name for job in self.record.jobs for name in job["inputs"] if not self.record.maker(name)})
        targets = [name for files in self.record.content["targets"].values() for name in files.values()]
        settings = self.crate.add_file(
            dest_path=config.relative_to(self.folder),
            properties={"name": "the merged configuration", "encodingFormat": "application/yaml"},
        )
        whole = self.action(
            "#workflow",
            "CreateAction",
            name=f"Run {run} of the workflow",
            instrument=self.workflow,
            object=[settings, *map(self.file, sources)],
            result=[
                *map(self.file, sorted(targets)),
                self.part(record.relative_to(self.folder).as_posix(), describe_file(record)),
            ],
        )
        versions = {start["packages"].get("snakemake") for start in self.record.content["starts"]} - {None}
        about = {"url": "https://snakemake.github.io/", "softwareVersion": sorted(versions)}
        engine = self.add("#snakemake", "SoftwareApplication", name="Snakemake", **about)
        work = {"name": f"Snakemake's work on {run}", "instrument": engine, "object": self.controls, "result": whole}
        organised = self.action("#snakemake-run", "OrganizeAction", **work)
        self.crate.root_dataset["mentions"] = [whole, organised, *self.jobs]

    def job(self, tool: Entity, job: dict[str, Any]) -> Entity:
        """Action of one job; the digest of its code and its settings are among what it started from."""
        values = []
        if job["code"]:
            values.append(self.value(f"#code-{job['code']}", "digest of the code", job["code"]))
        if experiment := job.get("experiment"):
            paper, name, seed = (experiment[key] for key in ("paper", "name", "seed"))
            settings = json.dumps(self.record.content["experiments"][paper][name], sort_keys=True)
            values.append(self.value(f"#seed-{seed}", "seed", str(seed)))
            values.append(self.value(f"#settings-{paper}-{name}", "settings", settings))
        return self.action(
            f"#job-{self.place(job['outputs'][0])}",
            "CreateAction",
            name=f"{job['rule']}: {Path(job['outputs'][0]).name}",
            instrument=tool,
            object=[*map(self.file, job["inputs"]), *values],
            result=[*map(self.file, job["outputs"])],
            startTime=job["started"],
            endTime=job["ended"],
        )

    def place(self, name: str) -> str:
        """Place of a file of the run in the crate; any other keeps its name."""
        return name.removeprefix(f"{self.record.content['results']}/")

    def file(self, name: str) -> Entity:
        """A file that jobs read or made: a part of the crate if it is of the run and still there."""
        described = self.record.files[name]
        if described is None:
            return self.once(f"#deleted-{name}", "CreativeWork", name=f"{name}, deleted after its use")
        if self.place(name) != name:
            return self.part(self.place(name), described)
        return self.once(f"#source-{name}", "CreativeWork", name=name, **facts(described))

    def part(self, place: str, described: dict[str, Any]) -> DataEntity:
        """A file or folder of the crate, once."""
        if place not in self.parts:
            properties = {"name": Path(place).name, **facts(described)}
            if described["bytes"] is None:
                self.parts[place] = self.crate.add_dataset(dest_path=place, properties=properties)
            else:
                properties["encodingFormat"] = FORMATS.guess_type(place)[0] or UNKNOWN_FORMAT
                self.parts[place] = self.crate.add_file(dest_path=place, properties=properties)
        return self.parts[place]

    def value(self, identifier: str, name: str, value: str) -> Entity:
        """A named value, once."""
        return self.once(identifier, "PropertyValue", name=name, value=value)

    def action(self, identifier: str, kind: str, **properties: Any) -> Entity:
        """A completed action; without times of its own it has those of the run."""
        times = {"startTime": self.started, "endTime": self.ended}
        return self.add(identifier, kind, actionStatus=COMPLETED, **(times | properties))

    def once(self, identifier: str, kind: str, **properties: Any) -> Entity:
        """The entity of that name, made if it is not there yet."""
        return self.crate.get(identifier) or self.add(identifier, kind, **properties)

    def add(self, identifier: str, kind: str, **properties: Any) -> Entity:
        """A new entity that is no file; a list of one becomes that one, as RO-Crate wants it, an empty one nothing."""
        entity = self.crate.add(ContextEntity(self.crate, identifier, properties={"@type": kind}))
        for key, value in properties.items():
            if value != []:
                entity[key] = value[0] if isinstance(value, list) and len(value) == 1 else value
        return entity

    def text(self) -> str:
        """The metadata file, entities in the order of what identifies them."""
        content = self.crate.metadata.generate()
        content["@graph"].sort(key=lambda entity: entity["@id"])
        return json.dumps(content, indent=1, sort_keys=True) + "\n"


def facts(described: dict[str, Any]) -> dict[str, str]:
    """Size and digest of a file in RO-Crate's terms, as far as they are known."""
    known = {"contentSize": described["bytes"], "sha256": described["sha256"]}
    return {key: str(value) for key, value in known.items() if value is not None}


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

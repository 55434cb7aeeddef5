"""A small run whose files and records are written here: one paper's figure of two trainings, another of their data."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

import record_provenance

RESULTS = "results/small"
RECORDS = Path(".snakemake/metadata")
DIGIT = {"simulate": "a", "pack": "b", "train": "c", "plot": "d"}  # of which the digest of a rule's code consists
COMMIT = "0123456789" * 4


@dataclass
class SmallRun:
    """A run in the current folder; times in seconds since 1970, the start of Snakemake at 1000."""

    time: float = 2000.0
    records: FilePersistence = field(default_factory=FilePersistence)
    number: int = 0

    def job(self, rule, outputs, inputs=(), *, seconds=1.0, benchmark=None, log=None, **changes):
        """A finished job that wrote `outputs`, and Snakemake's record of it, by Snakemake's own hand."""
        self.number += 1
        for name in outputs:
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(f"{rule} {name}")
        log = log or f"{RESULTS}/logs/{rule}_{self.number}.log"
        digest = DIGIT.get(rule.split("_")[0], "e") * 64
        for position, name in enumerate(outputs):
            content = {
                "rule": rule,
                "input": sorted(inputs),
                "log": [log],
                "params": ["'a text'", repr(digest), "[0, 1]"],
                "record_format_version": RECORD_FORMAT_VERSION,
                "job_hash": self.number,
                "starttime": self.time,
                "endtime": self.time + seconds - position,
            }
            self.records._write_record(name, MetadataRecord(**(content | changes)))
        if benchmark:
            path = Path(log.replace("/logs/", "/benchmarks/")).with_suffix(".tsv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("s\tmax_rss\tcpu_time\n" + "\t".join(map(str, benchmark)) + "\n")
        self.time += 100

    def train(self, seed, view, seconds, attempts, benchmark, **changes):
        """A training, with its cost.json."""
        folder = Path(f"{RESULTS}/first/net/seed{seed}")
        folder.mkdir(parents=True, exist_ok=True)
        cost = {"device": "a processor", "device_type": "cpu", "torch": "2.0", "peak_memory_bytes": 300_000_000}
        ended = [{"seconds": spent, "cpu_seconds": spent - 1, "ended": "complete"} for spent in attempts]
        (folder / "cost.json").write_text(json.dumps({**cost, "attempts": ended, "epoch_seconds": [1.0], **changes}))
        outputs = [f"{folder}/{name}" for name in ("model.pt", "cost.json")]
        self.job("train", outputs, [view], seconds=seconds, benchmark=benchmark)

    def record(self) -> Path:
        """What record_provenance.py makes of it."""
        record = Path(RESULTS) / "summary/provenance.json"
        targets = {
            "first": {"fig1": f"{RESULTS}/first/fig1.png", "fig2": f"{RESULTS}/first/fig2.png"},
            "second": {"fig1": f"{RESULTS}/second/fig1.png"},
        }
        record_provenance.main(
            [Path(f"{RESULTS}/data/sky/card.json")],
            record,
            records=RECORDS,
            starts=Path(RESULTS) / "starts.json",
            results=Path(RESULTS),
            run="small",
            targets=targets,
            data={"sky": {"layout": "sky", "simulate": {"images": 3}}},
            experiments={
                "first": {
                    "net": {"settings": {"epochs": 3}, "differences": ["epochs 3 (published 20)"]},
                    "unused": {"settings": {}, "differences": []},
                },
                "second": {},
            },
        )
        return record


def write_run() -> SmallRun:
    """Write the run into the current folder.

    simulate 10 s -> pack 4 s (sampled) -> two trainings, 20 s and, in two attempts, 30 + 12 s -> fig1 and fig2 of the
    first paper, 2 s each; fig1 of the second paper, 3 s, is of the view alone and of config/reported.csv.
    """
    run = SmallRun()
    view = f"{RESULTS}/data/sky/full_8.h5"
    card = {"title": "Sky", "page": "", "licence": "none", "citation": "", "simulated": True, "source": "simulated"}
    Path(f"{RESULTS}/data/sky/simulated").mkdir(parents=True)
    Path(f"{RESULTS}/data/sky/card.json").write_text(
        json.dumps(card | {"tables": [], "catalogue_sha256": "1" * 64, "views": {"full_8": {"sha256": "2" * 64}}})
    )
    packages = {"snakemake": "9.0", "torch": "2.0", "numpy": "2.1"}
    starts = [
        {"time": time, "git": {"commit": COMMIT, "clean": True}, "python": "3.11", "packages": packages}
        for time in (0, 1000, 90_000)
    ]
    Path(f"{RESULTS}/starts.json").write_text(json.dumps(starts))
    Path("config").mkdir()
    Path("config/reported.csv").write_text("published values")
    run.job("simulate_dataset", [f"{RESULTS}/data/sky/simulated"], seconds=10, benchmark=(10, 100, 8))
    run.job("pack_view", [view], [f"{RESULTS}/data/sky/simulated"], seconds=5, benchmark=(4, "NA", "NA"))
    run.train(0, view, 21, [18], benchmark=(20, 200, 15))
    run.train(1, view, 14, [30, 11], benchmark=(12, 200, 9))
    models = [f"{RESULTS}/first/net/seed{seed}/model.pt" for seed in (0, 1)]
    run.job("plot_losses", [f"{RESULTS}/first/fig1.png", f"{RESULTS}/first/fig1.pdf"], models, seconds=2)
    run.job("first_plot_more", [f"{RESULTS}/first/fig2.png"], models[:1], seconds=2)
    run.job("plot_sky", [f"{RESULTS}/second/fig1.png"], [view, "config/reported.csv"], seconds=3)
    run.job("plot_old", [f"{RESULTS}/first/left_over.png"], models, seconds=500)
    return run

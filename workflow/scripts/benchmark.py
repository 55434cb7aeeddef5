"""Throughput and memory of the pipeline, as ratios from one run; `make bench` calls it.

Absolute speeds depend on the machine and on what else it does; each ratio compares two measurements that alternate
within this run.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from galaxies.checkpoints import Checkpoints
from galaxies.compute import Compute
from galaxies.config import published_config
from galaxies.data.catalogue import read_catalogue
from galaxies.data.device import Images, split_rows, to_unit
from galaxies.data.images import open_images
from galaxies.data.store import crop_and_resize, pack_view
from galaxies.files import atomic
from galaxies.losses import mse
from galaxies.methods.regression import build
from galaxies.scripting import run_script
from galaxies.training import Settings, fit, seed_everything

SCRIPTS = Path(__file__).parent
PROJECT = SCRIPTS.parents[1]
FRAME = 424
SIMULATED, SMALL, LARGE = 120, 1000, 4000
VIEWS = {"full_100": (0, 100), "crop250_70": (250, 70)}
REPEATS = 5
# Runs a script and prints its peak memory. The system's count for a child process would begin with its parent's.
WITH_PEAK_MEMORY = """
import resource, runpy, sys
from pathlib import Path
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = [line.split()[1] for line in lines if line.startswith("VmHWM")]
print(int(peak[0]) * 1024 if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
BLOCK = 2000  # training images between two looks at the clock: start and end of a training must not count


def main(folder: Path, *, threads: int = os.cpu_count() or 1) -> None:
    """Measure, print, and write `folder`/benchmark.csv: quantity, value, unit, target."""
    rows: list[dict] = []

    def record(quantity: str, value: float, unit: str, target: str = "") -> None:
        rows.append({"quantity": quantity, "value": round(value, 3), "unit": unit, "target": target})
        print(f"{quantity:70} {value:9.3f} {unit:12} {target}", flush=True)

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        work = Path(temporary)
        record("simulator, start-up included", simulate(work / "simulated", threads), "images/s")
        sets = {count: linked_copies(work / "simulated", work / str(count), count) for count in (SMALL, LARGE)}
        for name, (crop, size) in VIEWS.items():
            bare, packed = packing(sets[SMALL], crop, size, threads)
            record(f"packing {name}", SMALL / packed, "images/s")
            record(f"packing {name}, share of bare parallel decoding", bare / packed, "ratio", ">= 0.8")
        peaks = {count: packing_memory(sets[count], threads) for count in sets}
        record(f"peak memory of packing {SMALL} images", peaks[SMALL] / 1e6, "MB")
        record(f"peak memory of packing {LARGE} images", peaks[LARGE] / 1e6, "MB")
        record("peak memory, ratio of the two", peaks[LARGE] / peaks[SMALL], "ratio", "0.9 to 1.1")
        for experiment in ("approach1", "approach2", "approach3"):
            full, bare = training(sets[SMALL], experiment, threads)
            record(f"training {experiment}", full, "images/s")
            record(f"training {experiment}, share of the step on one fixed batch", full / bare, "ratio", ">= 0.95")
    with atomic(folder / "benchmark.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    print(f"Written to {folder / 'benchmark.csv'}")


def simulate(folder: Path, threads: int) -> float:
    """Simulate SIMULATED galaxies into `folder`; images per second, start-up included."""
    started = time.perf_counter()
    call("simulate_gz2", images=folder / "images_training_rev1", solutions=folder / "training_solutions_rev1.csv",
         number=SIMULATED, seed=1, threads=threads)  # fmt: skip
    return SIMULATED / (time.perf_counter() - started)


def linked_copies(source: Path, target: Path, count: int) -> Path:
    """A data set of `count` galaxies in `target`: the simulated images under other ids, catalogue and split."""
    files = sorted((source / "images_training_rev1").glob("*.jpg"))
    labels = pd.read_csv(source / "training_solutions_rev1.csv").set_index("GalaxyID")
    images = target / "images_training_rev1"
    images.mkdir(parents=True)
    for index in range(count):
        os.link(files[index % len(files)], images / f"{100000 + index}.jpg")
    repeated = labels.loc[[int(files[i % len(files)].stem) for i in range(count)]]
    repeated.index = pd.Index(range(100000, 100000 + count), name="GalaxyID")
    repeated.to_csv(target / "solutions.csv")
    call("prepare_catalogue", images=images, labels=target / "solutions.csv", catalogue=target / "catalogue.csv",
         provenance=target / "provenance.json", dataset="gz2_kaggle", source="simulated",
         tables='[{"kind": "solutions"}]', unmatched="error")  # fmt: skip
    sizes = f'{{"train": {count - 2}, "validation": 1, "test": 1}}'
    call("split_dataset", catalogue=target / "catalogue.csv", split=target / "split.csv", selection="lowest_ids",
         sizes=sizes, seed=0)  # fmt: skip
    return target


def packing(data: Path, crop: int, size: int, threads: int) -> tuple[float, float]:
    """Median seconds of decoding, cropping and resizing all images in parallel, and of packing them into a view."""
    with open_images(data / "images_training_rev1") as images:
        ids = read_catalogue(data / "catalogue.csv").index.to_numpy()

        def decode(some: np.ndarray) -> None:
            for galaxy in some:
                np.asarray(crop_and_resize(images.load(galaxy, FRAME), crop, size))

        def bare() -> None:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(decode, np.array_split(ids, 8 * threads)))

        def pack() -> None:
            pack_view(images, data / "catalogue.csv", data / "provenance.json", {"paper": data / "split.csv"},
                      data / "view.h5", name="view", crop=crop, size=size, frame=FRAME, threads=threads)  # fmt: skip

        return alternate(bare, pack)


def packing_memory(data: Path, threads: int) -> int:
    """Peak resident memory in bytes of a process that packs a data set at 100 px."""
    options = {"images": data / "images_training_rev1", "splits": data / "split.csv", "view": data / "full_100.h5",
               "name": "full_100", "papers": '["paper"]', "crop": 0, "size": 100, "frame": FRAME,
               "threads": threads}  # fmt: skip
    options |= {name: data / f"{name}.{suffix}" for name, suffix in (("catalogue", "csv"), ("provenance", "json"))}
    command = [sys.executable, "-c", WITH_PEAK_MEMORY, str(SCRIPTS / "pack_view.py"), *arguments_of(options)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SCRIPTS)})
    return int(result.stdout.split()[-1])


def training(data: Path, experiment: str, threads: int) -> tuple[float, float]:
    """Images per second of the whole loop, and of the same step on one fixed batch that is augmented already."""
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    settings = published_config("galaxy_zoo_cnn", PROJECT / "config/experiments", schema)["experiments"][experiment]
    crop, size = VIEWS[settings["view"]]
    view = data / f"{experiment}.h5"
    with open_images(data / "images_training_rev1") as images:
        pack_view(images, data / "catalogue.csv", data / "provenance.json", {"paper": data / "split.csv"}, view,
                  name="view", crop=crop, size=size, frame=FRAME, threads=threads)  # fmt: skip
    compute = Compute.choose(threads=threads)
    train = Images(view, split_rows(view, data / "split.csv", "train"), compute)
    validation = Images(view, split_rows(view, data / "split.csv", "validation"), compute)
    batch_size = settings["batch_size"]
    steps = BLOCK // batch_size
    seed_everything(0)
    method = build(settings, train, validation, compute)
    bare = build(settings, train, validation, compute)
    fixed = next(train.batches(torch.arange(batch_size), batch_size))
    pixels = bare.augmentation(to_unit(fixed.images), torch.Generator().manual_seed(0))

    def whole_loop() -> None:
        checkpoints = data / "checkpoints"
        with Checkpoints(checkpoints, "benchmark") as saved:
            fit(method, train, Settings("benchmark", 0, batch_size, steps=steps), compute, saved)
        shutil.rmtree(checkpoints, ignore_errors=True)

    def bare_steps() -> None:
        for _ in range(steps):
            with compute.autocast():
                predictions = bare.network(pixels)
            loss = mse(predictions, fixed.labels)
            bare.optimiser.zero_grad()
            loss.backward()
            bare.optimiser.step()

    loop_seconds, bare_seconds = alternate(whole_loop, bare_steps)
    return steps * batch_size / loop_seconds, steps * batch_size / bare_seconds


def alternate(first: Callable[[], None], second: Callable[[], None]) -> tuple[float, float]:
    """Median seconds of two functions that take turns, after one warm-up each."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(REPEATS + 1):
        for function, seconds in zip((first, second), times, strict=True):
            started = time.perf_counter()
            function()
            if repeat:
                seconds.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def call(script: str, **options: object) -> None:
    """Run an entry script in a process of its own, to its end."""
    command = [sys.executable, SCRIPTS / f"{script}.py", *arguments_of(options)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def arguments_of(options: dict[str, object]) -> list[str]:
    """Command line of an entry script."""
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

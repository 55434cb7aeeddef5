"""Throughput and memory of the pipeline, as ratios from one run; `make bench` calls it.

Absolute speeds depend on the machine and on what else it does; each ratio compares two measurements that alternate
within this run.
"""

import json
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
from galaxies.data.device import Images, to_unit
from galaxies.data.images import ImageSource
from galaxies.data.packing import pack_view
from galaxies.data.rows import split_rows
from galaxies.files import atomic
from galaxies.gan_training import UnconditionalGAN, frozen
from galaxies.losses import mse
from galaxies.methods import conditional_gan, dist_gan, regression, vae
from galaxies.registry import named_module
from galaxies.scripting import run_script
from galaxies.training import Method, Settings, fit, seed_everything

SCRIPTS = Path(__file__).parent
PROJECT = SCRIPTS.parents[1]
SMALL, LARGE = 1000, 4000
SIMULATED = {
    "gz2_kaggle": {"images": 120},
    "cil_cosmology": {"labeled": 24, "scored": 72, "query": 24},
    "hsc_cosmos": {"images": 480},
}
SETTINGS = {
    "gz2_kaggle": {"frame": 424, "images": None, "labels": [{"file": "training_solutions_rev1", "kind": "solutions"}]},
    "cil_cosmology": {"frame": 1000},
    "hsc_cosmos": {"frame": 50},
}
VIEWS = [
    ("gz2_kaggle", "full_100"),
    ("gz2_kaggle", "crop250_70"),
    ("cil_cosmology", "pooled_63"),
    ("cil_cosmology", "full_140"),
    ("hsc_cosmos", "full_50"),
]
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
GAN_STEPS = 4
GAN_BATCH, GAN_WIDTH = 8, 32  # of the GANs at 128 px: a step as published takes a minute on a CPU
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
        data = {name: work / name for name in SIMULATED}
        for name, numbers in SIMULATED.items():
            seconds = simulate(name, data[name], threads)
            record(f"simulating {name}, start-up included", sum(numbers.values()) / seconds, "images/s")
        sets = {count: linked_copies(data["gz2_kaggle"], work / str(count), count) for count in (SMALL, LARGE)}
        data["gz2_kaggle"] = sets[SMALL]
        for name in ("cil_cosmology", "hsc_cosmos"):
            prepare(name, data[name])
        for name, view in VIEWS:
            count, bare, packed = packing(name, data[name], view, threads)
            target = ">= 0.8" if name == "gz2_kaggle" else ""
            record(f"packing {name} {view}", count / packed, "images/s")
            record(f"packing {name} {view}, share of bare parallel decoding", bare / packed, "ratio", target)
        peaks = {count: packing_memory(sets[count], threads) for count in sets}
        record(f"peak memory of packing {SMALL} images", peaks[SMALL] / 1e6, "MB")
        record(f"peak memory of packing {LARGE} images", peaks[LARGE] / 1e6, "MB")
        record("peak memory, ratio of the two", peaks[LARGE] / peaks[SMALL], "ratio", "0.9 to 1.1")
        for experiment in ("approach1", "approach2", "approach3"):
            full, bare = training(sets[SMALL], experiment, threads)
            record(f"training {experiment}", full, "images/s")
            record(f"training {experiment}, share of the step on one fixed batch", full / bare, "ratio", ">= 0.95")
        full, bare = gan_training(data["hsc_cosmos"], threads)
        record("training cgan", full, "images/s")
        record("training cgan, share of its networks' bare passes", full / bare, "ratio", ">= 0.9")
        for experiment in ("dcgan", "dist_gan", "morpho_gan"):
            full, bare = unconditional_gan_training(sets[SMALL], experiment, threads)
            record(f"steps of {experiment}", full, "images/s")
            record(f"steps of {experiment}, share of its networks' bare passes", full / bare, "ratio", ">= 0.9")
        full, bare = vae_training(data["cil_cosmology"], threads)
        record("steps of vae_z64", full, "images/s")
        record("steps of vae_z64, time over its bare matrix products and update", bare / full, "ratio", "<= 1.15")
    with atomic(folder / "benchmark.csv") as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    print(f"Written to {folder / 'benchmark.csv'}")


def simulate(dataset: str, folder: Path, threads: int) -> float:
    """Seconds to simulate a data set into `folder`, start-up included."""
    started = time.perf_counter()
    numbers = json.dumps({**SIMULATED[dataset], "seed": 1})
    call("simulate_dataset", folder=folder, dataset=dataset, simulate=numbers, threads=threads)
    return time.perf_counter() - started


def prepare(dataset: str, folder: Path) -> None:
    """Write the catalogue of the files in `folder` beside them."""
    call("prepare_catalogue", folder=folder, catalogue=folder / "catalogue.csv", dataset=dataset, unmatched="error",
         provenance=folder / "provenance.json", source="simulated",
         settings=json.dumps(SETTINGS[dataset]))  # fmt: skip


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
    repeated.to_csv(target / "training_solutions_rev1.csv")
    prepare("gz2_kaggle", target)
    sizes = f'{{"train": {count - 2}, "validation": 1, "test": 1}}'
    call("split_dataset", catalogue=target / "catalogue.csv", split=target / "split.csv", selection="lowest_ids",
         sizes=sizes, seed=0)  # fmt: skip
    return target


def packing(dataset: str, data: Path, view: str, threads: int) -> tuple[int, float, float]:
    """Number of images; median seconds of decoding and projecting them all in parallel, and of packing them."""
    reader = named_module(f"datasets.{dataset}", "images")
    projection = reader.projection(view, SETTINGS[dataset])
    with opened(dataset, data) as images:
        ids = read_catalogue(data / "catalogue.csv").ids

        def decode(some: np.ndarray) -> None:
            for object_id in some:
                projection.make(images.load(object_id))

        def bare() -> None:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(decode, np.array_split(ids, 8 * threads)))

        def pack() -> None:
            pack_into(data / "view.h5", dataset, data, view, threads)

        return len(ids), *alternate(bare, pack)


def opened(dataset: str, data: Path) -> ImageSource:
    """The images of a data set, open for reading."""
    files = named_module(f"datasets.{dataset}", "files").find(data, SETTINGS[dataset])
    return named_module(f"datasets.{dataset}", "images").open_images(files, SETTINGS[dataset])


def pack_into(path: Path, dataset: str, data: Path, view: str, threads: int) -> None:
    """Pack a view of a data set."""
    projection = named_module(f"datasets.{dataset}", "images").projection(view, SETTINGS[dataset])
    with opened(dataset, data) as images:
        pack_view(images, projection, data / "catalogue.csv", data / "provenance.json", path, name=view,
                  threads=threads)  # fmt: skip


def packing_memory(data: Path, threads: int) -> int:
    """Peak resident memory in bytes of a process that packs Galaxy Zoo at 100 px."""
    options = {"folder": data, "dataset": "gz2_kaggle", "settings": json.dumps(SETTINGS["gz2_kaggle"]),
               "view": data / "full_100.h5", "name": "full_100", "threads": threads}  # fmt: skip
    options |= {name: data / f"{name}.{suffix}" for name, suffix in (("catalogue", "csv"), ("provenance", "json"))}
    command = [sys.executable, "-c", WITH_PEAK_MEMORY, str(SCRIPTS / "pack_view.py"), *arguments_of(options)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SCRIPTS)})
    return int(result.stdout.split()[-1])


def training(data: Path, experiment: str, threads: int) -> tuple[float, float]:
    """Images per second of the whole loop, and of the same step on one fixed batch that is augmented already."""
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    settings = published_config("galaxy_zoo_cnn", PROJECT / "config/experiments", schema)["experiments"][experiment]
    view = data / f"{experiment}.h5"
    pack_into(view, "gz2_kaggle", data, settings["view"], threads)
    compute = Compute.choose(threads=threads)
    train = Images(view, split_rows(view, data / "split.csv", "train"), compute)
    validation = Images(view, split_rows(view, data / "split.csv", "validation"), compute)
    batch_size = settings["batch_size"]
    steps = BLOCK // batch_size
    seed_everything(0)
    method = regression.build(settings, train, validation, compute, {})
    bare = regression.build(settings, train, validation, compute, {})
    fixed = next(train.batches(torch.arange(batch_size), batch_size))
    pixels = bare.augmentation(to_unit(fixed.images), torch.Generator().manual_seed(0))

    def whole_loop() -> None:
        run_loop(method, train, Settings("benchmark", 0, batch_size, steps=steps), compute, data)

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


def gan_training(data: Path, threads: int) -> tuple[float, float]:
    """Images per second of the whole loop of the published conditional GAN, and of its networks' bare passes."""
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    paper = published_config("galaxy_cgan_augmentation", PROJECT / "config/experiments", schema)
    settings = paper["experiments"]["cgan"]
    pack_into(data / "gan.h5", "hsc_cosmos", data, settings["view"], threads)
    compute = Compute.choose(threads=threads)
    batch_size = settings["batch_size"]
    train = Images(data / "gan.h5", np.arange(GAN_STEPS * batch_size), compute)
    seed_everything(0)
    validation = Images(data / "gan.h5", np.arange(1), compute)
    method, bare = (conditional_gan.build(settings, train, validation, compute, {}) for _ in range(2))
    fixed = next(train.batches(torch.arange(batch_size), batch_size))
    noise = bare.generator.noise(batch_size, torch.Generator())
    conditions = bare.conditions(fixed.labels[:, bare.columns])

    def whole_loop() -> None:
        run_loop(method, train, Settings("benchmark", 0, batch_size, steps=GAN_STEPS), compute, data)

    def bare_steps() -> None:
        for _ in range(GAN_STEPS):
            generated = bare.generator(noise, conditions)
            for images, network in ((generated.detach(), "discriminator"), (generated, "generator")):
                bare.discriminator.requires_grad_(network == "discriminator")
                logits, labels = bare.discriminator(torch.cat([fixed.images, images]), batch_size)
                bare.optimisers[network].zero_grad()
                (logits.mean() + labels.mean()).backward()
                bare.optimisers[network].step()

    loop_seconds, bare_seconds = alternate(whole_loop, bare_steps)
    return GAN_STEPS * batch_size / loop_seconds, GAN_STEPS * batch_size / bare_seconds


def unconditional_gan_training(data: Path, experiment: str, threads: int) -> tuple[float, float]:
    """Images per second of the steps of a GAN of morpho_gan, in small, and of its networks' bare passes.

    These are the passes that its losses need. For the gradient penalty they are one forward through the discriminator,
    one back to the images, and one back through both.
    """
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    settings = published_config("morpho_gan", PROJECT / "config/experiments", schema)["experiments"][experiment]
    settings["batch_size"] = GAN_BATCH
    for network in settings["networks"].values():
        network["width"] = GAN_WIDTH
    view = data / "crop256_128.h5"
    if not view.exists():
        pack_into(view, "gz2_kaggle", data, settings["view"], threads)
    compute = Compute.choose(threads=threads)
    methods = named_module("methods", settings["method"])
    count = GAN_BATCH * getattr(methods, "BATCHES_PER_STEP", 1)
    steps = GAN_STEPS * dist_gan.BATCHES_PER_STEP * GAN_BATCH // count  # of as many images for all
    train = Images(view, np.arange(steps * count), compute)
    seed_everything(0)
    method, bare = (methods.build(settings, train, None, compute, {}) for _ in range(2))
    bare.discriminator.input_noise = 0.0
    real = next(train.batches(torch.arange(GAN_BATCH), GAN_BATCH)).images.float()
    noise = bare.noise(GAN_BATCH, torch.Generator())

    def whole_steps() -> None:
        generator = torch.Generator().manual_seed(0)
        for batch in train.batches(torch.arange(len(train)), count):
            method.training_step(batch, generator)

    def bare_steps() -> None:
        for _ in range(steps):
            (bare_dcgan if experiment == "dcgan" else bare_dist_gan)(bare, real, noise)

    step_seconds, bare_seconds = alternate(whole_steps, bare_steps)
    return steps * count / step_seconds, steps * count / bare_seconds


def vae_training(data: Path, threads: int) -> tuple[float, float]:
    """Images per second of the steps of the published autoencoder, and of the products of matrices that they need.

    Each dense layer takes one product forward, one for the gradient of its weights and, but for the first, one for that
    of its input; then comes the update of all weights.
    """
    schema = PROJECT / "workflow/schemas/config.schema.yaml"
    settings = published_config("intergalactic_vae_cnn", PROJECT / "config/experiments", schema)["experiments"][
        "vae_z64"
    ]
    pack_into(data / "vae.h5", "cil_cosmology", data, settings["view"], threads)
    compute = Compute.choose(threads=threads)
    batch_size = settings["batch_size"]
    train = Images(data / "vae.h5", np.arange(batch_size), compute)
    seed_everything(0)
    method, bare = (vae.build(settings, train, train, compute, {}) for _ in range(2))
    for weight in bare.network.parameters():
        weight.grad = torch.randn_like(weight)
    layers = [layer for layer in bare.network.modules() if isinstance(layer, torch.nn.Linear)]
    inputs = [torch.randn(batch_size, layer.in_features) for layer in layers]
    gradients = [torch.randn(batch_size, layer.out_features) for layer in layers]

    def whole_steps() -> None:
        generator = torch.Generator().manual_seed(0)
        for _ in range(GAN_STEPS):
            for batch in train.batches(torch.arange(batch_size), batch_size):
                method.training_step(batch, generator)

    @torch.no_grad()
    def bare_products() -> None:
        for _ in range(GAN_STEPS):
            for number, (layer, given, gradient) in enumerate(zip(layers, inputs, gradients, strict=True)):
                given @ layer.weight.T
                gradient.T @ given
                if number:
                    gradient @ layer.weight
            bare.optimisers["vae"].step()

    step_seconds, bare_seconds = alternate(whole_steps, bare_products)
    images = GAN_STEPS * batch_size
    return images / step_seconds, images / bare_seconds


def bare_dcgan(gan: UnconditionalGAN, real: torch.Tensor, noise: torch.Tensor) -> None:
    """The passes of a step of DCGAN, and the steps of its optimisers."""
    generated = gan.generator(noise)
    gan.update("discriminator", gan.discriminator(real).mean() + gan.discriminator(generated.detach()).mean())
    with frozen(gan.discriminator):
        logits = gan.discriminator(generated)
    gan.update("generator", logits.mean())


def bare_dist_gan(gan: UnconditionalGAN, real: torch.Tensor, noise: torch.Tensor) -> None:
    """The passes of a step of Dist-GAN, and the steps of its optimisers."""
    with frozen(gan.discriminator):
        images = (gan.generator(codes) for codes in (gan.encoder(real), noise))
        features = [gan.discriminator.features(image).mean() for image in images]
    gan.update("autoencoder", sum(features))
    with torch.no_grad():
        generated, reconstructed = gan.generator(noise), gan.generator(gan.encoder(real))
    points = real.clone().requires_grad_()
    (gradients,) = torch.autograd.grad(gan.discriminator(points).mean(), points, create_graph=True)
    means = [gan.discriminator(images).mean() for images in (real, generated, reconstructed)]
    gan.update("discriminator", sum(means) + gradients.mean())
    with frozen(gan.discriminator):
        gan.discriminator(real)
        logits = gan.discriminator(gan.generator(noise))
    gan.update("generator", logits.mean())


def run_loop(method: Method, train: Images, settings: Settings, compute: Compute, data: Path) -> None:
    """One training from its start; nothing of it stays."""
    checkpoints = data / "checkpoints"
    with Checkpoints(checkpoints, "benchmark") as saved:
        fit(method, train, settings, compute, saved)
    shutil.rmtree(checkpoints, ignore_errors=True)


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

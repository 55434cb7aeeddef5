"""Train one experiment with one seed; write the model, its history and what it cost."""

import json
import logging
import os
from pathlib import Path
from types import ModuleType

import pandas as pd

from galaxies.checkpoints import Checkpoints, settings_digest
from galaxies.compute import PACE, machine_of
from galaxies.data.device import Images, Repeated
from galaxies.data.rows import chosen_rows, draw_rows
from galaxies.data.store import View
from galaxies.errors import ConfigError
from galaxies.files import sha256, write_text
from galaxies.image_grid import write_grid
from galaxies.registry import named_module
from galaxies.scripting import run_script
from galaxies.trained_models import write_model
from galaxies.training import Settings, fit, seed_everything

logger = logging.getLogger("galaxies.train")

PATIENCE = 300 if "SLURM_JOB_ID" in os.environ else 0  # seconds for the attempt before on a node that lost contact
NEEDED = ("method", "train_on", "train_images", "batch_size")  # the rest belongs to the method
SAMPLES = "samples.png"  # in the folder of the state: what a method shows of itself while it trains


def main(
    view: Path,
    split: Path,
    model: Path,
    history: Path,
    cost: Path,
    checkpoints: Path,
    *,
    experiment: dict,
    seed: int,
    compute: dict,
    code: str,
    name: str,
    threads: int,
    pretrained: Path | None = None,
    generator: Path | None = None,
    initial: Path | None = None,
) -> None:
    """Train, and continue from `checkpoints` when it has a state of the same settings, code and data.

    view : packed images and labels. split : table object_id,split.
    model : networks, settings and columns, for `torch.load(weights_only=True)`. history : CSV, one row per epoch.
    cost : JSON with times, speed and memory. checkpoints : folder of the state while the training runs, and of
    samples.png, the newest images of a generator.
    experiment : method and its settings, as in config/experiments/.
    compute : device, precision, compile, channels_last, placement; also checkpoint_seconds and log_seconds.
    code : digest of the code that the experiment executes. name : what log lines call this training.
    pretrained : file of published weights to start from, for architectures that need one. generator : model file of a
    generator whose images are trained on. initial : model file of the training to start from.
    """
    experiment = json.loads(json.dumps(experiment))  # a copy of plain types, which torch loads safely
    methods = _methods(experiment)
    experiment.get("network", {}).pop("weights", None)  # a path of this machine: part of neither model nor digest
    given = {"pretrained": pretrained, "generator": generator, "initial": initial}
    files = {key: path for key, path in given.items() if path is not None}

    pace = {key: compute[key] for key in PACE if key in compute}
    length = {key: experiment[key] for key in ("epochs", "steps", "drop_last", "shuffle") if key in experiment}
    images_per_step = experiment["batch_size"] * getattr(methods, "BATCHES_PER_STEP", 1)
    settings = Settings(name, seed, images_per_step, **length, **pace)
    machine = machine_of(compute, threads)
    rows = chosen_rows(view, split, experiment["train_on"], experiment.get("pool"))
    train = Images(view, draw_rows(rows, experiment["train_images"], seed), machine)
    validation = None
    if "validate_on" in experiment:
        held_out = chosen_rows(view, split, [experiment["validate_on"]], experiment.get("validation_pool"))
        validation = Images(view, held_out, machine)

    with View(view) as opened:
        opened.check_pixels()
    inputs = {key: sha256(path) for key, path in files.items()}
    digest = _digest(view, split, experiment, seed, machine.precision, code, inputs)
    results = [model, history, cost]
    with Checkpoints(checkpoints, digest, patience=PATIENCE) as saved:
        if saved.restore(results):
            logger.info("%s: this training was complete; its results are in their place again", name)
            return
        seed_everything(seed)
        method = methods.build(experiment, train, validation, machine, files)

        def show() -> None:
            if (images := getattr(method, "samples", None)) is not None:
                write_grid(checkpoints / SAMPLES, images)

        data = getattr(methods, "training_data", Repeated)(train, len(rows))
        result = fit(method, data, settings, machine, saved, show)
        write_model(model, method.networks, experiment, train, seed=seed, inputs_sha256=inputs)
        write_text(history, pd.DataFrame(result.history).to_csv(index=False))
        write_text(cost, json.dumps(result.cost, indent=2) + "\n")
        saved.finish(results)
    logger.info("%s: trained, %.0f images/s", name, result.cost["images_per_second"])


def _methods(experiment: dict) -> ModuleType:
    """Module of the method of an experiment. Raises ConfigError if the experiment lacks a key that trainings need."""
    methods = named_module("methods", experiment["method"]) if "method" in experiment else None
    needed = (*NEEDED, "validate_on") if getattr(methods, "VALIDATES", True) else NEEDED
    if missing := [key for key in needed if key not in experiment]:
        raise ConfigError(
            f"experiment: key {missing[0]!r} is missing", "give all its settings, as in config/experiments/"
        )
    return methods


def _digest(
    view: Path, split: Path, experiment: dict, seed: int, precision: str, code: str, inputs: dict[str, str]
) -> str:
    """Digest of everything that determines the weights; the place of files and the machine are not part of it."""
    with View(view) as opened:
        pixels, labels = (str(opened.attributes[key]) for key in ("pixels_sha256", "catalogue_sha256"))
    return settings_digest(
        experiment=experiment,
        seed=seed,
        precision=precision,
        code=code,
        inputs=inputs,
        images=pixels,
        catalogue=labels,
        split=sha256(split),
    )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

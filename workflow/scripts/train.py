"""Train one experiment with one seed; write the model, its history and what it cost."""

import json
import logging
import os
from pathlib import Path

import pandas as pd

from galaxies.checkpoints import Checkpoints, settings_digest
from galaxies.compute import Compute
from galaxies.data.device import Images, Repeated, draw_rows, split_rows
from galaxies.data.store import View
from galaxies.errors import ConfigError
from galaxies.files import sha256, write_text
from galaxies.registry import construct, named_module
from galaxies.scripting import run_script
from galaxies.trained_models import write_model
from galaxies.training import Settings, fit, seed_everything

logger = logging.getLogger("galaxies.train")

PATIENCE = 300 if "SLURM_JOB_ID" in os.environ else 0  # seconds for the attempt before on a node that lost contact
NEEDED = ("method", "train_on", "validate_on", "train_images", "batch_size")  # the rest belongs to the method


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
    cost : JSON with times, speed and memory. checkpoints : folder of the state while the training runs.
    experiment : method and its settings, as in config/experiments/.
    compute : device, precision, compile, channels_last, placement; also checkpoint_seconds and log_seconds.
    code : digest of the code that the experiment executes. name : what log lines call this training.
    pretrained : file of published weights to start from, for architectures that need one. generator : model file of a
    generator whose images are trained on. initial : model file of the training to start from.
    """
    experiment = json.loads(json.dumps(experiment))  # a copy of plain types, which torch loads safely
    if missing := [key for key in NEEDED if key not in experiment]:
        raise ConfigError(
            f"experiment: key {missing[0]!r} is missing", "give all its settings, as in config/experiments/"
        )
    experiment.get("network", {}).pop("weights", None)  # a path of this machine: part of neither model nor digest
    given = {"pretrained": pretrained, "generator": generator, "initial": initial}
    files = {key: path for key, path in given.items() if path is not None}

    pace = {key: compute[key] for key in ("checkpoint_seconds", "log_seconds") if key in compute}
    length = {key: experiment[key] for key in ("epochs", "steps", "drop_last", "shuffle") if key in experiment}
    settings = Settings(name, seed, experiment["batch_size"], **length, **pace)
    machine = construct(
        Compute.choose, {key: compute[key] for key in compute if key not in pace}, "compute", threads=threads
    )
    methods = named_module("methods", experiment["method"])
    rows = split_rows(view, split, *experiment["train_on"])
    train = Images(view, draw_rows(rows, experiment["train_images"], seed), machine)
    validation = Images(view, split_rows(view, split, experiment["validate_on"]), machine)

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
        result = fit(method, Repeated(train, len(rows)), settings, machine, saved)
        write_model(model, method.networks, experiment, train, seed=seed, inputs_sha256=inputs)
        write_text(history, pd.DataFrame(result.history).to_csv(index=False))
        write_text(cost, json.dumps(result.cost, indent=2) + "\n")
        saved.finish(results)
    logger.info("%s: trained, %.0f images/s", name, result.cost["images_per_second"])


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

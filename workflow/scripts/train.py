"""Train one experiment with one seed; write the model, its history and what it cost."""

import json
import logging
from pathlib import Path

import pandas as pd

from galaxies.checkpoints import Checkpoints, save_torch, settings_digest
from galaxies.compute import Compute
from galaxies.data.device import Images, split_rows
from galaxies.data.store import View
from galaxies.files import atomic, sha256, write_text
from galaxies.registry import construct, named_module
from galaxies.scripting import run_script
from galaxies.training import Settings, fit, seed_everything

logger = logging.getLogger("galaxies.train")


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
) -> None:
    """Train, and continue from `checkpoints` when it has a state of the same settings, code and data.

    view : packed images and labels. split : table object_id,split.
    model : networks, settings and columns, for `torch.load(weights_only=True)`. history : CSV, one row per epoch.
    cost : JSON with times, speed and memory. checkpoints : folder of the state while the training runs.
    experiment : method, network, augmentation, optimiser, batch_size and epochs, as in config/experiments/.
    compute : device, precision, compile, channels_last, placement; also checkpoint_seconds and log_seconds.
    code : digest of the code that the experiment executes. name : what log lines call this training.
    pretrained : file of published weights to start from, for architectures that need one.
    """
    experiment = json.loads(json.dumps(experiment))  # a copy of plain types, which torch loads safely
    network = experiment["network"]
    network.pop("weights", None)  # a path of this machine: neither part of the model nor of its digest
    weights = {} if pretrained is None else {"weights": pretrained}
    weights_sha256 = None if pretrained is None else sha256(pretrained)

    pace = {key: compute[key] for key in ("checkpoint_seconds", "log_seconds") if key in compute}
    length = {key: experiment[key] for key in ("epochs", "steps") if key in experiment}
    settings = Settings(name, seed, experiment["batch_size"], **length, **pace)
    machine = construct(
        Compute.choose, {key: compute[key] for key in compute if key not in pace}, "compute", threads=threads
    )
    methods = named_module("methods", experiment["method"])
    train, validation = (Images(view, split_rows(view, split, part), machine) for part in ("train", "validation"))

    with View(view) as opened:
        opened.check_pixels()
    digest = _digest(view, split, experiment, seed, machine.precision, code, weights_sha256)
    with Checkpoints(checkpoints, digest) as saved:
        seed_everything(seed)
        method = methods.build({**experiment, "network": {**network, **weights}}, train, validation, machine)
        result = fit(method, train, settings, machine, saved)
        content = {
            "networks": {
                key: {name: tensor.cpu().contiguous() for name, tensor in part.state_dict().items()}
                for key, part in method.networks.items()
            },
            "settings": experiment,
            "seed": seed,
            "pretrained_sha256": weights_sha256,
            "columns": train.columns,
            "size": train.size,
            "source": str(train.attributes["source"]),
            "simulated": bool(train.attributes["simulated"]),
        }
        with atomic(model) as temporary:
            save_torch(content, temporary)
        write_text(history, pd.DataFrame(result.history).to_csv(index=False))
        write_text(cost, json.dumps(result.cost, indent=2) + "\n")
        saved.remove()
    logger.info("%s: trained, %.0f images/s", name, result.cost["images_per_second"])


def _digest(
    view: Path, split: Path, experiment: dict, seed: int, precision: str, code: str, pretrained: str | None
) -> str:
    """Digest of everything that determines the weights; the place of files and the machine are not part of it."""
    with View(view) as opened:
        pixels, labels = (str(opened.attributes[key]) for key in ("pixels_sha256", "catalogue_sha256"))
    return settings_digest(
        experiment=experiment,
        seed=seed,
        precision=precision,
        code=code,
        pretrained=pretrained,
        images=pixels,
        catalogue=labels,
        split=sha256(split),
    )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

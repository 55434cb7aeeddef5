"""Let a trained classifier, the judge, sort real or generated images and describe them by its features."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from galaxies.compute import Compute
from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.generated_images import Generated, real_blocks
from galaxies.registry import construct, named_module
from galaxies.scripting import run_script
from galaxies.trained_models import read_model

logger = logging.getLogger("galaxies.judge")

BATCH = 250  # a matter of speed and memory
ROWS = 1000  # that are stored together


def main(
    judge: Path,
    view: Path,
    judged: Path,
    *,
    compute: dict,
    threads: int,
    split: Path | None = None,
    sets: list[str] | None = None,
    generated: Path | None = None,
) -> None:
    """Write logits and features of the images of `generated`, or of the real images in `sets` of `split`.

    judge : model file of a method that can load a classifier. view : the packed real images, which generated ones are
    like; the judge takes them as of its scale. compute : as in train.py. judged : see `galaxies.judged_images.Judged`.
    """
    if (generated is None) == (split is None):
        raise ConfigError("give either generated images, or a split and its sets")
    settings = {key: value for key, value in compute.items() if key not in ("checkpoint_seconds", "log_seconds")}
    machine = construct(Compute.choose, settings, "compute", threads=threads)
    method = read_model(judge)["settings"]["method"]
    methods = named_module("methods", method)
    if not hasattr(methods, "load_classifier"):
        raise DataError(f"{judge}: a model of method {method!r}, which judges nothing", "name another experiment")
    classifier = methods.load_classifier(judge, machine)
    with View(view) as packed, ExitStack() as opened:
        if generated is None:
            ids, source = ids_of_sets(split, sets or []), str(packed.attributes["pixels_sha256"])
            images = real_blocks(packed, ids)
        else:
            made = opened.enter_context(Generated(generated))
            made.expect_view(packed)
            ids, source, images = made.ids, sha256(generated), made.blocks()
        facts = {"view": str(packed.attributes["view"]), "simulated": bool(packed.attributes["simulated"])}
        facts |= {"classes": classifier.classes, "judge_sha256": sha256(judge), "source_sha256": source}
        room = "make room and run the same command again"
        with full_disk_as_data_error(judged, room), atomic(judged) as temporary, h5py.File(temporary, "w") as file:
            file["ids"] = ids
            file.attrs.update(facts)
            write_judgement(file, parts(images), classifier, facts["view"], machine, judge)
    logger.info("%s: %d images, %d classes", judged, len(ids), len(classifier.classes))


def ids_of_sets(split: Path, sets: list[str]) -> np.ndarray:
    """Ids of the objects in some sets of a split, ascending. Raises DataError if there are none."""
    table = read_split(split)
    ids = table.loc[table["split"].isin(sets), ID].to_numpy()
    if not len(ids):
        raise DataError(f"{split}: no object is in the sets {', '.join(sets) or '(none given)'}")
    return ids


def parts(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Images in the blocks of their file as batches that the judge takes at once."""
    for block in blocks:
        for first in range(0, len(block), BATCH):
            yield block[first : first + BATCH]


def write_judgement(
    file: h5py.File, batches: Iterator[np.ndarray], classifier: Any, view: str, machine: Compute, judge: Path
) -> None:
    """Write `logits` and `features` of batches (B, C, S, S), as they come. Raises DataError for what is not finite."""
    count, first = len(file["ids"]), 0
    for batch in batches:
        last = first + len(batch)
        results = classifier.describe(torch.from_numpy(batch).to(machine.device), view)
        for name, values in zip(("logits", "features"), results, strict=True):
            if not values.isfinite().all():
                raise DataError(f"{judge}: gives {name} that are not finite", "train it again")
            if first == 0:
                shape = (count, values.shape[1])
                file.create_dataset(name, shape, np.float32, chunks=(min(ROWS, count), shape[1]), fletcher32=True)
            file[name][first:last] = values.float().cpu().numpy()
        first = last


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Let trained classifiers, the judges, sort real or generated images; the first describes them by its features."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from galaxies.compute import Compute, machine_of
from galaxies.data.names import ID
from galaxies.data.splits import read_split
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import atomic, full_disk_as_data_error, sha256
from galaxies.generated_images import Generated, as_stored, real_blocks
from galaxies.registry import named_module
from galaxies.scripting import run_script
from galaxies.trained_models import TRAIN_AGAIN, read_model

logger = logging.getLogger("galaxies.judge")

BATCH = 250  # a matter of speed and memory
ROWS = 1000  # that are stored together


def main(
    judge: list[Path],
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

    judge : model files of one classifier trained several times, each a judge; of a method that can load a classifier.
        The features are those of the first.
    view : the packed real images, which generated ones are like; the judges take them as of its scale. If it is of
        8 bits, generated images are clipped and rounded to these before they are judged, since the real ones are.
    compute : as in train.py. judged : see `galaxies.judged_images.Judged`.
    """
    if (generated is None) == (split is None):
        raise ConfigError("give either generated images, or a split and its sets")
    machine = machine_of(compute, threads)
    judges = load_judges(judge, machine)
    classes = judges[0].classes
    with View(view) as packed, ExitStack() as opened:
        if generated is None:
            ids, source = ids_of_sets(split, sets or []), str(packed.attributes["pixels_sha256"])
            images = real_blocks(packed, ids)
        else:
            made = opened.enter_context(Generated(generated))
            made.expect_view(packed)
            ids, source, images = (
                made.ids,
                sha256(generated),
                (as_stored(block, packed.dtype) for block in made.blocks()),
            )
        facts = {"view": str(packed.attributes["view"]), "simulated": bool(packed.attributes["simulated"])}
        facts |= {"classes": classes, "judge_sha256": digest_of_all(judge), "source_sha256": source}
        room = "make room and run the same command again"
        with full_disk_as_data_error(judged, room), atomic(judged) as temporary, h5py.File(temporary, "w") as file:
            file["ids"] = ids
            file.attrs.update(facts)
            write_judgement(file, parts(images), dict(zip(judge, judges, strict=True)), facts["view"], machine)
    logger.info("%s: %d images, %d classes, %d judges", judged, len(ids), len(classes), len(judges))


def load_judges(paths: list[Path], machine: Compute) -> list[Any]:
    """The classifiers of model files. Raises DataError for a model that judges nothing, or for differing classes."""
    judges = []
    for path in paths:
        method = read_model(path)["settings"]["method"]
        methods = named_module("methods", method)
        if not hasattr(methods, "load_classifier"):
            raise DataError(f"{path}: a model of method {method!r}, which judges nothing", "name another experiment")
        judges.append(methods.load_classifier(path, machine))
        if judges[-1].classes != judges[0].classes:
            found, expected = (", ".join(judges[place].classes) for place in (-1, 0))
            hint = "judges are trainings of one experiment; run the same command again"
            raise DataError(f"{path}: knows the classes {found}; expected those of {paths[0]}: {expected}", hint)
    return judges


def digest_of_all(paths: list[Path]) -> str:
    """SHA-256 of the SHA-256 of each file, in their order."""
    return hashlib.sha256("".join(map(sha256, paths)).encode()).hexdigest()


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
    file: h5py.File, batches: Iterator[np.ndarray], judges: dict[Path, Any], view: str, machine: Compute
) -> None:
    """Write `logits` of all judges and `features` of the first, of batches (B, C, S, S), as they come.

    judges : classifiers by their model files. Raises DataError for what is not finite.
    """
    count, first = len(file["ids"]), 0
    for batch in batches:
        last, images = first + len(batch), torch.from_numpy(batch).to(machine.device)
        answers = [described(images, path, classifier, view) for path, classifier in judges.items()]
        logits, features = np.stack([logits for logits, _ in answers]), answers[0][1]
        if first == 0:
            rows = min(ROWS, count)
            for name, shape, chunks in (
                ("logits", (len(judges), count, logits.shape[2]), (1, rows, logits.shape[2])),
                ("features", (count, features.shape[1]), (rows, features.shape[1])),
            ):
                file.create_dataset(name, shape, np.float32, chunks=chunks, fletcher32=True)
        file["logits"][:, first:last], file["features"][first:last] = logits, features
        first = last


def described(images: torch.Tensor, judge: Path, classifier: Any, view: str) -> list[np.ndarray]:
    """Logits (B, K) and features (B, F) by one judge. Raises DataError for what is not finite."""
    results = classifier.describe(images, view)
    for name, values in zip(("logits", "features"), results, strict=True):
        if not values.isfinite().all():
            raise DataError(f"{judge}: gives {name} that are not finite", TRAIN_AGAIN)
    return [values.float().cpu().numpy() for values in results]


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

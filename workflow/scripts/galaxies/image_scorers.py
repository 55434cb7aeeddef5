"""Trained models that score images, networks and baselines alike.

Each kind of model imports its own libraries, and only when it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from galaxies.data.names import GREY_LEVELS
from galaxies.data.projections import grey_levels, level_histogram
from galaxies.errors import ConfigError, DataError
from galaxies.registry import construct, has_module, named_module

_OF_TRAININGS = ("checkpoint_seconds", "log_seconds", "compile")  # several threads cannot compile one network
_KINDS_HINT = "give the model.pt of a method that scores images, such as two_in_one, or the model.skops of a baseline"


@dataclass(frozen=True)
class ImageScorer:
    """A trained model, asked in two steps, so that threads share the work and no score depends on other images.

    origin : what the model is, in words. size : side in px of the images that it takes.
    describe : what the model needs of one 8-bit greyscale image, (F,) float; called by several threads at a time.
    score : scores (B,) float of the descriptions (B, F) of some images.
    """

    origin: str
    size: int
    describe: Callable[[Image.Image], np.ndarray]
    score: Callable[[np.ndarray], np.ndarray]


def load_image_scorer(path: Path, frame: int, compute: dict[str, Any]) -> ImageScorer:
    """The network of a model.pt, or the baseline of a model.skops.

    frame : side in px of the images that it was fitted to, for models that do not know it. compute : as in train.py.
    Raises DataError if the model is missing, damaged, or scores no images, ConfigError for a key of `compute`.
    """
    if not isinstance(compute, dict):
        raise ConfigError(f"compute is {compute!r}, expected keys with values", "write such as {device: cpu}")
    kinds = {".pt": _network, ".skops": _baseline}
    if not path.is_file():
        raise DataError(f"{path}: no such model file", _KINDS_HINT)
    if path.suffix not in kinds:
        raise DataError(f"{path}: a model's file ends in {' or '.join(kinds)}", _KINDS_HINT)
    return kinds[path.suffix](path, frame, compute)


def _network(path: Path, frame: int, compute: dict[str, Any]) -> ImageScorer:
    import torch

    from galaxies.compute import Compute
    from galaxies.trained_models import TRAIN_AGAIN, read_model

    content = read_model(path)
    method = str(content["settings"]["method"])
    module = named_module("methods", method) if has_module("methods", method) else None
    if not hasattr(module, "load_scorer"):
        raise DataError(f"{path}: a model of method {method!r}, which scores no images", _KINDS_HINT)
    settings = {key: value for key, value in compute.items() if key not in _OF_TRAININGS}
    try:
        network = module.load_scorer(path, construct(Compute.choose, settings, "compute", threads=1))
    except KeyError as error:
        raise DataError(f"{path}: not a model of this workflow, or damaged (no {error})", TRAIN_AGAIN) from error
    frame = frame if network.frame is None else network.frame
    projection = grey_levels(network.view, frame, GREY_LEVELS)

    def describe(image: Image.Image) -> np.ndarray:
        # One by one, because sums over batches of other sizes are rounded otherwise. It costs little beside decoding.
        return network.score(torch.from_numpy(projection.make(image))).numpy()

    data = "simulated images" if content["simulated"] else f"images ({content['source']})"
    return ImageScorer(f"a network of method {method}, trained on {data}", frame, describe, lambda s: s[:, 0])


def _baseline(path: Path, frame: int, compute: dict[str, Any]) -> ImageScorer:
    from galaxies.baselines import load, predict

    fitted = load(path)
    kind, bins = type(fitted.estimator).__name__, fitted.estimator.n_features_in_
    return ImageScorer(
        f"a {kind} of histograms of {bins} bins, taken to be fitted to images of {frame} px",
        frame,
        lambda image: level_histogram(image, bins).astype(np.float64),
        lambda counts: predict(fitted, counts),
    )

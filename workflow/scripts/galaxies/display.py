"""Images of any scale and any channels as pictures for the eye, and words for their labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from galaxies.files import reading

WHOLE = ("accuracy_overall", "accuracy_mean_class")
"""Accuracies in a table of tabulate_classifier.py that are not of one class."""


def pictures(images: np.ndarray, channels: Sequence[str]) -> np.ndarray:
    """Images (N, C, S, S) of any range as 8-bit pictures (N, S, S, 3), each from its lowest to its highest value.

    The extremes are those of all channels together (galaxy_cgan_augmentation, transform_0_1 of its code). Three bands
    in order of wavelength become blue, green and red; of any other number the first is shown in grey.
    """
    images = images.astype(np.float64)
    low, high = (extreme(axis=(1, 2, 3), keepdims=True) for extreme in (images.min, images.max))
    scaled = (images - low) / np.where(high > low, high - low, 1)
    if len(channels) != 3:
        scaled = np.repeat(scaled[:, :1], 3, axis=1)
    elif not is_colour(channels):
        scaled = scaled[:, ::-1]
    return (255 * scaled).round().astype(np.uint8).transpose(0, 2, 3, 1)


def true_pictures(images: np.ndarray, channels: Sequence[str]) -> np.ndarray:
    """Images (N, C, S, S) as 8-bit pictures (N, S, S, 3): colours in [0, 1] as they are, others as of `pictures`."""
    if not is_colour(channels):
        return pictures(images, channels)
    return (255 * np.clip(images, 0, 1)).round().astype(np.uint8).transpose(0, 2, 3, 1)


def true_stretch_text(channels: Sequence[str]) -> str:
    """A sentence on what `true_pictures` does."""
    return "Colours and brightness are as stored." if is_colour(channels) else stretch_text(channels)


def is_colour(channels: Sequence[str]) -> bool:
    """Whether images are pictures for the eye already."""
    return list(channels) == ["R", "G", "B"]


def stretch_text(channels: Sequence[str]) -> str:
    """A sentence on what `pictures` does, for the note below a figure."""
    colours = ""
    if len(channels) == 3 and not is_colour(channels):
        colours = f"; {', '.join(channels[::-1])} are red, green, blue"
    elif len(channels) not in (1, 3):
        colours = f"; {channels[0]} only"
    return f"Each image is scaled from its own lowest to its own highest value{colours}."


def condition_text(columns: Sequence[str], condition: np.ndarray) -> str:
    """`redshift 0.14, log stellar mass 8.5`."""
    return ", ".join(f"{words(name)} {value:.4g}" for name, value in zip(columns, condition, strict=True))


def range_text(columns: Sequence[str], labels: np.ndarray) -> str:
    """`redshift 0.1 to 0.2, log stellar mass 8.4 to 8.6`, of labels (N, K)."""
    ends = zip(columns, labels.min(axis=0), labels.max(axis=0), strict=True)
    return ", ".join(f"{words(name)} {low:.3g} to {high:.3g}" for name, low, high in ends)


def words(name: str) -> str:
    """The name of a label in a figure."""
    return name.replace("_", " ")


def accuracy_text(metrics: Path, experiment: str) -> str:
    """How good a classifier is, a sentence for notes. metrics : from tabulate_classifier.py."""
    with reading(metrics):
        table = pd.read_csv(metrics)
        row = table[table["experiment"] == experiment].set_index("metric")
        accuracy, largest = row.loc["accuracy_overall"], row.loc["largest_class", "mean"]
        worst = row.loc[[name for name in row.index if name.startswith("accuracy_") and name not in WHOLE], "mean"]
    text = f"The judge is right for {accuracy['mean']:.0f} % of {accuracy['images']:.0f} test images with a known class"
    name = words(worst.idxmin().removeprefix("accuracy_"))
    return (
        f"{text}, for {worst.min():.0f} % of {name}; naming the most frequent class alone would be for {largest:.0f} %."
    )

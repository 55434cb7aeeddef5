"""One page on a data set: some of its images and the distributions of its labels."""

import itertools
import json
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from galaxies.data.catalogue import read_catalogue
from galaxies.files import reading
from galaxies.plots import SUBSET_COLOURS, image_panel, new_page, save_figure, stamp
from galaxies.scripting import run_script

COLUMNS = 8
MAX_HISTOGRAMS = 4  # more labels than that are shown as one panel of ranges


def main(card: Path, samples: Path, catalogue: Path, png: Path) -> None:
    """Draw the page of the data set that `card` describes."""
    with reading(card):
        content = json.loads(card.read_text(encoding="utf-8"))
    with reading(samples), h5py.File(samples) as file:
        images = file["images"][:] if "images" in file else None
        subsets = file["subset"].asstr()[:] if "images" in file else []
        ids = file["ids"][:] if "images" in file else []
        channels = list(file.attrs.get("channels", []))
        view = file.attrs.get("view", "")
    table = read_catalogue(catalogue)
    rows = 0 if images is None else -(-len(images) // COLUMNS)
    labels = [name for name in table.labels if table.labels[name].notna().any()]
    panels = len(labels) if len(labels) <= MAX_HISTOGRAMS else 1
    figure, pictures, axes = new_page(rows, COLUMNS, panels, 7.2)
    stretch = ""
    for number, axis in enumerate(pictures):
        if number >= len(images):
            axis.set_axis_off()
            continue
        picture, stretch = displayed(images[number], channels)
        image_panel(axis, picture)
        if len(labels) <= MAX_HISTOGRAMS:
            axis.set_xlabel(shown_label(table.labels.loc[ids[number]]), fontsize=5.5, labelpad=2)
        if number == 0 or subsets[number] != subsets[number - 1]:
            axis.set_title("" if subsets[number] == "all" else subsets[number], fontsize=8, loc="left", pad=2)
    if len(labels) <= MAX_HISTOGRAMS:
        for axis, name in zip(axes, labels, strict=True):
            histogram(axis, table.labels[name], table.subset)
            label = "\n".join(textwrap.wrap(f"{name.replace('_', ' ')}: {content['labels'][name]['unit']}", 34))
            axis.set_xlabel(label, fontsize=7)
    else:
        ranges(axes[0], table.labels)
    kind = "Simulated" if content["simulated"] else "Real"
    title = content["title"]
    if content["dataset"] != content["layout"]:
        title += f" ({content['dataset']})"
    figure.suptitle(f"{title}: {content['objects']:,} {kind.lower()} objects", fontsize=10)
    origin = "Simulated in the layout of" if content["simulated"] else "Data of"
    note = f"{origin} {content['citation']}. Licence: {content['licence']}."
    if images is not None:
        note += f" Images: view {view} ({', '.join(channels)}); {stretch}."
    stamp(figure, note)
    save_figure(figure, png)


def displayed(image: np.ndarray, channels: list[str]) -> tuple[np.ndarray, str]:
    """Image (C, S, S) of any range as an 8-bit picture (S, S, 3), and what was done to it in words."""
    if channels == ["R", "G", "B"]:
        return image.transpose(1, 2, 0), "as they are"
    image = image.astype(np.float64)
    low, high = (extreme(axis=(1, 2), keepdims=True) for extreme in (image.min, image.max))
    scaled = (image - low) / np.where(high > low, high - low, 1)
    words = "each channel of each image scaled from its lowest to its highest value"
    if len(channels) == 1:
        scaled, words = np.repeat(np.cbrt(scaled), 3, axis=0), f"{words}, cube-root stretch"
    elif len(channels) == 3:
        scaled, words = scaled[::-1], f"{words}, {', '.join(channels[::-1])} as red, green, blue"
    else:
        scaled, words = np.repeat(scaled[:1], 3, axis=0), f"{words}, {channels[0]} only"
    return (255 * scaled).round().astype(np.uint8).transpose(1, 2, 0), words


def shown_label(labels: pd.Series) -> str:
    """The first label that an object has, for the line below its picture."""
    present = labels.dropna()
    return f"{present.index[0].replace('_', ' ')} {present.iloc[0]:.3g}" if len(present) else "no label"


def histogram(axis: Axes, values: pd.Series, subset: np.ndarray) -> None:
    """Distribution of one label, in the subsets that have it."""
    present = values.notna().to_numpy()
    bins = np.histogram_bin_edges(values[present], bins=2 if set(values[present]) <= {0.0, 1.0} else 40)
    names = [name for name in dict.fromkeys(subset) if (present & (subset == name)).any()]
    for part, colour in zip(names, itertools.cycle(SUBSET_COLOURS)):
        chosen = values[present & (subset == part)]
        axis.hist(chosen, bins=bins, color=colour, alpha=0.6, label=part)
    if names != ["all"]:
        axis.legend()
    if set(values[present]) <= {0.0, 1.0}:
        axis.set_xticks([0.25, 0.75], ["no", "yes"])
    axis.set(ylabel="objects")


def ranges(axis: Axes, labels: pd.DataFrame) -> None:
    """Mean and the range from the 5th to the 95th percentile of many labels."""
    positions = np.arange(labels.shape[1])
    low, high = np.nanpercentile(labels, 5, axis=0), np.nanpercentile(labels, 95, axis=0)
    axis.vlines(positions, low, high, color=SUBSET_COLOURS[0], linewidth=3, alpha=0.4, label="5th to 95th percentile")
    axis.plot(positions, labels.mean(), "o", color=SUBSET_COLOURS[0], markersize=3, label="mean")
    axis.set_xticks(positions, labels.columns, rotation=90, fontsize=6)
    axis.set(ylabel="label", xlim=(-1, len(positions)))
    axis.legend(loc="upper right")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

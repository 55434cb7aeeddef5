"""Describe a packed data set: counts, ranges, labels, missing and repeated objects, digests, source and licence."""

import hashlib
import json
import logging
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from galaxies.data.catalogue import Catalogue, read_catalogue
from galaxies.data.store import View
from galaxies.files import atomic, reading, sha256, write_text
from galaxies.registry import named_module
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.describe_data")

SAMPLES = 24  # images on the page
MEDIAN_BYTES = 2**28  # a median needs its values at once: it is that of so many images, evenly spread


def main(
    catalogue: Path,
    provenance: Path,
    card: Path,
    samples: Path,
    *,
    dataset: str,
    layout: str = "",
    views: list[Path] = (),
) -> None:
    """Write `card` (JSON) and `samples` (HDF5: some images of the view with the most pixels, for the page).

    layout : name of its package in `galaxies.datasets`, if the data set has another name.
    Every view is read once, block by block, and its pixels are compared with the digest of their packing.
    """
    layout = layout or dataset
    table = read_catalogue(catalogue)
    with reading(provenance):
        origin = json.loads(provenance.read_text(encoding="utf-8"))
        published = named_module(f"datasets.{layout}", "card")
        content = {
            "dataset": dataset,
            "layout": layout,
            "title": published.TITLE,
            "page": published.PAGE,
            "licence": "simulated here, no restriction" if origin["simulated"] else published.LICENCE,
            "citation": published.CITATION,
            "simulated": origin["simulated"],
            "source": origin["source"],
            "objects": len(table),
            "subsets": {str(name): int(n) for name, n in pd.Series(table.subset).value_counts(sort=False).items()},
            "dropped": origin["dropped"],
            "tables": origin["labels"],
            "labels": {name: origin["columns"][name] | _statistics(table.labels[name]) for name in table.labels},
            "catalogue_sha256": sha256(catalogue),
        }
        further = ("recipe", "tree_violations", "outside_range", "without_class", "published_tables")
        content |= {key: origin[key] for key in further if key in origin}
    content["views"] = {path.stem: _describe_view(path) for path in views}
    _write_samples(samples, table, views)
    write_text(card, json.dumps(content, indent=2) + "\n")


def _statistics(values: pd.Series) -> dict:
    """Counts and distribution of a label; only counts if it is missing everywhere."""
    present = values.dropna()
    counts = {"present": len(present), "missing": len(values) - len(present)}
    if present.empty:
        return counts
    levels = [5, 25, 50, 75, 95]
    return counts | {
        "min": float(present.min()),
        "max": float(present.max()),
        "mean": float(present.mean()),
        "std": float(present.std(ddof=0)),
        "percentiles": {str(level): float(q) for level, q in zip(levels, np.percentile(present, levels), strict=True)},
    }


def _describe_view(path: Path) -> dict:
    with View(path) as view:
        digest = hashlib.sha256()
        axes = (0, *range(2, len(view.shape)))  # all but the channels
        lowest, highest = np.inf, -np.inf
        total = squares = np.zeros(view.shape[1])
        hashes, constant = [], np.zeros(view.shape[1], dtype=int)
        for _, block in view.blocks():
            digest.update(block)
            values = block.astype(np.float64)
            lowest = np.minimum(lowest, values.min(axis=axes))
            highest = np.maximum(highest, values.max(axis=axes))
            total = total + values.sum(axis=axes)
            squares = squares + (values**2).sum(axis=axes)
            hashes += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in block]
            if len(axes) > 1:
                constant += (values.min(axis=axes[1:]) == values.max(axis=axes[1:])).sum(axis=0)
        view.expect_digest(digest.hexdigest())
        count = view.pixels.size / view.shape[1]
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        most = max(1, MEDIAN_BYTES // (8 * view.pixels[:1].size))
        rows = np.unique(np.linspace(0, len(view) - 1, most).astype(int))
        median = np.median(view.read(rows).astype(np.float64), axis=axes)
        numbers = {"min": lowest, "median": median, "max": highest, "mean": mean, "std": deviation}
        channels = {
            name: {key: float(values[i]) for key, values in numbers.items()} for i, name in enumerate(view.channels)
        }
        for name, values in channels.items():
            logger.info("%s, %s: %s", path.name, name, ", ".join(f"{k} {v:.5g}" for k, v in values.items()))
        repeated = {"repeated_images": len(hashes) - len(set(hashes))} if len(axes) > 1 else {}
        if len(axes) > 1:
            for i, values in enumerate(channels.values()):
                values["constant_images"] = int(constant[i])
        return {
            "shape": list(view.shape),
            "dtype": str(view.dtype),
            "units": str(view.attributes["units"]),
            "channels": channels,
            "median_of_images": len(rows),
            **repeated,
            "sha256": view.attributes["pixels_sha256"],
        }


def _write_samples(samples: Path, table: Catalogue, views: list[Path]) -> None:
    """The same number of images of each subset, spread over its ids; no images if no view has any."""
    with atomic(samples) as temporary, h5py.File(temporary, "w") as file:
        largest = max((path for path in views if _side(path)), key=_side, default=None)
        if largest is None:
            return
        subsets = list(dict.fromkeys(table.subset))
        rows = []
        for subset in subsets:
            members = np.flatnonzero(table.subset == subset)
            some = np.linspace(0, len(members) - 1, min(len(members), SAMPLES // len(subsets))).astype(int)
            rows.append(members[some])
        rows = np.concatenate(rows)
        with View(largest) as view:
            file["images"] = view.read(rows)
            file.attrs["channels"] = view.channels
            file.attrs["view"] = largest.stem
        file["subset"] = [str(name) for name in table.subset[rows]]
        file["ids"] = table.ids[rows]


def _side(path: Path) -> int:
    """Side of the images of a view in pixels, 0 for one of features."""
    with View(path) as view:
        return view.shape[-1] if len(view.shape) == 4 else 0


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Tiny HSC x COSMOS sets in the published layout."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

IDS, IMAGES, CATALOGUE = "HSC_ids.npy", "images.small.npy", "2018_02_23-all_objects.csv"


@dataclass(frozen=True)
class HSCSample:
    """`folder` holds the three files. ids : (N,). pixels : (N, 3, frame, frame). rows : of the catalogue, as text."""

    folder: Path
    ids: np.ndarray
    pixels: np.ndarray
    rows: list[dict[str, str]]

    @property
    def settings(self) -> dict:
        return {"frame": self.pixels.shape[-1]}

    def write_catalogue(self, rows: list[dict[str, str]] | None = None) -> None:
        rows = self.rows if rows is None else rows
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        (self.folder / CATALOGUE).write_text("\n".join(lines) + "\n")


def write_hsc(folder: Path, count: int = 9, frame: int = 12, seed: int = 0) -> HSCSample:
    """Write `count` images, and a catalogue that also has rows which the published recipe leaves out.

    One row of every third object is not selected and comes first, the first object occurs twice among the selected,
    and two selected objects have no image.
    """
    rng = np.random.default_rng(seed)
    ids = np.sort(43158176442374224 + rng.choice(10**12, count, replace=False)).astype(np.int64)
    pixels = rng.normal(-1.0, 0.7, (count, 3, frame, frame)).astype(np.float32)
    rows = []

    def add(number: int, selected: bool, redshift: float, mass: float) -> None:
        row = {"COSMOS_id": str(len(rows)), "HSC_id": str(number), "selected": str(selected)}
        rows.append(row | {"photo_z": f"{redshift:.4f}", "log_mass": f"{mass:.5f}", "note": "x"})

    for position in rng.permutation(count):
        if position % 3 == 0:
            add(int(ids[position]), False, 9.0, 1.0)
        add(int(ids[position]), True, rng.uniform(0.01, 0.5), rng.uniform(7.5, 9.5))
    add(int(ids[0]), True, 8.0, 2.0)
    add(int(ids[-1]) + 1, True, 0.2, 8.0)
    add(int(ids[-1]) + 2, True, 0.3, 8.5)
    sample = HSCSample(folder, ids, pixels, rows)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / IDS, ids)
    np.save(folder / IMAGES, pixels)
    sample.write_catalogue()
    return sample

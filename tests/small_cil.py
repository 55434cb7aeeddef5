"""Tiny CIL cosmology image sets in the published layout."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class CILSample:
    """`folder` holds labeled.csv, scored.csv and the images; `pixels` has them by (subset, published id).

    labeled and scored : (published id, value) in the order of the rows. query : published ids.
    """

    folder: Path
    frame: int
    labeled: list[tuple[int, float]]
    scored: list[tuple[int, float]]
    query: list[int]
    pixels: dict[tuple[str, int], np.ndarray]

    @property
    def settings(self) -> dict:
        return {"frame": self.frame}

    def image(self, subset: str, index: int) -> Path:
        published = {"query": self.query}.get(subset) or [number for number, _ in getattr(self, subset)]
        return self.folder / subset / f"{published[index]}.png"

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def write_cil(
    folder: Path, labeled: int = 6, scored: int = 10, query: int = 3, frame: int = 40, seed: int = 0
) -> CILSample:
    """Write sparse random fields; rows are not sorted by id, and the first query id occurs in `scored` too."""
    rng = np.random.default_rng(seed)
    ids = [int(i) for i in rng.choice(np.arange(1_002_900, 9_999_838), labeled + scored + query, replace=False)]
    labels = [float(i % 6 > 0) for i in range(labeled)]
    scores = [float(score) for score in rng.uniform(0, 6.25, scored).round(10)]
    sample = CILSample(
        folder,
        frame,
        list(zip(ids[:labeled], labels, strict=True)),
        list(zip(ids[labeled : labeled + scored], scores, strict=True)),
        [*ids[labeled : labeled + min(query, 1)], *ids[labeled + scored + min(query, 1) :]],
        {},
    )
    for subset in ("labeled", "scored", "query"):
        (folder / subset).mkdir(parents=True)
    for name, rows in (("labeled", sample.labeled), ("scored", sample.scored)):
        lines = ["Id,Actual", *(f"{number},{value}" for number, value in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    places = [("labeled", number) for number, _ in sample.labeled] + [("scored", number) for number, _ in sample.scored]
    for subset, number in places + [("query", number) for number in sample.query]:
        values = rng.integers(0, 256, (frame, frame)) * (rng.random((frame, frame)) < 0.1)
        sample.pixels[subset, number] = values.astype(np.uint8)
        Image.fromarray(sample.pixels[subset, number]).save(folder / subset / f"{number}.png")
    return sample


def zip_folder(path: Path, folder: Path, prefix: str = "") -> Path:
    """A zip archive of the files in `folder`, their names starting with `prefix`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    return path

"""Measure star fields, generated or real, image by image: their light, blobs, and what trained scorers say of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from galaxies.data.names import ID
from galaxies.data.rows import chosen_rows
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.field_measures import FieldMeasures, field_measures
from galaxies.files import write_text
from galaxies.generated_images import Generated
from galaxies.image_scorers import ImageScorer, load_image_scorer
from galaxies.score_range import clipped
from galaxies.scripting import run_script

SCORE, TRUE = "score", "true_score"  # in a view, in the table
FREE_OF_SCALE = "concentration"  # of the measures


def main(
    view: Path,
    split: Path,
    scorers: list[Path],
    measured: Path,
    *,
    names: list[str],
    frame: int,
    compute: dict,
    levels: bool = True,
    generated: Path | None = None,
    sets: list[str] | None = None,
    pool: dict | None = None,
) -> None:
    """Write a row per image: object_id (its number, of generated ones), its measures, and a column per scorer.

    sky, flux, lit, concentration, blobs : see `galaxies.field_measures.FieldMeasures`.
    score_<name> : of the image enlarged to `frame` px, pixel by pixel, and rounded to 8 bits; clipped to its range.
    true_score : of real images that have a score.

    generated : from generate.py; without it, the real images of `sets` of the split, of which `pool` takes some (see
    `galaxies.data.rows`), at the resolution of `view`. levels : whether generated values are grey levels; if each
    image has a scale of its own, all but the concentration means nothing, and is left empty.
    scorers : models that `galaxies.image_scorers` loads, in the order of `names`. compute : as in train.py.
    """
    files = dict(zip((f"score_{name}" for name in names), scorers, strict=True))
    loaded = {name: load_image_scorer(path, frame, compute) for name, path in files.items()}
    for name, scorer in loaded.items():
        if scorer.size != frame:
            raise ConfigError(f"{name.removeprefix('score_')} scores images of {scorer.size} px, these have {frame}")
    images = generated_images(generated) if generated else real_images(view, split, sets or [], pool)
    rows = []
    for facts, image in images:
        row = {**facts, **field_measures(image)._asdict()}
        if levels:
            enlarged = enlarge(image, frame)
            row |= {name: score_of(scorer, enlarged) for name, scorer in loaded.items()}
        rows.append(row)
    measures = [*FieldMeasures._fields, *loaded]
    table = pd.DataFrame(rows, columns=[*facts, *measures])
    if not levels:
        table[[name for name in measures if name != FREE_OF_SCALE]] = np.nan
    wanted = measures if levels else [FREE_OF_SCALE]
    if bad := int((~np.isfinite(table[wanted])).any(axis=1).sum()):
        raise DataError(f"{measured}: {bad} of {len(table)} images have a measure that is not finite")
    write_text(measured, table.to_csv(index=False))


def score_of(scorer: ImageScorer, image: Image.Image) -> float:
    """The score of one image, in the range of scores."""
    return float(clipped(scorer.score(scorer.describe(image)[None]))[0])


def generated_images(path: Path) -> Iterator[tuple[dict, np.ndarray]]:
    """Number and grey levels (S, S) of each generated image."""
    with Generated(path) as images:
        count = 0
        for block in images.blocks():
            for image in block[:, 0]:
                yield {ID: count}, image
                count += 1


def real_images(view: Path, split: Path, sets: list[str], pool: dict | None) -> Iterator[tuple[dict, np.ndarray]]:
    """Id and score, and grey levels (S, S) of each image."""
    rows = chosen_rows(view, split, sets, pool)
    with View(view) as packed:
        scores = packed.labels[:, packed.column(SCORE)] if SCORE in packed.columns else np.full(len(packed), np.nan)
        for first in range(0, len(rows), packed.block):
            part = rows[first : first + packed.block]
            for row, image in zip(part, packed.read(part)[:, 0], strict=True):
                yield {ID: int(packed.ids[row]), TRUE: float(scores[row])}, image


def enlarge(image: np.ndarray, frame: int) -> Image.Image:
    """Grey levels (S, S) as an 8-bit image of `frame` px, each of whose pixels is the nearest of them."""
    rounded = Image.fromarray(np.round(np.clip(image, 0, 255)).astype(np.uint8))
    return rounded.resize((frame, frame), Image.Resampling.NEAREST)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

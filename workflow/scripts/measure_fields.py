"""Measure star fields, generated or real, image by image: flux, lit pixels, and what trained scorers say of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from galaxies.data.names import ID
from galaxies.data.rows import chosen_rows
from galaxies.data.store import View
from galaxies.errors import ConfigError, DataError
from galaxies.files import write_text
from galaxies.generated_images import Generated
from galaxies.image_scorers import load_image_scorer
from galaxies.scripting import run_script

LIT = 0.5  # grey level from which on a pixel is not black once it is rounded to 8 bits


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
    """Write a row per image: object_id (its number, of generated ones), flux, lit, and a column per scorer.

    flux : mean grey level. lit : share of the pixels that are not black when rounded to 8 bits.
    score_<name> : of the image enlarged to `frame` px, pixel by pixel, and rounded to 8 bits; not clipped.

    generated : from generate.py; without it, the real images of `sets` of the split, of which `pool` takes some (see
    `galaxies.data.pools`), at the resolution of `view`. levels : whether generated values are grey levels; if each
    image has a scale of its own, flux and scores mean nothing, and are left empty.
    scorers : models that `galaxies.image_scorers` loads, in the order of `names`. compute : as in train.py.
    """
    files = dict(zip((f"score_{name}" for name in names), scorers, strict=True))
    loaded = {name: load_image_scorer(path, frame, compute) for name, path in files.items()}
    for name, scorer in loaded.items():
        if scorer.size != frame:
            raise ConfigError(f"{name.removeprefix('score_')} scores images of {scorer.size} px, these have {frame}")
    images = generated_images(generated) if generated else real_images(view, split, sets or [], pool)
    rows = []
    for number, image in images:
        row = {ID: number, "flux": image.mean(dtype=np.float64), "lit": float((image >= LIT).mean())}
        if levels:
            enlarged = enlarge(image, frame)
            row |= {name: float(scorer.score(scorer.describe(enlarged)[None])[0]) for name, scorer in loaded.items()}
        else:
            row |= {"flux": np.nan, **dict.fromkeys(loaded, np.nan)}
        rows.append(row)
    table = pd.DataFrame(rows)
    if levels and (bad := int((~np.isfinite(table)).any(axis=1).sum())):
        raise DataError(f"{measured}: {bad} of {len(table)} images have a measure that is not finite")
    write_text(measured, table.to_csv(index=False))


def generated_images(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Number and grey levels (S, S) of each generated image."""
    with Generated(path) as images:
        count = 0
        for block in images.blocks():
            for image in block[:, 0]:
                yield count, image
                count += 1


def real_images(view: Path, split: Path, sets: list[str], pool: dict | None) -> Iterator[tuple[int, np.ndarray]]:
    """Id and grey levels (S, S) of each image."""
    rows = chosen_rows(view, split, sets, pool)
    with View(view) as packed:
        for first in range(0, len(rows), packed.block):
            part = rows[first : first + packed.block]
            yield from zip(packed.ids[part].tolist(), packed.read(part)[:, 0], strict=True)


def enlarge(image: np.ndarray, frame: int) -> Image.Image:
    """Grey levels (S, S) as an 8-bit image of `frame` px, each of whose pixels is the nearest of them."""
    rounded = Image.fromarray(np.round(np.clip(image, 0, 255)).astype(np.uint8))
    return rounded.resize((frame, frame), Image.Resampling.NEAREST)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Generated star fields in rows, below real ones."""

from pathlib import Path

import numpy as np

from galaxies.comparison import origin_text
from galaxies.data.rows import chosen_rows
from galaxies.data.store import View
from galaxies.errors import DataError
from galaxies.field_measures import light_above_sky
from galaxies.field_pictures import PEAK_NOTE, peak_panel
from galaxies.files import reading
from galaxies.generated_images import Generated
from galaxies.plots import label_row, new_figure, save_figure, stamp
from galaxies.scripting import run_script

SHOWN = 8  # images of a row
DRAWN = 64  # samples of which the densest and the sparsest are shown
CHOICES = ("first", "densest", "sparsest")


def main(
    generated: list[Path], view: Path, split: Path, png: Path, *, rows: list[dict], sets: list[str], pool: dict | None,
    notes: list[str],
) -> None:  # fmt: skip
    """Rows of real images, and of images of generators.

    generated : from generate.py. view, split, sets, pool : the real images that the generators were trained on.
    rows : {label, file (position in `generated`), choose}; choose is "first", the images as they come, those of a
        second row of the same file after those of the first; or those of the first 64 with most ("densest") or least
        ("sparsest") light above the sky, in that order. Real images, at even distances in the training set, are chosen
        alike.
    notes : what differs from the published settings.
    """
    samples, simulated = [], False
    for path in generated:
        with Generated(path) as images:
            samples.append(images.read(np.arange(min(DRAWN, len(images.ids))))[:, 0])
            simulated |= images.simulated
    taken = chosen_rows(view, split, sets, pool)
    with reading(view), View(view) as packed:
        real = packed.read(taken[even(len(taken), DRAWN)])[:, 0]
    lines = []
    for choice in choices(rows):
        some = real[even(len(real), SHOWN)] if choice == "first" else real
        lines.append((f"training images{suffix(choice)}", chosen(some, choice)))
    for number, row in enumerate(rows):
        before = [other["file"] for other in rows[:number] if other["choose"] == row["choose"]].count(row["file"])
        lines.append(
            (row["label"] + suffix(row["choose"]), chosen(samples[row["file"]], row["choose"], before * SHOWN))
        )
    figure, axes = new_figure(len(lines), SHOWN, 7.2, 0.95 * len(lines))
    for line, (label, images) in zip(axes, lines, strict=True):
        for axis, image in zip(line, images, strict=False):
            peak_panel(axis, image)
        for axis in line[len(images) :]:
            axis.set_visible(False)
        label_row(line[0], label)
    by_light = len(choices(rows)) > 1
    drawn = f" Densest and sparsest: most and least light above the sky of {DRAWN} images." if by_light else ""
    stamp(figure, f"{origin_text(simulated, notes)} {PEAK_NOTE}{drawn}", grow=True)
    save_figure(figure, png)


def choices(rows: list[dict]) -> list[str]:
    """What is chosen in some row, each once."""
    return list(dict.fromkeys(row["choose"] for row in rows))


def even(count: int, wanted: int) -> np.ndarray:
    """At most `wanted` of `count` positions at even distances, int."""
    return np.linspace(0, count - 1, min(wanted, count)).round().astype(int)


def chosen(images: np.ndarray, choice: str, skip: int = 0) -> np.ndarray:
    """The images (N, S, S) that a row shows, after `skip` of them. Raises DataError for an unknown choice."""
    if choice not in CHOICES:
        raise DataError(f"rows: choose is {choice!r}; it must be one of: {', '.join(CHOICES)}")
    if choice == "first":
        return images[skip : skip + SHOWN]
    order = np.argsort([light_above_sky(image).sum() for image in images], kind="stable")
    return images[order[::-1] if choice == "densest" else order][skip : skip + SHOWN]


def suffix(choice: str) -> str:
    return "" if choice == "first" else f",\n{choice}"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Generated star fields in rows, below real ones."""

from pathlib import Path

import numpy as np

from galaxies.comparison import origin_text
from galaxies.data.rows import chosen_rows
from galaxies.data.store import View
from galaxies.errors import DataError
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
    differences: list[str],
) -> None:  # fmt: skip
    """Rows of real images, and of images of generators.

    generated : from generate.py. view, split, sets, pool : the real images that the generators were trained on.
    rows : {label, file (position in `generated`), choose}; choose is "first", the images as they come, or those of the
    first 64 with most ("densest") or least ("sparsest") flux, in that order; real images are chosen alike.
    """
    samples, simulated = [], False
    for path in generated:
        with Generated(path) as images:
            samples.append(images.read(np.arange(min(DRAWN, len(images.ids))))[:, 0])
            simulated |= images.simulated
    taken = chosen_rows(view, split, sets, pool)
    with reading(view), View(view) as packed:
        real = packed.read(taken[np.linspace(0, len(taken) - 1, min(DRAWN, len(taken))).astype(int)])[:, 0]
    of_real = [{"label": f"real{suffix(choice)}", "images": real, "choose": choice} for choice in choices(rows)]
    of_generated = [
        {**row, "images": samples[row["file"]], "label": row["label"] + suffix(row["choose"])} for row in rows
    ]
    figure, axes = new_figure(len(rows) + len(of_real), SHOWN, 7.2, 0.95 * (len(rows) + len(of_real)))
    for line, row in zip(axes, [*of_real, *of_generated], strict=True):
        for axis, image in zip(line, chosen(row["images"], row["choose"]), strict=False):
            peak_panel(axis, image)
        for axis in line[len(row["images"]) :]:
            axis.set_visible(False)
        label_row(line[0], row["label"])
    drawn = f" Densest and sparsest: most and least flux of {DRAWN} images." if len(of_real) > 1 else ""
    stamp(figure, f"{origin_text(simulated, differences)} {PEAK_NOTE}{drawn}", grow=True)
    save_figure(figure, png)


def choices(rows: list[dict]) -> list[str]:
    """What is chosen in some row, each once."""
    return list(dict.fromkeys(row["choose"] for row in rows))


def chosen(images: np.ndarray, choice: str) -> np.ndarray:
    """The images (N, S, S) that a row shows. Raises DataError for an unknown choice."""
    if choice not in CHOICES:
        raise DataError(f"rows: choose is {choice!r}; it must be one of: {', '.join(CHOICES)}")
    if choice == "first":
        return images[:SHOWN]
    order = np.argsort(images.sum(axis=(1, 2)), kind="stable")
    return images[order[::-1] if choice == "densest" else order][:SHOWN]


def suffix(choice: str) -> str:
    return "" if choice == "first" else f",\n{choice}"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

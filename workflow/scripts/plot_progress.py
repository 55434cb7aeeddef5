"""What a generator made of the same noise as its training went on."""

from pathlib import Path

import matplotlib.pyplot as plt

from galaxies.comparison import origin_text
from galaxies.data.store import View
from galaxies.display import true_pictures, true_stretch_text
from galaxies.errors import DataError
from galaxies.generated_images import Generated
from galaxies.plots import STYLE, image_grid, save_figure, stamp
from galaxies.scripting import run_script

SHOWN = 10  # images per row, at most
IMAGE = 0.62  # inches


def main(view: Path, generated: Path, png: Path, *, label: str, differences: list[str]) -> None:
    """A row per stage of the training, a column per noise vector.

    generated : from generate.py. label : what the generator is called. differences : of its settings from the
    published. Raises DataError if the training kept no images.
    """
    with View(view) as packed, Generated(generated) as made:
        made.expect_view(packed)
        if not len(made.progress):
            raise DataError(f"{generated}: no images of the training", "only generators without labels keep them")
        steps, images = made.progress_steps, made.progress[:, :SHOWN]
    rows, columns = images.shape[:2]
    shown = true_pictures(images.reshape(-1, *images.shape[2:]), packed.channels)
    plt.rcParams.update(STYLE)
    figure = plt.figure(figsize=(max(0.8 + IMAGE * columns, 4.5), 0.45 + IMAGE * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.012, h_pad=0.012, wspace=0, hspace=0)
    axes = figure.subplots(rows, columns, squeeze=False)
    image_grid(axes, shown.reshape(rows, columns, *shown.shape[1:]))
    for axis, step in zip(axes[:, 0], steps, strict=True):
        axis.set_ylabel(f"step {step}", rotation=0, ha="right", va="center", fontsize=8)
    figure.suptitle(f"{label}: the same noise during training", fontsize=10)
    origin = origin_text(made.simulated, differences)
    stamp(figure, f"{origin} {true_stretch_text(packed.channels)} Seed {made.seed}.", grow=True)
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

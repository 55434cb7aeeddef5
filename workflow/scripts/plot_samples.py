"""Images of one generator as they come, beside real ones."""

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from galaxies.comparison import origin_text
from galaxies.data.splits import ids_of
from galaxies.data.store import View
from galaxies.display import true_pictures, true_stretch_text
from galaxies.generated_images import Generated, as_networks_see
from galaxies.plots import STYLE, image_grid, save_figure, stamp
from galaxies.scripting import run_script

SIDE = 8  # images per row and column of each half, if there are as many
SEED = 0  # of the choice of real images


def main(view: Path, split: Path, generated: Path, png: Path, *, label: str, differences: list[str]) -> None:
    """Two blocks of at most 8 x 8 images, real ones of the training on the left; none is chosen by eye.

    generated : from generate.py. label : what the generator is called. differences : of its settings from the
    published.
    """
    with View(view) as packed, Generated(generated) as made:
        made.expect_view(packed)
        ids = np.concatenate([ids_of(split, name) for name in made.trained_on])
        side = min(SIDE, math.isqrt(min(len(ids), len(made.ids))))
        drawn = np.random.default_rng(SEED).permutation(ids)[: side**2]
        halves = {
            "Simulated galaxies" if made.simulated else "Real galaxies": as_networks_see(
                packed.read(packed.rows(drawn))
            ),
            f"Generated: {label}": made.read(np.arange(side**2)),
        }
    plt.rcParams.update(STYLE)
    figure = plt.figure(figsize=(10.0, 5.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.012, h_pad=0.012, wspace=0, hspace=0)
    for half, (title, images) in zip(figure.subfigures(1, 2, wspace=0.02), halves.items(), strict=True):
        shown = true_pictures(images, packed.channels)
        image_grid(half.subplots(side, side, squeeze=False), shown.reshape(side, side, *shown.shape[1:]))
        half.suptitle(title, fontsize=10)
    drawing = "Both are drawn at random."
    origin = origin_text(made.simulated, differences)
    stamp(figure, f"{origin} {true_stretch_text(packed.channels)} {drawing} Seed {made.seed}.", grow=True)
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

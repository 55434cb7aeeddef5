"""Real images near the first example condition beside images that are generated at it."""

from pathlib import Path

import matplotlib.pyplot as plt

from galaxies.comparison import origin_text
from galaxies.data.store import View
from galaxies.display import condition_text, pictures, range_text, stretch_text
from galaxies.errors import ConfigError
from galaxies.generated_images import Generated, as_networks_see, nearest_labels
from galaxies.plots import STYLE, image_grid, save_figure, stamp
from galaxies.scripting import run_script

SIDE = 4  # images per row and column of each half


def main(view: Path, generated: Path, png: Path, *, label: str, differences: list[str]) -> None:
    """Two blocks of 4 x 4 images, real on the left (galaxy_cgan_augmentation, figure 2).

    generated : from generate.py. label : what the generator is called. differences : of its settings from the
    published.
    Raises ConfigError if the file has no example condition.
    """
    with View(view) as packed, Generated(generated) as made:
        made.expect_view(packed)
        if not len(made.examples):
            raise ConfigError(f"{generated}: no example condition", "set example_conditions of the paper")
        condition = made.example_conditions[0]
        nearest = nearest_labels(made.labels, condition, SIDE**2)
        real = as_networks_see(packed.read(packed.rows(made.ids[nearest])))
    plt.rcParams.update(STYLE)
    figure = plt.figure(figsize=(7.2, 4.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0)
    kind = "Simulated galaxies" if made.simulated else "Real galaxies"
    halves = (
        (real, f"{kind}\n{range_text(made.columns, made.labels[nearest])}"),
        (made.examples[0], f"Generated ({label})\n{condition_text(made.columns, condition)}"),
    )
    for half, (images, title) in zip(figure.subfigures(1, 2, wspace=0.03), halves, strict=True):
        shown = pictures(images, packed.channels)
        image_grid(half.subplots(SIDE, SIDE), shown.reshape(SIDE, SIDE, *shown.shape[1:]))
        half.suptitle(title, fontsize=8)
    stamp(figure, f"{origin_text(made.simulated, differences)} {stretch_text(packed.channels)} Seed {made.seed}.")
    save_figure(figure, png)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

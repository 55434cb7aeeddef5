"""Do generated images follow their labels as real ones do? Images at example conditions, fluxes against labels."""

from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from galaxies.comparison import origin_text
from galaxies.data.store import View
from galaxies.display import condition_text, pictures, range_text, stretch_text, words
from galaxies.errors import ConfigError
from galaxies.fidelity import aperture_sums
from galaxies.files import reading
from galaxies.generated_images import Generated, as_networks_see, nearest_labels, real_blocks
from galaxies.plots import STYLE, TRAIN, VALIDATION, image_grid, save_figure, stamp
from galaxies.registry import named_module
from galaxies.scripting import run_script

ROWS, COLUMNS = 2, 4  # of images per example condition and kind
REAL, GENERATED = TRAIN, VALIDATION  # colours
BINS = 8  # of a running median


def main(
    view: Path,
    generated: Path,
    correlations: Path,
    png: Path,
    *,
    experiment: str,
    label: str,
    differences: list[str],
    layout: str,
) -> None:
    """One row per example condition, real images on the left (galaxy_cgan_augmentation, figure 3); below, fluxes.

    generated : from generate.py, of the first seed of `experiment`. correlations : from measure_fidelity.py. label :
    what the generator is called. differences : of its settings from the published. layout : package of the data set.
    Raises ConfigError if the file has no example condition.
    """
    with reading(correlations):
        table = pd.read_csv(correlations, dtype={"experiment": str})
    photometry = named_module(f"datasets.{layout}", "photometry")
    with View(view) as packed, Generated(generated) as made:
        made.expect_view(packed)
        if not len(made.examples):
            raise ConfigError(f"{generated}: no example condition", "set example_conditions of the paper")
        plt.rcParams.update(STYLE)
        heights = [2.0 * len(made.examples), 2.9]
        figure = plt.figure(figsize=(7.2, sum(heights) + 0.5), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0)
        images, panels = figure.subfigures(2, 1, height_ratios=heights)
        draw_examples(images, packed, made, label)
        radius = draw_fluxes(panels, packed, made, table, experiment, photometry)
        stretch = stretch_text(packed.channels)
    rho = "Spearman's $\\rho$, of generated images the mean over seeds."
    panels = f"Images and points: seed {made.seed}; lines: running medians; axes hold 90 % of the labels. Flux within "
    panels += f"{radius:.1f} px, drawn on the edge if beyond. {photometry.NOTE} {rho}"
    stamp(figure, f"{origin_text(made.simulated, differences)} {stretch} {panels}")
    save_figure(figure, png)


def draw_examples(figure: SubFigure, view: View, made: Generated, label: str) -> None:
    """Per example condition a block of real images and one of generated images."""
    blocks = figure.subfigures(len(made.examples), 2, squeeze=False, wspace=0.03, hspace=0.04)
    kind = "Simulated" if made.simulated else "Real"
    for (left, right), condition, examples in zip(blocks, made.example_conditions, made.examples, strict=True):
        nearest = nearest_labels(made.labels, condition, ROWS * COLUMNS)
        real = as_networks_see(view.read(view.rows(made.ids[nearest])))
        titles = (
            f"{kind}: {range_text(made.columns, made.labels[nearest])}",
            f"Generated ({label}): {condition_text(made.columns, condition)}",
        )
        for block, images, title in zip((left, right), (real, examples[: ROWS * COLUMNS]), titles, strict=True):
            shown = pictures(images, view.channels)
            image_grid(block.subplots(ROWS, COLUMNS), shown.reshape(ROWS, COLUMNS, *shown.shape[1:]))
            block.suptitle(title, fontsize=7.5)


def draw_fluxes(
    figure: SubFigure, view: View, made: Generated, table: pd.DataFrame, experiment: str, photometry: ModuleType
) -> float:
    """Flux against each label, real and generated, with rank correlations; returns the aperture's radius in px."""
    radius = photometry.aperture_radius(int(view.attributes["size"]), int(view.attributes["crop"]))
    fluxes = {}
    for sample, blocks in (("real", real_blocks(view, made.ids)), ("generated", made.blocks())):
        fluxes[sample] = aperture_sums(map(photometry.linear_flux, blocks), radius).sum(axis=1)
    low, high = flux_limits(fluxes["real"], fluxes["generated"])
    axes = figure.subplots(1, len(made.columns), sharey=True, squeeze=False)[0]
    names = {"real": "simulated" if made.simulated else "real", "generated": "generated"}
    for axis, label, values in zip(axes, made.columns, made.labels.T, strict=True):
        for sample, colour in (("real", REAL), ("generated", GENERATED)):
            shown = np.clip(fluxes[sample], low, high)
            axis.scatter(values, shown, s=3, color=colour, alpha=0.35, linewidths=0)
            running_median(axis, values, shown, colour)
            text = f"{names[sample]}: {rho_text(table, sample, experiment, label)}"
            axis.plot([], [], "o-", markersize=3, color=colour, label=text)
        left, right = np.percentile(values, [5, 95])
        margin = 0.05 * (right - left)
        axis.set(yscale="log", ylim=(low, high), xlim=(left - margin, right + margin))
        axis.set_xlabel(words(label), fontsize=8)
        axis.tick_params(labelsize=7.5)
        axis.locator_params(axis="x", nbins=6)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=7.5, handlelength=1.2)
    axes[0].set_ylabel(f"central flux, {photometry.UNIT}", fontsize=8)
    return radius


def flux_limits(real: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    """Ends of a logarithmic axis for most fluxes; generated ones widen that of the real ones tenfold at most."""
    low, high = np.percentile(real[real > 0], [0.5, 100])
    wanted_low, wanted_high = (
        np.percentile(generated[generated > 0], [0.5, 100]) if (generated > 0).any() else (low, high)
    )
    return 0.7 * max(min(low, wanted_low), low / 10), 1.4 * min(max(high, wanted_high), 10 * high)


def running_median(axis: Axes, values: np.ndarray, fluxes: np.ndarray, colour: str) -> None:
    """Median flux of equally many images, against their median label."""
    order = np.array_split(np.argsort(values), min(BINS, len(values)))
    x, y = ([np.median(numbers[part]) for part in order] for numbers in (values, fluxes))
    axis.plot(x, y, color="white", linewidth=3)
    axis.plot(x, y, color=colour, linewidth=1.6)


def rho_text(table: pd.DataFrame, sample: str, experiment: str, label: str) -> str:
    """Spearman's rho of a panel, plain and with the other labels fixed; of generated images the mean over seeds."""
    band = table["band"].iloc[0]  # the sum of all, or the only one
    rows = table[(table["sample"] == sample) & (table["band"] == band) & (table["label"] == label)]
    if sample == "generated":
        rows = rows[rows["experiment"] == experiment]
    fixed = rows["label_fixed"].iloc[0]
    given = f" ({rows['partial_spearman'].mean():+.2f} at fixed {words(fixed)})" if isinstance(fixed, str) else ""
    return f"$\\rho$ = {rows['spearman'].mean():+.2f}{given}".replace("-", "\N{MINUS SIGN}")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Time and memory that each paper took, by stage."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from galaxies.files import reading
from galaxies.plots import MODEL_COLOURS, new_figure, save_figure, stamp
from galaxies.scripting import run_script

SUMMARY = "summary"  # whose jobs are those of the papers once more
SPREAD = 0.3  # of the dots of a paper, of the distance between papers
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}


def main(cost: Path, png: Path, pdf: Path, *, data: str) -> None:
    """A bar per paper: left the time of its jobs, right the memory of the largest, both by stage; none of the summary.

    cost : table of tabulate_cost.py. data : what the images of the run are, `real`, `simulated` or both.
    """
    with reading(cost):
        table = pd.read_csv(cost)
        table = table[table["paper"] != SUMMARY]
        stages = list(dict.fromkeys(table["stage"]))
        papers = list(dict.fromkeys(table["paper"]))
        seconds = table.pivot(index="paper", columns="stage", values="seconds").loc[papers, stages]
        memory = table.pivot(index="paper", columns="stage", values="peak_memory_mb").loc[papers, stages] / 1000
        once = table.loc[table["paper"] == "all", "seconds"].sum()
    unit = max((unit for unit, size in UNITS.items() if once >= 2 * size), key=UNITS.get, default="seconds")
    y = np.arange(len(papers))[::-1]
    figure, axes = new_figure(1, 2, 7.2, 1.3 + 0.32 * len(papers), sharey=True, width_ratios=[3, 2])
    figure.get_layout_engine().set(wspace=0.06)  # else the last tick of one panel meets the first of the other
    time, peak = axes[0]
    starts = np.zeros(len(papers))
    # Each stage at a height of its own, so that no dot hides another of the same memory.
    offsets = np.linspace(SPREAD, -SPREAD, len(stages)) if len(stages) > 1 else [0]
    for stage, colour, offset in zip(stages, MODEL_COLOURS, offsets, strict=False):
        values = seconds[stage].to_numpy() / UNITS[unit]
        time.barh(y, values, left=starts, height=0.65, color=colour, label=stage)
        peak.plot(memory[stage], y + offset, "o", color=colour, markersize=3.5)
        starts += values
    for place, end in zip(y, starts, strict=True):
        time.annotate(f"{end:.1f}", (end, place), (3, 0), textcoords="offset points", va="center", fontsize=7)
    labels = [{"all": "all, each job once", "data": "data and its pages"}.get(name, name) for name in papers]
    time.set_yticks(y, labels, fontsize=7.5)
    time.set(xlabel=f"time of all jobs [{unit}]", xlim=(0, 1.12 * starts.max()))
    peak.set(xlabel="peak memory of a job [GB]", xlim=(0, 1.08 * memory.max(axis=None)))
    for place in y[:-1]:
        peak.axhline(place - 0.5, color=matplotlib.rcParams["grid.color"], linewidth=0.6, zorder=0)
    for axis in axes[0]:
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=len(stages))
    note = (
        f"Of {data} images. Sums over jobs, which may have run side by side. A job that several papers need counts for "
        "each of them. Trainings count with all their attempts, other jobs with the last. Memory is that of the host, "
        "not of GPUs."
    )
    stamp(figure, note)
    save_figure(figure, png, pdf)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

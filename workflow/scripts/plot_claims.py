"""Effect, interval and verdict of each comparison behind the claims of the papers."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from galaxies.files import reading
from galaxies.plots import MUTED, TEST, TRAIN, VALIDATION, fix_margins, new_figure, save_figure, stamp
from galaxies.scripting import run_script
from galaxies.verdicts import INCONCLUSIVE, NOT_TESTED, REFUTED, SUPPORTED

COLOURS = {SUPPORTED: TRAIN, REFUTED: VALIDATION, INCONCLUSIVE: "#000000", NOT_TESTED: MUTED}
SAID = TEST  # where the claim says that the effect is
ROW = 0.15  # inches
WIDTH = 8.0
LEFT, RIGHT = 0.47, 0.66  # of the strips with effects, in widths of the figure
TEXT_WIDTH = 118  # characters of a claim in a line


def main(table: Path, png: Path, pdf: Path) -> None:
    """One strip per comparison, with a scale of its own: the green side is where the claim says that the effect is.

    table : from judge_claims.py. Dots are effects, lines 95 % intervals, in the colour of the verdict.
    """
    with reading(table):
        rows = pd.read_csv(table, keep_default_na=False, na_values=[""])
    lines = layout(rows)
    total = sum(height for _, height, _ in lines)
    figure, axes = new_figure(1, 1, WIDTH, ROW * total + 0.5)
    fix_margins(figure, left=0.08, right=0.08, top=0.05, bottom=0.45)
    axis = axes[0, 0]
    axis.set(xlim=(0, 1), ylim=(total, 0))
    axis.set_axis_off()
    y = 0.0
    for kind, height, content in lines:
        {"paper": draw_paper, "claim": draw_claim, "comparison": draw_comparison}[kind](axis, y, content)
        y += height
    counts = rows.drop_duplicates("claim")["verdict"].value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in COLOURS)
    data = "Simulated data: no answer about real galaxies. " if (rows["data"] == "simulated").any() else ""
    reduced = "Settings differ from the published ones, see claims.csv. "
    reduced = reduced if (rows["settings"].dropna() != "published").any() else ""
    stamp(
        figure, f"{data}{reduced}Claims: {said}. Each strip has its own scale; green is where a claim sees the effect."
    )
    save_figure(figure, png, pdf)


def layout(rows: pd.DataFrame) -> list[tuple[str, float, object]]:
    """What is drawn from the top: kind, height in rows, content."""
    lines: list[tuple[str, float, object]] = []
    for paper, of_paper in rows.groupby("paper", sort=False):
        lines.append(("paper", 1.6, paper))
        for _, of_claim in of_paper.groupby("claim", sort=False):
            first = of_claim.iloc[0]
            text = textwrap.wrap(first["text"], TEXT_WIDTH)
            lines.append(("claim", len(text) + 0.1, ("\n".join(text), first["verdict"])))
            lines += [("comparison", 1.0, row) for row in of_claim.itertuples()]
            lines.append(("paper", 0.5, ""))
    return lines


def draw_paper(axis: Axes, y: float, paper: str) -> None:
    axis.text(0, y + 1.3, paper, fontsize=9, fontweight="bold", va="bottom")


def draw_claim(axis: Axes, y: float, claim: tuple[str, str]) -> None:
    text, verdict = claim
    axis.text(0.105, y, text, fontsize=7, va="top", linespacing=1.15)
    axis.text(0.095, y, verdict, fontsize=7, va="top", ha="right", fontweight="bold", color=COLOURS[verdict])


def draw_comparison(axis: Axes, y: float, row) -> None:
    """A line of text and a strip from LEFT to RIGHT."""
    middle, colour = y + 0.5, COLOURS[row.comparison_verdict]
    text = row.comparison.replace(f"{row.paper}.", "")
    axis.text(0.105, middle, textwrap.shorten(text, 92, placeholder="..."), fontsize=5, va="center", color=MUTED)
    if row.comparison_verdict == NOT_TESTED:
        reason = textwrap.shorten(row.reason, 100, placeholder="...")
        axis.text(LEFT + 0.01, middle, reason, fontsize=5, va="center", color=MUTED)
        return
    ends = np.array([row.effect, row.ci95_low, row.ci95_high, row.above, row.below], dtype=float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    margin = 0.15 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - low) / (high - low)

    said = [low if np.isnan(row.above) else row.above, high if np.isnan(row.below) else row.below]
    axis.add_patch(Rectangle((LEFT, y + 0.12), RIGHT - LEFT, 0.76, color="#F2F2F2", linewidth=0))
    axis.add_patch(
        Rectangle(
            (place(said[0]), y + 0.12), place(said[1]) - place(said[0]), 0.76, color=SAID, alpha=0.25, linewidth=0
        )
    )
    if not np.isnan(row.ci95_low):
        axis.plot([place(row.ci95_low), place(row.ci95_high)], [middle] * 2, color=colour, linewidth=1.4)
    axis.plot(place(row.effect), middle, "o", color=colour, markersize=3.2)
    axis.text(RIGHT + 0.01, middle, numbers(row), fontsize=5, va="center")
    axis.text(1, middle, row.comparison_verdict, fontsize=5.5, va="center", ha="right", color=colour)


def numbers(row) -> str:
    """Effect, interval, and what is uncertain about it."""
    unit = "" if row.unit == "ratio" else f" {row.unit}"
    text = f"{row.effect:.3g}"
    if not np.isnan(row.ci95_low):
        text += f" [{row.ci95_low:.3g}, {row.ci95_high:.3g}]"
    text += unit
    if not np.isnan(row.p_value):
        text += f", p = {row.p_value:.2g}"
    return textwrap.shorten(text if isinstance(row.reason, float) else f"{text}; {row.reason}", 62, placeholder="...")


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

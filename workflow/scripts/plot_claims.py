"""Effect, interval and verdict of each comparison behind the claims of a paper."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from galaxies.files import reading
from galaxies.plots import (
    FRAME,
    MUTED,
    PAGE,
    SMALL,
    TEST,
    TRAIN,
    VALIDATION,
    fix_margins,
    new_figure,
    save_figure,
    stamp,
)
from galaxies.scripting import run_script
from galaxies.verdicts import INCONCLUSIVE, NOT_TESTED, REFUTED, SUPPORTED

COLOURS = {SUPPORTED: TRAIN, REFUTED: VALIDATION, INCONCLUSIVE: "#000000", NOT_TESTED: MUTED}
SAID = TEST  # where the claim says that the effect is
WIDTH = PAGE[0]
MARGINS = {"left": 0.1, "right": 0.1, "top": 0.35, "bottom": 0.6}  # inches
LINE, SPACE = 0.105, 0.06  # height of a line of text and what is between comparisons, in inches
INDENT = 0.12  # of comparisons, in inches, as are the next
LEFT, RIGHT = 3.0, 3.85  # of the strips with effects
NUMBERS = 4.3  # where the numbers begin
STRIP = 0.05  # half the height of a strip
CLAIM_WIDTH = 116  # characters of a claim in a line
WIDTHS = {"comparison": 52, "numbers": 40, "reason": 72}  # characters in a line, of other texts


def main(table: Path, png: Path, pdf: Path, *, paper: str, title: str) -> None:
    """One strip per comparison, with a scale of its own: the green side is where the claim says that the effect is.

    table : from judge_claims.py, of which the claims of `paper` are drawn. title : of the figure. Numbers beside a
    strip are its ends, dots effects, lines 95 % intervals, in the colour of the verdict.
    """
    with reading(table):
        rows = pd.read_csv(table, keep_default_na=False, na_values=[""])
    rows = rows[rows["paper"] == paper]
    lines = layout(rows)
    total = sum(height for _, height, _ in lines)
    figure, axes = new_figure(1, 1, WIDTH, total + MARGINS["top"] + MARGINS["bottom"])
    fix_margins(figure, **MARGINS)
    axis = axes[0, 0]
    axis.set(xlim=(0, WIDTH - MARGINS["left"] - MARGINS["right"]), ylim=(total, 0))
    axis.set_axis_off()
    axis.set_title(title, loc="left", fontweight="bold")
    y = 0.0
    for draw, height, content in lines:
        draw(axis, y, content)
        y += height
    counts = rows.drop_duplicates("claim")["verdict"].value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in COLOURS)
    data = "Simulated data: no answer about real galaxies. " if (rows["data"] == "simulated").any() else ""
    reduced = "Settings differ from the published ones, see claims.csv. "
    reduced = reduced if (rows["settings"].dropna() != "published").any() else ""
    stamp(
        figure,
        f"{data}{reduced}Claims: {said}. Each strip has its own scale, between the numbers beside it; green is where a "
        "claim sees the effect. Dots: effects; lines: 95 % intervals, in brackets beside.",
    )
    save_figure(figure, png, pdf)


def layout(rows: pd.DataFrame) -> list[tuple[Callable[[Axes, float, tuple], None], float, tuple]]:
    """What is drawn from the top: by which function, height in inches, content."""
    lines: list[tuple[Callable[[Axes, float, tuple], None], float, tuple]] = []
    for _, of_claim in rows.groupby("claim", sort=False):
        first = of_claim.iloc[0]
        text = textwrap.wrap(first["text"], CLAIM_WIDTH)
        lines.append((draw_claim, LINE * len(text) + 2 * SPACE, ("\n".join(text), first["verdict"])))
        for row in of_claim.itertuples():
            texts = texts_of(row)
            most = max(len(text) for text in texts.values())
            lines.append((draw_comparison, LINE * most + SPACE, (row, texts)))
    return lines


def draw_claim(axis: Axes, y: float, content: tuple[str, str]) -> None:
    """A claim and its verdict below a line from side to side."""
    text, verdict = content
    right = axis.get_xlim()[1]
    style = {"va": "top", "fontsize": SMALL, "fontweight": "bold", "linespacing": 1.1}
    axis.plot([0, right], [y + SPACE / 2] * 2, color=FRAME, linewidth=0.3)
    axis.text(0, y + SPACE, text, **style)
    axis.text(right, y + SPACE, verdict, ha="right", color=COLOURS[verdict], **style)


def texts_of(row) -> dict[str, list[str]]:
    """Lines of what is written about a comparison, by the names of WIDTHS."""
    texts = {"comparison": row.comparison.replace(f"{row.paper}.", "")}
    if row.comparison_verdict == NOT_TESTED:
        texts["reason"] = row.reason
    else:
        texts["numbers"] = numbers(row)
    return {name: textwrap.wrap(text, WIDTHS[name], break_on_hyphens=False) for name, text in texts.items()}


def draw_comparison(axis: Axes, y: float, content: tuple) -> None:
    """Lines of text and a strip from LEFT to RIGHT."""
    row, texts = content
    middle, colour = y + (LINE * max(len(text) for text in texts.values()) + SPACE) / 2, COLOURS[row.comparison_verdict]
    style = {"va": "center", "fontsize": SMALL, "linespacing": 1.1}
    axis.text(INDENT, middle, "\n".join(texts["comparison"]), color=MUTED, **style)
    if row.comparison_verdict == NOT_TESTED:
        axis.text(LEFT, middle, "\n".join(texts["reason"]), color=MUTED, **style)
        return
    low, high, decimals = ends([row.effect, row.ci95_low, row.ci95_high, row.above, row.below])

    def place(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - low) / (high - low)

    said = [low if np.isnan(row.above) else row.above, high if np.isnan(row.below) else row.below]
    for start, end, paint in ((low, high, {"color": "#F2F2F2"}), (*said, {"color": SAID, "alpha": 0.25})):
        corner, width = (place(start), middle - STRIP), place(end) - place(start)
        axis.add_patch(Rectangle(corner, width, 2 * STRIP, linewidth=0, **paint))
    for value, at, side in ((low, LEFT - 0.03, "right"), (high, RIGHT + 0.03, "left")):
        axis.text(at, middle, f"{value:.{decimals}f}", color=MUTED, ha=side, **style)
    if not np.isnan(row.ci95_low):
        axis.plot([place(row.ci95_low), place(row.ci95_high)], [middle] * 2, color=colour, linewidth=1.4)
    axis.plot(place(row.effect), middle, "o", color=colour, markersize=3.2)
    axis.text(NUMBERS, middle, "\n".join(texts["numbers"]), **style)
    axis.text(axis.get_xlim()[1], middle, row.comparison_verdict, ha="right", color=colour, **style)


def ends(values: list[float]) -> tuple[float, float, int]:
    """Round ends of a scale around values, of which some may be NaN, and the decimals that tell the ends apart."""
    low, high = np.nanmin(values), np.nanmax(values)
    margin = 0.1 * (high - low) or 1.0
    digits = int(np.ceil(-np.log10(high - low + 2 * margin))) + 1
    step = 10.0**-digits
    return np.floor((low - margin) / step) * step, np.ceil((high + margin) / step) * step, max(digits, 0)


def numbers(row) -> str:
    """Effect, interval, and what is uncertain about it."""
    unit = "" if row.unit == "ratio" else f" {row.unit}"
    text = short(row.effect)
    if not np.isnan(row.ci95_low):
        text += f" [{short(row.ci95_low)}, {short(row.ci95_high)}]"
    text += unit
    if not np.isnan(row.p_value):
        text += f", p\u00a0=\u00a0{row.p_value:.2g}"  # on one line
    return text if isinstance(row.reason, float) else f"{text}; {row.reason}"


def short(value: float) -> str:
    """Three significant digits, or all of a whole number of more."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

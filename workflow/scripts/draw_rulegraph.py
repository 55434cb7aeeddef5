"""The stages of the workflow as a picture: the graph of its rules, those of one file in workflow/rules/ taken together.

snakemake --rulegraph > rules.dot
draw_rulegraph.py --rulegraph rules.dot --rules workflow/rules --dot docs/rulegraph.dot --svg docs/rulegraph.svg
"""

import ast
import re
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx

from galaxies.files import atomic, write_text
from galaxies.scripting import run_script

RULE = re.compile(r"^(?:rule|checkpoint) (\w+):", re.MULTILINE)
COLOURS = ["#dbe9f6", "#e5f1e0", "#fdf1d4", "#fbe3d6", "#efe3f3"]


def main(rulegraph: Path, rules: Path, dot: Path, svg: Path) -> None:
    """Write the graph of stages as text and as a picture. rulegraph : what `snakemake --rulegraph` prints."""
    graph = stages(rulegraph.read_text(), rules)
    lines = [f'    "{source}" -> "{target}";' for source, target in sorted(graph.edges)]
    write_text(dot, "digraph stages {\n    rankdir=LR;\n" + "\n".join(lines) + "\n}\n")
    draw(graph, svg)


def stages(rulegraph: str, rules: Path) -> nx.DiGraph:
    """Stages that use what others make, without the arrows that follow from others."""
    stage_of = {}
    for path in sorted(rules.glob("*.smk")):
        text = path.read_text()
        first = ast.get_docstring(ast.parse(text[: text.index('"""', 3) + 3])).splitlines()[0]
        title = "Figures of each paper" if path.stem.startswith("figures_") else re.split("[:,;]", first)[0]
        stage_of |= dict.fromkeys(RULE.findall(text), title)
    names = dict(re.findall(r'(\d+)\[ ?label = "(\w+)', rulegraph))
    graph = nx.DiGraph()
    for source, target in re.findall(r"(\d+) -> (\d+)", rulegraph):
        pair = [stage_of.get(names[node]) for node in (source, target)]
        if None not in pair and pair[0] != pair[1]:
            graph.add_edge(*pair)
    return nx.transitive_reduction(graph)


def draw(graph: nx.DiGraph, svg: Path) -> None:
    """Boxes in columns, each stage right of those that it needs and about as high as they are."""
    columns = [sorted(column) for column in nx.topological_generations(graph)]
    height = max(map(len, columns))
    place = {}
    for x, column in enumerate(columns):
        needs = {stage: [place[before][1] for before in graph.predecessors(stage)] for stage in column}
        column.sort(key=lambda stage: -sum(needs[stage]) / max(1, len(needs[stage])))
        place |= {stage: (x, (len(column) - 1) / 2 - row) for row, stage in enumerate(column)}
    # Text as text and no random names, so that the picture changes only when the graph does.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "stages", "font.family": "sans-serif"}):
        figure, axis = plt.subplots(figsize=(2.1 * len(columns), 0.65 * height))
        boxes = {}
        for stage, (x, y) in place.items():
            style = {"boxstyle": "round,pad=0.35", "facecolor": COLOURS[x % len(COLOURS)], "edgecolor": "0.4"}
            text = axis.text(x, y, wrapped(stage), ha="center", va="center", fontsize=8, bbox=style)
            boxes[stage] = text.get_bbox_patch()
        axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-height / 2, height / 2))
        axis.set_axis_off()
        figure.canvas.draw()  # boxes have their size only then
        for source, target in sorted(graph.edges):
            ends = {"patchA": boxes[source], "patchB": boxes[target], "shrinkA": 1, "shrinkB": 1}
            arrow = {"arrowstyle": "-|>", "color": "0.5", **ends}
            axis.annotate("", place[target], place[source], arrowprops=arrow)
        with atomic(svg) as temporary:
            figure.savefig(temporary, format="svg", bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)


def wrapped(text: str) -> str:
    """Text in lines of about twenty characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > 20 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

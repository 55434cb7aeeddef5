"""What a run says of itself: names of its items in the report, the report's first page, the page on the run."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from jinja2 import Environment

import write_overview
from galaxies.report_items import Item

PROJECT = Path(__file__).parents[2]
SIMULATED, REAL = {"source": "simulated"}, {"source": "download"}


def item(file: str, **change) -> Item:
    return Item(**{"file": file, "shows": "curves", "study": "A paper", "seeds": [0, 1], "data": "real"} | change)


@pytest.mark.parametrize(
    ("found", "number", "subcategory", "label"),
    [
        (
            item("a/fig4_x.png"),
            "Figure 4",
            "Figures and tables of the paper",
            "Figure 4: curves; seeds 0, 1; real data; a/fig4_x.png",
        ),
        (
            item("a/table1_mae.csv", seeds=[3], data="simulated"),
            "Table 1",
            "Figures and tables of the paper",
            "Table 1: curves; seed 3; simulated data; a/table1_mae.csv",
        ),
        (item("a/table_rmse.csv", seeds=[]), "", "Further tables", "curves; real data; a/table_rmse.csv"),
        (item("a/figures.png"), "", "Further figures", "curves; seeds 0, 1; real data; a/figures.png"),
    ],
)
def test_items_have_their_number_seeds_and_data(found, number, subcategory, label):
    assert (found.number, found.subcategory, found.label) == (number, subcategory, label)


def first_page(data: dict, *paths: str) -> str:
    """The first page of the report, as Snakemake makes it."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((PROJECT / "workflow/report/workflow.rst").read_text())
    files = [SimpleNamespace(path=Path(path), target=Path(path).name) for path in paths]
    text = template.render(snakemake=SimpleNamespace(config={"run": "r", "data": data}), files=files, categories={})
    page = publish_parts(text, writer="html")["html_body"]
    assert "system-message" not in page
    return page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"a": SIMULATED, "b": SIMULATED}, "All images of this run are simulated."),
        ({"a": SIMULATED, "b": REAL}, "Some images of this run are simulated:</strong> those of a."),
        ({"a": REAL}, "All images of this run are real."),
    ],
)
def test_the_first_page_says_first_what_the_data_are(data, words):
    page = first_page(data)
    assert words in page
    assert page.index(words) < page.index("How to read it")
    overview = write_overview.statement(
        {name: "simulated" if kind is SIMULATED else "real" for name, kind in data.items()}
    )
    assert words.replace("</strong>", "**") in overview.replace("**Some", "Some")


def test_the_first_page_starts_from_comparison_and_claims_of_each_paper():
    names = ["claims_q.png", "comparison_q.png", "comparison_p.png", "comparison.csv", "x.png"]
    page = first_page({"a": REAL}, *(f"results/r/summary/{name}" for name in names))
    found = re.findall(r"resultPath:'results/r/summary/(.*?)'.*?>(.*?)</a>", page)
    assert found == [("comparison_p.png", "p"), ("comparison_q.png", "q"), ("claims_q.png", "q")]
    places = [page.index(words) for words in ("beside what was published", "which claims hold", "How to read it")]
    assert places == sorted(places)
    assert "Start with" not in first_page({"a": REAL}, "results/r/x.png")


@pytest.fixture
def run(tmp_path) -> Path:
    """Results of a run with a paper and a data set."""
    for name in ("paper/fig1.png", "paper/errors.csv", "paper/split.csv", "data/d/card.png", "summary/claims.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "paper/errors.md").write_text("# Errors\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    return tmp_path


def overview(folder: Path) -> str:
    write_overview.main(
        [path for path in folder.rglob("*.*") if path.suffix != ".md"],
        folder / "README.md",
        run="r",
        data={"d": "simulated"},
        titles={"summary": "Summary", "paper": "A paper", "data": "Data sets", "absent": "Absent"},
        command="snakemake --cores all --configfile r.yaml",
    )
    return (folder / "README.md").read_text()


def test_the_page_on_a_run_has_its_tables_figures_and_command(run):
    text = overview(run)
    assert text.startswith("# Run `r`\n\n**All images of this run are simulated.**")
    assert "`snakemake --cores all --configfile r.yaml`" in text
    assert "### Errors\n\n| a | b |" in text
    assert "[fig1.png](paper/fig1.png)" in text and "[d/card.png](data/d/card.png)" in text
    assert text.index("## Summary") < text.index("## A paper") < text.index("## Data sets")
    assert "Absent" not in text
    assert overview(run) == text

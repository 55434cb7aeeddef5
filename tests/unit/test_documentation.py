"""What the documentation says agrees with the schema, with what was measured, and with the files that are there."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import write_minutes
import write_settings
from galaxies.config import load_yaml
from galaxies.errors import DataError

PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "workflow/schemas/config.schema.yaml"
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", PROJECT / "config/README.md", *PROJECT.glob("docs/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file) if file else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings}, link


def test_the_page_of_all_keys_is_that_of_the_schema(tmp_path):
    write_settings.main(SCHEMA, tmp_path / "settings.md")
    again = "run workflow/scripts/write_settings.py as its first lines say"
    assert (PROJECT / "docs/settings.md").read_text() == (tmp_path / "settings.md").read_text(), again


def test_stated_defaults_are_those_of_the_schema():
    """Tables with a column of defaults: those of the run, of its data sets and of what it computes with."""
    rules = load_yaml(SCHEMA)
    definitions = rules["$defs"]
    of_data = {}
    for layout in ("gz2_kaggle", "cil_cosmology", "hsc_cosmos", "hst_cosmos"):
        for key, rule in definitions[layout]["properties"].items():
            whole = write_settings.referenced(rule, definitions)[1]
            if "default" in whole:
                of_data.setdefault(key, []).append(whole["default"])
    text = (PROJECT / "config/README.md").read_text()
    sections = dict(
        zip(*[iter(re.split(r"^## (.*)$", f"## the run\n{text}", flags=re.MULTILINE)[1:])] * 2, strict=True)
    )
    compared = 0
    for title, known in (
        ("the run", {key: [rule["default"]] for key, rule in rules["properties"].items() if "default" in rule}),
        ("`data`: data sets by name", of_data),
        ("`compute`", {key: [rule["default"]] for key, rule in definitions["compute"]["properties"].items()}),
    ):
        for key, stated in re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", sections[title], flags=re.MULTILINE):
            value = yaml.safe_load({"none": "null"}.get(stated, stated.strip("`")))
            if key in known and key not in ("layout", "labels", "images", "simulate"):  # stated in words
                assert value in known[key] or stated == ", ".join(map(str, known[key][: stated.count(",") + 1])), key
                compared += 1
    assert compared > 12


def test_minutes_of_figures_are_written_into_a_page(tmp_path):
    cost, page = tmp_path / "cost.csv", tmp_path / "page.md"
    cost.write_text("paper,name,cpu_seconds\nsome_paper,fig1,90\nsome_paper,fig2,30\nsome_paper,table,3\n")
    text = (
        "| what | name | minutes |\n|---|---|---|\n| Fig. 1 and 2 | `some_paper_fig1`, `_fig2` | {} |\n\nIt took 7 |\n"
    )
    page.write_text(text.format("0.1"))
    write_minutes.main(cost, page)
    assert page.read_text() == text.format("1.5")
    page.write_text("| Fig. 3 | `some_paper_fig3` | 0.1 |\n")
    with pytest.raises(DataError, match="no figure some_paper_fig3"):
        write_minutes.main(cost, page)
    assert page.read_text() == "| Fig. 3 | `some_paper_fig3` | 0.1 |\n"


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what the format demands
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"] == "MIT"
    assert "MIT License" in (PROJECT / "LICENSE").read_text()
    for work in citation["references"]:
        assert {"type", "title", "authors"} <= work.keys()


def test_the_workflow_catalogue_finds_what_it_shows():
    usage = yaml.safe_load((PROJECT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert (PROJECT / "workflow/Snakefile").exists()

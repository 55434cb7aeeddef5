"""The report of a finished run, opened in a browser; and the page on the run."""

import os
import re
from collections import Counter
from pathlib import Path

import browser
import pytest

pytestmark = pytest.mark.slow

# Snakemake's template brings a script of Tailwind that makes styles in the browser, and says that it is slow.
TOLERATED = "cdn.tailwindcss.com should not be used in production"


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    result = finished.snakemake("--report", str(path))
    assert result.returncode == 0, result.stdout
    return path


@pytest.fixture(scope="module", params=[400, 1600])
def page(report, request, tmp_path_factory):
    """The report in a narrow and in a wide window."""
    if missing := browser.missing_packages():
        text = f"Chromium is not installed ({', '.join(missing)}); `tests/browser.py install` does it on Debian"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    driver = browser.start(tmp_path_factory.mktemp("profile"), request.param)
    driver.implicitly_wait(10)
    driver.get(report.as_uri())
    yield driver
    driver.quit()


def click(page, text: str) -> None:
    """Click on what has this text, as a reader would."""
    page.find_element("xpath", f"//*[normalize-space(text())='{text}']").click()


def text_of(page) -> str:
    return page.find_element("id", "app").text


def go_home(page) -> None:
    page.find_element("css selector", "#app nav nav a").click()


def test_it_says_first_that_the_data_are_simulated(page):
    go_home(page)
    first = page.find_element("css selector", "#app .prose p")
    assert first.text.startswith("All images of this run are simulated.")
    assert first.is_displayed()
    assert "System Message" not in text_of(page)  # what docutils writes into a page with a mistake


def test_all_figures_of_the_run_are_in_it(page, finished):
    results = page.execute_script("return Object.fromEntries(Object.entries(results).map(([p, r]) => [p, r.labels]))")
    made = {str(path.relative_to(finished.folder)) for path in finished.folder.glob("results/tiny/*/*.png")}
    made |= {str(path.relative_to(finished.folder)) for path in finished.folder.glob("results/tiny/data/*/card.png")}
    assert made == {path for path in results if path.endswith(".png")}
    labels = [labels["figure or table"] for labels in results.values()]
    assert Counter(labels).most_common(1)[0][1] == 1
    assert all("simulated data" in label for label in labels)
    assert any(label.startswith("Figure 4: learning curves of approach1; seeds 0, 1;") for label in labels)
    captions = page.execute_script("return Object.entries(results).map(([p, r]) => [p, r.caption])")
    assert not [path for path, caption in captions if not caption or "system-message" in caption]


def test_categories_open_and_a_figure_is_displayed(page):
    go_home(page)
    for text in ("Galaxy Zoo CNN (Serrano)", "Figures and tables of the paper"):
        click(page, text)
    row = page.find_element("xpath", "//tr[contains(., 'fig4_approach1.png')]")
    row.find_element("css selector", "a").click()
    image = page.find_element("css selector", "#app > div > div:last-child img")
    assert image.is_displayed()
    natural, shown, left, right = page.execute_script(
        "const b = arguments[0].getBoundingClientRect();return [arguments[0].naturalWidth, b.width, b.left, b.right]",
        image,
    )
    assert natural > 1000
    assert 200 < shown <= natural
    assert left >= 0 and right <= page.execute_script("return innerWidth")  # not cut off


def test_all_categories_and_their_lists_open(page):
    categories = page.execute_script("return Object.entries(categories).map(([c, s]) => [c, Object.keys(s)])")
    assert len(categories) > 5
    for category, subcategories in categories:
        for subcategory in subcategories:
            go_home(page)
            click(page, category)
            if len(subcategories) > 1:
                click(page, subcategory)
            listed = page.find_elements("css selector", "#app nav tbody tr")
            assert len(listed) == page.execute_script(
                "return categories[arguments[0]][arguments[1]].length", category, subcategory
            )


@pytest.mark.parametrize(("term", "count"), [("fig4_approach1", 1), ("re:judgement[.]", 2), ("morpho_gan/samples_", 2)])
def test_search_finds_file_names(page, term, count):
    go_home(page)
    field = page.find_element("css selector", "#app nav nav input")
    field.clear()  # it keeps what was sought before
    field.send_keys(term + "\n")
    assert len(page.find_elements("css selector", "#app nav tbody tr")) == count


def test_the_page_is_as_wide_as_the_window(page):
    go_home(page)
    click(page, "Workflow")
    page.find_element("css selector", "#rulegraph svg, #rulegraph canvas")
    assert page.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
    prose = page.find_element("css selector", "#app .prose")
    assert prose.rect["x"] >= 0 and prose.rect["x"] + prose.rect["width"] <= page.execute_script("return innerWidth")


def test_no_messages_in_the_console(page):
    """After all that; the log of the browser is emptied by reading it."""
    messages = [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert not [entry for entry in messages if TOLERATED not in entry["message"]]


def test_the_page_on_the_run_links_what_is_there(finished):
    folder = finished.folder / "results/tiny"
    text = (folder / "README.md").read_text()
    assert text.startswith("# Run `tiny`\n\n**All images of this run are simulated.**")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 50
    assert not [link for link in links if not (folder / link).exists()]
    for title in ("## Galaxy Zoo CNN (Serrano)", "| approach1 | CNN 32-64-128-128", "| 2-in-1 |"):
        assert title in text

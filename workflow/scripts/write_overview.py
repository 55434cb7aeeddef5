"""A page on a run for whoever opens its folder: its data, its tables, its figures, and the command that makes it."""

from pathlib import Path

from galaxies.files import reading, write_text
from galaxies.scripting import run_script

MEANINGLESS = "say nothing about galaxies, or about the papers."


def main(files: list[Path], overview: Path, *, run: str, data: dict[str, str], titles: dict[str, str], command: str):
    """Write the page. It links the `files`, and shows tables that have a Markdown page of their name beside them.

    data : `real` or `simulated` by data set. titles : what each folder beside the page is about, in their order.
    """
    parts = [
        f"# Run `{run}`",
        statement(data),
        f"`{command}` makes it again: what is missing, and what depends on what has changed. All settings are in"
        " [config.yaml](config.yaml).",
    ]
    for folder, title in titles.items():
        below = sorted(path for path in files if path.relative_to(overview.parent).parts[0] == folder)
        if below:
            parts += [f"## {title}", *section(below, overview.parent)]
    write_text(overview, "\n\n".join(parts) + "\n")


def statement(data: dict[str, str]) -> str:
    """What the images of the run are, simulated or real."""
    simulated = [name for name, kind in data.items() if kind == "simulated"]
    if not simulated:
        return "**All images of this run are real.**"
    if len(simulated) == len(data):
        return f"**All images of this run are simulated.** It shows that everything works; its numbers {MEANINGLESS}"
    return (
        f"**Some images of this run are simulated:** those of {', '.join(simulated)}. Numbers from them {MEANINGLESS}"
    )


def section(files: list[Path], folder: Path) -> list[str]:
    """Paragraphs on the files of a paper: its tables, and links that start from `folder`."""
    pages = sorted({path.with_suffix(".md") for path in files if path.with_suffix(".md").exists()})
    paragraphs = []
    for page in pages:
        with reading(page):
            paragraphs.append(demoted(page.read_text(encoding="utf-8").strip()))
    for heading, suffixes in (("Figures", (".png",)), ("Tables", (".csv", ".json"))):
        names = [path.relative_to(folder) for path in files if path.suffix in suffixes]
        if names:
            links = ", ".join(f"[{Path(*name.parts[1:])}]({name})" for name in names)
            paragraphs.append(f"{heading}: {links}.")
    return paragraphs


def demoted(text: str) -> str:
    """Markdown with its headings two levels lower, to stand below the headings of the page."""
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in text.splitlines())


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Where a figure or table stands in the report, and what it is called there."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

NUMBERED = re.compile(r"(fig|table)(\d+)_")
KINDS = {"fig": "Figure", "table": "Table"}
OF_NO_PAPER = ("summary/", "data/")


@dataclass(frozen=True)
class Item:
    """A figure or table of a run.

    file : below results/<run>/. study : title of the paper or study. seeds : those that it is made of. data : `real`,
    `simulated`, or both.
    """

    file: str
    shows: str
    study: str
    seeds: list[int]
    data: str

    @property
    def number(self) -> str:
        """Its number in the paper, such as `Figure 3`; empty if the paper has no such."""
        found = NUMBERED.match(PurePosixPath(self.file).name)
        return f"{KINDS[found[1]]} {found[2]}" if found else ""

    @property
    def subcategory(self) -> str:
        if self.number:
            return "Figures and tables of the paper"
        kind = "tables" if self.file.endswith(".csv") else "figures"
        return kind.capitalize() if self.file.startswith(OF_NO_PAPER) else f"Further {kind}"

    @property
    def label(self) -> str:
        """Unique among all items of a run."""
        seeds = [f"seed{'s' if len(self.seeds) > 1 else ''} {', '.join(map(str, self.seeds))}"] if self.seeds else []
        head = f"{self.number}: {self.shows}" if self.number else self.shows
        return "; ".join([head, *seeds, f"{self.data} data", self.file])

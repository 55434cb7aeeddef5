"""What figures cost, as a run took it, into the table of a Markdown page: minutes of processor time from nothing.

write_minutes.py --cost results/demo/summary/cost_per_figure.csv --page README.md
"""

import re
from pathlib import Path

import pandas as pd

from galaxies.errors import DataError
from galaxies.files import reading, write_text
from galaxies.scripting import run_script

ROW = re.compile(r"^(\|.*\| `(\w+)`.*\| )[\d.]+( \|)$", re.MULTILINE)  # a short name, then minutes


def main(cost: Path, page: Path) -> None:
    """Replace the number at the end of each row of `page` that has a short name by that of its figure.

    cost : from tabulate_cost.py. Raises DataError for a name that it does not have.
    """
    with reading(cost):
        table = pd.read_csv(cost)
        minutes = (table["cpu_seconds"] / 60).set_axis(table["paper"] + "_" + table["name"])

    def measured(row: re.Match) -> str:
        if row[2] not in minutes:
            raise DataError(f"{cost}: no figure {row[2]}, of which {page} tells", "give the cost of the demo run")
        return f"{row[1]}{minutes[row[2]]:.1f}{row[3]}"

    write_text(page, ROW.sub(measured, page.read_text(encoding="utf-8")))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

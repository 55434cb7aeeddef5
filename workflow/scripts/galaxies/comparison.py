"""Whether a result may be judged against a paper, and if not, why."""

from collections.abc import Sequence
from pathlib import Path

from galaxies.datasets.gz2_kaggle.decision_tree import COLUMNS, TRAINING_GALAXIES
from galaxies.datasets.gz2_kaggle.files import SOLUTIONS


def same_quantity(origin: dict) -> bool:
    """Whether the targets are the 37 vote fractions that the paper predicts.

    origin : provenance of the data set, as `prepare_catalogue` writes it.
    """
    kinds = {column["kind"] for column in origin["columns"].values()}
    return set(origin["columns"]) == set(COLUMNS) and kinds == {"vote_fraction"}


def reasons_against(origin: dict, differences: list[str]) -> list[str]:
    """Why a result must not be judged against the published value; empty if it may.

    origin : provenance of the data set. differences : how the settings differ from the published ones.
    """
    reasons = ["simulated data"] if origin["simulated"] else []
    if not same_quantity(origin):
        reasons.append("other targets than the 37 vote fractions")
    elif not origin["simulated"]:
        files = [label["file"] for label in origin["labels"] if Path(label["file"]).stem != SOLUTIONS]
        reasons += [f"labels of {file}" for file in files]
        if origin["rows"] != TRAINING_GALAXIES:
            reasons.append(f"{origin['rows']} of the {TRAINING_GALAXIES} published galaxies")
    return [*reasons, *differences]


def comparable_text(reasons: Sequence[str]) -> str:
    """What tables say under `comparable`: "yes", or "no: " and why not, each reason once."""
    return f"no: {'; '.join(dict.fromkeys(reasons))}" if reasons else "yes"


def origin_note(origin: dict, differences: list[str]) -> str:
    """`origin_text` for the vote fractions of Galaxy Zoo 2."""
    reasons = [reason for reason in reasons_against(origin, differences) if reason != "simulated data"]
    return origin_text(origin["simulated"], reasons)


def origin_text(simulated: bool, reasons: Sequence[str] = ()) -> str:
    """One sentence for a figure: the data, and whether its numbers may be judged against the paper's.

    reasons : why not, apart from the data being simulated.
    """
    data = "Simulated images" if simulated else "Real images"
    if simulated or reasons:
        data += ", not comparable with the paper's numbers"
    return f"{data}{': ' if reasons else ''}{'; '.join(reasons)}."

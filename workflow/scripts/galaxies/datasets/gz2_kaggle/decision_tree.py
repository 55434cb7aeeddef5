"""The decision tree of Galaxy Zoo 2 and its 37 vote fractions.

The fractions of the Kaggle "Galaxy Zoo - The Galaxy Challenge" are cumulative: those of one question sum to the
fraction of the answer that leads to it (Willett et al. 2013, figure 1), or to 1 where no answer leads to it.
"""

from dataclasses import dataclass

import pandas as pd

# The released table is rounded: small violations are counted and reported, larger or frequent ones mean damage.
SUM_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Question:
    """One question of the decision tree.

    `columns` and `answers` run in parallel; `parent` is the column whose fraction the answers sum to, None for 1.
    """

    number: int
    text: str
    columns: tuple[str, ...]
    answers: tuple[str, ...]
    parent: str | None


TRAINING_GALAXIES = 61578  # rows of training_solutions_rev1.csv


def _question(number: int, text: str, parent: str | None, *answers: str) -> Question:
    columns = tuple(f"Class{number}.{i}" for i in range(1, len(answers) + 1))
    return Question(number, text, columns, answers, parent)


# The design of the tree asks question 6 only of galaxies that are no star or artifact, but its answers sum to 1 for
# every row of the released table, so it has no parent here.
QUESTIONS: tuple[Question, ...] = (
    _question(1, "smooth, features or disk, star or artifact", None, "smooth", "features_or_disk", "star_or_artifact"),
    _question(2, "disk seen edge-on", "Class1.2", "edge_on_yes", "edge_on_no"),
    _question(3, "bar through the centre", "Class2.2", "bar_yes", "bar_no"),
    _question(4, "spiral arm pattern", "Class2.2", "spiral_yes", "spiral_no"),
    _question(
        5,
        "prominence of the central bulge",
        "Class2.2",
        "bulge_none",
        "bulge_just_noticeable",
        "bulge_obvious",
        "bulge_dominant",
    ),
    _question(6, "anything odd", None, "odd_yes", "odd_no"),
    _question(
        7, "roundness of the smooth galaxy", "Class1.1", "round_completely", "round_in_between", "round_cigar_shaped"
    ),
    _question(
        8,
        "the odd feature",
        "Class6.1",
        "odd_ring",
        "odd_lens_or_arc",
        "odd_disturbed",
        "odd_irregular",
        "odd_other",
        "odd_merger",
        "odd_dust_lane",
    ),
    _question(
        9,
        "bulge shape of the edge-on disk",
        "Class2.1",
        "edge_on_bulge_rounded",
        "edge_on_bulge_boxy",
        "edge_on_bulge_none",
    ),
    _question(10, "winding of the spiral arms", "Class4.1", "winding_tight", "winding_medium", "winding_loose"),
    _question(
        11,
        "number of spiral arms",
        "Class4.1",
        "arms_1",
        "arms_2",
        "arms_3",
        "arms_4",
        "arms_more_than_4",
        "arms_cannot_tell",
    ),
)

COLUMNS: tuple[str, ...] = tuple(column for question in QUESTIONS for column in question.columns)


def tree_errors(solutions: pd.DataFrame) -> pd.DataFrame:
    """Sum of each question's answers minus the fraction that leads to it: (N, 11), columns are question numbers."""
    return pd.DataFrame(
        {
            question.number: solutions[list(question.columns)].sum(axis=1)
            - (1.0 if question.parent is None else solutions[question.parent])
            for question in QUESTIONS
        }
    )


def tree_violations(solutions: pd.DataFrame) -> dict:
    """How far `solutions` is from the decision tree: violating rows in all and per question, and the worst error."""
    errors = tree_errors(solutions).abs()
    violations = errors > SUM_TOLERANCE
    return {
        "tolerance": SUM_TOLERANCE,
        "rows": int(violations.any(axis=1).sum()),
        "per_question": {str(number): int(count) for number, count in violations.sum().items()},
        "worst_error": float(errors.to_numpy().max()),
    }

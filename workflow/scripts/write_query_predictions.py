"""The predicted scores of the query images in the layout that the competition takes."""

from pathlib import Path

import pandas as pd

from galaxies.data.names import ID
from galaxies.datasets.cil_cosmology.images import ID_RANGE
from galaxies.errors import DataError
from galaxies.files import write_text
from galaxies.score_predictions import PREDICTED, QUERY, SET, read_predictions
from galaxies.scripting import run_script


def main(predictions: Path, query: Path) -> None:
    """Write Id,Predicted with the published ids, ascending. Raises DataError without query images.

    predictions : object_id,set,predicted of one training.
    """
    table = read_predictions(predictions)
    chosen = table[table[SET] == QUERY].sort_values(ID)
    if chosen.empty:
        raise DataError(f"{predictions}: no image is in the set {QUERY}", "the data set has no query images")
    content = pd.DataFrame({"Id": chosen[ID] % ID_RANGE, "Predicted": chosen[PREDICTED]})
    write_text(query, content.to_csv(index=False))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

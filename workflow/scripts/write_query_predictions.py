"""The predicted scores of the query images in the layout that the competition takes."""

import logging
from pathlib import Path

import pandas as pd

from galaxies.data.names import ID
from galaxies.datasets.cil_cosmology.images import ID_RANGE
from galaxies.files import write_text
from galaxies.score_predictions import PREDICTED, QUERY, SET, read_predictions
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.write_query_predictions")


def main(predictions: Path, query: Path) -> None:
    """Write Id,Predicted with the published ids, ascending; a header alone if the data set has no query images.

    predictions : object_id,set,predicted of one training.
    """
    table = read_predictions(predictions)
    chosen = table[table[SET] == QUERY].sort_values(ID)
    if chosen.empty:
        logger.warning("%s: the data set has no query images", query)
    content = pd.DataFrame({"Id": chosen[ID] % ID_RANGE, "Predicted": chosen[PREDICTED]})
    write_text(query, content.to_csv(index=False))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

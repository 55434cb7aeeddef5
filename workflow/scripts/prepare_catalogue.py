"""Check the labels of a data set, join them by id and match them with the images."""

import json
import logging
from pathlib import Path

from galaxies.data.catalogue import build_catalogue, write_catalogue
from galaxies.files import write_text
from galaxies.registry import named_module
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.prepare_catalogue")


def main(
    folder: Path,
    catalogue: Path,
    provenance: Path,
    *,
    dataset: str,
    source: str,
    unmatched: str,
    settings: dict,
    layout: str = "",
) -> None:
    """Write `catalogue` (CSV: object_id ascending, subset, order, labels) and `provenance` (JSON).

    folder : holds the files of `dataset` as published. source : simulated, local, or download, whose files must be
        the published ones.
    settings : what the readers of the data set take from the configuration.
    layout : name of its package in `galaxies.datasets`, if the data set has another name.
    """
    layout = layout or dataset
    package = f"datasets.{layout}"
    if source == "download":  # also files that somebody put where downloads go
        for name in named_module(package, "files").DOWNLOADS:
            named_module(package, "download").check(name, folder / name)
    files = named_module(package, "files").find(folder, settings)
    with named_module(package, "images").open_images(files, settings) as images:
        tables = named_module(package, "labels").read_labels(files, settings, images)
        labels, origin = build_catalogue(images.ids, tables, unmatched)
        name, simulated = images.name, source == "simulated" or images.are_simulated()
    origin |= {"dataset": dataset, "layout": layout, "source": source, "simulated": simulated, "image_location": name}
    write_catalogue(catalogue, labels)
    write_text(provenance, json.dumps(origin, indent=2, sort_keys=True) + "\n")
    logger.info("Catalogue of %s: %d objects, %d labels", dataset, len(labels), len(origin["columns"]))


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

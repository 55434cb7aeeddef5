"""Check the label tables of a data set, join them by id and match them with the images."""

import json
import logging
from pathlib import Path

from galaxies.data.catalogue import build_catalogue
from galaxies.data.images import open_images
from galaxies.errors import ConfigError
from galaxies.files import atomic, write_text
from galaxies.scripting import run_script

logger = logging.getLogger("galaxies.prepare_catalogue")


def main(
    images: Path,
    labels: list[Path],
    catalogue: Path,
    provenance: Path,
    *,
    dataset: str,
    source: str,
    tables: list,
    unmatched: str,
) -> None:
    """Write `catalogue` (CSV: GalaxyID and targets in [0, 1], ascending ids) and `provenance` (JSON)."""
    if source not in ("local", "simulated"):
        raise ConfigError(f"source is {source!r}, expected 'local' or 'simulated'")
    with open_images(images) as collection:
        targets, origin = build_catalogue(collection.ids, labels, tables, unmatched)
        name, simulated = collection.name, source == "simulated" or collection.are_simulated()
    origin |= {"dataset": dataset, "source": source, "simulated": simulated, "image_location": name}
    with atomic(catalogue) as temporary:
        targets.to_csv(temporary)  # shortest decimals that read back as the same number
    write_text(provenance, json.dumps(origin, indent=2, sort_keys=True) + "\n")
    logger.info("Catalogue of %s: %d galaxies, %d columns", dataset, *targets.shape)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

"""Decode, crop and resize the images of a data set into one HDF5 file, or join shards of it that were packed apart."""

from pathlib import Path

from galaxies.data.packing import join_shards, pack_view
from galaxies.data.shards import count_rows, shard_rows
from galaxies.registry import named_module
from galaxies.scripting import run_script


def main(
    catalogue: Path,
    provenance: Path,
    view: Path,
    *,
    folder: Path,
    dataset: str,
    settings: dict,
    name: str,
    threads: int,
    layout: str = "",
    shard: list = (),
    shards: list[Path] = (),
) -> None:
    """Write `view` (HDF5), called `name`, of the files in `folder`.

    settings : what the readers of the data set take from the configuration.
    layout : name of its package in `galaxies.datasets`, if the data set has another name.
    shard : pack a part only: its number, from 1, and the number of parts.
    shards : parts that are packed already, in order; `view` will refer to them by their place relative to it.
    """
    if shards:
        join_shards(shards, catalogue, view)
        return
    package = f"datasets.{layout or dataset}"
    reader = named_module(package, "images")
    rows = shard_rows(count_rows(catalogue), *shard) if shard else None
    projection = reader.projection(name, settings)
    with reader.open_images(named_module(package, "files").find(folder, settings), settings) as images:
        pack_view(images, projection, catalogue, provenance, view, name=name, threads=threads, rows=rows)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

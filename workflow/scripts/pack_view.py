"""Decode, crop and resize all images of a data set into one HDF5 file."""

from pathlib import Path

from galaxies.data.images import open_images
from galaxies.data.store import pack_view
from galaxies.errors import ConfigError
from galaxies.scripting import run_script


def main(
    images: Path,
    catalogue: Path,
    provenance: Path,
    splits: list[Path],
    view: Path,
    *,
    name: str,
    papers: list[str],
    crop: int,
    size: int,
    frame: int,
    threads: int,
) -> None:
    """Write `view` (HDF5). `splits` are the split files of `papers`, in the same order; lengths are in pixels."""
    if len(papers) != len(splits):
        raise ConfigError(f"{len(splits)} splits are given for {len(papers)} papers, expected one each")
    with open_images(images) as collection:
        pack_view(
            collection,
            catalogue,
            provenance,
            dict(zip(papers, splits, strict=True)),
            view,
            name=name,
            crop=crop,
            size=size,
            frame=frame,
            threads=threads,
        )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

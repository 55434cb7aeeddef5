"""Tiny RealGalaxyCatalogs, as GalSim's COSMOS sample is published."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

NAME = "real_galaxy_catalog_23.5"


@dataclass(frozen=True)
class HSTSample:
    """`folder` holds the catalogue, the measurements and two files of stamps. stamps : pixels by IDENT."""

    folder: Path
    stamps: dict[int, np.ndarray]
    measured: dict[str, np.ndarray]

    @property
    def catalogue(self) -> Path:
        return self.folder / f"{NAME}.fits"

    @property
    def fits(self) -> Path:
        return self.folder / f"{NAME}_fits.fits"

    def image_file(self, number: int) -> Path:
        return self.folder / f"real_galaxy_images_23.5_n{number}.fits"


def write_hst(folder: Path, sizes: tuple[tuple[int, int], ...] = ((9, 8), (12, 12), (5, 7), (6, 11)), seed: int = 0):
    """Write stamps of the given sizes, in files 1 and 2 in turn; rows are not sorted by IDENT."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    idents = [int(i) for i in rng.choice(np.arange(1, 200_000), len(sizes), replace=False)]
    stamps = {ident: rng.normal(0, 1, size).astype(np.float32) for ident, size in zip(idents, sizes, strict=True)}
    files = [[], []]
    names, numbers = [], []
    for position, stamp in enumerate(stamps.values()):
        file = files[position % 2]
        names.append(f"real_galaxy_images_23.5_n{position % 2 + 1}.fits")
        numbers.append(len(file))
        file.append(fits.ImageHDU(stamp) if file else fits.PrimaryHDU(stamp))
    measured = {
        "mag_auto": rng.uniform(20, 23.5, len(sizes)),
        "zphot": rng.uniform(0.1, 1.2, len(sizes)),
        "flux_radius": rng.uniform(3, 30, len(sizes)),
    }
    sample = HSTSample(folder, stamps, measured)
    for number, hdus in enumerate(files, start=1):
        fits.HDUList(hdus).writeto(sample.image_file(number))
    columns = [("IDENT", "J", idents), ("GAL_FILENAME", "40A", names), ("GAL_HDU", "J", numbers)]
    write_fits_table(sample.catalogue, columns)
    write_fits_table(sample.fits, [("IDENT", "J", idents)] + [(name, "D", values) for name, values in measured.items()])
    return sample


def write_fits_table(path: Path, columns: list[tuple]) -> None:
    """A FITS file with one binary table. columns : name, format, values of each."""
    made = [fits.Column(name=name, format=kind, array=values) for name, kind, values in columns]
    fits.BinTableHDU.from_columns(made).writeto(path, overwrite=True)

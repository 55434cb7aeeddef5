"""Where the files of a RealGalaxyCatalog lie inside a folder: `<name>.fits`, `<name>_fits.fits` and image files."""

from pathlib import Path

from galaxies.errors import DataError

FITS = "_fits.fits"
FETCH_HINT = (
    "fetch the COSMOS sample with `galsim_download_cosmos` (GalSim; Zenodo record 3242143) and set "
    "`path` of the data set to the folder with real_galaxy_catalog_<limit>.fits"
)


def find(folder: Path, settings: dict) -> dict[str, Path]:
    """Places of the `catalogue` with the stamps, of the `fits`, the measurements of the same galaxies, and by their
    names of all FITS files beside them, among which are those with the stamps.

    Raises DataError naming what is missing and what to do.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        problem = "a file, expected a folder" if root.exists() else "no such folder"
        raise DataError(f"{root}: {problem} with the data set hst_cosmos", FETCH_HINT)
    measured = sorted(root.glob(f"real_galaxy_catalog*{FITS}"))
    if len(measured) != 1:
        raise DataError(f"{root}: {len(measured)} files real_galaxy_catalog*{FITS}, expected one", FETCH_HINT)
    catalogue = measured[0].with_name(measured[0].name.removesuffix(FITS) + ".fits")
    if not catalogue.is_file():
        raise DataError(f"{root}: no {catalogue.name} beside {measured[0].name}", FETCH_HINT)
    return {"catalogue": catalogue, "fits": measured[0], **{path.name: path for path in sorted(root.glob("*.fits"))}}

"""The published archive of the CIL cosmology images, from its Kaggle competition."""

from pathlib import Path

from galaxies.data.kaggle_files import download_competition_file
from galaxies.datasets.cil_cosmology.files import COMPETITION, DOWNLOADS
from galaxies.datasets.cil_cosmology.images import open_images
from galaxies.datasets.cil_cosmology.labels import read_labels
from galaxies.errors import ConfigError

FRAME = 1000  # side of the published images in pixels

_ALTERNATIVE = "set data.cil_cosmology.source to simulated, or to local with `path` naming a folder with the files"


def fetch(name: str, path: Path) -> None:
    """Download the archive of all files to `path` and check it (see `check_archive`).

    Raises ConfigError for another name, and DataError like `download_competition_file`.
    """
    if name not in DOWNLOADS:
        raise ConfigError(f"cil_cosmology has no file {name!r} to download; there is: {', '.join(DOWNLOADS)}")
    download_competition_file(COMPETITION, None, path, check=check_archive, alternative=_ALTERNATIVE)


def check_archive(path: Path) -> None:
    """Raise DataError unless `path` is an archive with valid tables and readable images.

    No digest of the archive is published. How many images it should have is known, but not for every edition of the
    course, so that other numbers only give a warning in the log.
    """
    files, settings = {"root": path}, {"frame": FRAME}
    with open_images(files, settings) as images:
        read_labels(files, settings, images)
        for object_id in images.ids:
            images.load(object_id)

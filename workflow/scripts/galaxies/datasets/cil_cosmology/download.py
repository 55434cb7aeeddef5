"""The published archive of the CIL cosmology images, from its Kaggle competition."""

from pathlib import Path

import numpy as np

from galaxies.data.kaggle_files import download_competition_file
from galaxies.datasets.cil_cosmology.files import COMPETITION, DOWNLOADS
from galaxies.datasets.cil_cosmology.images import SUBSETS, open_images
from galaxies.datasets.cil_cosmology.labels import read_labels
from galaxies.errors import ConfigError, DataError

FRAME = 1000  # side of the published images in pixels

_ALTERNATIVE_HINT = "set `source` of the data set to simulated, or to local with `path` naming a folder with the files"


def fetch(name: str, path: Path) -> None:
    """Download the archive of all files to `path` and check it (see `check`).

    Raises ConfigError for another name, and DataError like `download_competition_file`.
    """
    if name not in DOWNLOADS:
        raise ConfigError(f"cil_cosmology has no file {name!r} to download; there is: {', '.join(DOWNLOADS)}")
    download_competition_file(
        COMPETITION, None, path, check=lambda part: check(name, part), alternative=_ALTERNATIVE_HINT
    )


def check(name: str, path: Path) -> None:
    """Raise DataError unless `path` is an archive with valid tables, an image for each of their rows, query images, and
    right checksums of all members.

    No digest of the archive is published. How many rows the tables have is known, but not for every edition of the
    course, so that another number only gives a warning in the log.
    """
    files, settings = {"root": path}, {"frame": FRAME}
    with open_images(files, settings) as images:
        (labels,) = read_labels(files, settings, images)
        missing = np.setdiff1d(labels.table.index.to_numpy(), images.ids)
        if missing.size:
            raise DataError(f"{path}: {missing.size} of the {len(labels.table)} images of its tables are missing")
        for subset in SUBSETS:
            if not (labels.table["subset"] == subset).any():
                raise DataError(f"{path}: no images of the subset {subset}")
        images.check_members()

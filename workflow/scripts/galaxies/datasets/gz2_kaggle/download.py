"""The published files of Galaxy Zoo 2: from Kaggle, or the same survey's images from Zenodo."""

from pathlib import Path

from galaxies.data.download import download
from galaxies.data.file_checks import archive_has, md5_is
from galaxies.data.images import MAX_IMAGE_BYTES
from galaxies.data.kaggle_files import download_competition_file
from galaxies.datasets.gz2_kaggle.decision_tree import TRAINING_GALAXIES
from galaxies.datasets.gz2_kaggle.files import CHALLENGE, DOWNLOADS, SOLUTIONS
from galaxies.datasets.gz2_kaggle.labels import read_solutions
from galaxies.errors import ConfigError, DataError

ZENODO = "zenodo/images_gz2.zip"
ZENODO_URL = "https://zenodo.org/records/3565489/files/images_gz2.zip"
ZENODO_MD5 = "bc647032d31e50c798770cf4430525c7"

_ALTERNATIVE_HINT = "set `source` of the data set to simulated, or to local with `path` naming a folder with the files"


def fetch(name: str, path: Path) -> None:
    """Download the file `name` to `path` and check it (see `check`).

    The Zenodo archive has more images, under other ids and without the challenge's labels.
    Raises ConfigError for a name that is not published, and DataError like `download`.
    """
    if name in DOWNLOADS:
        download_competition_file(
            CHALLENGE, name, path, check=lambda part: check(name, part), alternative=_ALTERNATIVE_HINT
        )
    elif name == ZENODO:
        download(ZENODO_URL, path, check=md5_is(ZENODO_MD5))
    else:
        known = ", ".join([*DOWNLOADS, ZENODO])
        raise ConfigError(f"gz2_kaggle has no file {name!r} to download; there are: {known}")


def check(name: str, path: Path) -> None:
    """Raise DataError unless `path` is the archive `name` of the challenge.

    No digest of it is published: all images must be there and readable, the table must have a row for each and obey
    the decision tree.
    """
    if name == f"{SOLUTIONS}.zip":
        check_solutions(path)
    else:
        archive_has(TRAINING_GALAXIES, ".jpg", member_limit=MAX_IMAGE_BYTES)(path)


def check_solutions(path: Path) -> None:
    """Raise DataError unless `path` holds the vote fractions of all training galaxies."""
    rows = len(read_solutions(path))
    if rows != TRAINING_GALAXIES:
        raise DataError(f"{path}: {rows} rows, expected {TRAINING_GALAXIES}", "delete it and fetch it again")

"""The published files of HSC x COSMOS, from the authors' repository at a fixed commit."""

from pathlib import Path

from galaxies.data.download import download
from galaxies.data.file_checks import git_blob_is
from galaxies.datasets.hsc_cosmos.files import GIT_BLOBS, URL
from galaxies.errors import ConfigError

_ALTERNATIVE_HINT = (
    "set `source` of the data set to simulated, or to local with `path` naming a folder with the published files"
)


def fetch(name: str, path: Path) -> None:
    """Download the file `name` to `path`; its content must have the name that git gives to the published one.

    Raises ConfigError for a name that is not published, and DataError like `download`.
    """
    if name not in GIT_BLOBS:
        raise ConfigError(f"hsc_cosmos has no file {name!r} to download; there are: {', '.join(GIT_BLOBS)}")
    download(f"{URL}/{name}", path, check=git_blob_is(GIT_BLOBS[name]), alternative=_ALTERNATIVE_HINT)


def check(name: str, path: Path) -> None:
    """Raise DataError unless `path` is the published file `name`."""
    git_blob_is(GIT_BLOBS[name])(path)

"""Where the files of Galaxy Zoo 2 lie inside a folder of the user: as published, or unpacked."""

from pathlib import Path

from galaxies.errors import DataError

IMAGES = "images_training_rev1"
FETCH = (
    "fetch the published files with `kaggle competitions download -c galaxy-zoo-the-galaxy-challenge` and put them "
    "there, set data.gz2_kaggle.path to where they are, or set data.gz2_kaggle.source to simulated"
)


def find_images(folder: str, name: str | None = None) -> Path:
    """Folder or zip archive with the images inside `folder`; `name` replaces the published name.

    Raises DataError naming the places looked at and how to get the files.
    """
    return _find(folder, [name] if name else [IMAGES, f"{IMAGES}.zip", f"{IMAGES}/{IMAGES}"], "images")


def find_table(folder: str, name: str) -> Path:
    """Label table inside `folder`: `name` as it is, or with the suffix .csv or .zip.

    Raises DataError naming the places looked at and how to get the files.
    """
    return _find(folder, [name] if Path(name).suffix in (".csv", ".zip") else [f"{name}.csv", f"{name}.zip"], "labels")


def _find(folder: str, names: list[str], what: str) -> Path:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; {what} of the data set gz2_kaggle were looked for there", FETCH)
    for name in names:
        if (root / name).exists():
            return root / name
    raise DataError(f"{root}: no {what} of the data set gz2_kaggle there (looked for {', '.join(names)})", FETCH)

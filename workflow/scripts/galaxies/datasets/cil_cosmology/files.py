"""Where the files of the CIL cosmology images lie inside a folder: as published, unpacked, in any nesting."""

from pathlib import Path

from galaxies.errors import DataError

COMPETITION = "cil-cosmology-2018"  # name of the competition, and of the archive of all its files
PUBLISHED_FOLDER = "cosmology_aux_data_170429"
TABLES = ("labeled.csv", "scored.csv")
QUERY_TRUTH = "query_truth.csv"  # scores of the query images, which only simulated data has

DOWNLOADS = (f"{COMPETITION}.zip",)  # what source download brings

FETCH_HINT = (
    f"fetch the files with `kaggle competitions download -c {COMPETITION}` (a course's competition, which may need an "
    "invitation) and put them there, set `path` of the data set to where they are, or set its `source` to download or "
    "simulated"
)
_ARCHIVES = (f"{COMPETITION}.zip", f"{PUBLISHED_FOLDER}.zip")
SUBSET_LABELS = {"labeled": ("galaxy",), "scored": ("score",), "query": ()}
"""Labels that the images of each subset have."""


def find(folder: Path, settings: dict) -> dict[str, Path]:
    """Where the data set is: `root`, the folder that holds labeled.csv and scored.csv, or the archive of it all.

    The published folder may be nested in itself. A folder also gives what it holds: tables, folders of images.
    Raises DataError naming the places looked at and what to do.
    """
    root = Path(folder).expanduser()
    if root.is_file() and root.suffix.lower() == ".zip":
        return {"root": root}
    if not root.is_dir():
        problem = "a file, expected a folder" if root.exists() else "no such folder"
        raise DataError(f"{root}: {problem} with the data set cil_cosmology", FETCH_HINT)
    nestings = [root, root / PUBLISHED_FOLDER, root / PUBLISHED_FOLDER / PUBLISHED_FOLDER]
    for place in nestings:
        present = {name: place / name for name in TABLES if (place / name).is_file()}
        if len(present) == len(TABLES):
            others = ("labeled", "scored", "query", QUERY_TRUTH)
            return {"root": place, **present, **{name: place / name for name in others if (place / name).exists()}}
        if present:
            missing = ", ".join(name for name in TABLES if name not in present)
            raise DataError(f"{place}: {missing} is missing beside {', '.join(present)}", FETCH_HINT)
    for place in nestings:
        for name in _ARCHIVES:
            if (place / name).is_file():
                return {"root": place / name}
    looked = ", ".join((*TABLES, f"{PUBLISHED_FOLDER}/", *_ARCHIVES))
    raise DataError(f"{root}: no files of the data set cil_cosmology there (looked for {looked})", FETCH_HINT)

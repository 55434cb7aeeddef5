"""Where the files of the HSC x COSMOS cut-outs lie inside a folder, and their digests."""

from pathlib import Path

from galaxies.errors import DataError

IDS, IMAGES, CATALOGUE = "HSC_ids.npy", "images.small.npy", "2018_02_23-all_objects.csv"
COMMIT = "9dbd59dad518a3454080a136d3ba4abdbc48b7fc"  # the one that the paper links
URL = f"https://raw.githubusercontent.com/egentry/galaxyCGAN/{COMMIT}/data"
GIT_BLOBS = {
    IDS: "68ce40dceea8ecd3587bcd63970393b803f493a4",
    IMAGES: "b215636ae12f6659e4adc3822f7911934c37d031",
    CATALOGUE: "ede1a46a4f2bdb3b7e819b0df6caccb71c9476af",
}
DOWNLOADS = tuple(GIT_BLOBS)  # what source download brings

FETCH_HINT = (
    f"set `source` of the data set to download, fetch {IDS}, {IMAGES} and {CATALOGUE} from {URL} into that folder "
    "yourself, set its `path` to where they are, or set its `source` to simulated"
)


def find(folder: Path, settings: dict) -> dict[str, Path]:
    """Places of the three files by name, in `folder` or its subfolder `data`, as the repository has them.

    Raises DataError naming what is missing and what to do.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        problem = "a file, expected a folder" if root.exists() else "no such folder"
        raise DataError(f"{root}: {problem} with the data set hsc_cosmos", FETCH_HINT)
    place = next((place for place in (root, root / "data") if (place / IMAGES).is_file()), root)
    missing = [name for name in GIT_BLOBS if not (place / name).is_file()]
    if missing:
        raise DataError(f"{place}: no {', '.join(missing)} of the data set hsc_cosmos there", FETCH_HINT)
    return {name: place / name for name in GIT_BLOBS}

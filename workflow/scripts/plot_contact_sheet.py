"""Lay the first pictures of a folder out on one sheet, to be looked at."""

from pathlib import Path

from PIL import Image

from galaxies.errors import DataError
from galaxies.files import atomic
from galaxies.scripting import run_script


def main(images: Path, sheet: Path, *, columns: int = 8, rows: int = 5, size: int = 140, quality: int = 88) -> None:
    """Write the JPEG file `sheet` with `rows` x `columns` pictures of `images` in the order of their names.

    Each picture is reduced to `size` pixels. Raises DataError if the folder holds too few.
    """
    files = sorted(path for path in images.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    if len(files) < rows * columns:
        raise DataError(f"{images}: {len(files)} pictures, expected at least {rows} x {columns}")
    canvas = Image.new("RGB", (columns * size, rows * size))
    for place, file in enumerate(files[: rows * columns]):
        with Image.open(file) as picture:
            small = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
        canvas.paste(small, (place % columns * size, place // columns * size))
    with atomic(sheet) as temporary:
        canvas.save(temporary, "JPEG", quality=quality)


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

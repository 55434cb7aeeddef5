"""Score a folder of images with a trained model: what would the papers' networks and baselines say of your images?"""

import csv
import io
import logging
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from galaxies.data.image_folders import list_images
from galaxies.data.images import ImageFiles, ImageFormat
from galaxies.errors import ConfigError, DataError
from galaxies.files import full_disk_as_data_error, write_text
from galaxies.image_scorers import ImageScorer, load_image_scorer
from galaxies.progress import duration
from galaxies.score_range import HIGHEST, LOWEST
from galaxies.scripting import os_error_text, run_script

logger = logging.getLogger("galaxies.score_images")

BLOCK = 256  # images whose descriptions are held at a time
PROGRESS_SECONDS = 10
LONGEST_NAME = 255
SHOWN = 10  # bad files in the last message
MODEL_HINT = "its weights are no result of a training that went well; train the model again"


def main(
    images: Path,
    model: Path,
    output: Path,
    *,
    frame: int = 1000,
    compute: dict | None = None,
    threads: int = os.cpu_count() or 1,
) -> None:
    """Write the table `output`: Id,Predicted, a score in [0, 8] for each good image, sorted by Id as text.

    images : folder of 8-bit greyscale PNG files, with the side in pixels that the model takes. An Id is a file's name
    without .png; sub-folders are not searched. Other formats are refused: their compression would change faint sources.
    model : model.pt of a method that scores images (two_in_one, score_regression), or model.skops of a baseline.
    output : CSV, in a folder that exists, outside `images`.
    frame : side in pixels of the images that the model was fitted to, if it does not know it: baselines and the
    networks of score_regression.
    compute : as in the configuration, such as {"device": "cpu"}; a GPU is used if there is one.
    threads : images read at a time; no score depends on it, nor on which other images are there.

    If some files are bad, the others are scored and written; then all ends with an error that names the bad ones. If
    all are, nothing is written.
    """
    images, output = images.expanduser(), output.expanduser()
    if threads < 1:
        raise ConfigError(f"{threads} threads, expected at least 1", "leave the number out to use all cores")
    if frame < 1:
        raise ConfigError(f"frame is {frame} px, expected at least 1", "name the side of the images of the training")
    _check_output(output, images, model)
    folder = list_images(images, (".png",))
    if folder.folders:
        logger.warning("%s: sub-folders are not searched (%d of them)", images, len(folder.folders))
    for problem in folder.bad:
        logger.warning("Not scored: %s", problem.message)
    scorer = load_image_scorer(model, frame, compute or {})
    logger.info("%s: %s", model, scorer.origin)
    scores, bad = score(images, folder.names, scorer, threads)
    bad = folder.bad + bad
    if scores:
        with full_disk_as_data_error(output, "make room and run the same command again"):
            write_text(output, _table(scores))
        logger.info("%s: scores of %d images", output, len(scores))
    if bad:
        raise _error(bad, scores, images, output, scorer.size)


def score(
    folder: Path, names: dict[str, str], scorer: ImageScorer, threads: int, block: int = BLOCK
) -> tuple[dict[str, float], list[DataError]]:
    """Scores, not clipped, of the good ones of some images in a folder, in their order, and what is wrong with the bad.

    names : of the files, by id. Each bad image is logged. Memory grows with the ids and scores alone.
    """
    image_format = ImageFormat("PNG", "L", scorer.size, "the side that the model takes")
    scores: dict[str, float] = {}
    bad: list[DataError] = []
    ids = list(names)
    started = reported = time.monotonic()
    with (
        ImageFiles(folder, dict(enumerate(names.values())), image_format) as files,
        ThreadPoolExecutor(threads) as pool,
    ):

        def described(number: int) -> np.ndarray | DataError:
            try:
                image = _load(files, number)
            except DataError as error:
                return error
            return scorer.describe(image)

        for first in range(0, len(ids), block):
            numbers = range(first, min(first + block, len(ids)))
            good: dict[int, np.ndarray] = {}
            for number, result in zip(numbers, pool.map(described, numbers), strict=True):
                if isinstance(result, DataError):
                    logger.warning("Not scored: %s", result.message)
                    bad.append(result)
                else:
                    good[number] = result
            if good:
                scored = scorer.score(np.stack(list(good.values())))
                for number, value in zip(good, scored.tolist(), strict=True):
                    if not math.isfinite(value):
                        raise DataError(f"{files.location(number)}: the model gives it the score {value}", MODEL_HINT)
                    scores[ids[number]] = value
            now = time.monotonic()
            if now - reported > PROGRESS_SECONDS:
                reported, done = now, numbers.stop
                rate = done / (now - started)
                left = duration((len(ids) - done) / rate)
                logger.info("Scored %d of %d images, %.0f per second, %s left", done, len(ids), rate, left)
    return scores, bad


def _load(files: ImageFiles, number: int) -> Image.Image:
    """One image. Raises DataError, also for what the system or the data set's reader lets pass."""
    try:
        image = files.load(number)
    except OSError as error:
        error.filename = None  # the message names it
        raise DataError(f"{files.location(number)}: cannot be read ({os_error_text(error)})") from error
    if image.is_animated:
        raise DataError(f"{files.location(number)}: animated, {image.n_frames} images, expected one")
    return image


def _check_output(output: Path, images: Path, model: Path) -> None:
    """Raise DataError for a place that cannot or must not be written to, before any work."""
    place = real(output)
    if len(os.fsencode(output.name)) > LONGEST_NAME:
        problem = f"its name has more than {LONGEST_NAME} bytes"
    elif output.exists() and not output.is_file():
        problem = "a folder or a device, expected the name of a file"
    elif not output.parent.is_dir():
        problem = f"there is no folder {output.parent}"
    elif not os.access(output.parent, os.W_OK):
        problem = f"files cannot be made in {output.parent} (permission denied)"
    elif place.is_relative_to(real(images)):
        problem = f"inside the folder of images {images}"
    elif place == real(model):
        problem = "this is the model"
    else:
        return
    raise DataError(f"{output}: {problem}", "give the scores another place, such as scores.csv")


def real(path: Path) -> Path:
    """Where a path leads; links in a circle, which `Path.resolve` refuses, to themselves."""
    return Path(os.path.realpath(path))


def _table(scores: dict[str, float]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["Id", "Predicted"])
    for name, value in scores.items():
        writer.writerow([name, f"{min(max(LOWEST, value), HIGHEST):.5f}"])
    return table.getvalue()


def _error(bad: list[DataError], scores: dict[str, float], images: Path, output: Path, size: int) -> DataError:
    lines = [problem.message for problem in bad[:SHOWN]]
    if len(bad) > SHOWN:
        lines.append(f"and {len(bad) - SHOWN} more, which the log names")
    if scores:
        rest = f"The scores of the other {len(scores)} are in {output}"
    else:
        rest = f"Nothing was written{f'; {output} is an earlier one' if output.exists() else ''}"
    total = len(bad) + len(scores)
    return DataError(
        f"{images}: {len(bad)} of {total} files could not be scored:\n  " + "\n  ".join(lines) + f"\n{rest}",
        f"images must be 8-bit greyscale PNG files of {size}x{size} pixels; mend or remove the others and run the same "
        "command again",
    )


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))

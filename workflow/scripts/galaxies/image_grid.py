"""Images side by side in one picture, for a look at a training while it runs."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from galaxies.files import atomic


def write_grid(path: Path, images: np.ndarray) -> None:
    """Write 8-bit images (N, C, S, S), pixel by pixel and row by row, as one square picture.

    Three channels are red, green and blue; of any other number the mean is shown in grey.
    """
    count, channels, side, _ = images.shape
    if channels != 3:
        images = images.mean(axis=1, keepdims=True).round().astype(np.uint8)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * columns, *images.shape[1:]), dtype=np.uint8)
    grid[:count] = images
    grid = grid.reshape(rows, columns, -1, side, side).transpose(0, 3, 1, 4, 2)  # row, y, column, x, channel
    with atomic(path) as temporary:
        Image.fromarray(grid.reshape(rows * side, columns * side, -1).squeeze()).save(temporary)

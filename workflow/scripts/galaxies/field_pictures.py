"""Pictures of star fields: mostly black images of 1000 px with dots of a few pixels."""

import numpy as np

BRIGHTEST = 99.9  # percentile of the grey levels that auto-levels make white


def auto_levelled(image: np.ndarray) -> np.ndarray:
    """Image uint8 (S, S) with its median black and its 99.9th percentile white, as the paper shows it beside the plain
    one; unchanged if these are the same."""
    low, high = np.median(image), np.percentile(image, BRIGHTEST)
    if high <= low:
        return image
    return (255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)


def reduced(image: np.ndarray, factor: int) -> np.ndarray:
    """Image uint8 (S // factor, S // factor), each pixel the brightest of those it stands for: no dot is lost."""
    side = len(image) // factor
    return image[: side * factor, : side * factor].reshape(side, factor, side, factor).max(axis=(1, 3))


def in_colour(image: np.ndarray) -> np.ndarray:
    """Grey image (S, S) as (S, S, 3)."""
    return np.repeat(image[..., None], 3, axis=-1)

"""Pictures of star fields: mostly black images of 1000 px with dots of a few pixels."""

import numpy as np


def auto_levels(image: np.ndarray) -> tuple[float, float]:
    """Grey levels that auto-levels make black and white: the median of an image, and that of what is brighter.

    Less than a hundredth of such an image is lit, so that percentiles of all pixels would be those of the sky.
    """
    sky = float(np.median(image))
    brighter = image[image > sky]
    return sky, float(np.median(brighter)) if brighter.size else sky + 1


def auto_levelled(image: np.ndarray) -> np.ndarray:
    """Image uint8 (S, S) between its `auto_levels`."""
    black, white = auto_levels(image)
    return (255 * np.clip((image - black) / (white - black), 0, 1)).astype(np.uint8)


def reduced(image: np.ndarray, factor: int) -> np.ndarray:
    """Image uint8 of S / factor px, rounded up, each pixel the brightest of those it stands for: no dot is lost."""
    image = np.pad(image, (0, -len(image) % factor), mode="edge")
    side = len(image) // factor
    return image.reshape(side, factor, side, factor).max(axis=(1, 3))


def in_colour(image: np.ndarray) -> np.ndarray:
    """Grey image (S, S) as (S, S, 3)."""
    return np.repeat(image[..., None], 3, axis=-1)

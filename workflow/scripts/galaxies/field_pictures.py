"""Pictures of star fields: mostly black images of 1000 px with dots of a few pixels."""

import numpy as np
from matplotlib.axes import Axes

from galaxies.plots import FRAME, image_panel

PEAK_NOTE = (
    "Square root of the grey levels, each image stretched to its own brightest pixel, whose level is in the corner (of "
    "255): brightness does not compare between images."
)


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


def peak_scaled(levels: np.ndarray) -> np.ndarray:
    """Grey levels (S, S) as uint8, the square root of each over that of the brightest; all black if none is above 0."""
    positive = np.clip(levels, 0, None).astype(np.float64)
    return (255 * np.sqrt(positive / (positive.max() or 1))).round().astype(np.uint8)


def peak_panel(axis: Axes, levels: np.ndarray) -> None:
    """Draw grey levels (S, S) `peak_scaled`, with the brightest of them as a number in the corner.

    In a frame, since an image of like levels is white on white.
    """
    image_panel(axis, in_colour(peak_scaled(levels)))
    axis.spines[:].set(visible=True, color=FRAME, linewidth=0.5)
    peak = float(levels.max())
    text = f"{peak:.0f}" if peak >= 10 else f"{peak:.2g}"
    box = {"facecolor": "black", "edgecolor": "none", "pad": 0.8}
    axis.text(0.04, 0.05, text, transform=axis.transAxes, fontsize=5, color="white", bbox=box)

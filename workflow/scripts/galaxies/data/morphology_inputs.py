"""What the morphology classifier sees of an image: crop, resize, random changes, standardisation; on the device.

Source: Dai and Tong (2018, arXiv:1807.10406) and their code (Adaydl/GalaxyClassification, input_data.py), which draws
the crop and the rotation once for a whole training; here every image has draws of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from galaxies.data.augmentation import transform
from galaxies.errors import ConfigError
from galaxies.views import field_of, parse_view

LEVELS = 255  # of an image in [0, 1]: brightness and the bound of the deviation are in 8-bit levels, as in the code


@dataclass(frozen=True)
class MorphologyInputs:
    """Sizes and ranges of the changes; all draws are uniform and independent between images.

    size : side of the network's input in px, cut out of an image of `resized` px. crop : least and greatest side, in
    pixels of the published images, of the centre that is resized in training; test_crop : that of the test images.
    frame : side of the published images, for views of the whole frame. brightness : +- 8-bit levels. contrast : (low,
    high) factor of the deviations from the mean of each channel.

    The contents of a view are resampled once, from its own pixels, so that a view at a lower resolution than the
    published images gives the same galaxies at the same scale. Resampling is bilinear without antialiasing, as in the
    code, save that pixels are taken at their centres. The standardisation undoes a change of brightness, here as there.
    """

    size: int = 64
    resized: int = 80
    crop: Sequence[int] = (170, 241)
    test_crop: int = 220
    frame: int = 424
    brightness: float = 63
    contrast: Sequence[float] = (0.2, 1.8)

    def augmented(self, images: Tensor, view: str, generator: torch.Generator) -> Tensor:
        """Inputs (B, C, size, size) for training, float32, changed at random.

        images : float (B, C, S, S) in [0, 1] on any device, of the `view`. generator : on the CPU; the same state gives
        the same changes on every device.
        """
        self._check(images, view)
        matrices, *levels = self.draw(len(images), view, generator)
        brightness, contrast = (
            values.to(images.device, torch.float32, non_blocking=True)[:, None, None, None] for values in levels
        )
        changed = LEVELS * transform(images.float(), matrices, self.size) + brightness
        mean = changed.mean(dim=(2, 3), keepdim=True)
        return standardised((changed - mean) * contrast + mean)

    def plain(self, images: Tensor, view: str) -> Tensor:
        """Inputs (B, C, size, size) of test images, float32: the centre of `test_crop` px at the same scale."""
        self._check(images, view)
        zoom = self.test_crop / field_of(view, self.frame) * self.size / self.resized
        matrix = torch.tensor([[zoom, 0, 0], [0, zoom, 0]], dtype=torch.float64)
        return standardised(LEVELS * transform(images.float(), matrix.expand(len(images), 2, 3), self.size))

    def draw(self, count: int, view: str, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Random matrices (count, 2, 3) from input to view, as of `Augmentation.draw`; brightness; contrast."""

        def integers(low: int, high: int, *shape: int) -> Tensor:
            return torch.randint(low, high + 1, (count, *shape), generator=generator).double()

        zoom = integers(*self.crop) / field_of(view, self.frame)
        # The resized image is 2 units wide; the input is a part of it, and its centre may lie off the middle.
        place = (2 * integers(0, self.resized - self.size, 2) + self.size) / self.resized - 1
        angle, mirror = integers(0, 3) * (math.pi / 2), 1 - 2 * integers(0, 1)
        cos, sin = angle.cos().round(), angle.sin().round()
        turn = torch.stack([cos * mirror, sin, -sin * mirror, cos], dim=1).view(count, 2, 2)
        part = self.size / self.resized
        matrices = torch.cat([part * turn, place[:, :, None]], dim=2) * zoom[:, None, None]
        unit = torch.rand(count, 2, generator=generator, dtype=torch.float64)
        low, high = self.contrast
        return matrices, (2 * unit[:, 0] - 1) * self.brightness, low + (high - low) * unit[:, 1]

    def _check(self, images: Tensor, view: str) -> None:
        """Raise ConfigError if the view does not show the largest crop, ValueError for images of another view."""
        size, field = parse_view(view).size, field_of(view, self.frame)
        if images.shape[-2:] != (size, size):
            raise ValueError(f"images have {images.shape[-2]} x {images.shape[-1]} px, those of {view} have {size}")
        if max(self.crop[1], self.test_crop) > field:
            raise ConfigError(
                f"inputs: crops of up to {max(self.crop[1], self.test_crop)} px, and the view {view} shows {field} px",
                "choose a view of a larger field",
            )


def standardised(images: Tensor) -> Tensor:
    """Images (B, C, S, S) less their mean, over their deviation or 1 / sqrt(C S S), whichever is larger.

    The bound is that of TensorFlow's `per_image_standardization`: without it a constant image would be divided by 0.
    """
    flat = images.flatten(1)
    deviation = flat.std(dim=1, correction=0).clamp(min=1 / math.sqrt(flat.shape[1]))
    return (images - flat.mean(dim=1)[:, None, None, None]) / deviation[:, None, None, None]

"""Random affine changes of image batches, on the device, with the semantics of Keras's ImageDataGenerator."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from galaxies.errors import ConfigError


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes. All draws are uniform, independent between images and between parameters.

    rotation : +- degrees. shift : +- fraction of the side, horizontally and vertically. shear : +- angle in
    `shear_unit` (Keras: degrees; very old versions: radians). zoom : (low, high) factor of the *sampled* field, drawn
    independently for rows and columns: below 1 enlarges the galaxy. flips : with probability 1/2.

    Pixels outside the image take the value of the nearest edge pixel, and values in between are bilinear, both as in
    Keras. `Augmentation()` changes nothing.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    shear_unit: str = "degrees"
    zoom: Sequence[float] = (1.0, 1.0)
    flip_horizontal: bool = False
    flip_vertical: bool = False

    def __post_init__(self):
        if self.shear_unit not in ("degrees", "radians"):
            raise ConfigError(f"augmentation.shear_unit is {self.shear_unit!r}; it must be degrees or radians")
        if len(self.zoom) != 2 or not 0 < self.zoom[0] <= self.zoom[1]:
            raise ConfigError(f"augmentation.zoom is {list(self.zoom)}; it must be [low, high] with 0 < low <= high")

    @property
    def changes_nothing(self) -> bool:
        """Whether every image comes out as it went in."""
        moved = self.rotation or self.shift or self.shear or self.flip_horizontal or self.flip_vertical
        return not moved and tuple(self.zoom) == (1, 1)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Matrices (count, 2, 3) from output to input position, both as (x, y) in units of half a side from the centre.

        Position = matrix @ (x, y, 1). The product is Keras's rotation . shift . shear . zoom, with the flip first,
        because Keras flips the finished image. The same number of random values is taken whatever the ranges are.
        """
        unit = torch.rand(count, 8, generator=generator, dtype=torch.float64)
        signed = 2 * unit - 1
        angle = signed[:, 0] * math.radians(self.rotation)
        shear = signed[:, 3] * (math.radians(self.shear) if self.shear_unit == "degrees" else self.shear)
        low, high = self.zoom
        zoom_y, zoom_x = low + (high - low) * unit[:, 4], low + (high - low) * unit[:, 5]
        flip_x = torch.where(unit[:, 6] < 0.5, -1.0, 1.0) if self.flip_horizontal else 1.0
        flip_y = torch.where(unit[:, 7] < 0.5, -1.0, 1.0) if self.flip_vertical else 1.0
        # A side is 2 units. The shift precedes the rotation in the product, so it is turned with it.
        shift_y, shift_x = 2 * self.shift * signed[:, 1], 2 * self.shift * signed[:, 2]
        cos, sin = angle.cos(), angle.sin()
        # Keras writes these matrices for (row, column); here for (x, y) = (column, row).
        #   rotation [[cos, sin], [-sin, cos]]   shear [[cos s, 0], [-sin s, 1]]   zoom diag(zoom_x, zoom_y)
        matrix = torch.empty(count, 2, 3, dtype=torch.float64)
        matrix[:, 0, 0] = (cos * shear.cos() - sin * shear.sin()) * zoom_x * flip_x
        matrix[:, 0, 1] = sin * zoom_y * flip_y
        matrix[:, 0, 2] = cos * shift_x + sin * shift_y
        matrix[:, 1, 0] = (-sin * shear.cos() - cos * shear.sin()) * zoom_x * flip_x
        matrix[:, 1, 1] = cos * zoom_y * flip_y
        matrix[:, 1, 2] = cos * shift_y - sin * shift_x
        return matrix

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Changed copies of float images (B, C, S, S) on any device; `generator` lives on the CPU.

        The same generator state gives the same changes on every device.
        """
        matrices = self.draw(len(images), generator)
        return images if self.changes_nothing else transform(images, matrices)


def transform(images: Tensor, matrices: Tensor, side: int | None = None) -> Tensor:
    """Resample float images (B, C, S, S) by `matrices` (B, 2, 3) of `Augmentation.draw`: bilinear, edges repeated.

    side : of the results in px; that of the images if None.
    """
    side = side or images.shape[-1]
    matrices = matrices.to(images.device, torch.float32, non_blocking=True)
    centres = (2 * torch.arange(side, device=images.device, dtype=torch.float32) + 1) / side - 1
    # A term in x plus a term in y, coordinate by coordinate: far faster on the CPU than affine_grid's product.
    along_x = matrices[:, :, 0, None] * centres
    along_y = matrices[:, :, 1, None] * centres + matrices[:, :, 2, None]
    grid = (along_y[:, :, :, None] + along_x[:, :, None, :]).permute(0, 2, 3, 1)
    return grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

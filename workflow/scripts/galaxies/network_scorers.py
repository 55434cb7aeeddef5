"""Trained networks that score images, whatever their method."""

from collections.abc import Callable

import torch
from torch import Tensor

from galaxies.compute import Compute


class NetworkScorer:
    """A trained network that scores images, in evaluation mode.

    scores : from grey levels float32 (B, 1, S, S) on the device to scores (B,).
    view : name of the view whose images it takes. frame : side in px of the images that this view is made from, None if
    the model does not know it.
    """

    def __init__(self, scores: Callable[[Tensor], Tensor], view: str, frame: int | None, compute: Compute):
        self.scores, self.view, self.frame, self.compute = scores, view, frame, compute

    @torch.no_grad()
    def score(self, images: Tensor) -> Tensor:
        """Scores float32 (B,) on the CPU, not clipped, of images (B, S, S) in grey levels 0..255, of any type."""
        pixels = images.to(self.compute.device, non_blocking=True).float()[:, None]
        with self.compute.autocast():
            return self.scores(pixels).float().cpu()

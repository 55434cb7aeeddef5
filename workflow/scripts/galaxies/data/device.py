"""Images of a split, held as near to the device as they fit, and served in batches."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute, free_host_memory
from galaxies.data.names import GREY_LEVELS
from galaxies.data.store import View
from galaxies.errors import DataError

logger = logging.getLogger(__name__)

WHITE = 255  # of 8-bit images and of grey levels
MEMORY_SHARE = 0.5  # of the free memory that images may take; the rest is for activations and other processes
PREFETCH = 3  # batches that are read ahead of the one in use


class Batch(NamedTuple):
    """images : uint8 or float32 (B, C, S, S), as the view has them; labels : float32 (B, K); both on the device."""

    images: Tensor
    labels: Tensor


def to_unit(images: Tensor) -> Tensor:
    """8-bit images or float32 grey levels 0..255 to float32 in [0, 1]; see `expect_levels`."""
    return images.to(torch.float32).div_(WHITE) if images.dtype == torch.uint8 else images / WHITE


def to_float(images: Tensor) -> Tensor:
    """Images as networks take them: 8-bit ones in [0, 1], others as they are stored, float32."""
    return to_unit(images) if images.dtype == torch.uint8 else images


class Images:
    """The images and labels of some rows of a view.

    placement : "device" keeps the images in the memory of the device, "host" in main memory, from where batches are
    copied while the device computes; "disk" reads batches from the file ahead of their use. "auto" takes the first
    that fits into half of the free memory. Batches are the same for all.
    """

    def __init__(self, view: Path, rows: np.ndarray, compute: Compute):
        self.view = Path(view)
        self.rows = np.asarray(rows, dtype=np.int64)
        self.device = compute.device
        with View(self.view) as opened:
            self.columns = list(opened.columns)
            self.attributes = opened.attributes
            self.shape = (len(self.rows), *opened.shape[1:])
            self.dtype = torch.from_numpy(np.empty(0, opened.dtype)).dtype
            self.ids = opened.ids[self.rows]
            self.placement = _placement(compute, self.nbytes)
            self.labels = torch.from_numpy(opened.labels[self.rows]).to(self.device)
            if self.placement != "disk":
                self.images = torch.from_numpy(opened.read(self.rows))
        if self.placement == "device":
            self.images = self.images.to(self.device)
        elif self.placement == "host":
            self.images = self.images.pin_memory()
        where = {"device": f"in {self.device.type} memory", "host": "in main memory", "disk": "read as needed"}
        megabytes, place = self.nbytes / 1e6, where[self.placement]
        logger.info("%s: %d images of %d px, %.0f MB, %s", view.name, len(self), self.size, megabytes, place)

    def __len__(self) -> int:
        return len(self.rows)

    def labels_of(self, columns: Sequence[str]) -> Tensor:
        """Labels of `columns`, float32 (N, K). Raises DataError if the view lacks one, or an image lacks its value."""
        with View(self.view) as opened:
            positions = [opened.column(name) for name in columns]
        values = self.labels[:, positions]
        if missing := int(values.isnan().any(dim=1).sum()):
            raise DataError(
                f"{self.view}: {missing} of {len(self)} images of a set lack a label of {', '.join(columns)}",
                "split the data so that its sets have only objects with these labels",
            )
        return values

    @property
    def nbytes(self) -> int:
        """Memory that the images take, in bytes."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Side of the images in px."""
        return self.shape[-1]

    def label_statistics(self, columns: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Mean and population standard deviation of the labels of `columns`, float32 (K,) each.

        Raises DataError for a label that is absent, missing somewhere, or the same everywhere.
        """
        values = self.labels_of(columns).double()
        mean, deviation = values.mean(dim=0), values.std(dim=0, correction=0)
        for name, spread in zip(columns, deviation.tolist(), strict=True):
            if spread == 0:
                raise DataError(f"{self.view}: {name} has one value only in a set of {len(self)} images")
        return mean.float(), deviation.float()

    def order(self, generator: torch.Generator) -> Tensor:
        """A random order of all images, int64 (N,)."""
        return torch.randperm(len(self), generator=generator)

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Batch]:
        """Batches of `batch_size` images, the last perhaps smaller, in `order`: int64 indices (n,) into the rows."""
        order = order.to(self.device)
        parts = order.split(batch_size)
        if self.placement == "device":
            for indices in parts:
                yield Batch(self.images.index_select(0, indices), self.labels.index_select(0, indices))
            return
        for indices, images in zip(parts, self._read_ahead(order.cpu().split(batch_size)), strict=True):
            yield Batch(images.to(self.device, non_blocking=True), self.labels.index_select(0, indices))

    def _read_ahead(self, parts: tuple[Tensor, ...]) -> Iterator[Tensor]:
        """Batches of images in main memory, gathered by one thread while earlier ones are in use."""
        opened = View(self.view) if self.placement == "disk" else None
        reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="images")
        pending: deque[Future[Tensor]] = deque()
        try:
            for indices in parts:
                pending.append(reader.submit(self._gather, opened, indices))
                if len(pending) > PREFETCH:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            reader.shutdown(cancel_futures=True)
            if opened is not None:
                opened.close()

    def _gather(self, opened: View | None, indices: Tensor) -> Tensor:
        pinned = self.device.type == "cuda"  # a copy from pinned memory runs beside the computation
        images = torch.empty((len(indices), *self.shape[1:]), dtype=self.dtype, pin_memory=pinned)
        if opened is None:
            return torch.index_select(self.images, 0, indices, out=images)
        return images.copy_(torch.from_numpy(opened.read(self.rows[indices.numpy()])))


def expect_levels(images: Images) -> None:
    """Raise DataError unless the pixels are levels 0..255, 8-bit or averages of such, which `to_unit` scales."""
    if images.dtype != torch.uint8 and images.attributes["units"] != GREY_LEVELS:
        raise DataError(
            f"{images.view}: the pixels are {images.dtype} in {images.attributes['units']}; this method is for levels "
            "0 to 255, whose range is known",
            "choose a view of 8-bit images or of grey levels, or a method whose networks are not bounded",
        )


class Repeated:
    """Epochs of `length` examples from as many images, or from fewer: pass after pass, each in another order."""

    def __init__(self, images: Images, length: int):
        self.images = images
        self.length = length

    def __len__(self) -> int:
        return self.length

    def order(self, generator: torch.Generator) -> Tensor:
        """A random order of an epoch, int64 (length,); no image comes again before all others have come."""
        passes = -(-self.length // len(self.images))
        return torch.cat([self.images.order(generator) for _ in range(passes)])[: self.length]

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Batch]:
        """Batches of examples in `order`, int64 (n,); example i is the image i modulo their number."""
        return self.images.batches(order % len(self.images), batch_size)


def _placement(compute: Compute, size: int) -> str:
    """Where `size` bytes of images go."""
    on_cpu = compute.device.type == "cpu"  # its device memory is the main memory
    if compute.placement != "auto":
        return "device" if on_cpu and compute.placement == "host" else compute.placement
    if size <= MEMORY_SHARE * compute.free_memory():
        return "device"
    return "host" if not on_cpu and size <= MEMORY_SHARE * free_host_memory() else "disk"

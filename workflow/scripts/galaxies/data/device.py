"""Images of a split, held as near to the device as they fit, and served in batches."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from galaxies.compute import Compute, free_host_memory
from galaxies.data.store import View
from galaxies.errors import ConfigError

logger = logging.getLogger(__name__)

READ_BLOCK = 64 * 2**20  # bytes of images per read while a view is loaded
MEMORY_SHARE = 0.5  # of the free memory that images may take; the rest is for activations and other processes
PREFETCH = 3  # batches that are read ahead of the one in use


class Batch(NamedTuple):
    """images : uint8 (B, C, S, S); labels : float32 (B, K); both on the device."""

    images: Tensor
    labels: Tensor


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
            self.shape = (len(self.rows), *opened.images.shape[1:])
            self.ids = np.asarray(opened.ids[:])[self.rows]
            labels = np.asarray(opened.labels[:], dtype=np.float32)[self.rows]
            self.placement = _placement(compute, int(np.prod(self.shape)))
            self.labels = torch.from_numpy(labels).to(self.device)
            if self.placement != "disk":
                self.images = torch.from_numpy(_read_rows(opened.images, self.rows))
        if self.placement == "device":
            self.images = self.images.to(self.device)
        elif self.placement == "host":
            self.images = self.images.pin_memory()
        logger.info(
            "%s: %d images of %d px, %.0f MB, %s",
            self.view.name, len(self), self.size, np.prod(self.shape) / 1e6,
            {"device": f"in {self.device.type} memory", "host": "in main memory", "disk": "read as needed"}[self.placement],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        """Side of the images in px."""
        return self.shape[-1]

    def batches(self, order: Tensor, batch_size: int) -> Iterator[Batch]:
        """Batches of `batch_size` images in the given `order`, int64 indices (n,) into the rows; the last may be smaller."""
        order = order.to(self.device)
        parts = order.split(batch_size) if len(order) else ()
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
        images = torch.empty((len(indices), *self.shape[1:]), dtype=torch.uint8, pin_memory=pinned)
        if opened is None:
            return torch.index_select(self.images, 0, indices, out=images)
        rows = self.rows[indices.numpy()]
        order = np.argsort(rows, kind="stable")
        images[torch.from_numpy(order)] = torch.from_numpy(opened.images[rows[order]])  # HDF5 reads rising rows only
        return images


def _placement(compute: Compute, size: int) -> str:
    """Where `size` bytes of images go."""
    on_cpu = compute.device.type == "cpu"  # its device memory is the main memory
    if compute.placement != "auto":
        return "device" if on_cpu and compute.placement == "host" else compute.placement
    if size <= MEMORY_SHARE * compute.free_memory():
        return "device"
    return "host" if not on_cpu and size <= MEMORY_SHARE * free_host_memory() else "disk"


def _read_rows(images, rows: np.ndarray) -> np.ndarray:
    """Rows of an HDF5 data set in any order, uint8.

    Read in contiguous blocks: HDF5 takes far longer to select thousands of single rows than to read all between them.
    """
    result = np.empty((len(rows), *images.shape[1:]), dtype=np.uint8)
    order = np.argsort(rows, kind="stable")
    rising = rows[order]
    block = max(1, READ_BLOCK // max(1, int(np.prod(images.shape[1:]))))
    start = 0
    while start < len(rising):
        first = rising[start]
        end = int(np.searchsorted(rising, first + block))
        read = images[first : rising[end - 1] + 1]
        result[order[start:end]] = read[rising[start:end] - first]
        start = end
    return result


def check_columns(images: Images, columns: list[str]) -> None:
    """ConfigError unless the labels of `images` are the `columns` that a model predicts, in the same order."""
    if images.columns != columns:
        raise ConfigError(
            f"{images.view}: the labels are {', '.join(images.columns[:4])}, ... ({len(images.columns)} columns), "
            f"and the model predicts {', '.join(columns[:4])}, ... ({len(columns)} columns)",
            "use the view that the model was trained on",
        )

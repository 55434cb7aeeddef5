"""The machine that a training uses: device, precision, memory layout, threads."""

import contextlib
import ctypes
import os
import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxies.errors import ConfigError
from galaxies.registry import construct

PACE = ("checkpoint_seconds", "log_seconds")
"""Settings beside these that say when a training saves its state and reports."""
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Compute:
    """Where and how tensors are computed; `choose` makes one from the configuration."""

    device: torch.device
    precision: str = "float32"
    compile: bool = False
    channels_last: bool = True
    placement: str = "auto"
    threads: int = 1

    @classmethod
    def choose(
        cls,
        device: str = "auto",
        precision: str = "float32",
        compile: bool = False,
        channels_last: bool | str = "auto",
        placement: str = "auto",
        threads: int = 1,
    ) -> "Compute":
        """Resolve `auto` values, check the rest against this machine, and set torch's number of CPU threads.

        channels_last "auto": on the CPU, where the convolutions of this project measured 1.2 to 1.5 times faster with
        it, and on CUDA in bfloat16, whose tensor-core kernels want that layout.
        Raises ConfigError for an unknown value, an absent device, or bfloat16 or compile without CUDA.
        """
        _one_of("device", device, ("auto", "cpu", "cuda"))
        _one_of("precision", precision, tuple(PRECISIONS))
        _one_of("placement", placement, ("auto", "device", "host", "disk"))
        _one_of("channels_last", channels_last, ("auto", True, False))
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError(
                "compute.device is cuda, but torch finds no usable CUDA device on this machine",
                "install a CUDA build of torch and run on a node with a GPU, or set compute.device to auto or cpu",
            )
        given = os.environ.get("SLURM_STEP_GPUS") or os.environ.get("SLURM_JOB_GPUS")
        if device == "auto" and given and not torch.cuda.is_available():  # days on a CPU would be a poor surprise
            raise ConfigError(
                f"Slurm gave this job the GPU {given}, but torch {torch.__version__} finds no usable CUDA device",
                "install a CUDA build of torch that fits the driver (see `nvidia-smi` on a GPU node); in a container "
                "add `--apptainer-args=--nv`; or set compute.device to cpu, with which no job asks for a GPU",
            )
        chosen = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        for key, wanted in (("precision: bfloat16", precision == "bfloat16"), ("compile: true", compile)):
            if wanted and chosen != "cuda":
                raise ConfigError(
                    f"compute.{key} needs a CUDA device, and this training runs on the CPU",
                    "remove that key, or run on a node with a GPU",
                )
        torch.set_num_threads(threads)
        if chosen == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # float32 means float32; convolutions would round to 10 bits
            torch.backends.cudnn.benchmark = True  # the input shape is the same in every step
        else:
            keep_freed_memory()
            torch.set_flush_denormal(True)  # gradients below 1e-38 as 0: they take a CPU several times as long
        if channels_last == "auto":
            channels_last = chosen == "cpu" or precision == "bfloat16"
        return cls(torch.device(chosen), precision, compile, channels_last, placement, threads)

    def place(self, network: nn.Module) -> nn.Module:
        """Move `network` to the device in the chosen layout, compiled if asked; the names of its weights stay.

        Convolutions take the layout of their weights, so that images need not be converted beforehand.
        """
        network.to(self.device, memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)
        if self.compile:
            network.compile()
        return network

    def autocast(self) -> contextlib.AbstractContextManager:
        """Context of a forward pass: bfloat16 where torch holds it safe, or nothing."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, PRECISIONS[self.precision])

    def describe(self) -> dict[str, str | int | bool]:
        """Facts that a cost record needs."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if cuda else _processor_name(),
            "device_type": self.device.type,
            "torch": str(torch.__version__),
            "threads": self.threads,
            "precision": self.precision,
            "compile": self.compile,
            "channels_last": self.channels_last,
        }

    def peak_memory(self) -> int:
        """Largest memory so far in bytes: allocated on the GPU, or resident for a process on the CPU."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024  # bytes on macOS, KiB elsewhere

    def free_memory(self) -> int:
        """Bytes that can still be taken on the device."""
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else free_host_memory()


def machine_of(compute: dict[str, Any], threads: int) -> Compute:
    """The machine that settings `compute` of the configuration ask for; what paces trainings alone is left out.

    Raises ConfigError for an unknown key or value.
    """
    settings = {key: value for key, value in compute.items() if key not in PACE}
    return construct(Compute.choose, settings, "compute", threads=threads)


def keep_freed_memory() -> None:
    """Let the C library reuse the memory of freed tensors instead of returning it to the system.

    A step allocates and frees hundreds of megabytes of activations. By default each large block is mapped anew, and
    the system clears its pages at first touch: a fifth of a training step of the small CNNs on the CPU. Does nothing
    where the C library is not glibc.
    """
    mmap_max, trim_threshold = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, -1)


def free_host_memory() -> int:
    """Bytes of main memory that this process can still take: what the system has free, within the job's own limit.

    A batch system gives a job less than the node has, as a limit of its control group (version 2) or of one above it.
    """
    free = _available_memory()
    with contextlib.suppress(OSError, ValueError, IndexError):
        own = Path("/proc/self/cgroup").read_text().split("::", 1)[1].strip().lstrip("/")
        root = Path("/sys/fs/cgroup")
        for group in (root / own, *(root / own).parents):
            if not group.is_relative_to(root):
                break
            limit = group / "memory.max"
            if limit.is_file() and (text := limit.read_text().strip()) != "max":
                free = min(free, int(text) - int((group / "memory.current").read_text()))
    return max(free, 0)


def _available_memory() -> int:
    """Memory of the system that is free or can be freed at once, in bytes."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # no such count: half of all there is


def _processor_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _one_of(key: str, value: object, options: tuple) -> None:
    if value not in options:
        raise ConfigError(f"compute.{key} is {value!r}; it must be one of: {', '.join(str(o) for o in options)}")

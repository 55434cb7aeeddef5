"""Work of a simulator shared by processes, with progress; what a task makes may depend on its index alone."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from galaxies.errors import DataError
from galaxies.progress import duration

logger = logging.getLogger(__name__)

_CHUNK = 16  # objects per task: long enough to hide the cost of a task, short enough for progress lines
_REPORT_EVERY = 10.0  # seconds


def simulated_chunks(make: Callable[[range], Any], number: int, threads: int) -> Iterator[Any]:
    """Results of `make` for consecutive ranges that together are 0 to `number`, in no fixed order.

    make : a function at the top level of a module (or a `functools.partial` of one), because other processes call it.
    threads : number of processes, at least 1; 1 works in this process.

    Raises
    ------
    DataError
        `number` or `threads` is less than 1, or a process was killed.
    """
    if number < 1 or threads < 1:
        raise DataError(f"{number} objects are to be simulated by {threads} processes, expected at least 1 of each")
    chunks = [range(first, min(first + _CHUNK, number)) for first in range(0, number, _CHUNK)]
    start = reported = time.monotonic()
    done = 0
    for count, result in _results(make, chunks, threads):
        yield result
        done += count
        now = time.monotonic()
        if now - reported >= _REPORT_EVERY or done == number:
            reported, rate = now, done / (now - start)
            logger.info(
                "Simulated %d of %d, %.1f per second, %s left", done, number, rate, duration((number - done) / rate)
            )


def _results(make: Callable[[range], Any], chunks: list[range], threads: int) -> Iterator[tuple[int, Any]]:
    if threads == 1:
        yield from ((len(chunk), make(chunk)) for chunk in chunks)
        return
    # Fresh interpreters: a forked one would inherit the locks of the parent's numerical threads.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(threads, len(chunks)), context, _leave_interrupts_to_the_parent) as pool:
            pending: dict[Future, int] = {}
            for chunk in chunks:
                pending[pool.submit(make, chunk)] = len(chunk)
                if len(pending) >= 3 * threads:
                    yield from _finished(pending)
            while pending:
                yield from _finished(pending)
    except BrokenProcessPool as error:
        raise DataError(
            "a simulating process was killed, most likely for lack of memory", "give the job more memory or fewer cores"
        ) from error


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _finished(pending: dict[Future, int]) -> Iterator[tuple[int, Any]]:
    for future in wait(pending, return_when=FIRST_COMPLETED).done:
        yield pending.pop(future), future.result()


def make_empty_folder(folder: Path) -> None:
    """Make the folder for simulated files.

    Raises DataError if it is a file or holds files already, which could be mistaken for simulated ones.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: a file, expected a folder for the simulated data", "name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DataError(f"{folder}: the folder for the simulated data is not empty", "remove it or name another one")

"""The saved state of a training, and afterwards its results: one writer, whole files, and never of other settings."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import pickle
import random
import re
import shutil
import socket
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from galaxies.errors import TrainingError
from galaxies.files import atomic, sha256, write_text

logger = logging.getLogger(__name__)

DIGEST_NAME = re.compile("[0-9a-f]{16}")  # of a folder with a state: nothing else is ever deleted
FORMAT = 2  # of the saved state; part of the digest, so that a state of another format is never read


class Checkpoints:
    """The checkpoint folder of one training, locked while the context is open.

    folder : for one experiment and one seed. It holds a sub-folder named by `digest`, the digest of everything that
    determines the result (see `settings_digest`), with `state.pt` and, as a reserve, `previous.pt`. States of other
    digests are removed: the settings have changed, and those states cannot be continued. When the training is complete,
    a second name of each of its results takes the place of the state, at no cost of space: whoever asks for the same
    training again, as Snakemake does when it was killed before it heard of the end, has it at once.

    patience : seconds to wait for another process that has the folder; on a cluster it may be on its way out, on a node
    that has lost contact. Raises TrainingError on entry if it does not leave.
    """

    def __init__(self, folder: Path, digest: str, patience: float = 0):
        self.folder = Path(folder)
        self.digest = digest
        self.patience = patience
        self._states = self.folder / digest[:16]
        self._results = self._states / "results.json"
        self._owner = self.folder / "owner.json"
        self._lock = FileLock(self.folder / "lock", fallback_to_soft=False)

    def __enter__(self) -> "Checkpoints":
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._acquire()
        except Timeout:
            raise TrainingError(
                f"{self.folder}: another training is writing here ({self._read_owner()})",
                "wait for it or stop it; the lock ends with its process",
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
                raise
            raise TrainingError(
                f"{self.folder}: this file system has no locks, so that two trainings could not be kept apart",
                "put the project on a file system with flock (NFS 4; Lustre mounted with flock)",
            ) from error
        with atomic(self._owner) as temporary:
            temporary.write_text(json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        for path in self.folder.iterdir():
            if path != self._states and DIGEST_NAME.fullmatch(path.name):
                logger.warning("%s: removed the state of other settings", path)
                shutil.rmtree(path)
        for part in self._states.glob(".*.part.pt"):  # of a process that was killed while it wrote
            part.unlink()
        return self

    def _acquire(self) -> None:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            if self.patience:
                logger.warning(
                    "%s: waiting for another training that writes here (%s)", self.folder, self._read_owner()
                )
            self._lock.acquire(timeout=self.patience)

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # it holds something to come back to, or was never made
            self._states.rmdir()
        self._owner.unlink(missing_ok=True)
        self._lock.release()  # its file stays: another process may be waiting at it

    def load(self) -> dict[str, Any] | None:
        """The newest readable state, on the CPU; None if there is none yet.

        Falls back to the reserve, with a warning, if the newest is damaged. Raises TrainingError if both are.
        """
        damaged = []
        for path in (self._states / "state.pt", self._states / "previous.pt"):
            if not path.exists():
                continue
            try:
                with zipfile.ZipFile(path) as archive:  # torch does not compare the checksums inside
                    if part := archive.testzip():
                        raise ValueError(f"checksum of {part} differs")
                state = torch.load(path, map_location="cpu", weights_only=True)
            except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
                damaged.append(path)
                reason = (str(error) or type(error).__name__).splitlines()[0]
                logger.warning("%s: the saved state is damaged (%s)", path, reason)
                continue
            if damaged:
                logger.warning("%s: continuing from this older state", path)
            return state
        if damaged:
            raise TrainingError(
                f"{self._states}: the saved state is damaged and there is no readable reserve",
                f"delete that folder to train from the start: `rm -r {self._states}`",
            )
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Write `state` beside the newest one, which becomes the reserve, and put it in its place."""
        newest = self._states / "state.pt"
        with atomic(newest) as temporary:
            save_torch(state, temporary)
            if newest.exists():
                newest.replace(newest.with_name("previous.pt"))

    def finish(self, results: Sequence[Path]) -> None:
        """Keep a second name of the files that the complete training has written, in place of the state."""
        for path in results:
            kept = self._states / path.name
            kept.unlink(missing_ok=True)
            self._states.mkdir(exist_ok=True)
            link(path, kept)
        digests = {path.name: sha256(path) for path in results}
        write_text(self._results, json.dumps({"torch": str(torch.__version__), "sha256": digests}))
        for state in (self._states / "state.pt", self._states / "previous.pt"):
            state.unlink(missing_ok=True)

    def restore(self, results: Sequence[Path]) -> bool:
        """Put back the results of this training, if it was complete before; False if it was not."""
        try:
            kept = json.loads(self._results.read_text())
            whole = all(sha256(self._states / path.name) == kept["sha256"][path.name] for path in results)
            made_with = kept["torch"]
        except (OSError, ValueError, KeyError):
            return False
        if made_with != str(torch.__version__):
            logger.warning("%s: the results kept here are of torch %s; training anew", self._states, made_with)
            return False
        if not whole:
            logger.warning("%s: the results kept here have been changed; training anew", self._states)
            return False
        for path in results:
            with atomic(path) as temporary:
                link(self._states / path.name, temporary)
            path.touch()  # newer than what it was made of
        return True

    def _read_owner(self) -> str:
        try:
            owner = json.loads(self._owner.read_text())
            return f"process {owner['process']} on {owner['host']}"
        except (OSError, ValueError, KeyError):
            return "its process is not recorded"


def link(path: Path, name: Path) -> None:
    """Give a file a second name, or make a copy of it where the file system has no such."""
    try:
        name.hardlink_to(path)
    except OSError:
        shutil.copy2(path, name)


def save_torch(state: dict[str, Any], path: Path) -> None:
    """`torch.save` whose bytes depend on the content alone; given a path, torch would store the file's name inside."""
    try:
        with path.open("wb") as file:
            torch.save(state, file)
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):  # torch hides a full disk behind an error of its own
            raise error.__context__ from None
        raise


def settings_digest(**determinants: Any) -> str:
    """SHA-256 of the canonical JSON of all that determines a result: settings, seed, digests of code and data."""
    text = json.dumps({"format": FORMAT, **determinants}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def random_state(generator: torch.Generator) -> dict[str, Any]:
    """States of every random generator: Python, NumPy, torch on the CPU and on all CUDA devices, and `generator`."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "generator": generator.get_state(),
    }


def set_random_state(state: dict[str, Any], generator: torch.Generator) -> None:
    """Restore what `random_state` returned; CUDA states only where the number of devices is the same."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    generator.set_state(state["generator"])

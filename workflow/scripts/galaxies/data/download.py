"""Downloads of published files: resumed where they stopped, checked before use, whole or absent under their names.

What has arrived lies in `.<name>.part` beside the target, and `.<name>.part.json` records to what it belongs.
"""

import contextlib
import email.utils
import json
import logging
import os
import re
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urljoin

import requests
import urllib3
from filelock import FileLock, Timeout
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from galaxies.data.file_checks import Check
from galaxies.errors import DataError
from galaxies.files import full_disk_as_data_error, write_text
from galaxies.progress import duration

logger = logging.getLogger(__name__)

BLOCK = 2**20  # bytes read at a time at most
REDIRECTS = 10
_RETRIED = {408, 425, 429}  # request timeout, too early, too many requests; and all of 5xx
_HINTS = {
    401: "this address needs a sign-in that is not given",
    403: "this machine or account is not let in: open the address in a browser to see what it asks for",
    404: "the file is no longer there: look for its new place on the page of the data set",
    410: "the file is no longer there: look for its new place on the page of the data set",
}


@dataclass(frozen=True)
class Patience:
    """How long a download waits; all times in seconds.

    attempts : in a row that bring nothing; one that brings `slowest * window` bytes starts the count anew.
    first_attempts : when no server has answered at all; the machine is then probably without a network.
    first_wait, longest_wait : between attempts; doubled each time.
    longest_retry_after : a server that asks for a longer pause ends the download.
    silence : without any byte, and for a connection to be made.
    slowest, window : a connection that brings less than `slowest` bytes per second over `window` has stalled.
    report : between two log lines.
    """

    attempts: int = 10
    first_attempts: int = 4
    first_wait: float = 1
    longest_wait: float = 300
    longest_retry_after: float = 3600
    silence: float = 60
    slowest: float = 1000
    window: float = 60
    report: float = 10


def download(
    url: str | Callable[[], str],
    path: Path,
    *,
    check: Check,
    source: str | None = None,
    expected_size: int | None = None,
    alternative: str | None = None,
    patience: Patience | None = None,
) -> Path:
    """Download `url` to `path` unless the right file is there already; returns `path`.

    url : an address, or a function that returns a fresh one for each attempt. Such an address may carry a signature and
        is never shown; `source` then names the file, in messages and in the record of a partial download. The function
        may raise errors of requests, which are treated like those of the download itself.
    check : raises DataError for a file that is not the wanted one; see `galaxies.data.file_checks`. Nothing gets the
        name `path` that it has not let pass. A file already there that fails is renamed to `<name>.rejected`.
    expected_size : bytes, if published.
    alternative : what else the user can do; added to the hint of every error.

    A download that was cut, or whose process was killed, continues where it stopped, provided that the server still has
    the same file. Lost connections, stalled ones, and the statuses 408, 425, 429 and 5xx are tried again. A second
    process that wants the same file waits for the first.

    Raises DataError if the server refuses or has no such file, if all attempts fail, if the disk is full (in these two
    cases what has arrived is kept), or if what the server sends fails the check twice.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(path):
            part = _Part(path, source or url)
            if _is_there(path, check):
                part.discard()
            else:
                logger.info("%s: downloading %s", path, part.source)
                _fetch(_Transfer(url, part, expected_size, patience or Patience()), check)
                part.accept()
                logger.info("%s: downloaded, checked and complete", path)
    except DataError as error:
        hint = "; or ".join(text for text in (error.hint, alternative) if text)
        raise DataError(error.message, hint or None) from error
    return path


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time per file; the others wait."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        logger.info("%s: another process is downloading this file; waiting for it", path)
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        # While the lock is held: a process that waits then sees that its lock file has no name and opens a new one.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _is_there(path: Path, check: Check) -> bool:
    if not path.exists():
        return False
    try:
        check(path)
    except DataError as error:
        rejected = path.with_name(f"{path.name}.rejected")
        path.replace(rejected)
        logger.warning("%s\nIt is now %s, and the published file is downloaded.", error.message, rejected.name)
        return False
    logger.info("%s: already there, and right", path)
    return True


def _fetch(transfer: "_Transfer", check: Check) -> None:
    """Complete the partial file so that it passes the check; a file that does not is fetched once more as a whole."""
    part = transfer.part
    for last in (False, True):
        transfer.run()
        try:
            check(part.path)
        except DataError as error:
            message = error.message.replace(str(part.path), str(part.target))
            if _is_web_page(part.path):
                message += "; it is a web page, perhaps one that asks for a sign-in or tells of an error"
            part.discard()
            if last:
                raise DataError(
                    f"{part.source} sends something else, tried twice: {message}",
                    "the published file has changed, or the network of this machine interferes: "
                    f"fetch the file by other means and put it at {part.target}",
                ) from error
            logger.warning("%s\nFetching it once more, from the start.", message)
        else:
            return


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


@dataclass(frozen=True)
class _Record:
    """To what a partial file belongs: its source, and the validators and the size in bytes that the server gave."""

    source: str
    etag: str | None
    modified: str | None
    size: int | None

    def same_file(self, response: requests.Response) -> bool:
        """False if a validator that both have differs."""
        pairs = ((self.etag, response.headers.get("ETag")), (self.modified, response.headers.get("Last-Modified")))
        return all(mine == theirs for mine, theirs in pairs if mine and theirs)

    def condition(self) -> dict[str, str]:
        """Header that asks for the rest of this version of the file alone; RFC 9110 allows no weak ETag there."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        validator = strong or self.modified
        return {"If-Range": validator} if validator else {}


class _Part:
    """What has arrived for `target`, with its record; read anew from the disk each time."""

    def __init__(self, target: Path, source: str):
        self.target = target
        self.source = source
        self.path = target.with_name(f".{target.name}.part")
        self._record_path = target.with_name(f".{target.name}.part.json")

    def state(self) -> tuple[int, _Record | None]:
        """Bytes that can be continued, and their record; (0, None) for nothing or for another source."""
        try:
            record = _Record(**json.loads(self._record_path.read_text(encoding="utf-8")))
            size = self.path.stat().st_size
        except (FileNotFoundError, ValueError, TypeError):
            return 0, None
        if record.source != self.source or (record.size is not None and size > record.size):
            return 0, None
        return size, record

    def start(self, record: _Record) -> None:
        """Begin with nothing: the old bytes go before the new record comes, so that they never get together."""
        self.path.unlink(missing_ok=True)
        write_text(self._record_path, json.dumps(asdict(record)))
        self.path.touch()

    def accept(self) -> None:
        """Give the checked file its name."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        self._record_path.unlink(missing_ok=True)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._record_path.unlink(missing_ok=True)


class _AgainError(Exception):
    """An attempt failed in a way that may pass. wait : seconds that the server asks for."""

    def __init__(self, reason: str, wait: float | None = None):
        self.wait = wait
        super().__init__(reason)


class _Transfer:
    """Brings one partial file to its full length, in as many attempts as that takes."""

    def __init__(self, url: str | Callable[[], str], part: _Part, expected_size: int | None, patience: Patience):
        self.part = part
        self._url = url if callable(url) else lambda: url
        self._expected_size = expected_size
        self._patience = patience
        self._answered = False
        self._session = requests.Session()
        self._session.max_redirects = REDIRECTS
        self._session.hooks["response"].append(_refuse_downgrade)
        # Offsets count bytes of the file, so it must come as it is, not compressed on the way.
        self._session.headers["Accept-Encoding"] = "identity"

    def run(self) -> None:
        """Download what is missing. Raises DataError if that cannot succeed, or has failed too often."""
        patience = self._patience
        backoff = wait_exponential_jitter(
            multiplier=patience.first_wait, max=patience.longest_wait, jitter=patience.first_wait
        )

        def wait(state: RetryCallState) -> float:
            asked = state.outcome.exception().wait
            return max(backoff(state), asked or 0)

        def report(state: RetryCallState) -> None:
            pause = duration(state.next_action.sleep)
            number = f"attempt {state.attempt_number} of {self._attempts()} failed"
            logger.warning("%s: %s (%s), next in %s", self.part.source, state.outcome.exception(), number, pause)

        most = self.part.state()[0]
        retrying = Retrying(
            retry=retry_if_exception_type(_AgainError),
            stop=lambda state: state.attempt_number >= self._attempts(),
            wait=wait,
            before_sleep=report,
            reraise=True,
        )
        try:
            with self._session:
                for attempt in retrying:
                    with attempt:
                        self._attempt()
                    size = self.part.state()[0]
                    if size - most >= patience.slowest * patience.window:
                        attempt.retry_state.attempt_number = 0
                    most = max(most, size)
        except _AgainError as error:
            kept = self.part.state()[0]
            again = f", it continues after {_bytes(kept)}" if kept else ""
            raise DataError(
                f"{self.part.source} cannot be downloaded: {error}; given up after {self._attempts()} attempts",
                f"run the same command again later{again}; "
                f"or fetch the file by other means and put it at {self.part.target}",
            ) from error

    def _attempts(self) -> int:
        patience = self._patience
        return patience.attempts if self._answered else min(patience.attempts, patience.first_attempts)

    def _attempt(self) -> None:
        size, record = self.part.state()
        if record and size == record.size:  # killed after the last byte, before the check
            return
        headers = {"Range": f"bytes={size}-", **record.condition()} if size else {}
        try:
            response = self._session.get(self._url(), headers=headers, stream=True, timeout=self._patience.silence)
        except requests.RequestException as error:
            self._explain(error)
        self._answered = True
        with response:
            if response.status_code == 416 and size:
                self._out_of_range(response, size)
            else:
                offset, total = self._begin(response, size, record)
                self._receive(response, offset, total)

    def _explain(self, error: requests.RequestException) -> NoReturn:
        """Raise the error of a failed request as one that may pass, or as DataError."""
        source = self.part.source
        cause = _root_cause(error)
        if isinstance(error, requests.HTTPError) and error.response is not None:
            self._refuse(error.response)
        if isinstance(error, requests.TooManyRedirects):
            raise DataError(f"{source}: redirected more than {REDIRECTS} times", "its server is at fault") from error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DataError(
                f"{source}: the server's certificate is not valid ({cause.verify_message})",
                "if the network of this machine has a certificate of its own, name its file in REQUESTS_CA_BUNDLE",
            ) from error
        if isinstance(error, requests.Timeout):
            raise _AgainError(f"no answer within {duration(self._patience.silence)}") from error
        if isinstance(error, (InvalidURL, InvalidSchema, MissingSchema)):
            raise DataError(f"{source}: this is no address of a file", "it must begin with https://") from error
        raise _AgainError(f"no connection ({_text(cause)})") from error

    def _refuse(self, response: requests.Response) -> NoReturn:
        """Raise for a status that is not one of success."""
        status = f"HTTP status {response.status_code} {response.reason or ''}".rstrip()
        if response.status_code not in _RETRIED and response.status_code < 500:
            hint = _HINTS.get(response.status_code, "open the address in a browser to see what the server says")
            raise DataError(f"{self.part.source} cannot be downloaded: {status}", hint)
        wait = _retry_after(response)
        if wait is not None and wait > self._patience.longest_retry_after:
            raise DataError(
                f"{self.part.source} cannot be downloaded now: {status}",
                f"the server asks for a pause of {duration(wait)}; run the same command again after that time",
            )
        raise _AgainError(status, wait)

    def _out_of_range(self, response: requests.Response, size: int) -> None:
        """The server has no byte after ours: the file is complete, or it is another file."""
        announced = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
        if announced and int(announced[1]) == size:
            return
        self.part.discard()
        raise _AgainError("the file on the server is not the one of which a part is here; starting anew")

    def _begin(self, response: requests.Response, size: int, record: _Record | None) -> tuple[int, int | None]:
        """Where the bytes of this response belong, and the size of the whole file if it is known."""
        if response.status_code == 206:
            total = self._rest(response, size, record)
            offset = size
        elif response.status_code == 200:
            if size:
                reason = "sends the whole file again" if record.same_file(response) else "has another file now"
                logger.info("%s: the server %s; starting anew", self.part.source, reason)
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            offset = 0
        else:
            self._refuse(response)
        if self._expected_size is not None and total not in (None, self._expected_size):
            raise DataError(
                f"{self.part.source}: the server announces {total} bytes, expected {self._expected_size}",
                "this is not the published file; open the address in a browser to see what it is",
            )
        self._check_space((total or self._expected_size or 0) - size)
        if not offset:
            validators = response.headers.get("ETag"), response.headers.get("Last-Modified")
            with self._on_disk():
                self.part.start(_Record(self.part.source, *validators, total))
        return offset, total or self._expected_size

    def _rest(self, response: requests.Response, size: int, record: _Record | None) -> int | None:
        """Size of the whole file, from a response that has its rest; another part or another file is refused."""
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        total = int(found[2]) if found and found[2] != "*" else None
        known = record.size if record else None
        right = found and int(found[1]) == size and (record is None or record.same_file(response))
        if not right or (total and known and total != known):
            self.part.discard()
            raise _AgainError("the server does not send the rest that was asked for; starting anew")
        return total or known

    def _receive(self, response: requests.Response, size: int, total: int | None) -> None:
        """Append the body to the partial file. Raises _AgainError if it ends too early or comes too slowly."""
        patience = self._patience
        resumed = size > 0
        checked, arrived = time.monotonic(), 0
        with (
            self._on_disk(),
            self.part.path.open("ab") as file,
            _Report(self.part.target.name, size, total, patience.report) as report,
        ):
            while True:
                try:  # read1 returns what is there; read would wait for a whole block, however slowly it comes
                    block = response.raw.read1(BLOCK, decode_content=False)
                except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
                    silent = isinstance(error, urllib3.exceptions.ReadTimeoutError)
                    reason = f"nothing came for {duration(patience.silence)}" if silent else "the connection was cut"
                    raise _AgainError(f"{reason} after {_bytes(size)}") from error
                if not block:
                    break
                file.write(block)
                size += len(block)
                if total is not None and size > total:
                    break
                report.add(len(block))
                arrived += len(block)
                if (elapsed := time.monotonic() - checked) >= patience.window:
                    if arrived < patience.slowest * elapsed:
                        rate = f"{arrived / elapsed:.0f} bytes per second"
                        raise _AgainError(f"the connection has stalled after {_bytes(size)} ({rate})")
                    checked, arrived = time.monotonic(), 0
        if total is not None and size < total:
            raise _AgainError(f"the connection ended after {size} of {total} bytes")
        if total is not None and size > total:
            self.part.discard()
            if resumed:
                raise _AgainError(f"more than {total} bytes came; starting anew")
            raise DataError(f"{self.part.source}: more than {total} bytes came", "this is not the published file")

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.part.target.parent).free
        if needed > free:
            raise DataError(
                f"{self.part.target.parent}: {_bytes(needed)} are still to come, but only {_bytes(free)} are free",
                "make room and run the same command again; what has arrived is kept",
            )

    def _on_disk(self) -> contextlib.AbstractContextManager[None]:
        hint = "make room (`df` and `quota` show it) and run the same command again; what has arrived is kept"
        return full_disk_as_data_error(self.part.target, hint)


class _Report(contextlib.ExitStack):
    """A log line every `seconds`, and a bar if standard error is a terminal. done, total : bytes."""

    def __init__(self, name: str, done: int, total: int | None, seconds: float):
        super().__init__()
        self._name, self._done, self._total, self._seconds = name, done, total, seconds
        self._first, self._start = done, time.monotonic()
        self._logged = self._start
        hidden = not sys.stderr.isatty()
        self._bar = self.enter_context(
            tqdm(desc=name, initial=done, total=total, unit="B", unit_scale=True, leave=False, disable=hidden)
        )
        if not hidden:
            self.enter_context(logging_redirect_tqdm([logging.getLogger("galaxies")]))
        if done:
            logger.info("%s: continuing after %s", name, self._progress())

    def add(self, size: int) -> None:
        self._done += size
        self._bar.update(size)
        now = time.monotonic()
        if now - self._logged < self._seconds:
            return
        self._logged = now
        rate = (self._done - self._first) / (now - self._start)
        left = f", {duration((self._total - self._done) / rate)} left" if self._total else ""
        logger.info("%s: %s, %s/s%s", self._name, self._progress(), _bytes(rate), left)

    def _progress(self) -> str:
        return f"{_bytes(self._done)} of {_bytes(self._total)}" if self._total else _bytes(self._done)


def _refuse_downgrade(response: requests.Response, **_) -> None:
    """Called for each response: a redirect must not lead from https to an address that anyone on the way can forge."""
    target = urljoin(response.url, response.headers.get("Location", ""))
    if response.is_redirect and response.url.startswith("https:") and not target.startswith("https:"):
        pages = [address.partition("?")[0] for address in (response.url, target)]
        raise DataError(
            f"{pages[0]}: redirects to an address without encryption, {pages[1]}",
            "its server is at fault, or the network of this machine interferes",
        )


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the header Retry-After asks for, which may be a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _root_cause(error: BaseException) -> BaseException:
    """The innermost of nested errors: its text has no address in it, which may carry a signature."""
    while True:
        nested = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = next((candidate for candidate in nested if isinstance(candidate, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _text(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _bytes(size: float) -> str:
    """A size in words: 12.3kB, 792MB."""
    return tqdm.format_sizeof(size, "B")

"""Downloads from a server that misbehaves: what arrives is the right file or nothing, and little comes twice."""

import hashlib
import json
import logging
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import urllib3
from misbehaving_server import File, hang_up, last_modified, redirect, serving, status

from galaxies.data import download as module
from galaxies.data.download import Patience, download
from galaxies.data.file_checks import sha256_is
from galaxies.errors import DataError

CONTENT = random.Random(7).randbytes(200_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILE = File(CONTENT)
OTHER = random.Random(8).randbytes(150_000)
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
QUICK = Patience(attempts=4, first_wait=0.01, longest_wait=0.02, silence=0.4, slowest=10_000, window=0.2, report=0.05)
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


@pytest.fixture
def target(tmp_path):
    """Where the file should come; at the end of each test it is there as published, or not at all."""
    path = tmp_path / "data" / "images.zip"
    yield path
    assert not path.exists() or path.read_bytes() == CONTENT


def fetch(server, target, **settings) -> Path:
    settings = {"check": sha256_is(DIGEST), "patience": QUICK, **settings}
    return download(f"{server.url}/images.zip", target, **settings)


def part(target) -> Path:
    return target.with_name(f".{target.name}.part")


def leftovers(target) -> set[str]:
    return {path.name for path in target.parent.iterdir()} - {target.name}


def assert_complete(target) -> None:
    assert target.read_bytes() == CONTENT
    assert not leftovers(target)


def test_a_file_arrives_whole_and_once(target):
    with serving(FILE.whole) as server:
        assert fetch(server, target, expected_size=len(CONTENT)) == target
        assert_complete(target)
        fetch(server, target)
        assert len(server.requests) == 1
        assert server.requests[0][1]["Accept-Encoding"] == "identity"  # offsets must count bytes of the file


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
def test_a_refusal_ends_the_download_at_once(target, code):
    with serving(status(code, b"no")) as server:
        with pytest.raises(
            DataError, match=rf"127\.0\.0\.1.*images\.zip.*{code}[^$]*\nHint: .+ or use your own"
        ) as caught:
            fetch(server, target, alternative="use your own")
        assert len(server.requests) == 1
    assert caught.value.hint
    assert not target.exists() and not leftovers(target)


@pytest.mark.parametrize("trouble", [status(500), status(503), status(408), hang_up, FILE.silent(0, 0.6)])
def test_passing_trouble_is_waited_out(target, trouble):
    with serving(trouble, trouble, FILE.whole) as server:
        fetch(server, target)
        assert len(server.requests) == 3
    assert_complete(target)


def test_lasting_trouble_ends_with_the_number_of_attempts(target):
    with serving(status(502)) as server:
        with pytest.raises(DataError, match=r"502 Bad Gateway; given up after 4 attempts"):
            fetch(server, target)
        assert len(server.requests) == 4


def test_an_unreachable_server_is_named_with_its_reason(target):
    with serving(FILE.whole) as server:
        pass
    with pytest.raises(DataError, match=r"no connection \(.*refused"):
        fetch(server, target)


def test_an_asked_pause_is_kept(target, caplog):
    with serving(status(429, Retry_After=1), FILE.whole) as server:
        fetch(server, target)
    assert "429 Too Many Requests (attempt 1 of 4 failed), next in 1 s" in caplog.text
    assert_complete(target)


@pytest.mark.parametrize("pause", [lambda: "7200", lambda: last_modified(time.time() + 7200)])
def test_an_unreasonable_pause_ends_the_download(target, pause):
    """As a number of seconds, or as a date, which is rounded to seconds."""
    with (
        serving(status(429, Retry_After=pause())) as server,
        pytest.raises(DataError, match=r"429.*\nHint:.*(2 h 0 min|1 h 59 min)"),
    ):
        fetch(server, target)
    assert len(server.requests) == 1


def test_cut_connections_are_continued(target):
    rng = random.Random(1)
    cuts = [FILE.cut(rng.randrange(1, 40_000)) for _ in range(12)]
    with serving(*cuts, FILE.whole) as server:
        fetch(server, target)
        # A process sees what the system has received for it; hardly anything is sent twice.
        assert len(CONTENT) <= server.sent <= 1.05 * len(CONTENT)
        assert server.ranges()[0] is None
        assert None not in server.ranges()[1:]
        assert {headers["If-Range"] for _, headers in server.requests[1:]} == {'"1"'}
    assert_complete(target)


@pytest.mark.parametrize(
    "validators",
    [
        {"etag": None, "modified": last_modified(1e9)},
        {"etag": 'W/"1"', "modified": last_modified(1e9)},
        {"etag": 'W/"1"', "modified": None},
        {"etag": None, "modified": None},
    ],
)
def test_servers_without_a_strong_validator_are_continued_too(target, validators):
    file = File(CONTENT, **validators)
    with serving(file.cut(70_000), file.whole) as server:
        fetch(server, target)
        assert server.ranges()[1] is not None
        assert server.requests[1][1].get("If-Range") == validators["modified"]  # a weak ETag is not allowed there
    assert_complete(target)


def test_connections_that_bring_nothing_end_the_download_and_keep_the_part(target):
    with serving(FILE.cut(50_000), hang_up) as server:
        with pytest.raises(DataError, match=r"given up after 4 attempts\nHint:.*continues after 50.0kB"):
            fetch(server, target)
        assert part(target).read_bytes() == CONTENT[:50_000]
        assert len(server.requests) == 5  # the first brought something
    with serving(FILE.whole) as server:  # on another port, so another source: nothing is continued
        fetch(server, target)
        assert server.ranges() == [None]
    assert_complete(target)


def test_a_part_of_a_file_that_changed_is_thrown_away(target):
    new = File(CONTENT, etag='"2"')
    with serving(File(OTHER).cut(60_000), new.whole) as server:
        fetch(server, target)
        assert server.ranges()[1] is not None
    assert_complete(target)


@pytest.mark.parametrize("etag", ['"2"', None])
def test_a_changed_file_is_noticed_though_the_server_ignores_the_condition(target, etag, caplog):
    """With a validator by the answer's headers, without one by the check."""

    def careless(handler):
        del handler.headers["If-Range"]
        File(CONTENT, etag=etag).whole(handler)

    first = File(random.Random(9).randbytes(len(CONTENT)), etag=etag and '"1"')
    with serving(first.cut(60_000), careless) as server:
        fetch(server, target)
        assert len(server.ranges()) == 3
        assert server.ranges()[2] is None
    assert ("does not send the rest" if etag else "Fetching it once more") in caplog.text
    assert_complete(target)


def test_a_server_that_ignores_ranges_sends_all_again(target):
    file = replace(FILE, ranges=False)
    with serving(file.cut(100_000), file.whole) as server:
        fetch(server, target)
        assert server.sent == 100_000 + len(CONTENT)
    assert_complete(target)


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-199999/200000", "bytes 100000-199999/7", "bytes 100001-199999/200000", "items 1-2/3", "bytes 100000-*/*"],
)
def test_a_lying_range_is_not_glued_to_the_part(target, content_range, caplog):
    with serving(FILE.cut(100_000), FILE.lying_range(content_range, len(CONTENT))) as server:
        fetch(server, target)
        assert server.ranges()[-1] is None
    assert "does not send the rest" in caplog.text
    assert_complete(target)


@pytest.mark.parametrize("length", [100_000, 200_000])
def test_a_lying_range_is_caught_by_the_check_or_by_its_length(target, length):
    with serving(FILE.cut(100_000), FILE.lying_range("bytes 100000-199999/200000", length)) as server:
        fetch(server, target)
        assert server.ranges() == [None, "bytes=100000-", None]
    assert_complete(target)


def test_a_part_longer_than_the_file_now_is_thrown_away(target):
    longer = File(CONTENT + OTHER, etag=None)
    file = File(CONTENT, etag=None)
    with serving(longer.cut(300_000), file.whole) as server:
        fetch(server, target)
        assert server.ranges() == [None, "bytes=300000-", None]
    assert_complete(target)


def test_a_length_that_is_too_large_does_not_hide_that_the_file_is_complete(target):
    with serving(FILE.with_length(len(CONTENT) + 10), File(CONTENT, etag=None).whole) as server:
        fetch(server, target)
        assert server.sent == len(CONTENT)
    assert_complete(target)


def test_a_length_that_is_too_small_is_caught(target):
    with serving(FILE.with_length(1000)) as server:
        with pytest.raises(DataError, match="announces 1000 bytes, expected 200000"):
            fetch(server, target, expected_size=len(CONTENT))
        with pytest.raises(DataError, match=f"sends something else.*expected {DIGEST}"):
            fetch(server, target)
    assert not leftovers(target)


def test_a_file_of_unannounced_length(target):
    with serving(FILE.in_chunks(cut_after=30_000), FILE.in_chunks()) as server:
        fetch(server, target)
        assert len(server.requests) == 2
    assert_complete(target)


def test_a_body_that_ends_with_its_connection_is_known_to_be_cut_by_the_published_size(target):
    with serving(FILE.until_closed(60_000), FILE.whole) as server:
        fetch(server, target, expected_size=len(CONTENT))
        assert server.ranges() == [None, "bytes=60000-"]
    assert_complete(target)


def test_more_than_the_expected_bytes_are_not_stored(target):
    with serving(FILE.in_chunks()) as server, pytest.raises(DataError, match="more than 1000 bytes"):
        fetch(server, target, expected_size=1000)
    assert not target.exists() and not leftovers(target)


@pytest.mark.parametrize("content", [OTHER, b"", CONTENT[:-1], CONTENT + b"\0"])
def test_wrong_content_is_deleted_after_a_second_try(target, content):
    with serving(File(content).whole) as server:
        with pytest.raises(DataError, match=f"{hashlib.sha256(content).hexdigest()}, expected {DIGEST}") as caught:
            fetch(server, target)
        assert len(server.requests) == 2
    assert str(part(target)) not in str(caught.value)
    assert not target.exists() and not leftovers(target)


def test_wrong_content_that_passes_is_fetched_again(target):
    with serving(File(OTHER).whole, FILE.whole) as server:
        fetch(server, target)
    assert_complete(target)


def test_a_web_page_instead_of_the_file_is_named(target):
    with serving(status(200, PAGE, Content_Type="text/html")) as server, pytest.raises(DataError, match="web page"):
        fetch(server, target)
    assert not target.exists() and not leftovers(target)


def test_a_dripping_connection_is_given_up_and_continued(target):
    with serving(FILE.slowly(50, 0.05), FILE.whole) as server:
        fetch(server, target)
        assert server.ranges()[1] is not None
    assert_complete(target)


def test_a_silent_connection_is_given_up_and_continued(target, caplog):
    with serving(FILE.silent(80_000, 5), FILE.whole) as server:
        fetch(server, target)
        assert server.ranges() == [None, "bytes=80000-"]
    assert "nothing came for" in caplog.text
    assert_complete(target)


def test_redirects_are_followed_each_time(target):
    with serving(FILE.cut(120_000), FILE.whole) as store, serving(redirect(f"{store.url}/store?signature=1")) as server:
        fetch(server, target)
        assert len(server.requests) == 2
        assert store.ranges() == [None, "bytes=120000-"]
    assert_complete(target)


def test_endless_redirects_end(target):
    with serving(redirect("/images.zip")) as server:
        with pytest.raises(DataError, match="redirected more than 10 times"):
            fetch(server, target)
        assert len(server.requests) <= 12


def test_a_redirect_to_an_unencrypted_address_is_not_followed(target, monkeypatch):
    send = requests.adapters.HTTPAdapter.send

    def encrypted_or_not(adapter, request, **settings):
        if not request.url.startswith("https:"):
            return send(adapter, request, **settings)
        response = requests.Response()
        response.status_code, response.url, response.request = 302, request.url, request
        response.headers["Location"] = f"{server.url}/images.zip"
        response.raw, response._content = None, b""
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", encrypted_or_not)
    with serving(FILE.whole) as server:
        with pytest.raises(DataError, match="without encryption"):
            download("https://example.org/images.zip", target, check=sha256_is(DIGEST), patience=QUICK)
        assert not server.requests


def test_a_certificate_that_is_not_valid_ends_the_download(target, monkeypatch):
    """The nesting is that of a real refusal."""

    def refuse(*_, **__):
        cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
        cause.verify_message = "self-signed certificate"
        reason = urllib3.exceptions.SSLError(cause)
        raise requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/images.zip", reason))

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", refuse)
    with pytest.raises(DataError, match=r"\(self-signed certificate\)\nHint:.*REQUESTS_CA_BUNDLE"):
        download("https://example.org/images.zip", target, check=sha256_is(DIGEST), patience=QUICK)


def test_an_address_may_be_fresh_for_each_attempt_and_is_not_shown(target, caplog):
    numbers = iter(range(10))
    caplog.set_level(logging.DEBUG, logger="galaxies")

    def address():
        return f"{server.url}/store?signature=secret{next(numbers)}"

    settings = {"check": sha256_is(DIGEST), "patience": QUICK, "source": "the images"}
    with (
        serving(FILE.cut(60_000), status(500)) as server,
        pytest.raises(DataError, match=r"^the images cannot") as caught,
    ):
        download(address, target, **settings)
    assert [path for path, _ in server.requests][:2] == ["/store?signature=secret0", "/store?signature=secret1"]
    with pytest.raises(DataError, match=r"^the images cannot.*refused") as unreachable:
        download(address, target, **settings)
    with serving(FILE.whole) as server:
        download(address, target, **settings)
        assert server.ranges() == ["bytes=60000-"]  # the source is the same, wherever it is
    assert_complete(target)
    for text in (caplog.text, str(caught.value), str(unreachable.value)):
        assert "secret" not in text


def test_a_malformed_address_is_named(target):
    with pytest.raises(DataError, match=r"images\.zip: this is no address"):
        download("images.zip", target, check=sha256_is(DIGEST), patience=QUICK)


def test_a_wrong_file_already_there_is_moved_aside(target):
    target.parent.mkdir()
    target.write_bytes(OTHER)
    with serving(FILE.whole) as server:
        fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert target.with_name("images.zip.rejected").read_bytes() == OTHER


def test_a_right_file_already_there_needs_no_network(target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    part(target).write_bytes(b"old")
    with serving(status(500)) as server:
        fetch(server, target)
        assert not server.requests
    assert_complete(target)


@pytest.mark.parametrize("damage", ["not json", "{}", '{"source": 1}', "[]", None])
def test_a_part_without_a_readable_record_is_not_used(target, damage):
    with serving(FILE.cut(90_000), hang_up) as server, pytest.raises(DataError):
        fetch(server, target)
    record = target.with_name(".images.zip.part.json")
    assert json.loads(record.read_text())["size"] == len(CONTENT)
    if damage is None:
        record.unlink()
    else:
        record.write_text(damage)
    with serving(FILE.whole) as server:
        fetch(server, target)
        assert server.ranges() == [None]
    assert_complete(target)


def test_a_complete_part_is_only_checked(target):
    with serving(FILE.whole) as server:
        fetch(server, target)
        target.rename(part(target))
        record = {"source": f"{server.url}/images.zip", "etag": None, "modified": None, "size": len(CONTENT)}
        target.with_name(".images.zip.part.json").write_text(json.dumps(record))
        fetch(server, target)
        assert len(server.requests) == 1
    assert_complete(target)


def test_too_little_space_is_said_before_anything_is_written(target, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage(10**6, 10**6 - 1000, 1000))
    with serving(FILE.whole) as server, pytest.raises(DataError, match=r"200kB are still to come.*1\.00kB are free"):
        fetch(server, target)
    assert not leftovers(target)


DOWNLOADER = """
import logging, resource, sys
from pathlib import Path
from galaxies.data.download import Patience, download
from galaxies.data.file_checks import sha256_is
from galaxies.errors import DataError

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
url, path, digest, largest = sys.argv[1:]
if int(largest):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), resource.RLIM_INFINITY))
try:
    download(url, Path(path), check=sha256_is(digest), patience=Patience(report=0.05))
except DataError as error:
    sys.exit(str(error))
"""


def downloader(server, target, largest=0) -> subprocess.Popen:
    command = [sys.executable, "-c", DOWNLOADER, f"{server.url}/images.zip", str(target), DIGEST, str(largest)]
    return subprocess.Popen(
        command, cwd=SCRIPTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def size(path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_download_continues(target, number):
    with serving(FILE.slowly(5000, 0.02), FILE.whole) as server:
        process = downloader(server, target)
        wait_for(lambda: size(part(target)) > 50_000)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode != 0
        assert not target.exists()
        kept = size(part(target))
        assert 50_000 < kept < len(CONTENT)
        fetch(server, target)
        assert server.ranges() == [None, f"bytes={kept}-"]
    assert_complete(target)


def test_other_processes_wait_for_the_first(target):
    others_wait = threading.Event()
    with serving(FILE.held(10_000, others_wait)) as server:
        processes = [downloader(server, target)]
        wait_for(lambda: size(part(target)) > 0)
        processes += [downloader(server, target) for _ in range(2)]
        for process in processes[1:]:
            assert "another process is downloading this file; waiting" in process.stdout.readline()
        others_wait.set()
        reports = [process.communicate(timeout=60) for process in processes]
        assert [process.returncode for process in processes] == [0, 0, 0], reports
        assert len(server.requests) == 1
    assert "downloaded, checked and complete" in reports[0][0]
    assert all("already there" in report for report, _ in reports[1:])
    assert_complete(target)


def test_progress_is_reported_with_amount_rate_and_time(target):
    with serving(FILE.cut(20_000), FILE.slowly(10_000, 0.03)) as server:
        process = downloader(server, target)
        report, _ = process.communicate(timeout=60)
    assert "images.zip: continuing after 20.0kB of 200kB" in report
    assert any("kB of 200kB, " in line and "B/s, " in line and line.endswith("s left") for line in report.splitlines())
    assert_complete(target)


def test_a_full_disk_keeps_what_has_arrived(target):
    """A limit on the size of files stands for the disk; the system reports both in the same way."""
    with serving(FILE.whole) as server:
        process = downloader(server, target, largest=80_000)
        _, message = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "images.zip: the disk is full or a quota is reached (File too large)\nHint: make room" in message
        assert part(target).read_bytes() == CONTENT[:80_000]
        fetch(server, target)
        assert server.ranges() == [None, "bytes=80000-"]
    assert_complete(target)

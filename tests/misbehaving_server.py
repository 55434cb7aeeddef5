"""An HTTP server on the loopback interface that answers as servers and networks do on bad days."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next behaviour of its server's list; the last one stays."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server.owner
        with server.lock:
            server.requests.append((self.path, dict(self.headers)))
            behaviour = server.behaviours.pop(0) if len(server.behaviours) > 1 else server.behaviours[0]
        # The client may hang up; that is its right.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            behaviour(self)

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def head(self, status: int, **headers: str | int) -> None:
        """Status line and headers; underscores in their names stand for dashes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body_part(self, content: bytes) -> None:
        self.server.owner.sent += len(content)
        self.wfile.write(content)

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_) -> None:
        pass


@dataclass
class Server:
    """requests : (path, headers) in order. sent : bytes of bodies so far, error pages not counted."""

    behaviours: list[Behaviour]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


@contextlib.contextmanager
def serving(*behaviours: Behaviour) -> Iterator[Server]:
    """A server on a free port, in threads of this process."""
    server = Server(list(behaviours))
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.owner = server
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@dataclass(frozen=True)
class File:
    """A file on a well-behaved server, and ways to send it badly.

    ranges : answer 206 to a range. etag, modified : validators that are sent.
    """

    content: bytes
    ranges: bool = True
    etag: str | None = '"1"'
    modified: str | None = None

    def _start(self, handler: Handler) -> bytes:
        """Send the status and the headers for what was asked for; return the body that belongs to them."""
        validators = {"ETag": self.etag, "Last_Modified": self.modified}
        validators = {name: value for name, value in validators.items() if value}
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        if not (asked and self.ranges) or (condition and condition not in (self.etag, self.modified)):
            handler.head(200, Content_Length=len(self.content), **validators)
            return self.content
        first, size = int(asked[1]), len(self.content)
        if first >= size:
            handler.head(416, Content_Range=f"bytes */{size}", Content_Length=0)
            return b""
        handler.head(206, Content_Range=f"bytes {first}-{size - 1}/{size}", Content_Length=size - first, **validators)
        return self.content[first:]

    def whole(self, handler: Handler) -> None:
        handler.body_part(self._start(handler))

    def cut(self, after: int) -> Behaviour:
        """Hang up after so many bytes."""

        def behaviour(handler: Handler) -> None:
            handler.body_part(self._start(handler)[:after])
            handler.hang_up()

        return behaviour

    def slowly(self, piece: int, pause: float) -> Behaviour:
        """`piece` bytes at a time, with a pause in seconds after each."""

        def behaviour(handler: Handler) -> None:
            body = self._start(handler)
            for start in range(0, len(body), piece):
                handler.body_part(body[start : start + piece])
                time.sleep(pause)

        return behaviour

    def held(self, after: int, event: threading.Event) -> Behaviour:
        """The whole file, but after so many bytes only when the event has happened."""

        def behaviour(handler: Handler) -> None:
            body = self._start(handler)
            handler.body_part(body[:after])
            event.wait(60)
            handler.body_part(body[after:])

        return behaviour

    def silent(self, after: int, seconds: float) -> Behaviour:
        """Fall silent after so many bytes, with the connection open."""

        def behaviour(handler: Handler) -> None:
            handler.body_part(self._start(handler)[:after])
            time.sleep(seconds)
            handler.hang_up()

        return behaviour

    def with_length(self, length: int) -> Behaviour:
        """The whole file under a Content-Length that is not its own."""

        def behaviour(handler: Handler) -> None:
            handler.head(200, Content_Length=length)
            handler.body_part(self.content)
            handler.hang_up()

        return behaviour

    def in_chunks(self, cut_after: int | None = None) -> Behaviour:
        """Chunked transfer coding, which announces no length; without its end if it is cut."""

        def behaviour(handler: Handler) -> None:
            handler.head(200, Transfer_Encoding="chunked")
            for start in range(0, len(self.content), 1000):
                piece = self.content[start : start + 1000]
                handler.wfile.write(b"%x\r\n" % len(piece))
                handler.body_part(piece)
                handler.wfile.write(b"\r\n")
                if cut_after is not None and start >= cut_after:
                    handler.hang_up()
                    return
            handler.wfile.write(b"0\r\n\r\n")

        return behaviour

    def until_closed(self, length: int) -> Behaviour:
        """The first `length` bytes without any announced length, as HTTP/1.0 allows."""

        def behaviour(handler: Handler) -> None:
            handler.head(200, Connection="close", ETag=self.etag)
            handler.body_part(self.content[:length])
            handler.hang_up()

        return behaviour

    def lying_range(self, content_range: str, length: int) -> Behaviour:
        """Answer a range with the first `length` bytes of the file, labelled with `content_range`."""

        def behaviour(handler: Handler) -> None:
            if "Range" not in handler.headers:
                self.whole(handler)
                return
            handler.head(206, Content_Range=content_range, Content_Length=length)
            handler.body_part(self.content[:length])

        return behaviour


def status(code: int, body: bytes = b"", **headers: str | int) -> Behaviour:
    """A bare answer, such as an error page."""

    def behaviour(handler: Handler) -> None:
        handler.head(code, Content_Length=len(body), **headers)
        handler.wfile.write(body)

    return behaviour


def redirect(to: str) -> Behaviour:
    return status(302, Location=to)


def hang_up(handler: Handler) -> None:
    """End the connection without an answer."""
    handler.hang_up()


def last_modified(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)

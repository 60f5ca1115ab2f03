"""One HTTP request and the one answer it gets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from math import ceil
from typing import Any, Protocol

from modelport.core.problem import problem
from modelport.errors import MethodNotAllowed, Overloaded, RateLimited, Unauthenticated, UnsupportedMedia
from modelport.serving.call import INTERACTIVE
from modelport.serving.http.coding import WORTHWHILE, choose, compress

JSON = b"application/json"
HIT = b"x-modelport-cache: hit\r\n"
"""Header line of an answer that was given before."""
PROBLEM = b"application/problem+json"

STATUS = {
    100: b"Continue", 200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden",
    404: b"Not Found", 405: b"Method Not Allowed", 408: b"Request Timeout", 413: b"Content Too Large",
    415: b"Unsupported Media Type", 421: b"Misdirected Request", 422: b"Unprocessable Content",
    429: b"Too Many Requests", 431: b"Request Header Fields Too Large", 500: b"Internal Server Error",
    501: b"Not Implemented", 503: b"Service Unavailable", 504: b"Gateway Timeout",
}  # fmt: skip
_ASIDE = 65_536
"""A longer answer is compressed in a thread."""
_LINES = {code: b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in STATUS.items()}


class Wire(Protocol):
    """Where answers are written: a connection.

    `principal` is the gate's memory of who speaks on it.
    """

    principal: object

    def send(self, exchange: Exchange, data: bytes) -> None: ...

    def aside(self, work: Callable[[], bytes], then: Callable[[Future[bytes]], None]) -> None: ...


class Exchange:
    """A received request. `respond` is called once; later calls do nothing (it was answered 504, say).

    Attributes:
        method, path, query: of the request line; `path` is as sent, not decoded.
        headers: names in lower case.
        body: whole, after content decoding.
        received: monotonic seconds at the last byte.
        id: made by the server; of a prediction, its prediction id.
        request_id: the caller's own when it is printable, else `id`.
        extra: header lines for the answer, each ending in CRLF.
        keep_alive: whether the connection stays open after the answer.
        priority: that of the API key.
        caller: id of the API key it came with; "" without keys.
        call: what to cancel when the caller leaves; let go of with the answer, so that the two, which hold
            each other, need no garbage collector.
        trial: how it ends is evidence about the slot that was picked for it.
        done: it was answered, or the caller has left.
    """

    __slots__ = (
        "body", "call", "caller", "done", "extra", "headers", "id", "keep_alive", "method", "path",
        "priority", "query", "received", "request_id", "status", "trial", "wire",
    )  # fmt: skip

    def __init__(
        self, wire: Wire, method: bytes, url: bytes, headers: dict[bytes, bytes], *, keep_alive: bool
    ) -> None:
        self.wire = wire
        self.method = method
        self.path, _, self.query = url.partition(b"?")
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.received = 0.0
        self.id = self.request_id = ""
        self.extra = b""
        self.call: Any = None
        self.caller = ""
        self.priority = INTERACTIVE
        self.trial = False
        self.done = False
        self.status = 0

    def respond(self, status: int, body: bytes, kind: bytes = JSON) -> int:
        """Send the answer; returns the status."""
        if self.done:
            return status
        self.done = True
        self.status = status
        self.call = None
        if len(body) >= WORTHWHILE and b"accept-encoding" in self.headers:
            self._respond_packed(body, kind)
        else:
            self._write(kind, body)
        return status

    def _respond_packed(self, body: bytes, kind: bytes) -> None:
        coding = choose(self.headers[b"accept-encoding"], len(body))
        if coding is None:
            self._write(kind, body)
            return
        self.extra += b"content-encoding: %b\r\nvary: accept-encoding\r\n" % coding.encode()
        if len(body) > _ASIDE:
            self.wire.aside(
                partial(compress, body, coding), lambda packed: self._write(kind, packed.result())
            )
        else:
            self._write(kind, compress(body, coding))

    def _write(self, kind: bytes, body: bytes) -> None:
        self.wire.send(
            self,
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n%b%b\r\n%b"
            % (
                _LINES[self.status],
                kind,
                len(body),
                self.request_id.encode("ascii"),
                self.extra,
                b"" if self.keep_alive else b"connection: close\r\n",
                b"" if self.method == b"HEAD" else body,
            ),
        )

    def problem(self, error: Exception) -> int:
        """Send an error as problem+json."""
        status, body = problem(error, self.request_id)
        self.extra += _advice(error)
        return self.respond(status, body, PROBLEM)


def _advice(error: Exception) -> bytes:
    """Header lines that go with an error."""
    lines = b"x-content-type-options: nosniff\r\n"
    if isinstance(error, RateLimited | Overloaded):
        lines += b"retry-after: %d\r\n" % max(1, ceil(error.retry_after))
    elif isinstance(error, Unauthenticated):
        lines += b'www-authenticate: Bearer realm="modelport"\r\n'
    elif isinstance(error, MethodNotAllowed):
        lines += b"allow: %b\r\n" % ", ".join(error.allowed).encode()
    elif isinstance(error, UnsupportedMedia):
        lines += b"accept-encoding: gzip, deflate\r\n"
    return lines

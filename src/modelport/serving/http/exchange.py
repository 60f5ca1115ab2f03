"""One HTTP request and the one answer it gets."""

from __future__ import annotations

from math import ceil
from typing import Any, Protocol

from modelport.errors import Overloaded, RateLimited, Unauthenticated, UnsupportedMedia
from modelport.serving.http.problem import problem

JSON = b"application/json"
PROBLEM = b"application/problem+json"

STATUS = {
    100: b"Continue", 200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden",
    404: b"Not Found", 405: b"Method Not Allowed", 408: b"Request Timeout", 413: b"Content Too Large",
    415: b"Unsupported Media Type", 421: b"Misdirected Request", 422: b"Unprocessable Content",
    429: b"Too Many Requests", 431: b"Request Header Fields Too Large", 500: b"Internal Server Error",
    501: b"Not Implemented", 503: b"Service Unavailable", 504: b"Gateway Timeout",
}  # fmt: skip
_LINES = {code: b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in STATUS.items()}


class Wire(Protocol):
    """Where answers are written: a connection.

    `principal` is the gate's memory of who speaks on it.
    """

    principal: object

    def send(self, exchange: Exchange, data: bytes) -> None: ...


class Exchange:
    """A received request. `respond` is called once; later calls do nothing (it was answered 504, say).

    Attributes:
        method, path, query: of the request line; `path` is as sent, not decoded.
        headers: names in lower case.
        body: whole, after content decoding.
        received: monotonic seconds at the last byte.
        request_id: the caller's own when it is printable, else the server's.
        extra: header lines for the answer, each ending in CRLF.
        keep_alive: whether the connection stays open after the answer.
        call: what to cancel when the caller leaves.
    """

    __slots__ = (
        "body", "call", "done", "extra", "headers", "keep_alive", "method", "path", "query", "received",
        "request_id", "status", "wire",
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
        self.request_id = ""
        self.extra = b""
        self.call: Any = None
        self.done = False
        self.status = 0

    def respond(self, status: int, body: bytes, kind: bytes = JSON) -> int:
        """Send the answer; returns the status."""
        if self.done:
            return status
        self.done = True
        self.status = status
        self.wire.send(
            self,
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n%b%b\r\n%b"
            % (
                _LINES[status],
                kind,
                len(body),
                self.request_id.encode("ascii"),
                self.extra,
                b"" if self.keep_alive else b"connection: close\r\n",
                b"" if self.method == b"HEAD" else body,
            ),
        )
        return status

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
    elif isinstance(error, UnsupportedMedia):
        lines += b"accept-encoding: gzip, deflate\r\n"
    return lines

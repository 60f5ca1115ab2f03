"""HTTP/1.1 framing: llhttp (by httptools) reads, limits and time-outs are ours.

One request at a time is answered per connection; pipelined ones wait in order. Whatever goes wrong, a
connection is left clean or closed, never in between. No timer runs per request: a sweep over all
connections, twice a second, cuts those that are too slow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import cast

import httptools

from modelport.errors import ModelportError
from modelport.serving.http import refusals, upgrades
from modelport.serving.http.exchange import Exchange
from modelport.serving.http.surroundings import Server

_NEVER = float("inf")
_PIPELINE = 32
"""Whole requests that may wait on one connection; then the socket is not read until some are answered."""
_ONCE = frozenset(
    {b"host", b"authorization", b"content-type", b"content-encoding", b"inference-header-content-length"}
)


class Connection(asyncio.Protocol):
    """One client connection. Owned by the event loop."""

    __slots__ = (
        "_active", "_began", "_body", "_body_limit", "_body_size", "_broken", "_chunks", "_deadline",
        "_handling", "_head_size", "_headers", "_in_body", "_parser", "_reading", "_server", "_stalled",
        "_transport", "_url", "_waiting", "principal",
    )  # fmt: skip

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._active: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._reading = True
        self._broken = False
        self._handling = False
        self._stalled = _NEVER
        self._deadline = server.now + server.limits.idle_seconds
        self.principal: object = None
        self._begin()

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's classes.
        self._transport = transport = cast("asyncio.Transport", transport)
        if self._server.full():
            self._fail(refusals.FULL)
        else:
            self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._server.connections.discard(self)
        self._broken = True
        self._transport = None
        for exchange in (self._active, *self._waiting):
            if exchange is not None:
                exchange.done = True
                if exchange.call is not None:
                    exchange.call.cancelled = True
                    exchange.call = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        while data and not self._broken:
            data = self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        """Parse; what is left stands behind a request that asked for another protocol (`upgrades`)."""
        if not self._in_body:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            head = b""
            if self._url:
                head = upgrades.plain_head(self._parser, self._url, self._headers)
                self._begin()
            self._parser = httptools.HttpRequestParser(self)
            return head + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._fail(refusals.unreadable(error))
        else:
            if not self._in_body and self._head_size > self._server.limits.header_bytes + len(data):
                self._fail(refusals.HEAD_TOO_LARGE)
        return b""

    def eof_received(self) -> bool:
        """A peer that stops sending has left: nothing tells a closed half from a closed connection."""
        return False

    def pause_writing(self) -> None:
        self._stalled = self._server.now + self._server.limits.write_seconds

    def resume_writing(self) -> None:
        self._stalled = _NEVER

    # The parser's side.

    def on_url(self, url: bytes) -> None:
        if not self._url:
            self._deadline = self._server.now + self._server.limits.header_seconds
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in self._headers:
            self._again(name, value)
        else:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        server, headers = self._server, self._headers
        limits = server.limits
        if self._head_size > limits.header_bytes and len(self._url) + _size(headers) > limits.header_bytes:
            raise refusals.HEAD_TOO_LARGE
        if len(headers) > limits.headers:
            raise refusals.TOO_MANY_HEADERS
        if b"_" in b"".join(headers):
            raise refusals.UNDERSCORE
        self._in_body = True
        self._began = server.now
        binary = b"inference-header-content-length" in headers
        self._body_limit = limits.body_bytes if binary else limits.json_bytes
        length = headers.get(b"content-length")
        if length is None:
            if b"transfer-encoding" in headers:
                self._deadline = _NEVER
            return
        if int(length) > self._body_limit:
            raise refusals.body_too_large(self._body_limit)
        self._deadline = _NEVER
        if b"expect" in headers:
            self._encourage(headers[b"expect"])

    def _encourage(self, expectation: bytes) -> None:
        if expectation.lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._body_limit:
            raise refusals.body_too_large(self._body_limit)
        self._body.append(body)

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > self._server.limits.chunks:
            raise refusals.too_many_chunks(self._server.limits.chunks)

    def on_message_complete(self) -> None:
        if b"upgrade" in self._headers and upgrades.hides_body(self._parser, self._headers):
            return
        parser = self._parser
        exchange = Exchange(
            self,
            parser.get_method(),
            self._url,
            self._headers,
            keep_alive=parser.should_keep_alive() and not (self._server.closing or self._server.lean),
        )
        body = self._body
        exchange.body = body[0] if len(body) == 1 else b"".join(body)
        exchange.received = monotonic()
        self._begin()
        self._deadline = _NEVER
        if self._active is None:
            self._active = exchange
            self._server.handle(exchange)
        else:
            self._waiting.append(exchange)
            if len(self._waiting) >= _PIPELINE and self._reading and self._transport is not None:
                self._reading = False
                self._transport.pause_reading()

    # The server's side.

    def send(self, exchange: Exchange, data: bytes) -> None:
        """Write an answer, then go on with the next request or close."""
        if self._transport is None:
            return
        self._transport.write(data)
        self._active = None
        if self._server.access_log:
            self._server.log(exchange)
        if not exchange.keep_alive or self._broken:
            self._broken = True
            self._transport.close()
        elif self._waiting:
            self._next()
        elif not self._url:
            self._deadline = self._server.now + self._server.limits.idle_seconds

    def aside(self, work: Callable[[], bytes], then: Callable[[Future[bytes]], None]) -> None:
        """Do in a thread what would keep the loop from others; `then` runs on the loop."""
        self._server.aside(work, then)

    def sweep(self, now: float) -> None:
        """Cut the connection when its peer is too slow; called twice a second."""
        if self._stalled <= now and self._transport is not None:
            self._transport.abort()
        elif self._in_body:
            self._check_rate(now)
        elif self._deadline <= now:
            self._cut("the request did not arrive in time")

    def finish(self) -> None:
        """Stop reading new requests: close now when idle, else after the answers that are due."""
        if self._active is None and not self._url and self._transport is not None:
            self._broken = True
            self._transport.close()
        elif self._active is not None:
            self._active.keep_alive = False
            self._waiting.clear()

    @property
    def idle(self) -> bool:
        """Whether no request is being received or answered."""
        return self._active is None and not self._url

    def _begin(self) -> None:
        """Forget the request that was received; expect the next one."""
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_size = self._head_size = self._chunks = 0
        self._body_limit = 0
        self._in_body = False
        self._began = 0.0

    def _next(self) -> None:
        """Answer what waits. Handlers that answer at once come back here through `send`: they do not nest."""
        if self._handling:
            return
        self._handling = True
        while self._waiting and self._active is None and not self._broken:
            self._active = self._waiting.popleft()
            self._server.handle(self._active)
        self._handling = False
        if not self._reading and self._transport is not None and len(self._waiting) < _PIPELINE:
            self._reading = True
            self._transport.resume_reading()

    def _again(self, name: bytes, value: bytes) -> None:
        if name in _ONCE:
            raise refusals.duplicate_header(name)
        self._headers[name] += b", " + value

    def _check_rate(self, now: float) -> None:
        limits = self._server.limits
        age = now - self._began
        if age > limits.body_seconds and self._body_size < age * limits.body_rate:
            self._cut(f"the body came slower than {limits.body_rate} bytes per second")

    def _cut(self, why: str) -> None:
        if self._url:
            self._fail(refusals.too_slow(why))
        elif self._transport is not None:
            self._broken = True
            self._transport.close()

    def _fail(self, error: ModelportError) -> None:
        """Answer a request that cannot be framed, after those before it, and close."""
        if self._broken:
            return
        exchange = Exchange(self, b"GET", self._url[:100], {}, keep_alive=False)
        self._broken = True
        self._server.rejected(error.status)
        if self._transport is None:
            return
        if self._active is not None:
            # An answer is still due; what follows it cannot be trusted any more.
            self._active.keep_alive = False
            return
        self._active = exchange
        exchange.request_id = "unframed"
        exchange.problem(error)


def _size(headers: dict[bytes, bytes]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.items())

"""TLS between the socket and HTTP: OpenSSL does the cryptography, limits and time-outs are ours.

A `Secured` is the protocol of the socket and the transport of the `Connection` above it. A peer reaches
HTTP, and counts as a connection, after its handshake; until then it is one of a bounded number of strangers
with a few seconds to finish. The bytes go through memory, so the context may be another for the next
connection, and a connection keeps the one it began with.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Protocol, cast

from modelport.core.problem import problem
from modelport.errors import BadRequest
from modelport.serving.http.protocol import Connection
from modelport.serving.http.surroundings import Server

_RECORD = 16_384
"""Bytes of plain text in one record of TLS, at most."""
_HANDSHAKE = 22
"""First byte of a TLS connection: the content type of a handshake record (RFC 8446, 5.1)."""
_METHODS = (b"GET", b"POS", b"PUT", b"HEA", b"DEL", b"OPT", b"PAT", b"TRA", b"CON")


class Guard(Server, Protocol):
    """What TLS needs of the server, beside what its connections need."""

    handshakes: set[Secured]

    def stranger(self) -> bool:
        """Whether there is room for one more handshake."""
        ...

    def unsecured(self) -> None:
        """A handshake failed, or never came to an end."""
        ...


class Secured(asyncio.Protocol):
    """One TLS connection. Owned by the event loop."""

    __slots__ = (
        "_app", "_begun", "_closing", "_deadline", "_incoming", "_outgoing", "_server", "_socket", "_tls",
    )  # fmt: skip

    def __init__(self, server: Guard, context: ssl.SSLContext) -> None:
        self._server = server
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._app: Connection | None = None
        self._socket: asyncio.Transport | None = None
        self._begun = self._closing = False
        self._deadline = server.now + server.limits.handshake_seconds

    # The socket's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)
        if self._server.stranger():
            self._server.handshakes.add(self)
        else:
            self._server.unsecured()
            self._socket.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._socket, self._closing = None, True
        if self._app is not None:
            self._app.connection_lost(exc)
        elif self in self._server.handshakes:
            self._server.handshakes.discard(self)
            self._server.unsecured()

    def data_received(self, data: bytes) -> None:
        if not self._begun and data[0] != _HANDSHAKE:
            self._refuse_plain(data)
            return
        self._begun = True
        self._incoming.write(data)
        try:
            if self._app is None:
                self._shake_hands()
            if self._app is not None:
                self._read(self._app)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self.close()
        except ssl.SSLError:
            self._fail()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        if self._app is not None:
            self._app.pause_writing()

    def resume_writing(self) -> None:
        if self._app is not None:
            self._app.resume_writing()

    def sweep(self, now: float) -> None:
        """Cut a handshake that takes too long; called twice a second."""
        if self._deadline <= now and self._socket is not None:
            self._socket.abort()

    # The transport that `Connection` writes to.

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        if self._socket is None or self._closing:
            return
        if len(data) <= _RECORD:
            self._tls.write(data)
        else:
            view, start = memoryview(data), 0
            while start < len(view):
                start += self._tls.write(view[start : start + _RECORD])
        self._flush()

    def close(self) -> None:
        """Say that this is the end (close_notify), send what is due, and close."""
        if self._socket is None or self._closing:
            return
        self._closing = True
        with suppress(ssl.SSLError):  # the peer's own farewell is not waited for
            self._tls.unwrap()
        self._flush()
        self._socket.close()

    def abort(self) -> None:
        """Close at once."""
        if self._socket is not None:
            self._socket.abort()

    def pause_reading(self) -> None:
        """Read no more from the socket for now."""
        if self._socket is not None:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._socket is not None:
            self._socket.resume_reading()

    def _shake_hands(self) -> None:
        self._tls.do_handshake()
        self._flush()
        self._server.handshakes.discard(self)
        self._app = Connection(self._server)
        self._app.connection_made(cast("asyncio.Transport", self))

    def _read(self, app: Connection) -> None:
        """Hand on everything that can be decrypted. One record at a time: OpenSSL never gives more."""
        while not self._closing and (self._incoming.pending or self._tls.pending()):
            data = self._tls.read(4 * _RECORD)
            if not data:
                self.close()
                return
            app.data_received(data)
        if self._outgoing.pending:
            self._flush()

    def _flush(self) -> None:
        if self._socket is not None and self._outgoing.pending:
            self._socket.write(self._outgoing.read())

    def _fail(self) -> None:
        """Tell the peer why (an alert of TLS), and close."""
        self._flush()
        self._closing = True
        if self._socket is not None:
            self._socket.close()

    def _refuse_plain(self, data: bytes) -> None:
        """Answer plain HTTP in plain HTTP; anything else just ends."""
        assert self._socket is not None
        if data[:3].upper() in _METHODS:
            self._socket.write(_PLAIN)
        self._socket.close()


def _plain_answer() -> bytes:
    error = BadRequest(
        "this port speaks HTTPS", code="https-required", hint="write https:// instead of http://"
    )
    status, body = problem(error, "unframed")
    head = b"HTTP/1.1 %d Bad Request\r\ncontent-type: application/problem+json\r\n" % status
    return head + b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)


_PLAIN = _plain_answer()

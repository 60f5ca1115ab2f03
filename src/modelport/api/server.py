"""The control API on a socket: uvicorn, with the deadlines it lacks."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from modelport.api.front import Front

HEAD_SECONDS = 10.0
"""Within which the head of a request is there, from its first byte or the opening of the connection."""
_IDLE = 75
_CONNECTIONS = 4096
_GRACE = 10
_HEAD_BYTES = 65_536


class Timely(H11Protocol):
    """Closes connections whose next request head drips in, which uvicorn itself waits for without end.

    h11 reads strictly: no folded headers, no two lengths, a bounded head.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Time runs while a part of a head is there and the rest is not."""
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._arm()
        else:
            self._disarm()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Tls(Protocol):
    """What callers are shown."""

    @property
    def context(self) -> ssl.SSLContext:
        """With which handshakes are made."""
        ...

    async def renew(self) -> None:
        """Keep the context as it should be, for ever."""
        ...


class Server(uvicorn.Server):
    """Ends without waiting for those who wait for a plan: they ask again, here or elsewhere.

    Args:
        tls: of every listener but `beside`.
        beside: a bound socket on which the same is answered without TLS.
    """

    def __init__(
        self, config: uvicorn.Config, front: Front, tls: Tls | None, beside: socket.socket | None
    ) -> None:
        super().__init__(config)
        self._front = front
        self._tls = tls
        self._beside = beside
        self._renewal: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        if self._tls is not None:
            self._renewal = asyncio.create_task(self._tls.renew())
        await super().startup(sockets)
        if self._beside is not None:
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self._protocol, sock=self._beside))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let go whoever waits, finish what is under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})
        await self._front.drain()
        await super().shutdown(sockets)

    def _protocol(self) -> Timely:
        return Timely(self.config, self.server_state, self.lifespan.state)


def server(
    front: Front, host: str, port: int, *, tls: Tls | None = None, beside: socket.socket | None = None
) -> Server:
    """A server that is ready to `run()`; see `Server`."""
    config = uvicorn.Config(
        front,
        host=host,
        port=port,
        http=Timely,
        ws="none",
        lifespan="on",
        proxy_headers=False,  # who calls is who the socket says
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        ssl_context_factory=None if tls is None else lambda *_: tls.context,
    )
    return Server(config, front, tls, beside)

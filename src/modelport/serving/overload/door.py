"""Accepts connections on an inherited listening socket, or leaves them waiting in its queue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from modelport.serving.replica.sockets import BACKLOG


class Door:
    """Owned by the event loop. The socket is kept, so who knocks at a shut door waits, and is not refused.

    Args:
        listener: a bound socket, owned from now on.
        protocol: makes the protocol of each accepted connection.
    """

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._protocol = protocol
        self._server: asyncio.Server | None = None
        self._wanted = self._resting = False

    async def open(self) -> None:
        """Accept from now on, unless it rests."""
        self._wanted = True
        await self._settle()

    async def rest(self, *, resting: bool) -> None:
        """Accept nothing for now, or go on."""
        self._resting = resting
        await self._settle()

    def close(self) -> None:
        """Accept no more, ever."""
        self._wanted = False
        self._shut()
        self._listener.close()

    async def _settle(self) -> None:
        if self._resting or not self._wanted:
            self._shut()
        elif self._server is None:
            own = self._listener.dup()  # a server closes what it was given
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._protocol, sock=own, backlog=BACKLOG)

    def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

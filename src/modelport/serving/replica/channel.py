"""The wire between the supervisor and one worker: length-prefixed frames over a socket pair.

Neither end trusts the other: a frame that is too long or does not decode closes the channel, and the end
of the channel is the end of the worker. Sending never waits; a peer that never reads loses its channel.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Generic, TypeVar

import msgspec

from modelport.core.ready import ready
from modelport.serving.replica.messages import Downward, Upward

MAX_FRAME = 32 * 1024 * 1024
"""Longest frame, in bytes: some 100,000 endpoints."""
MAX_UNREAD = 2 * MAX_FRAME
"""Bytes that may wait for a peer that does not read."""
_PREFIX = 4

Sent = TypeVar("Sent", bound=msgspec.Struct)
Received = TypeVar("Received")

_encode = msgspec.msgpack.Encoder().encode


class Framed(Generic[Sent, Received]):
    """One end of the wire, owned by one event loop. Iterate to receive; iteration ends when the wire does.

    Attributes:
        fault: why this end closed the wire, empty when the peer did.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        decoder: msgspec.msgpack.Decoder[Received],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = decoder
        self.fault = ""

    def send(self, message: Sent) -> None:
        """Queue a message, in order. Silently does nothing once the wire is closed: its iteration tells.

        Raises `ValueError` for a message that is longer than a frame may be.
        """
        if self._writer.is_closing():
            return
        self._writer.write(frame(_encode(message)))
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self._abort("the peer does not read")

    def __aiter__(self) -> Framed[Sent, Received]:
        return self

    async def __anext__(self) -> Received:
        """The next message; stops when the peer is gone or sent something that is no message."""
        try:
            return self._decoder.decode(await self._frame())
        except (msgspec.MsgspecError, ValueError) as error:
            self._abort(str(error))
        except (asyncio.IncompleteReadError, OSError):
            self._abort("")
        raise StopAsyncIteration

    async def flush(self) -> None:
        """Wait until what was sent has left this process, or the wire is closed."""
        try:
            await self._writer.drain()
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the wire; what was sent before still arrives."""
        self._writer.close()

    async def _frame(self) -> bytes:
        length = int.from_bytes(await self._reader.readexactly(_PREFIX), "little")
        return await self._reader.readexactly(checked(length))

    def _abort(self, fault: str) -> None:
        self.fault = self.fault or fault
        self._writer.transport.abort()


class Channel(Framed[Upward, Downward]):
    """The worker's end: sends `Upward`, receives `Downward` messages."""


class WorkerChannel(Framed[Downward, Upward]):
    """The supervisor's end: sends `Downward`, receives `Upward` messages."""


async def open_channel(sock: socket.socket) -> Channel:
    """The worker's end of the wire over `sock`, which it owns from now on."""
    return Channel(*await _streams(sock), msgspec.msgpack.Decoder(Downward))


async def open_worker_channel(sock: socket.socket) -> WorkerChannel:
    """The supervisor's end of the wire over `sock`, which it owns from now on."""
    return WorkerChannel(*await _streams(sock), msgspec.msgpack.Decoder(Upward))


def send_boot(sock: socket.socket, boot: msgspec.Struct) -> None:
    """Put the first frame on a fresh wire, before anything else."""
    sock.sendall(frame(msgspec.json.encode(boot)))


def receive_boot(sock: socket.socket, kind: type[Received]) -> Received:
    """The first frame of a wire; blocks until it is there.

    Raises `EOFError` when the supervisor is gone and `ValueError` when it is none of that kind.
    """
    length = int.from_bytes(_exactly(sock, _PREFIX), "little")
    return msgspec.json.decode(_exactly(sock, checked(length)), type=ready(kind))


def frame(body: bytes) -> bytes:
    """The body with its length before it; raises `ValueError` when it is too long."""
    return checked(len(body)).to_bytes(_PREFIX, "little") + body


def checked(length: int) -> int:
    """The length itself when a frame may have it; raises `ValueError`."""
    if length <= MAX_FRAME:
        return length
    msg = f"a frame of {length} bytes, the limit is {MAX_FRAME}"
    raise ValueError(msg)


def _exactly(sock: socket.socket, count: int) -> bytes:
    body = bytearray()
    while len(body) < count:
        part = sock.recv(count - len(body))
        if not part:
            msg = "the supervisor closed the wire"
            raise EOFError(msg)
        body += part
    return bytes(body)


async def _streams(sock: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock.setblocking(False)
    return await asyncio.open_unix_connection(sock=sock)

"""A new server takes over the port of a running one: the listening sockets themselves change hands.

    successor -> predecessor    take
    predecessor -> successor    sockets COUNT, with the descriptors beside it (SCM_RIGHTS), in messages of 64
    successor -> predecessor    serving

Both speak over a Unix socket that only their user can open, and each looks at who the other is (SO_PEERCRED).
The predecessor answers until it hears `serving`, then drains; if the wire breaks before, it just goes on. A
socket with its queue of connections is never closed in between, so no caller is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from modelport.errors import SettingsError
from modelport.serving.log import note

PATIENCE = 10.0
"""Seconds for a peer to say its next word, where it has nothing to do in between."""
_TAKE, _SERVING = b"modelport take 1\n", b"serving\n"
_MANY = 64
"""Descriptors in one message; the kernel takes 253."""
_LINE = 64


class Predecessor:
    """A running replica that handed its sockets over, as its successor sees it."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def relieve(self) -> None:
        """Tell it that its callers are answered by its successor: it drains and goes."""
        with contextlib.suppress(OSError):
            self._wire.sendall(_SERVING)
        self._wire.close()


def take(path: Path) -> tuple[list[socket.socket], Predecessor] | None:
    """The sockets of the replica that listens at `path`; None when there is none.

    Blocks for a moment. Raises `SettingsError` when somebody is there who does not hand them over.
    """
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wire.settimeout(PATIENCE)
    try:
        wire.connect(str(path))
        _check_peer(wire)
        wire.sendall(_TAKE)
        return _received(wire), Predecessor(wire)
    except (FileNotFoundError, ConnectionRefusedError):
        wire.close()
        return None
    except (OSError, ValueError) as error:
        wire.close()
        msg = f"the replica at {path.name!r} does not hand over its port: {error}"
        raise SettingsError(
            msg, code="takeover-failed", hint="is it of this user, and not leaving?"
        ) from error


class Handover:
    """Waits at `path` for a successor. Owned by one event loop.

    Args:
        path: of the Unix socket; what is left there by a replica that died is replaced.
        listening: the sockets there are to hand over, as of now.

    Attributes:
        done: set once a successor answers the callers.
    """

    def __init__(self, path: Path, listening: Callable[[], Sequence[socket.socket]]) -> None:
        self._path = path
        self._listening = listening
        self._door: socket.socket | None = None
        self._mark: tuple[int, int] | None = None
        self.done = asyncio.Event()

    async def run(self) -> None:
        """Hand over to the first successor that comes up, however many try."""
        try:
            self._door = door = self._open()
        except OSError as error:
            note("no takeover", logging.ERROR, reason=error.strerror)
            return
        loop = asyncio.get_running_loop()
        while not self.done.is_set():
            with await _accepted(loop, door) as wire:
                await self._serve(wire)
        note("taken over")

    def close(self) -> None:
        """Wait no more. The path is removed unless it is a successor's by now."""
        if self._door is None:
            return
        self._door.close()
        with contextlib.suppress(OSError):
            if self._mark == _mark(self._path):
                self._path.unlink()

    def _open(self) -> socket.socket:
        """Listen under another name, then take the path in one step: there is always one or the other."""
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            door.bind(str(fresh))
            fresh.chmod(0o600)
            door.listen(4)
            door.setblocking(False)
            self._mark = _mark(fresh)
            fresh.replace(self._path)
        except OSError:
            door.close()
            raise
        return door

    async def _serve(self, wire: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            _check_peer(wire)
            if await asyncio.wait_for(loop.sock_recv(wire, _LINE), PATIENCE) != _TAKE:
                return
            note("takeover asked")
            _send(wire, self._listening())
            if await loop.sock_recv(wire, _LINE) == _SERVING:
                self.done.set()
                return
        except (OSError, TimeoutError, ValueError) as error:
            note("takeover given up", logging.WARNING, reason=str(error))
            return
        note("takeover given up", logging.WARNING, reason="the successor has gone")


async def _accepted(loop: asyncio.AbstractEventLoop, door: socket.socket) -> socket.socket:
    while True:
        try:
            wire, _ = await loop.sock_accept(door)
        except OSError:  # no descriptor is free, say
            await asyncio.sleep(1.0)
        else:
            wire.setblocking(False)
            return wire


def _check_peer(wire: socket.socket) -> None:
    """Only processes of the same user speak here."""
    if not hasattr(socket, "SO_PEERCRED"):
        return
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if user != os.getuid():
        msg = "the other process is of another user"
        raise ValueError(msg)


def _send(wire: socket.socket, listening: Sequence[socket.socket]) -> None:
    wire.sendall(b"sockets %d\n" % len(listening))
    for start in range(0, len(listening), _MANY):
        socket.send_fds(wire, [b"+"], [sock.fileno() for sock in listening[start : start + _MANY]])


def _received(wire: socket.socket) -> list[socket.socket]:
    count, found = _count(wire), list[socket.socket]()
    while len(found) < count:
        data, descriptors, _, _ = socket.recv_fds(wire, 1, _MANY)
        found += [socket.socket(fileno=one) for one in descriptors]
        if not data or not descriptors:
            msg = "it sent fewer sockets than it said"
            raise ValueError(msg)
    for sock in found:
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
    return found


def _count(wire: socket.socket) -> int:
    line = b""
    while not line.endswith(b"\n"):
        part = wire.recv(1)
        if not part or len(line) > _LINE:
            msg = "it closed the wire"
            raise ValueError(msg)
        line += part
    word, _, count = line.partition(b" ")
    if word != b"sockets":
        msg = "it does not speak this protocol"
        raise ValueError(msg)
    return int(count)


def _mark(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino

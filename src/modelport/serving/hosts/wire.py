"""The wire between a worker and a model host: whole messages over a local socket, never pickle.

A message is a msgpack head and the memory of tensors behind it. A short one travels in the socket; a long one
lies in a sealed piece of shared memory (`memfd_create(2)`), of which only the descriptor travels: its numbers
are copied once, by who sends them. Whoever receives a message may write to its memory; nobody else sees that.
"""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence

from modelport.runtimes.wire import padding

SHORT = 64 * 1024
"""Bytes up to which a message travels in the socket itself."""
LONGEST = 4 * 1024**3
"""Most bytes of one message: twice what any request may bring."""

_ROOM = SHORT + 4096
_AT_ONCE = 64
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_PREFIX = 4
_IN_MEMORY = b"\1"

Part = bytes | memoryview
Heard = Callable[[bytes, memoryview], None]
"""Told the head of a message, and the memory behind it."""


class Wire:
    """One end, owned by one event loop. Sending never waits.

    Args:
        sock: a connected socket of type SEQPACKET, owned from now on.
        heard: told each message. A `ValueError` (what is not well formed) closes the wire.
        ended: told once, when the wire is closed, with what was wrong; empty when the peer closed it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        heard: Heard,
        ended: Callable[[str], None],
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._sock = sock
        self._heard = heard
        self._ended = ended
        self._unsent: deque[tuple[Sequence[Part], int]] = deque()
        loop.add_reader(sock.fileno(), self._readable)

    @property
    def closed(self) -> bool:
        """Whether nothing travels any more."""
        return self._sock.fileno() < 0

    def send(self, head: bytes, parts: Sequence[Part] = ()) -> None:
        """Queue a message; silently does nothing once the wire is closed: `ended` tells.

        `parts` are padded (see `runtimes.wire.padded`), and not changed any more by whoever gave them.
        """
        if self.closed:
            return
        message = _message(head, parts)
        size = sum(map(len, message))
        packet = (message, -1) if size <= SHORT else ([_IN_MEMORY], _in_memory(message, size))
        if self._unsent or not self._sent(*packet):
            if not self._unsent:
                self._loop.add_writer(self._sock.fileno(), self._writable)
            self._unsent.append(packet)

    def close(self, fault: str = "") -> None:
        """Close this end; what was sent before still arrives."""
        if self.closed:
            return
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for _, descriptor in self._unsent:
            _close(descriptor)
        self._unsent.clear()
        self._ended(fault)

    def _sent(self, message: Sequence[Part], descriptor: int) -> bool:
        """Try to send; whether it went, or never will."""
        try:
            if descriptor < 0:
                self._sock.sendmsg(message)
            else:
                socket.send_fds(self._sock, list(message), [descriptor])
        except BlockingIOError:
            return False
        except OSError:
            self._loop.call_soon(self.close)  # whoever sends need not expect to lose the wire meanwhile
        _close(descriptor)
        return True

    def _writable(self) -> None:
        while self._unsent and not self.closed:
            if not self._sent(*self._unsent[0]):
                return
            self._unsent.popleft()
        if not self.closed:
            self._loop.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            if self.closed:
                return
            try:
                data, descriptors, flags, _address = socket.recv_fds(self._sock, _ROOM, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors, flags = b"", [], 0
            if data:
                self._take(data, descriptors, flags)
            else:
                self.close()

    def _take(self, data: bytes, descriptors: list[int], flags: int) -> None:
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                msg = "a message was cut short"
                raise ValueError(msg)  # noqa: TRY301 - one place closes the wire
            memory = _mapped(descriptors[0]) if descriptors else memoryview(bytearray(data))
            self._heard(*_split(memory))
        except (ValueError, OSError) as error:
            self.close(str(error) or "a message is not well formed")
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _message(head: bytes, parts: Sequence[Part]) -> list[Part]:
    """Length of the head, the head, padding up to where the first tensor begins, and the tensors."""
    begin = len(head).to_bytes(_PREFIX, "little") + head
    return [begin, bytes(padding(len(begin))), *parts]


def _split(memory: memoryview) -> tuple[bytes, memoryview]:
    length = int.from_bytes(memory[:_PREFIX], "little")
    end = _PREFIX + length
    if end > len(memory):
        msg = "a message is shorter than it says"
        raise ValueError(msg)
    return bytes(memory[_PREFIX:end]), memory[end + padding(end) :]


def _in_memory(message: Sequence[Part], size: int) -> int:
    """A descriptor of sealed memory that holds the message: its size can never change again."""
    descriptor = os.memfd_create("modelport", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        with mmap.mmap(descriptor, size) as target:
            place = 0
            for part in message:
                target[place : place + len(part)] = part
                place += len(part)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _mapped(descriptor: int) -> memoryview:
    """The memory behind a descriptor, ours to write to: a page that is written is copied first.

    Unsealed memory could be cut off while it is read, which ends the process that reads it (SIGBUS).
    """
    if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
        msg = "shared memory that is not sealed"
        raise ValueError(msg)
    size = os.fstat(descriptor).st_size
    if not _PREFIX <= size <= LONGEST:
        msg = f"a message of {size} bytes"
        raise ValueError(msg)
    return memoryview(mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY))


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)

"""Listening sockets: one per worker, all on one port, so that the kernel spreads connections.

The supervisor keeps them: what waits in the accept queue of a dead worker is answered by its successor.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack

from modelport.errors import SettingsError

BACKLOG = 1024
"""Connections that may wait to be accepted, per socket."""


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets on one address. Port 0 lets the system choose one that all share.

    Raises `SettingsError` when the address does not resolve, is in use (even by another replica) or is not
    allowed to us.
    """
    family, address = _resolve(host, port)
    try:
        return _bind_all(family, address, count)
    except OSError as error:
        raise _refusal(error, host, port) from error


def beside(address: tuple[str, int]) -> socket.socket:
    """One more socket at an address that this replica listens at; no connection comes before it listens.

    Raises `OSError`.
    """
    sock = _socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, shared=True)
    try:
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def shares(sock: socket.socket) -> bool:
    """Whether others may listen at its address beside it."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT))


def resolve(host: str, port: int) -> tuple[str, int]:
    """The address that is meant; raises `SettingsError` when there is none."""
    return _resolve(host, port)[1]


def url(sock: socket.socket, *, secured: bool = False) -> str:
    """Where a listening socket can be reached, as people write it."""
    host, port = sock.getsockname()[:2]
    scheme = "https" if secured else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _bind_all(family: int, address: tuple[str, int], count: int) -> list[socket.socket]:
    with ExitStack() as opened:
        # Sockets that share a port also share it with strangers of the same user: a first one that does
        # not share finds out whether another replica is there already.
        with _socket(family, shared=False) as probe:
            probe.bind(address)
            address = probe.getsockname()[:2]
        sockets = []
        for _ in range(count):
            sock = opened.enter_context(_socket(family, shared=True))
            sock.bind(address)
            sock.listen(BACKLOG)
            sockets.append(sock)
        opened.pop_all()
        return sockets


def _socket(family: int, *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setblocking(False)
    return sock


def _resolve(host: str, port: int) -> tuple[int, tuple[str, int]]:
    if not 0 <= port <= 65_535:
        msg = f"{port} is not a port"
        raise SettingsError(msg, hint="a port is 0 to 65535; 0 lets the system choose")
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        msg = f"cannot listen on {host!r}: no such address"
        raise SettingsError(msg, code="no-such-address", hint="127.0.0.1, ::1 or 0.0.0.0") from error
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _refusal(error: OSError, host: str, port: int) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        msg = f"port {port} of {host} is in use"
        return SettingsError(msg, code="address-in-use", hint="stop what is there, or give another --port")
    if error.errno in {errno.EACCES, errno.EPERM}:
        msg = f"port {port} of {host} is not allowed to this user"
        return SettingsError(msg, code="address-denied", hint="use a port from 1024 on")
    msg = f"cannot listen on port {port} of {host}: {os.strerror(error.errno or 0)}"
    return SettingsError(msg, code="address-unusable", hint="check host and port")

"""Sockets from a service manager, and word to it: the protocol of sd_listen_fds(3) and sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

_FIRST = 3
"""Descriptor of the first socket that is passed."""


def passed(environment: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """The listening sockets that were passed to this process; its children are not told of them."""
    count = environment.pop("LISTEN_FDS", "")
    meant = environment.pop("LISTEN_PID", "")
    environment.pop("LISTEN_FDNAMES", None)
    if meant != str(pid) or not count.isdecimal():
        return []
    found = [socket.socket(fileno=_FIRST + place) for place in range(int(count))]
    for sock in found:
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
    return [sock for sock in found if _listens(sock)]


def tell(state: str) -> None:
    """Say something like `READY=1` to the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


def _listens(sock: socket.socket) -> bool:
    internet = sock.family in {socket.AF_INET, socket.AF_INET6}
    return internet and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

"""Where the control API listens: for callers, and for this machine where callers need TLS.

A certificate names the host that callers use, and hardly ever 127.0.0.1. So beside a port with TLS there is
one on loopback without, for the replica of this machine and the commands typed beside the state folder.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from modelport.errors import SettingsError

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@dataclass(frozen=True, slots=True)
class Listening:
    """Sockets that are bound.

    Attributes:
        public: for callers.
        beside: on loopback, never with TLS; None where `public` does for this machine too.
        url: of `public`, as callers write it.
        here: where this machine reaches the control API.
    """

    public: socket.socket
    beside: socket.socket | None
    url: str
    here: str


@contextmanager
def listening(
    host: str, port: int, *, secured: bool, name: str = "", former: str = ""
) -> Iterator[Listening]:
    """Bind; the sockets are closed behind the block.

    Args:
        host, port: of the public one; port 0 takes a free one.
        secured: whether it speaks TLS.
        name: what callers call this machine; empty for its address.
        former: where this machine reached the last control plane of the folder: a replica that outlived it
            still asks there.

    Raises `SettingsError` (`address-in-use`) when the public address cannot be had.
    """
    with ExitStack() as stack:
        public = stack.enter_context(_bound(host, port))
        taken = public.getsockname()[1]
        if not secured:
            url = _url("http", host, taken)
            yield Listening(public, None, url, url)
            return
        beside = stack.enter_context(_loopback(former))
        here = _url("http", "127.0.0.1", beside.getsockname()[1])
        yield Listening(public, beside, _url("https", name or host, taken), here)


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()  # before that, another could have the same address
    except OSError as error:
        made.close()
        msg = f"the control API cannot listen on {host} port {port}: {error.strerror}"
        raise SettingsError(msg, code="address-in-use", hint="choose another with --control-port") from error
    return made


def _loopback(former: str) -> socket.socket:
    """On the port there was, as long as nobody else has it."""
    try:
        return _bound("127.0.0.1", urlsplit(former).port or 0)
    except (SettingsError, ValueError):
        return _bound("127.0.0.1", 0)


def _url(scheme: str, host: str, port: int) -> str:
    """An address that stands for all of them is reached at loopback."""
    shown = _ANY.get(host, host)
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"

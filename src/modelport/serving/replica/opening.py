"""Where a replica's listening sockets come from: a predecessor, a service manager, or the system."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from modelport.errors import SettingsError
from modelport.serving.checks import check_reach
from modelport.serving.log import note
from modelport.serving.replica import activation, sockets, takeover
from modelport.serving.replica.takeover import Predecessor
from modelport.serving.settings import Settings


class Opening(NamedTuple):
    """Listening sockets, one per worker, and who answers on them meanwhile."""

    listening: list[socket.socket]
    predecessor: Predecessor | None = None


def opened(settings: Settings, workers: int) -> Opening:
    """Sockets for so many workers, or a few more where more were handed over: none of those is ever closed.

    Raises `SettingsError` when there is no listening at that address, or a predecessor listens at another.
    """
    if settings.takeover is not None and (taken := takeover.take(Path(settings.takeover))):
        found, predecessor = taken
        _check_address(found, settings)
        note("taking over", sockets=len(found))
        return Opening(shared_out(found, workers), predecessor)
    if passed := activation.passed(os.environ, os.getpid()):
        for sock in passed:
            check_reach(str(sock.getsockname()[0]), guarded=settings.guarded)
        return Opening(shared_out(passed, workers))
    return Opening(sockets.bind(settings.host, settings.port, workers))


def shared_out(found: Sequence[socket.socket], workers: int) -> list[socket.socket]:
    """Each of the sockets, and as many more as make one per worker: beside them where that is allowed, else
    the same again, so that several workers accept from one queue."""
    alone = not all(sockets.shares(sock) for sock in found)
    more = range(len(found), workers)
    if alone:
        return [*found, *(found[place % len(found)].dup() for place in more)]
    return [*found, *(sockets.beside(found[0].getsockname()[:2]) for _ in more)]


def _check_address(found: Sequence[socket.socket], settings: Settings) -> None:
    wanted = sockets.resolve(settings.host, settings.port)
    for sock in found:
        host, port = sock.getsockname()[:2]
        if host != wanted[0] or (settings.port and port != wanted[1]):
            msg = "the running replica listens at another address"
            raise SettingsError(
                msg, code="takeover-mismatch", hint="give the same --host and --port, or another --takeover"
            )

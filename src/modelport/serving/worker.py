"""A worker process: `python -m modelport.serving.worker FD`, started by the supervisor alone.

It imports the server only after it has its boot record, lives as long as the channel to its supervisor, and
leaves signals that stop a replica to the supervisor.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from modelport.serving.channel import Channel, open_channel, receive_boot
from modelport.serving.messages import Boot

GRACE = 5.0
"""Seconds a worker may take to leave after its supervisor has gone, however stuck its loop is."""

ORPHANED = 75
"""Exit code of a worker whose supervisor has gone (EX_TEMPFAIL)."""

Serve = Callable[[Boot, Channel], Awaitable[None]]


def main(argv: list[str], serve: Serve | None = None) -> int:
    """Serve until told to drain; the exit code. `serve` is the server's own unless a test brings another."""
    _leave_signals_to_the_supervisor()
    wire = socket.socket(fileno=int(argv[1]))
    try:
        boot = receive_boot(wire)
    except EOFError:
        return ORPHANED
    _watch_lifeline(wire)
    return _run(_serve(boot, wire, serve or _server()))


async def _serve(boot: Boot, wire: socket.socket, serve: Serve) -> int:
    channel = await open_channel(wire)
    await serve(boot, channel)
    await channel.flush()
    channel.close()
    return 0


def _server() -> Serve:
    from modelport.serving.server import serve

    return serve


def _run(main: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _leave_signals_to_the_supervisor() -> None:
    """A service manager signals all processes at once; only the supervisor knows the order to drain in."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _watch_lifeline(wire: socket.socket) -> None:
    """No orphans: when the supervisor's end closes, even by kill -9, this process ends.

    A thread, because the event loop may be stuck in a model.
    """
    descriptor = os.dup(wire.fileno())
    threading.Thread(target=_outlive, args=(descriptor,), name="lifeline", daemon=True).start()


def _outlive(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP)
    poll.poll()
    time.sleep(GRACE)
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(sys.argv))

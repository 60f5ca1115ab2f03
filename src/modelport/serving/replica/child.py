"""What every process that a supervisor starts does first: leaves signals to it, and does not outlive it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

GRACE = 5.0
"""Seconds a process may take to leave after its supervisor has gone, however stuck its loop is."""

ORPHANED = 75
"""Exit code of a process whose supervisor has gone (EX_TEMPFAIL)."""


def leave_signals_to_the_supervisor() -> None:
    """A service manager signals all processes at once; only the supervisor knows the order to drain in."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def watch_lifeline(wire: socket.socket, end: Callable[[], object]) -> None:
    """No orphans: some time after the supervisor's end closes, even by kill -9, `end` is called.

    By a thread, because the event loop may be stuck in a model.
    """
    descriptor = os.dup(wire.fileno())
    threading.Thread(target=_outlive, args=(descriptor, end), name="lifeline", daemon=True).start()


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run it on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _outlive(descriptor: int, end: Callable[[], object]) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP)
    poll.poll()
    time.sleep(GRACE)
    end()

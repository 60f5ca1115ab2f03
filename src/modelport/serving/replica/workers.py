"""One worker process: started from nothing but its arguments and inherited descriptors, and watched."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from time import monotonic

from modelport.serving.replica import rollout
from modelport.serving.replica.channel import WorkerChannel, open_worker_channel, send_boot
from modelport.serving.replica.messages import Boot
from modelport.serving.replica.recycling import Terms

MODULE = "modelport.serving.replica.worker"


class Worker:
    """A worker process of this replica, alive or dead.

    Attributes:
        row: its row of the shared segment.
        channel: the wire to it.
        started: monotonic seconds of its start.
        seen: what it was told and said.
        exit: its exit code, once it has one; negative for a signal.
        stalled: set once it has stopped moving.
        listens: set once it was told to accept connections.
        replaced: set once another one sits in its seat.
        ended: set once it has its exit code.
        base: requests of its row before its own.
        terms: how long it serves.
    """

    def __init__(self, process: subprocess.Popen[bytes], row: int, channel: WorkerChannel) -> None:
        self._process = process
        self.row = row
        self.channel = channel
        self.started = monotonic()
        self.seen = rollout.Seen()
        self.exit: asyncio.Task[int] = asyncio.create_task(exit_code(process))
        self.stalled = asyncio.Event()
        self.listens = asyncio.Event()
        self.replaced = asyncio.Event()
        self.ended = asyncio.Event()
        self.exit.add_done_callback(lambda _: self.ended.set())
        self.base = 0
        self.terms = Terms()

    @property
    def pid(self) -> int:
        """Its process id, which nobody else can have until `exit` is done."""
        return self._process.pid

    @property
    def busy(self) -> bool:
        """Whether it starts or prepares slots, which may hold it up for long."""
        return rollout.busy(self.seen)

    def kill(self) -> None:
        """End it now. Its exit code follows."""
        self._process.kill()


async def exits(leaving: Sequence[Worker], seconds: float) -> list[Worker]:
    """Wait until workers are gone; those that are not after `seconds`."""
    if leaving:
        await asyncio.wait([worker.exit for worker in leaving], timeout=seconds)
    return [worker for worker in leaving if not worker.exit.done()]


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, or so many seconds have passed."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def start(boot: Boot, module: str = MODULE) -> Worker:
    """Start a worker on the row, the socket and the segment that `boot` names."""
    ours, theirs = socket.socketpair()
    with theirs:
        send_boot(ours, boot)
        channel = await open_worker_channel(ours)
        # Nothing is awaited from here on: a start that is cancelled leaves no process nobody knows of.
        return Worker(_spawn(theirs, boot, module), boot.worker, channel)


def reason(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _spawn(wire: socket.socket, boot: Boot, module: str) -> subprocess.Popen[bytes]:
    """Its own process group, so that Ctrl-C reaches only the supervisor; -P, so that it imports no file of
    the working directory."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(wire.fileno())],
        pass_fds=(wire.fileno(), boot.listen, boot.segment, *([boot.board] if boot.board >= 0 else [])),
        stdin=subprocess.DEVNULL,
        process_group=0,
    )


async def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process without polling."""
    if not hasattr(os, "pidfd_open"):
        return await asyncio.to_thread(process.wait)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()

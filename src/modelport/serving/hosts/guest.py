"""What runs in a model host: the model, one thread for it, and one queue for the calls of all workers."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from math import isfinite
from time import monotonic_ns

import msgspec
import numpy as np

from modelport.core.ready import ready
from modelport.errors import DeadlineExceeded, ModelportError
from modelport.serving import log_file
from modelport.serving.call import Call
from modelport.serving.evidence import Ending
from modelport.serving.execution.run import Outcome
from modelport.serving.hosts import board as cells
from modelport.serving.hosts import frames
from modelport.serving.hosts.board import Board
from modelport.serving.hosts.line import Line, LineCall
from modelport.serving.hosts.messages import FromHost, HostBoot, Ready, Retire, ToHost, Unfit
from modelport.serving.hosts.turnstile import Turnstile
from modelport.serving.hosts.watched import Watch, watched
from modelport.serving.loader import Warm, load_once
from modelport.serving.local import Local
from modelport.serving.log import setup, trouble
from modelport.serving.replica.channel import Framed
from modelport.serving.replica.child import ORPHANED
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings

_BEAT = 0.1
_QUEUE = 16_777_216
"""Rows that may wait here: each worker keeps to its own limit."""


class Tally:
    """`Counters` of a host: what batches cost, until an answer takes it along. Workers count the rest."""

    def __init__(self) -> None:
        self._ran: list[frames.Ran] = []

    def add(self, cell: int, amount: int = 1) -> None:
        """Counted by the worker."""

    def gauge(self, cell: int, value: int) -> None:
        """Shown by the worker."""

    def running(self, calls: Iterable[Call], sign: int) -> None:
        """Counted by the worker."""

    def answered(self, call: Call, seconds: float, ending: Ending) -> None:
        """Counted by the worker."""

    def refused(self, protocol: int, status: int) -> None:
        """Counted by the worker."""

    def executed(self, rows: int, decoding: float, waiting: float, computing: float) -> None:
        """A batch was run."""
        self._ran.append(frames.Ran(rows, decoding, waiting, computing))

    def taken(self) -> list[frames.Ran]:
        """What was run since this was asked last."""
        ran, self._ran = self._ran, []
        return ran


class Crier:
    """`Witness` of a host: tells workers what becomes of their calls."""

    def __init__(self, board: Board, row: int) -> None:
        self._board = board
        self._row = row

    def starting(self, calls: Sequence[Call]) -> None:
        """Before the model sees them: should it end the process, these are those it may take along."""
        self._board.put(self._row, cells.TOGETHER, len(calls))
        ours = [call for call in calls if isinstance(call, LineCall)]
        for line, theirs in groupby(ours, key=lambda call: call.line):
            line.starting([call.number for call in theirs], len(calls))

    def executed(self, outcomes: Sequence[Outcome], now: float) -> None:  # noqa: ARG002
        """Those that nobody waits for have had no answer yet; their workers still count them."""
        for outcome in outcomes:
            self._unwanted(outcome.call)

    def dropped(self, call: Call, now: float) -> None:  # noqa: ARG002
        """It was not run."""
        self._unwanted(call)

    @staticmethod
    def _unwanted(call: Call) -> None:
        if call.cancelled and isinstance(call, LineCall):
            call.failed(DeadlineExceeded("nobody waited for the answer any more"))


class Guest:
    """Owned by the event loop of its process."""

    def __init__(self, boot: HostBoot, settings: Settings) -> None:
        self._boot = boot
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._board = Board(boot.board)
        self._tally = Tally()
        self._lines: set[Line] = set()
        self._turnstile: Turnstile | None = None
        self._leaving = asyncio.Event()
        self._retiring = False
        # One thread, always the same, loads the model and runs it: some libraries insist on that.
        self._model = ThreadPoolExecutor(1, "model", initializer=_quiet_arithmetic)

    async def run(self, channel: Framed[FromHost, ToHost]) -> int:
        """Load, say how that went, and answer until told to leave; the exit code."""
        self._board.put(self._boot.row, cells.PID, os.getpid())
        try:
            self._open(await self._loop.run_in_executor(self._model, self._load))
        except ModelportError as error:
            return await self._say(channel, Unfit(str(error)))
        except Exception as error:  # noqa: BLE001 - a model may raise anything while it loads
            trouble("model not loaded", error, slot=self._boot.slot.id)
            return await self._say(channel, Unfit(f"loading it failed: {_told(error)}"))
        await self._say(channel, Ready())
        self._beat()
        async for message in channel:
            if isinstance(message, Retire):
                self._retiring = True
                break
        if not self._retiring:
            return ORPHANED
        if self._lines:
            await self._leaving.wait()
        return 0

    def ask(self, call: LineCall) -> None:
        """Take a worker's call."""
        assert self._turnstile is not None
        self._board.add(self._boot.row, cells.CALLS)
        self._turnstile.submit(call)

    def ran(self) -> list[frames.Ran]:
        """Batches that were run and not told of yet."""
        return self._tally.taken()

    def gone(self, line: Line) -> None:
        """A worker has left; the last one turns off the light."""
        self._lines.discard(line)
        if self._retiring and not self._lines:
            self._leaving.set()

    def _load(self) -> Warm:
        watch = Watch(self._boot.slot.id, lambda _: None)
        with watch.batch():
            return load_once(
                self._boot.slot,
                threads=self._settings.intra_op,
                allow_python=self._settings.allow_python,
            )

    def _open(self, warm: Warm) -> None:
        """From now on workers are let in."""
        assert warm.predictor is not None
        spec, row = self._boot.slot, self._boot.row
        watch = Watch(spec.id, lambda since: self._board.put(row, cells.BUSY, since))
        replies = Replies(spec.id, self._tally, Crier(self._board, row), timeout=self._settings.timeout)
        local = Local(self._loop, self._model, ThreadPoolExecutor(2, "prepare"))
        dispatcher = local.dispatcher(
            msgspec.structs.replace(spec, instances=1),
            msgspec.structs.replace(self._settings, inline_seconds=0.0, queue_rows=_QUEUE),
            Warm(warm.manifest, warm.identity, watched(warm.predictor, watch), warm.costs),
            meaning=Meaning(warm.manifest),
            counters=self._tally,
            replies=replies,
        )
        self._turnstile = Turnstile(self._loop, dispatcher)
        door = socket.socket(fileno=self._boot.listen)
        self._loop.add_reader(door.fileno(), self._let_in, door)

    def _let_in(self, door: socket.socket) -> None:
        try:
            sock, _ = door.accept()
        except BlockingIOError:
            return
        self._lines.add(Line(self._loop, sock, self._boot.token, self))

    def _beat(self) -> None:
        assert self._turnstile is not None
        wait = self._turnstile.wait()
        self._board.put(self._boot.row, cells.WAITING, int(wait * 1e9) if isfinite(wait) else 0)
        self._board.put(self._boot.row, cells.BEAT, monotonic_ns())
        self._loop.call_later(_BEAT, self._beat)

    @staticmethod
    async def _say(channel: Framed[FromHost, ToHost], word: FromHost) -> int:
        channel.send(word)
        await channel.flush()
        return int(isinstance(word, Unfit))


async def serve(boot: HostBoot, wire: socket.socket) -> int:
    """Be the host that the supervisor asked for; the exit code."""
    settings = msgspec.json.decode(boot.settings, type=ready(Settings))
    setup(settings.log_level, os.fdopen(boot.log, "w", buffering=1), log_file.of(settings))
    _quiet_arithmetic()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    wire.setblocking(False)
    streams = await asyncio.open_unix_connection(sock=wire)
    channel: Framed[FromHost, ToHost] = Framed(*streams, msgspec.msgpack.Decoder(ToHost))
    return await Guest(boot, settings).run(channel)


def _quiet_arithmetic() -> None:
    np.seterr(over="ignore", invalid="ignore")


def _told(error: BaseException) -> str:
    """An exception in a line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__

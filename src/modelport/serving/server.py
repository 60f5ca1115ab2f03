"""One worker: the composition root of the data plane. Everything a request meets is built and joined here."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, monotonic_ns, time
from typing import Any

import msgspec
import numpy as np

from modelport.core.ids import PredictionIds
from modelport.core.ready import ready
from modelport.serving import log_file, shared
from modelport.serving.cache import Cache
from modelport.serving.debug import Debug
from modelport.serving.engine import Engine
from modelport.serving.hosts.board import Board
from modelport.serving.hosts.dispatcher import HostDispatcher
from modelport.serving.hosts.doors import Doors
from modelport.serving.http.front import Front
from modelport.serving.http.gate import Gate
from modelport.serving.http.native import Native
from modelport.serving.http.protocol import Connection
from modelport.serving.http.router import Router
from modelport.serving.http.secure import Secured
from modelport.serving.http.system import System
from modelport.serving.http.v2 import OpenInference
from modelport.serving.lazy.residence import Residence
from modelport.serving.limits import Limiter
from modelport.serving.loader import load_here
from modelport.serving.local import Local
from modelport.serving.log import setup
from modelport.serving.manager import Manager
from modelport.serving.memory import resident
from modelport.serving.overload.door import Door
from modelport.serving.overload.pressure import Pressure
from modelport.serving.replica.channel import Channel
from modelport.serving.replica.draining import drained
from modelport.serving.replica.messages import (
    Access,
    Boot,
    Commit,
    Credentials,
    Drain,
    Drained,
    Hello,
    Hosting,
    Listen,
    Missing,
    Prepare,
)
from modelport.serving.replica.processes import cores, worker_count
from modelport.serving.scaling.scaler import Scaler
from modelport.serving.settings import Settings
from modelport.serving.shadow.lane import Keeping
from modelport.serving.shadow.shadows import Shadows
from modelport.serving.shared import Segment
from modelport.serving.slots import SlotBuilder
from modelport.serving.table import Table
from modelport.serving.telemetry.recording import recording
from modelport.serving.tidings import Tidings
from modelport.serving.tls import contexts
from modelport.serving.troubles import Troubles

_BEAT = 0.1
_SWEEP = 0.5
_SWITCH = 0.001
"""Seconds after which another thread gives the interpreter back to the event loop. With Python's 5 ms one
request in a hundred waits that long for the thread that writes telemetry."""


async def serve(boot: Boot, channel: Channel) -> None:
    """Serve until told to drain, or until the supervisor is gone."""
    settings = msgspec.json.decode(boot.settings, type=ready(Settings))
    setup(settings.log_level, file=log_file.of(settings))
    _quiet_arithmetic()
    sys.setswitchinterval(_SWITCH)
    gc.freeze()  # what was imported stays; to look through it takes the collector 20 ms at a time
    worker = Worker(boot, settings, channel)
    await worker.run(boot, channel)


class Worker:
    """What one worker holds; to handlers it is `http.app.App`."""

    def __init__(self, boot: Boot, settings: Settings, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.segment = Segment(boot.segment, boot.workers, boot.slots, boot.keys)
        self.pressure = Pressure(
            target=settings.queue_target,
            memory=settings.max_worker_memory,
            queues=lambda: [slot.dispatcher for slot in self.manager.live],
        )
        self.engine = Engine(rows=settings.limits.rows, pressure=self.pressure)
        self.stopping = False
        self.troubles = Troubles()
        self._loop = loop
        self._row = self.segment.row(boot.worker)
        self._read_before = self.segment.cells[self._row + shared.ANSWERED]
        self._tls: ssl.SSLContext | None = None
        self._secured = asyncio.Event()
        self._admitted = asyncio.Event()
        self._drained = asyncio.Event()
        self._draining: asyncio.Task[None] | None = None
        lanes = max(1, cores() // worker_count(settings) // settings.intra_op)
        self.scaler = Scaler(self.segment, boot.worker, lanes)
        # A thread is made when a batch finds none free, so room for more than are needed costs nothing.
        threads = max(settings.threads, lanes)
        executor = ThreadPoolExecutor(threads, "batch", initializer=_quiet_arithmetic)
        recorder, self._flusher = recording(settings, self.segment, boot)
        loading = ThreadPoolExecutor(1, "load", initializer=_quiet_arithmetic)
        count = worker_count(settings)
        self.residence = Residence(
            partial(load_here, threads=settings.intra_op, allow_python=settings.allow_python),
            budget=settings.memory // count,
            idle_seconds=settings.unload_idle,
            loop=loop,
            executor=loading,
        )
        preparer = ThreadPoolExecutor(1, "prepare", initializer=_quiet_arithmetic)
        self.doors = Doors(channel.send)
        self.board = Board(boot.board)
        slots = SlotBuilder(
            settings,
            self.segment,
            boot.worker,
            Local(loop, executor, preparer),
            self.doors,
            self.board,
            recorder,
            self.residence,
            Cache(settings.cache // count, settings.cache_ttl) if settings.cache else None,
            self.troubles,
        )
        keeping = Keeping(settings.payload_share > 0, frozenset(settings.redact))
        self.shadows = Shadows(pressure=self.pressure, keeping=keeping, loop=loop)
        self.manager = Manager(settings, slots.build, loading, channel.send, self.shadows)
        self.tidings = Tidings(
            self.troubles, self.manager, self.scaler, self.shadows, send=channel.send, loop=loop
        )
        self.residence.pinned = self.manager.pinned_bytes
        self.gate = Gate(settings, Limiter(self.segment, boot.worker), time, monotonic)
        debug = Debug(boot.worker, self.manager, self.residence, self.scaler, self.pressure, self.shadows)
        system = System(
            self,
            lambda: debug.plan(self.unready_reason),
            secured=lambda: self.gate.secured,
            compared=debug.shadow,
        )
        self.front = Front(
            settings,
            Router(self, Native(self), OpenInference(self), system),
            self.gate,
            ids=PredictionIds(secrets.randbits(32)),
            segment=self.segment,
            worker=boot.worker,
            loop=loop,
            executor=executor,
        )
        self._door: Door | None = None
        self.pressure.relieved = (self, self.front, *([recorder] if recorder else []))

    @property
    def table(self) -> Table:
        """What is served now."""
        return self.manager.table

    @property
    def unready_reason(self) -> str:
        """Why this replica should get no traffic; empty when it should."""
        if self.stopping:
            return "this server is stopping"
        if "accept" in self.pressure.active:
            return "this worker is short of memory"
        return self.manager.unready

    @property
    def ready(self) -> bool:
        """Whether this replica should get traffic."""
        return not self.unready_reason

    async def run(self, boot: Boot, channel: Channel) -> None:
        """Listen, obey the supervisor, and leave when drained or orphaned."""
        cells = self.segment.cells
        cells[self._row + shared.PID] = os.getpid()
        listener = socket.socket(fileno=boot.listen)
        listener.setblocking(False)
        self._beat(monotonic())
        self._sweep()
        self.tidings.tell()
        self._door = door = Door(listener, self._protocol)
        listening = self._loop.create_task(self._listen(door, boot))
        channel.send(Hello(os.getpid()))
        async for message in channel:
            self._obey(message, door, channel)
            if self._drained.is_set():
                break
        listening.cancel()
        self.residence.stop()
        door.close()
        if self._flusher is not None:
            self._flusher.close()

    async def _listen(self, door: Door, boot: Boot) -> None:
        """Accept connections; one that takes another's place first waits until it can answer everything.

        The callers of its socket wait in the accept queue meanwhile, or for its predecessor. First workers
        accept at once, to be live while they load.
        """
        if self.settings.tls_cert is not None:
            await self._secured.wait()
        if boot.waits:
            await self._admitted.wait()
        await door.open()

    def _protocol(self) -> asyncio.Protocol:
        """Of a connection that was just accepted."""
        return Connection(self.front) if self._tls is None else Secured(self.front, self._tls)

    def relieve(self, active: frozenset[str]) -> None:
        """Let new connections wait while memory is short; `active` are the actions against overload."""
        self.segment.cells[self._row + shared.OVERLOAD] = len(active)
        self.segment.cells[self._row + shared.READY] = int(self.ready)
        if self._door is not None:
            self._resting = self._loop.create_task(self._door.rest(resting="accept" in active))

    def _obey(self, message: Any, door: Door, channel: Channel) -> None:
        match message:
            case Prepare():
                self.manager.prepare(message)
            case Missing(paths):
                self.manager.missing(paths)
            case Commit():
                self.manager.commit(message)
                if self.settings.preload:
                    self.residence.fill()
                self.segment.cells[self._row + shared.READY] = int(self.ready)
            case Hosting():
                self.doors.heard(message)
            case Access(snapshot, places):
                self.gate.access(snapshot, places)
            case Credentials():
                self._tls = contexts.context(message)
                self._secured.set()
            case Listen():
                self.pressure.begin(resident())
                self._admitted.set()
            case Drain() if self._draining is None:
                self._draining = self._loop.create_task(self._drain(message, door, channel))

    async def _drain(self, message: Drain, door: Door, channel: Channel) -> None:
        """Unready first; accept for `delay` more; then finish every accepted request and go."""
        cells = self.segment.cells
        cells[self._row + shared.DRAINING], cells[self._row + shared.READY] = 1, 0
        self.stopping = True
        await drained(message, door, self.front)
        self._drained.set()
        channel.send(Drained())
        await channel.flush()
        channel.close()

    def _beat(self, due: float) -> None:
        now = monotonic()
        cells, row = self.segment.cells, self._row
        cells[row + shared.HEARTBEAT] = monotonic_ns()
        lag = max(0.0, now - due)
        cells[row + shared.LOOP_LAG] = int(lag * 1e9)
        cells[row + shared.CONNECTIONS] = len(self.front.connections)
        cells[row + shared.INFLIGHT] = sum(not connection.idle for connection in self.front.connections)
        cells[row + shared.ANSWERED] = self._read_before + self.front.handled
        self.front.now = now
        self.pressure.feel(lag, cells[row + shared.RESIDENT], now)
        self._loop.call_later(_BEAT, self._beat, now + _BEAT)

    def _sweep(self) -> None:
        now = self.front.now = monotonic()
        for connection in list(self.front.connections):
            connection.sweep(now)
        for handshake in list(self.front.handshakes):
            handshake.sweep(now)
        for slot in self.manager.live:
            slot.dispatcher.sweep(now)
        here = (slot for slot in self.manager.live if not isinstance(slot.dispatcher, HostDispatcher))
        self.scaler.look(here, now)  # instances of the others are the supervisor's affair
        self.segment.cells[self._row + shared.RESIDENT] = resident()
        self._loop.call_later(_SWEEP, self._sweep)


def _quiet_arithmetic() -> None:
    """No warning per thread for what is looked for anyway: non-finite outputs are counted and marked."""
    np.seterr(over="ignore", invalid="ignore")

"""One worker: the composition root of the data plane. Everything a request meets is built and joined here."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, monotonic_ns, time, time_ns
from typing import Any

import msgspec
import numpy as np

from modelport.core.ids import PredictionIds
from modelport.core.plan import SlotSpec
from modelport.errors import BadRequest, ModelportError
from modelport.serving import shared
from modelport.serving.batching import Batcher, Witness
from modelport.serving.channel import Channel
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.rules import Rules
from modelport.serving.counters import SlotCounters
from modelport.serving.engine import Engine
from modelport.serving.http.coding import decompress, request_coding
from modelport.serving.http.exchange import Exchange
from modelport.serving.http.gate import Gate
from modelport.serving.http.native import Native
from modelport.serving.http.protocol import Connection
from modelport.serving.http.router import Router
from modelport.serving.http.system import System
from modelport.serving.http.v2 import OpenInference
from modelport.serving.limits import Limiter
from modelport.serving.loader import Warm
from modelport.serving.log import note, setup
from modelport.serving.manager import Manager
from modelport.serving.messages import Access, Boot, Commit, Drain, Drained, Hello, Prepare
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.table import LiveSlot, Table
from modelport.serving.telemetry.flusher import Flusher
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.spool import Spool
from modelport.serving.telemetry.witness import BatchWitness, Silence

_BEAT = 0.1
_SWEEP = 0.5
_LONGEST_ID = 128


async def serve(boot: Boot, channel: Channel) -> None:
    """Serve until told to drain, or until the supervisor is gone."""
    settings = msgspec.json.decode(boot.settings, type=Settings)
    setup(settings.log_level)
    np.seterr(over="ignore")  # a float32 overflow becomes an infinity, which every codec looks for
    worker = Worker(boot, settings, channel)
    await worker.run(boot, channel)


class Worker:
    """What one worker holds: `http.app.App` for handlers, `http.protocol.Server` for connections."""

    def __init__(self, boot: Boot, settings: Settings, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.limits = settings.limits
        self.segment = Segment(boot.segment, boot.workers, boot.slots, boot.keys)
        self.connections: set[Connection] = set()
        self.now = monotonic()
        self.closing = False
        self.stopping = False
        self.ids = PredictionIds(secrets.randbits(32))
        self.engine = Engine(rows=settings.limits.rows, loop=loop)
        self._loop = loop
        self._index = boot.worker
        self._row = self.segment.row(boot.worker)
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="batch")
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._flusher: Flusher | None = None
        self._recorder = self._telemetry(boot) if settings.telemetry else None
        self.manager = Manager(settings, self._assemble, self._loading, channel.send)
        self.gate = Gate(settings, Limiter(self.segment, boot.worker), time, monotonic)
        system = System(self, self._describe, secured=lambda: self.gate.secured)
        self.router = Router(self, Native(self), OpenInference(self), system)
        self._drained = asyncio.Event()
        self._draining: asyncio.Task[None] | None = None

    # What handlers use.

    @property
    def table(self) -> Table:
        """What is served now."""
        return self.manager.table

    @property
    def unready_reason(self) -> str:
        """Why this replica should get no traffic; empty when it should."""
        if self.stopping:
            return "this server is stopping"
        return self.manager.unready

    @property
    def ready(self) -> bool:
        """Whether this replica should get traffic."""
        return not self.unready_reason

    @staticmethod
    def wall_ms() -> int:
        """Wall clock in milliseconds since the epoch."""
        return time_ns() // 1_000_000

    # What connections use.

    def full(self) -> bool:
        """Whether there is no room for one more connection."""
        self.segment.cells[self._row + shared.ACCEPTED] += 1
        return len(self.connections) >= self.limits.connections

    def rejected(self, status: int) -> None:
        """Count an answer that reached no slot."""
        self.segment.cells[self._row + shared.UNROUTED_CODES + shared.code_index(status)] += 1

    def handle(self, exchange: Exchange) -> None:
        """Answer one request: gate, content coding, handler. The one place where errors become answers."""
        try:
            self._identify(exchange)
            target = self.router.find(exchange.path)
            self.gate.admit(exchange, target.scope)
            handler = self.router.handler(target, exchange.method)
            if target.endpoint is not None:
                exchange.extra += target.endpoint.stamp
            if b"content-encoding" in exchange.headers:
                self._decode(exchange)
            handler(exchange, target)
        except ModelportError as error:
            self._refuse(exchange, error)
        except Exception as error:
            logging.getLogger("modelport.serving").exception("request-failed")
            self._refuse(exchange, error)
        if self.settings.access_log:
            note(
                "request",
                path=exchange.path.decode("latin-1"),
                status=exchange.status,
                id=exchange.request_id,
            )

    def _refuse(self, exchange: Exchange, error: Exception) -> None:
        exchange.request_id = exchange.request_id or self.ids.next(self.wall_ms())
        self.rejected(exchange.problem(error))

    def _identify(self, exchange: Exchange) -> None:
        sent = exchange.headers.get(b"x-request-id")
        if sent is None:
            return
        if not (0 < len(sent) <= _LONGEST_ID and sent.isascii() and sent.decode("ascii").isprintable()):
            exchange.request_id = "unreadable"
            msg = f"x-request-id must be 1 to {_LONGEST_ID} printable ASCII characters"
            raise BadRequest(msg, code="bad-request-id")
        exchange.request_id = sent.decode("ascii")

    def _decode(self, exchange: Exchange) -> None:
        coding = request_coding(exchange.headers[b"content-encoding"].decode("latin-1"))
        if coding is not None:
            binary = b"inference-header-content-length" in exchange.headers
            limit = self.limits.body_bytes if binary else self.limits.json_bytes
            exchange.body = decompress(exchange.body, coding, limit)

    # The worker's life.

    async def run(self, boot: Boot, channel: Channel) -> None:
        """Listen, obey the supervisor, and leave when drained or orphaned."""
        cells = self.segment.cells
        cells[self._row + shared.PID] = os.getpid()
        listener = socket.socket(fileno=boot.listen)
        listener.setblocking(False)
        self._beat(monotonic())
        self._sweep()
        server = await self._loop.create_server(lambda: Connection(self), sock=listener)
        channel.send(Hello(os.getpid()))
        async for message in channel:
            self._obey(message, server, channel)
            if self._drained.is_set():
                break
        server.close()
        if self._flusher is not None:
            self._flusher.close()

    def _obey(self, message: Any, server: asyncio.Server, channel: Channel) -> None:
        match message:
            case Prepare():
                self.manager.prepare(message)
            case Commit():
                self.manager.commit(message)
                self.segment.cells[self._row + shared.READY] = int(self.ready)
            case Access(snapshot, places):
                self.gate.access(snapshot, places)
            case Drain() if self._draining is None:
                self._draining = self._loop.create_task(self._drain(message, server, channel))

    async def _drain(self, message: Drain, server: asyncio.Server, channel: Channel) -> None:
        """Unready first; accept for `delay` more; then finish every accepted request and go."""
        cells = self.segment.cells
        cells[self._row + shared.DRAINING], cells[self._row + shared.READY] = 1, 0
        self.stopping = True
        ends = monotonic() + message.delay + message.seconds
        await asyncio.sleep(message.delay)
        # One turn of the loop takes everything that waits in the accept queue before the socket closes.
        await asyncio.sleep(0.05)
        self.closing = True
        server.close()
        await self._quiet(ends)
        self._drained.set()
        channel.send(Drained())
        await channel.flush()
        channel.close()

    async def _quiet(self, ends: float) -> None:
        """Close idle connections, and wait for the others until `ends`."""
        grace = monotonic() + 0.2
        while self.connections and monotonic() < ends:
            for connection in list(self.connections):
                if not connection.idle or monotonic() >= grace:
                    connection.finish()
            await asyncio.sleep(0.01)

    def _beat(self, due: float) -> None:
        now = monotonic()
        cells, row = self.segment.cells, self._row
        cells[row + shared.HEARTBEAT] = monotonic_ns()
        cells[row + shared.LOOP_LAG] = int(max(0.0, now - due) * 1e9)
        cells[row + shared.CONNECTIONS] = len(self.connections)
        cells[row + shared.INFLIGHT] = sum(not connection.idle for connection in self.connections)
        self.now = now
        self._loop.call_later(_BEAT, self._beat, now + _BEAT)

    def _sweep(self) -> None:
        now = self.now = monotonic()
        for connection in list(self.connections):
            connection.sweep(now)
        for slot in self.manager.live:
            slot.batcher.sweep(now)
        self.segment.cells[self._row + shared.RESIDENT] = _resident()
        self._loop.call_later(_SWEEP, self._sweep)

    # Building.

    def _assemble(self, spec: SlotSpec, warm: Warm, place: int) -> LiveSlot:
        parameters = spec.parameters or warm.manifest.parameters
        counters = SlotCounters(self.segment, self._index, place)
        meaning = Meaning(warm.manifest)
        rules = Rules(parameters.validation)
        batcher = Batcher(
            spec.id,
            warm.predictor,
            meaning,
            counters,
            witness=self._witness(spec),
            loop=self._loop,
            executor=self._executor,
            batch_rows=parameters.batch_size,
            queue_rows=self.settings.queue_rows,
            instances=spec.instances,
            inline_seconds=self.settings.inline_seconds,
            timeout=self.settings.timeout,
        )
        for rows, seconds in warm.costs:
            batcher.cost.observe(rows, seconds)
        return LiveSlot(
            spec=spec,
            manifest=warm.manifest,
            identity=warm.identity,
            meaning=meaning,
            parameters=parameters,
            rules=rules,
            items=Items(warm.manifest.signature, rules),
            counters=counters,
            batcher=batcher,
            place=place,
            stamp=f"x-modelport-version: {spec.id}\r\n".encode(),
        )

    def _witness(self, spec: SlotSpec) -> Witness:
        return Silence() if self._recorder is None else BatchWitness(self._recorder, spec.id)

    def _telemetry(self, boot: Boot) -> Recorder:
        settings = self.settings
        recorder = Recorder(
            self.segment, boot.worker, redacted=settings.redact, spooled=settings.spool is not None
        )
        if settings.spool is not None:
            spool = Spool(Path(settings.spool), boot.incarnation, boot.worker)
            self._flusher = Flusher(recorder, spool, self.segment, boot.worker)
            self._flusher.start()
        return recorder

    def _describe(self) -> dict[str, Any]:
        """Body of `/debug/plan`."""
        plan = self.manager.plan
        return {
            "worker": self._index,
            "ready": self.ready,
            "reason": self.unready_reason,
            "revision": str(self.table.revision),
            "wanted": str(plan.revision) if plan else None,
            "endpoints": {
                name: {
                    "revision": str(live.revision),
                    "shares": {share.slot: share.weight for share in live.route.shares},
                }
                for name, live in self.table.endpoints.items()
            },
            "slots": self.manager.report(),
        }


def _resident() -> int:
    """Resident memory of this process, in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

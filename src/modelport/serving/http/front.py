"""What a worker shows to its connections: each received request goes through gate and router to its handler.

The one place where errors become answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from time import monotonic, time_ns

from modelport.core.ids import PredictionIds
from modelport.errors import BadRequest, ModelportError
from modelport.serving import shared
from modelport.serving.http.app import Handler, Target
from modelport.serving.http.coding import decompress, request_coding
from modelport.serving.http.exchange import Exchange
from modelport.serving.http.gate import Gate
from modelport.serving.http.protocol import Connection
from modelport.serving.http.router import Router
from modelport.serving.http.secure import Secured
from modelport.serving.log import note, trouble
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment

_LONGEST_ID = 128
_ASIDE = 4096
"""A longer compressed body is unpacked in a thread: it may be a thousand times as long."""


class Front:
    """Owned by the event loop.

    Attributes:
        connections: all that are open.
        handshakes: connections that are not there yet: their TLS handshake is under way.
        handled: requests read.
        now: monotonic seconds, as of the last beat of the worker.
        lean: connections close after their answer.
        closing: no further request is read on any connection.
    """

    def __init__(
        self,
        settings: Settings,
        router: Router,
        gate: Gate,
        *,
        ids: PredictionIds,
        segment: Segment,
        worker: int,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
    ) -> None:
        self.limits = settings.limits
        self.access_log = settings.access_log
        self.connections: set[Connection] = set()
        self.handshakes: set[Secured] = set()
        self.now = monotonic()
        self.closing = self.lean = False
        self.handled = 0
        self._router = router
        self._gate = gate
        self._ids = ids
        self._cells = segment.cells
        self._row = segment.row(worker)
        self._loop = loop
        self._executor = executor

    def full(self) -> bool:
        """Whether there is no room for one more connection."""
        self._cells[self._row + shared.ACCEPTED] += 1
        return len(self.connections) >= self.limits.connections

    def relieve(self, active: frozenset[str]) -> None:
        """Close idle connections, and others after their answer, while memory is short (`active` actions)."""
        self.lean = "keepalive" in active
        if self.lean:
            for connection in [one for one in self.connections if one.idle]:
                connection.finish()

    def stranger(self) -> bool:
        """Whether there is room for one more TLS handshake."""
        return len(self.handshakes) < self.limits.handshakes

    def unsecured(self) -> None:
        """Count a TLS handshake that failed."""
        self._cells[self._row + shared.UNSECURED] += 1

    def rejected(self, status: int) -> None:
        """Count an answer that reached no slot."""
        self._cells[self._row + shared.UNROUTED_CODES + shared.code_index(status)] += 1

    def handle(self, exchange: Exchange) -> None:
        """Answer one request, now or later."""
        self.handled += 1
        try:
            self._identify(exchange)
            target = self._router.find(exchange.path)
            self._gate.admit(exchange, target.scope)
            handler = self._router.handler(target, exchange.method)
            if target.endpoint is not None:
                exchange.extra += target.endpoint.stamp
            if b"content-encoding" in exchange.headers:
                self._unpack(exchange, handler, target)
            else:
                handler(exchange, target)
        except Exception as error:  # noqa: BLE001 - whatever a request sets off is its own answer
            self._refuse(exchange, error)

    def aside(self, work: Callable[[], bytes], then: Callable[[Future[bytes]], None]) -> None:
        """Do in a thread what would keep the loop from others; `then` runs on the loop."""
        self._executor.submit(work).add_done_callback(
            lambda future: self._loop.call_soon_threadsafe(then, future)
        )

    @staticmethod
    def log(exchange: Exchange) -> None:
        """One line per answered request; asked for with `access_log`."""
        note(
            "request",
            method=exchange.method.decode("latin-1"),
            path=exchange.path.decode("latin-1"),
            status=exchange.status,
            ms=round((monotonic() - exchange.received) * 1e3, 3),
            id=exchange.request_id,
        )

    def _identify(self, exchange: Exchange) -> None:
        exchange.id = exchange.request_id = self._ids.next(time_ns() // 1_000_000)
        sent = exchange.headers.get(b"x-request-id")
        if sent is None:
            return
        if not (0 < len(sent) <= _LONGEST_ID and sent.isascii() and sent.decode("ascii").isprintable()):
            msg = f"x-request-id must be 1 to {_LONGEST_ID} printable ASCII characters"
            raise BadRequest(msg, code="bad-request-id")
        exchange.request_id = sent.decode("ascii")

    def _unpack(self, exchange: Exchange, handler: Handler, target: Target) -> None:
        coding = request_coding(exchange.headers[b"content-encoding"].decode("latin-1"))
        if coding is None:
            handler(exchange, target)
            return
        binary = b"inference-header-content-length" in exchange.headers
        limit = self.limits.body_bytes if binary else self.limits.json_bytes
        work = partial(decompress, exchange.body, coding, limit)
        if len(exchange.body) > _ASIDE:
            self.aside(work, partial(self._unpacked, exchange, handler, target))
        else:
            exchange.body = work()
            handler(exchange, target)

    def _unpacked(self, exchange: Exchange, handler: Handler, target: Target, body: Future[bytes]) -> None:
        if exchange.done:
            return
        try:
            exchange.body = body.result()
            handler(exchange, target)
        except Exception as error:  # noqa: BLE001 - as in `handle`
            self._refuse(exchange, error)

    def _refuse(self, exchange: Exchange, error: Exception) -> None:
        if not isinstance(error, ModelportError):
            trouble("request failed", error, id=exchange.request_id)
        self.rejected(exchange.problem(error))

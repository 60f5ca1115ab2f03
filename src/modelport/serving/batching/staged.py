"""Batches by length: for models whose rows cost what they are long, and are prepared before.

A call is prepared in a thread as it arrives. Its rows then wait for their turn: whenever an instance is free,
the row that waits longest is computed, together with those that make the batch cheaper (`grouping.choose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic

from modelport.errors import Overloaded
from modelport.runtimes.base import Staged
from modelport.serving import shared
from modelport.serving.batching.alarm import Alarm, earliest
from modelport.serving.batching.backlog import no_room
from modelport.serving.batching.grouping import Bounds, choose
from modelport.serving.batching.lengths import LengthBacklog
from modelport.serving.batching.shapecost import ShapeCost
from modelport.serving.call import Call
from modelport.serving.counters import Counters
from modelport.serving.execution.run import Outcome, failure
from modelport.serving.execution.stages import Piece, Prepared, compute, prepare
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning


class StagedBatcher:
    """The dispatcher of one slot with a `Staged` predictor, in one worker. Owned by the event loop."""

    def __init__(
        self,
        predictor: Staged,
        meaning: Meaning,
        counters: Counters,
        replies: Replies,
        *,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        preparer: Executor,
        bounds: Bounds,
        queue_rows: int,
        instances: int,
    ) -> None:
        self._predictor = predictor
        self._meaning = meaning
        self._counters = counters
        self._replies = replies
        self._loop = loop
        self._executor = executor
        self._preparer = preparer
        self._bounds = bounds
        self._queue_rows = queue_rows
        self.instances = instances
        self._backlog = LengthBacklog(queue_rows)
        self._running: set[Call] = set()
        self._busy = 0
        self._alarm = Alarm(loop)
        self.cost = ShapeCost()
        self.when_idle: Callable[[], None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._backlog and not self._busy

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._backlog.rows

    def wait(self) -> float:
        """Seconds until they are all taken, were each as long as the first and computed alone."""
        rows = self._backlog.rows
        return self.cost.predict(1, self._backlog.first() or 1) * rows / self.instances if rows else 0.0

    def submit(self, call: Call) -> None:
        """Prepare a call and queue its rows; raises `Overloaded` when the queue has no room."""
        if not self._backlog.admit(call):
            raise self._full(call)
        self._alarm.set(call.deadline, self._ring)
        self._preparer.submit(prepare, self._predictor, call).add_done_callback(
            lambda future: self._loop.call_soon_threadsafe(self._prepared, call, future)
        )

    @property
    def unready(self) -> str:
        """Empty: its model is there."""
        return ""

    def close(self) -> None:
        """Nothing to do: its model goes with it."""

    def sweep(self, now: float) -> None:
        """Answer 504 to every call, waiting or running, whose deadline or time-out has passed."""
        self._replies.expire((*self._backlog, *self._running), now)

    def _ring(self, now: float) -> float:
        """A deadline has come: answer the late, and tell the next deadline."""
        self.sweep(now)
        return earliest((*self._backlog, *self._running))

    def _prepared(self, call: Call, future: Future[list[Piece]]) -> None:
        error = future.exception()
        if isinstance(error, Exception):
            self._backlog.leave(call)
            self._refuse(call, error)
        else:
            self._backlog.add(call, future.result())
        self._turn()

    def _refuse(self, call: Call, error: Exception) -> None:
        if call.cancelled:
            self._replies.dropped(call, monotonic())
        else:
            self._replies.refused(call, failure(error))

    def _turn(self) -> None:
        """Give every free instance a batch."""
        now = monotonic()
        while self._busy < self.instances and (pieces := self._take(now)):
            self._start(pieces, now)
        self._counters.gauge(shared.QUEUED, self._backlog.rows)
        if self.when_idle is not None and self.idle:
            self.when_idle()

    def _take(self, now: float) -> list[Piece]:
        """The rows of the next batch, without those nobody waits for; none when nothing waits."""
        while (first := self._backlog.first()) is not None:
            chosen = choose(first, self._backlog.counts(), self.cost, self._bounds)
            pieces = [piece for length, count in chosen.items() for piece in self._backlog.pop(length, count)]
            if wanted := [piece for piece in pieces if self._wanted(piece.of, now)]:
                return wanted
        return []

    def _wanted(self, prepared: Prepared, now: float) -> bool:
        call = prepared.call
        if call.cancelled or self._replies.late(call, now):
            if not prepared.dropped:
                prepared.dropped = True
                self._drop(prepared, now)
            return False
        return True

    def _drop(self, prepared: Prepared, now: float) -> None:
        """The rest of a call is not run; what runs of it goes on unheard."""
        if prepared.begun:
            self._end(prepared.call)
        self._replies.dropped(prepared.call, now)
        prepared.call.cancelled = True

    def _start(self, pieces: list[Piece], now: float) -> None:
        for piece in pieces:
            if not piece.of.begun:
                piece.of.begun = True
                self._running.add(piece.of.call)
                # Set before anything runs: should the model end the process, these count as lost.
                self._counters.running((piece.of.call,), 1)
        self._busy += 1
        self._replies.starting([piece.of.call for piece in pieces])
        self._executor.submit(self._timed, pieces).add_done_callback(
            lambda future: self._loop.call_soon_threadsafe(self._returned, pieces, now, future)
        )

    def _timed(self, pieces: list[Piece]) -> tuple[list[Outcome], float, float]:
        started = monotonic()
        outcomes = compute(self._predictor, self._meaning, pieces)
        return outcomes, started, monotonic()

    def _returned(
        self, pieces: list[Piece], taken: float, future: Future[tuple[list[Outcome], float, float]]
    ) -> None:
        outcomes, started, ended = future.result()
        self._busy -= 1
        self.cost.observe(len(pieces), max(piece.length for piece in pieces), ended - started)
        done = [outcome for outcome in outcomes if outcome.call in self._running]
        for outcome in done:
            self._end(outcome.call)
        self._replies.executed(done, (len(pieces),), max(started, taken), ended)
        self._turn()

    def _end(self, call: Call) -> None:
        self._running.discard(call)
        self._counters.running((call,), -1)

    def _full(self, call: Call) -> Overloaded:
        return no_room(call, self.waiting, self._queue_rows, self.wait())

"""Batch what waits: no timer. While a predictor is busy calls queue; when free it takes what is cheapest.

On the event loop a turn is scheduled behind the sockets that are ready now, so the calls of one poll share
a batch. A batch predicted to cost less than `inline_seconds` runs right there; a dearer one in a thread,
with as many at a time as the slot has instances.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic, time_ns
from typing import Protocol

from modelport.errors import DeadlineExceeded, ModelFailed, ModelportError, Overloaded
from modelport.runtimes.base import Predictor
from modelport.serving import shared
from modelport.serving.alarm import Alarm
from modelport.serving.backlog import Backlog
from modelport.serving.call import NEVER, Call
from modelport.serving.cost import CostModel
from modelport.serving.counters import SlotCounters
from modelport.serving.execution.run import Outcome, failure, run
from modelport.serving.log import trouble
from modelport.serving.results import Meaning, Results, nonfinite_rows


class Witness(Protocol):
    """Who is told how every call ended (telemetry); `now` is monotonic."""

    def executed(self, outcomes: list[Outcome], now: float) -> None:
        """A batch ran."""
        ...

    def dropped(self, call: Call, now: float) -> None:
        """A call left the queue without being run: too late, or nobody waits for it."""
        ...


class Batcher:
    """The queue of one slot in one worker. Owned by the event loop."""

    def __init__(  # the composition root names every collaborator
        self,
        name: str,
        predictor: Predictor,
        meaning: Meaning,
        counters: SlotCounters,
        *,
        witness: Witness,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        batch_rows: int,
        queue_rows: int,
        instances: int,
        inline_seconds: float,
        timeout: float,
    ) -> None:
        self._name = name
        self._predictor = predictor
        self._meaning = meaning
        self._counters = counters
        self._witness = witness
        self._loop = loop
        self._executor = executor
        self._batch_rows = batch_rows
        self._instances = instances
        self._inline_seconds = inline_seconds
        self._timeout = timeout
        self._queue = Backlog(queue_rows)
        self._queue_rows = queue_rows
        self._running: set[Call] = set()
        self._busy = 0
        self._scheduled = False
        self._alarm = Alarm(loop)
        self.cost = CostModel()
        self.when_idle: Callable[[], None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._queue and not self._busy

    def submit(self, call: Call) -> None:
        """Queue a call; raises `Overloaded` when the queue has no room."""
        if not self._queue.add(call):
            raise self._full(call)
        if call.deadline < self._alarm.due:
            self._alarm.set(call.deadline, self._ring)
        if not self._scheduled and self._busy < self._instances:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def sweep(self, now: float) -> None:
        """Answer 504 to every call, waiting or running, whose deadline or time-out has passed."""
        for call in (*self._queue, *self._running):
            if self._late(call, now):
                self._expire(call)

    def _expire(self, call: Call) -> None:
        """Answer 504 to a call that has no answer yet.

        A running batch is abandoned, not stopped: its instance stays busy until the model returns.
        """
        if call.status or call.cancelled:
            return
        self._counters.add(shared.EXPIRED)
        self._fail(call, DeadlineExceeded("the deadline passed before an answer was ready"))
        call.cancelled = True

    def _ring(self, now: float) -> float:
        """A deadline has come: answer the late, and tell the next deadline."""
        self.sweep(now)
        return min(
            (call.deadline for call in (*self._queue, *self._running) if not call.status), default=NEVER
        )

    def _turn(self) -> None:
        self._scheduled = False
        now = monotonic()
        calls, rows = self._take(now)
        if not calls:
            self._settle()
            return
        self._counters.gauge(shared.QUEUED, self._queue.rows)
        # Set before anything runs: should the model end the process, the supervisor counts these as lost.
        self._counters.add(shared.EXECUTING, len(calls))
        if self.cost.predict(rows) < self._inline_seconds:
            outcomes = run(self._predictor, self._meaning, calls)
            self._counters.add(shared.EXECUTING, -len(calls))
            self._finish(outcomes, rows, now, monotonic())
            self._next()
            return
        self._busy += 1
        self._running.update(calls)
        self._executor.submit(self._timed, calls).add_done_callback(
            lambda future: self._loop.call_soon_threadsafe(self._returned, calls, rows, now, future)
        )
        self._next()

    def _timed(self, calls: list[Call]) -> tuple[list[Outcome], float, float]:
        started = monotonic()
        outcomes = run(self._predictor, self._meaning, calls)
        return outcomes, started, monotonic()

    def _returned(
        self, calls: list[Call], rows: int, taken: float, future: Future[tuple[list[Outcome], float, float]]
    ) -> None:
        outcomes, started, ended = future.result()
        self._busy -= 1
        self._running.difference_update(calls)
        self._counters.add(shared.EXECUTING, -len(calls))
        self._finish(outcomes, rows, max(started, taken), ended)
        self._next()

    def _next(self) -> None:
        if self._queue and not self._scheduled and self._busy < self._instances:
            self._scheduled = True
            self._loop.call_soon(self._turn)
        else:
            self._settle()

    def _settle(self) -> None:
        if self.when_idle is not None and self.idle:
            self.when_idle()

    def _take(self, now: float) -> tuple[list[Call], int]:
        """The calls of the next batch, in order of arrival, without those nobody waits for."""
        queue = self._queue
        limit = self._batch_rows if len(queue) == 1 else self.cost.best(queue.rows, self._batch_rows)
        calls: list[Call] = []
        rows = 0
        while queue and (not calls or rows + queue.next_rows() <= limit):
            call = queue.pop()
            if call.cancelled or self._late(call, now):
                self._drop(call, now)
            else:
                calls.append(call)
                rows += call.rows
        return calls, rows

    def _drop(self, call: Call, now: float) -> None:
        if call.cancelled:
            self._gone(call)
        else:
            self._counters.add(shared.EXPIRED)
            self._fail(call, DeadlineExceeded("the deadline passed while the request was waiting"))
        self._witness.dropped(call, now)

    def _finish(self, outcomes: list[Outcome], rows: int, started: float, ended: float) -> None:
        self.cost.observe(rows, ended - started)
        decoding = waiting = 0.0
        for outcome in outcomes:
            queued = outcome.call.queued
            decoding += queued - outcome.call.received
            waiting += started - queued
        self._counters.executed(rows, decoding, waiting, ended - started)
        seen = None
        for outcome in outcomes:
            if outcome.results is not None and outcome.results is not seen:
                seen = outcome.results
                if bad := nonfinite_rows(seen.batch):
                    self._counters.add(shared.NONFINITE, bad)
            self._reply(outcome)
        now = monotonic()
        for outcome in outcomes:
            if not outcome.call.cancelled:
                call = outcome.call
                self._counters.answered(call.protocol, call.status, now - call.received)
        self._counters.add(shared.OUTPUT_NS, int((now - ended) * 1e9))
        self._counters.gauge(shared.LAST_MS, time_ns() // 1_000_000)
        self._witness.executed(outcomes, now)

    def _reply(self, outcome: Outcome) -> None:
        call = outcome.call
        if call.cancelled:
            self._gone(call)
        elif outcome.results is None:
            call.status = call.failed(outcome.error or ModelFailed("the model gave no answer"))
        else:
            self._answer(call, outcome.results, outcome.start)

    def _answer(self, call: Call, results: Results, start: int) -> None:
        try:
            call.status = call.answered(results, start)
        except Exception as error:  # noqa: BLE001 - a codec that cannot say it must not end the batch
            trouble("answer not encoded", error, slot=self._name)
            call.status = call.failed(failure(error))

    def _gone(self, call: Call) -> None:
        """Nobody waits for this call any more: its caller left, or it was answered 504 before."""
        if not call.status:
            call.status = 499
            self._counters.add(shared.CANCELLED)
            self._counters.refused(call.protocol, 499)

    def _fail(self, call: Call, error: ModelportError) -> None:
        call.status = call.failed(error)
        self._counters.answered(call.protocol, call.status, monotonic() - call.received)

    def _late(self, call: Call, now: float) -> bool:
        return now >= call.deadline or now - call.received >= self._timeout

    def _full(self, call: Call) -> Overloaded:
        waiting = self._queue.rows
        drained = self.cost.predict(self._batch_rows) * waiting / self._batch_rows
        return Overloaded(
            f"{waiting} rows wait already and {call.rows} more do not fit into {self._queue_rows}",
            code="queue-full",
            retry_after=min(30.0, max(0.1, drained)) if drained != float("inf") else 1.0,
            hint="retry after the given time, send smaller requests, or add workers",
        )

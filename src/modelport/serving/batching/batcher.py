"""Batch what waits: no timer. While a predictor is busy calls queue; when free it takes what is cheapest.

On the event loop a turn is scheduled behind the sockets that are ready now, so the calls of one poll share
a batch. A batch predicted to cost less than `inline_seconds` runs right there; a dearer one in a thread,
with as many at a time as the slot has instances.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic

from modelport.errors import Overloaded
from modelport.runtimes.base import Predictor
from modelport.serving import shared
from modelport.serving.batching.alarm import Alarm, earliest
from modelport.serving.batching.backlog import Backlog, no_room
from modelport.serving.batching.cost import CostModel
from modelport.serving.call import Call
from modelport.serving.counters import Counters
from modelport.serving.execution.run import Outcome, run, sizes
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning


class Batcher:
    """The queue of one slot in one worker. Owned by the event loop."""

    def __init__(  # the composition root names every collaborator
        self,
        predictor: Predictor,
        meaning: Meaning,
        counters: Counters,
        replies: Replies,
        *,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        batch_rows: int,
        queue_rows: int,
        instances: int,
        inline_seconds: float,
    ) -> None:
        self._predictor = predictor
        self._meaning = meaning
        self._counters = counters
        self._replies = replies
        self._loop = loop
        self._executor = executor
        self._batch_rows = batch_rows
        self.instances = instances
        self._inline_seconds = inline_seconds
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

    @property
    def unready(self) -> str:
        """Empty: its model is there."""
        return ""

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._queue.rows

    def wait(self) -> float:
        """Seconds until they are all taken, in batches of the best size."""
        rows = self._queue.rows
        if not rows:
            return 0.0
        size = self.cost.best(rows, self._batch_rows)
        return self.cost.predict(size) * rows / size / self.instances

    def submit(self, call: Call) -> None:
        """Queue a call; raises `Overloaded` when the queue has no room."""
        if not self._queue.add(call):
            raise self._full(call)
        if call.deadline < self._alarm.due:
            self._alarm.set(call.deadline, self._ring)
        if not self._scheduled and self._busy < self.instances:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def sweep(self, now: float) -> None:
        """Answer 504 to every call, waiting or running, whose deadline or time-out has passed.

        A running batch is abandoned, not stopped: its instance stays busy until the model returns.
        """
        self._replies.expire((*self._queue, *self._running), now)

    def close(self) -> None:
        """Nothing to do: its model goes with it."""

    def _ring(self, now: float) -> float:
        """A deadline has come: answer the late, and tell the next deadline."""
        self.sweep(now)
        return earliest((*self._queue, *self._running))

    def _turn(self) -> None:
        self._scheduled = False
        now = monotonic()
        calls, rows = self._take(now)
        if not calls:
            self._settle()
            return
        self._counters.gauge(shared.QUEUED, self._queue.rows)
        # Set before anything runs: should the model end the process, the supervisor counts these as lost.
        self._counters.running(calls, 1)
        self._replies.starting(calls)
        if self.cost.predict(rows) < self._inline_seconds:
            outcomes = run(self._predictor, self._meaning, calls, self._batch_rows)
            self._counters.running(calls, -1)
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
        outcomes = run(self._predictor, self._meaning, calls, self._batch_rows)
        return outcomes, started, monotonic()

    def _returned(
        self, calls: list[Call], rows: int, taken: float, future: Future[tuple[list[Outcome], float, float]]
    ) -> None:
        outcomes, started, ended = future.result()
        self._busy -= 1
        self._running.difference_update(calls)
        self._counters.running(calls, -1)
        self._finish(outcomes, rows, max(started, taken), ended)
        self._next()

    def _next(self) -> None:
        if self._queue and not self._scheduled and self._busy < self.instances:
            self._scheduled = True
            self._loop.call_soon(self._turn)
        else:
            self._settle()

    def _settle(self) -> None:
        if self.when_idle is not None and self.idle:
            self.when_idle()

    def _take(self, now: float) -> tuple[list[Call], int]:
        """The calls of the next batch, in order of arrival, without those nobody waits for.

        A call with more rows than a batch may have comes alone, and is run in several.
        """
        queue = self._queue
        limit = self._batch_rows if len(queue) == 1 else self.cost.best(queue.rows, self._batch_rows)
        calls: list[Call] = []
        rows = 0
        while queue and (not calls or rows + queue.next_rows() <= limit):
            call = queue.pop()
            if call.cancelled or self._replies.late(call, now):
                self._replies.dropped(call, now)
            else:
                calls.append(call)
                rows += call.rows
        return calls, rows

    def _finish(self, outcomes: list[Outcome], rows: int, started: float, ended: float) -> None:
        batches = sizes(rows, self._batch_rows)
        self.cost.observe(batches[0], (ended - started) * batches[0] / rows)
        self._replies.executed(outcomes, batches, started, ended)

    def _full(self, call: Call) -> Overloaded:
        return no_room(call, self.waiting, self._queue_rows, self.wait())

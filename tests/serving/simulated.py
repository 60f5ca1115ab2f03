"""A loop, a clock and an executor that a test turns by hand, so that batching is decided, not raced."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from modelport.errors import ModelFailed, ModelportError
from modelport.runtimes.batch import Batch
from modelport.serving.call import Call
from modelport.serving.results import Results


class World:
    """Owns the time. Callbacks run in order; a job in a thread ends when its time has come.

    Attributes:
        now: monotonic seconds.
    """

    def __init__(self) -> None:
        self.now = 100.0
        self._soon: deque[Callable[[], object]] = deque()
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self._soon.append(lambda: callback(*args))

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        heapq.heappush(self._later, (self.now + delay, next(self._order), lambda: callback(*args)))

    def create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what never waits."""
        try:
            work.send(None)
        except StopIteration:
            return
        msg = "it waits"
        raise AssertionError(msg)

    @property
    def timers(self) -> int:
        """Timers that are set."""
        return len(self._later)

    def settle(self) -> None:
        """Run what can run now."""
        while self._soon:
            self._soon.popleft()()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.settle()
        while self._later and self._later[0][0] <= end:
            self.now, _, callback = heapq.heappop(self._later)
            callback()
            self.settle()
        self.now = end


class Threads(Executor):
    """Runs a job at once and hands its result over when the model would have been done.

    A `single` one runs one job at a time, others as many as there are.
    """

    def __init__(self, world: World, *, single: bool = False) -> None:
        self._world = world
        self._single = single
        self._free = 0.0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        began = max(self._world.now, self._free if self._single else 0.0)
        now, self._world.now = self._world.now, began
        try:
            result = work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - as an executor does
            then: Callable[[], object] = partial(future.set_exception, error)
        else:
            then = partial(future.set_result, result)
        self._free, self._world.now = self._world.now, now
        self._world.call_later(self._free - now, then)
        return future


class Model:
    """Sums rows; every batch takes `seconds(rows)`, in simulated time.

    Attributes:
        batches: rows of every batch it was given.
        poison: a batch with this number fails.
    """

    def __init__(self, world: World, seconds: Callable[[int], float], poison: float | None = None) -> None:
        self._world = world
        self._seconds = seconds
        self.poison = poison
        self.batches: list[int] = []

    def predict(self, batch: Batch) -> Batch:
        self.batches.append(batch.rows)
        self._world.now += self._seconds(batch.rows)
        values = batch.array("input")
        if self.poison is not None and (values == self.poison).any():
            msg = "poisoned"
            raise ModelFailed(msg)
        return Batch(batch.rows, {"value": values.sum(axis=1)})


class Asked(Call):
    """A call that keeps what came back."""

    __slots__ = ("answer", "error")

    def __init__(self, slot: Any, now: float, rows: Sequence[Sequence[float]], name: str = "p") -> None:
        super().__init__(
            slot, Batch(len(rows), {"input": np.asarray(rows)}), id=name, received=now, protocol=0
        )
        self.queued = now
        self.answer: list[Any] | None = None
        self.error: ModelportError | None = None

    def answered(self, results: Results, start: int) -> int:
        self.answer = results.predictions()[start : start + self.rows]
        return 200

    def failed(self, error: ModelportError) -> int:
        self.error = error
        return error.status

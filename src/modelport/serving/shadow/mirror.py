"""An arm whose calls are repeated at shadows: the arm's own dispatcher, told which calls to offer to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

from modelport.errors import ModelportError
from modelport.serving.call import Call
from modelport.serving.dispatch import Dispatcher
from modelport.serving.results import Results
from modelport.serving.shadow.comparison import Rows
from modelport.serving.shadow.lane import Answered, Lane


class Mirrored(Call):
    """A call that will be offered to shadows once it is answered; to its dispatcher the call itself."""

    __slots__ = ("_gone", "_lanes", "_loop", "_original")

    def __init__(self, original: Call, lanes: Sequence[Lane], loop: asyncio.AbstractEventLoop) -> None:
        self._original = original
        self._gone = False
        super().__init__(
            original.slot,
            original.batch,
            id=original.id,
            received=original.received,
            protocol=original.protocol,
        )
        for name in ("deadline", "key", "partial", "priority", "queued", "trial", "uncut", "user"):
            setattr(self, name, getattr(original, name))
        self._lanes = lanes
        self._loop = loop

    @property
    def cancelled(self) -> bool:
        """The caller has left, or was answered."""
        return self._gone or self._original.cancelled

    @cancelled.setter
    def cancelled(self, gone: bool) -> None:
        self._gone = gone

    def shorten(self) -> None:
        """Cut the texts, of both."""
        self._original.shorten()
        self.batch = self._original.batch

    def answered(self, results: Results, start: int) -> int:
        """Answer; then, when the answer has left, offer the call to the shadows."""
        status = self._original.answered(results, start)
        if status == 200 and not results.errors:
            now = monotonic()
            answer = Rows(results, start, self.rows)
            known = Answered(
                self.slot.spec.id, self.id, self.batch, self.partial, answer, now - self.received, now
            )
            for lane in self._lanes:
                self._loop.call_soon(lane.offer, known)
        return status

    def failed(self, error: ModelportError) -> int:
        """Say that there is no answer."""
        return self._original.failed(error)


class Mirror:
    """The dispatcher of an arm whose calls are repeated: the arm's own, told which calls to offer."""

    def __init__(self, inner: Dispatcher, lanes: Sequence[Lane], loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._lanes = lanes
        self._loop = loop

    def submit(self, call: Call) -> None:
        """As the arm's own dispatcher."""
        lanes = [lane for lane in self._lanes if lane.chosen(call)]
        self._inner.submit(Mirrored(call, lanes, self._loop) if lanes else call)

    # The rest is the arm's own.

    @property
    def when_idle(self) -> Callable[[], None] | None:
        """Called each time nothing waits and nothing runs any more."""
        return self._inner.when_idle

    @when_idle.setter
    def when_idle(self, call: Callable[[], None] | None) -> None:
        self._inner.when_idle = call

    @property
    def instances(self) -> int:
        """Batches that may run at a time."""
        return self._inner.instances

    @instances.setter
    def instances(self, count: int) -> None:
        self._inner.instances = count

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self._inner.idle

    @property
    def unready(self) -> str:
        """Why a call would be refused now."""
        return self._inner.unready

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._inner.waiting

    def wait(self) -> float:
        """Seconds until they are all taken."""
        return self._inner.wait()

    def sweep(self, now: float) -> None:
        """Answer 504 to every call that is too late."""
        self._inner.sweep(now)

    def close(self) -> None:
        """Give up what it holds."""
        self._inner.close()

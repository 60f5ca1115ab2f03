"""The dispatcher of a slot whose model is loaded by its first call, and let go when memory is short."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any, Protocol

from modelport.core.plan import SlotSpec
from modelport.errors import ModelportError
from modelport.serving import shared
from modelport.serving.batching.alarm import Alarm, earliest
from modelport.serving.batching.backlog import Backlog, no_room
from modelport.serving.call import NEVER, Call
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.lazy import refusals
from modelport.serving.lazy.policy import pause
from modelport.serving.loader import Warm
from modelport.serving.log import note
from modelport.serving.replies import Replies

FATAL = 2
"""Workers that may die loading a model before it is not loaded any more."""


class Home(Protocol):
    """Who decides which models are in memory: `residence.Residence`."""

    pressed: bool
    """Whether somebody waits for memory that a model in use holds."""

    def want(self, seat: Lazy) -> None:
        """Calls wait for a model."""

    def freed(self) -> None:
        """A model is not in use any more."""

    def leave(self, seat: Lazy) -> None:
        """A slot is given up."""


class Lazy:
    """Lets calls wait, within their deadlines and bounded in rows, until the model is there.

    Owned by the event loop.

    Args:
        spec: the slot, with the identity that was verified.
        size: bytes of the bundle's files, taken for the model's size until that was measured.
        build: makes the dispatcher that answers, of a model that was loaded; a model host takes its time.
        queue_rows: most rows that may wait for the model.
        deaths: how many workers of the replica have died loading it.

    Attributes:
        size: bytes of memory the model takes.
        used: monotonic seconds of the last call.
        build: as given.
        tried: whether it was ever loaded, or tried to.
    """

    def __init__(
        self,
        spec: SlotSpec,
        size: int,
        build: Callable[[Warm], Awaitable[Dispatcher]],
        *,
        home: Home,
        counters: SlotCounters,
        replies: Replies,
        truncation: Truncation,
        loop: asyncio.AbstractEventLoop,
        queue_rows: int,
        deaths: Callable[[], int] = int,
    ) -> None:
        self.spec = spec
        self.size = size
        self.used = 0.0
        self.tried = False
        self.when_idle: Callable[[], None] | None = None
        self.build = build
        self._home = home
        self._counters = counters
        self._replies = replies
        self._truncation = truncation
        self._alarm = Alarm(loop)
        self._queue_rows = queue_rows
        self._deaths = deaths
        self._waiting = Backlog(queue_rows)
        self._inner: Dispatcher | None = None
        self._failures = 0
        self._again = 0.0
        self._reason = ""

    # What the engine sees.

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._waiting and (self._inner is None or self._inner.idle)

    @property
    def unready(self) -> str:
        """Why it cannot be loaded, until that is tried again."""
        if self._inner is not None:
            return self._inner.unready
        if self.fatal:
            return f"{self._deaths()} workers died while they loaded it"
        return self._reason if monotonic() < self._again else ""

    @property
    def instances(self) -> int:
        """Of the model, while it is there."""
        return 1 if self._inner is None else self._inner.instances

    @instances.setter
    def instances(self, count: int) -> None:
        if self._inner is not None:
            self._inner.instances = count

    @property
    def waiting(self) -> int:
        """Rows that wait, for the model or for their turn."""
        return self._waiting.rows if self._inner is None else self._inner.waiting

    def wait(self) -> float:
        """Seconds until they are all taken; infinite while the model is not there."""
        return NEVER if self._inner is None else self._inner.wait()

    def submit(self, call: Call) -> None:
        """Take a call; raises `Overloaded` when there is no room, or loading has just failed."""
        self.used = call.queued
        if self._inner is not None:
            self._inner.submit(call)
            return
        if self.fatal:
            raise refusals.for_good(self.spec.id, self.unready)
        if call.queued < self._again:
            raise refusals.for_now(self.spec.id, self._reason, self._again - call.queued)
        if not self._waiting.add(call):
            raise no_room(call, self._waiting.rows, self._queue_rows, NEVER)
        self._counters.add(shared.COLD)
        self._counters.gauge(shared.QUEUED, self._waiting.rows)
        if call.deadline < self._alarm.due:
            self._alarm.set(call.deadline, self._ring)
        self._home.want(self)

    def sweep(self, now: float) -> None:
        """Answer 504 to every call whose deadline or time-out has passed."""
        if self._inner is not None:
            self._inner.sweep(now)
        self._replies.expire(self._waiting, now)

    def close(self) -> None:
        """Give up the model, and the wish for it."""
        self._home.leave(self)

    # What its home sees.

    @property
    def in_use(self) -> bool:
        """Whether calls wait for it, or it runs."""
        return not self.idle

    @property
    def awaited(self) -> bool:
        """Whether anybody still waits for it to be loaded. Calls that nobody waits for are dropped."""
        if all(call.cancelled for call in self._waiting):
            for call in self._drained():
                self._replies.dropped(call, monotonic())
            return False
        return True

    @property
    def fatal(self) -> bool:
        """Whether loading it has killed so many workers that it is not tried again."""
        return self._deaths() >= FATAL

    def begins(self) -> None:
        """It is being loaded. Should this worker end of it, the supervisor knows whose fault it was."""
        self.tried = True
        self._counters.gauge(shared.LOADING, 1)

    def ends(self) -> None:
        """The load is over, well or not."""
        self._counters.gauge(shared.LOADING, 0)

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._inner is not None

    def arrived(self, warm: Warm, inner: Dispatcher, seconds: float) -> None:
        """The model is there, after so many seconds of loading: let everybody through to `inner`."""
        self._failures, self._again, self._reason = 0, 0.0, ""
        self._counters.add(shared.LOADS)
        self._counters.add(shared.LOAD_NS, int(seconds * 1e9))
        self._counters.gauge(shared.LOADED, 1)
        self._counters.gauge(shared.MODEL_BYTES, self.size)
        self.used = monotonic()
        self._truncation.loaded(warm.predictor)
        self._inner = inner
        inner.when_idle = self._settle
        for call in self._drained():
            self._pass(inner, call)

    def failed(self, reason: str) -> None:
        """It cannot be loaded: tell those who wait, and those who come before it is tried again."""
        self._failures += 1
        seconds = pause(self._failures)
        self._again, self._reason = monotonic() + seconds, reason
        self._counters.add(shared.LOADS_FAILED)
        note("model not loaded", logging.WARNING, slot=self.spec.id, reason=reason, again=seconds)
        self.refuse(refusals.for_now(self.spec.id, reason, seconds))

    def refuse(self, error: ModelportError) -> None:
        """Answer everybody who waits."""
        now = monotonic()
        for call in self._drained():
            if call.cancelled:
                self._replies.dropped(call, now)
            else:
                self._replies.refused(call, error)
        self._settle()

    def evicted(self) -> Dispatcher:
        """Let go of the model; what held it is returned, so that a thread can free it."""
        inner = self._inner
        assert inner is not None
        self._inner = None
        self._truncation.unloaded()
        self._counters.add(shared.EVICTIONS)
        self._counters.gauge(shared.LOADED, 0)
        self._counters.gauge(shared.MODEL_BYTES, 0)
        inner.when_idle = None
        inner.close()
        return inner

    def describe(self, *, loading: bool) -> dict[str, Any]:
        """What `/debug/plan` says of it."""
        state = "ready" if self.loaded else "loading" if loading else "failed" if self.unready else "verified"
        known: dict[str, Any] = {"state": state, "lazy": True, "bytes": self.size}
        if self.used:
            known["idle_seconds"] = round(monotonic() - self.used, 3)
        if reason := self.unready:
            known["reason"] = reason
        if self._again > monotonic():
            known["again_seconds"] = round(self._again - monotonic(), 3)
        return known

    def _pass(self, inner: Dispatcher, call: Call) -> None:
        now = monotonic()
        if call.cancelled or self._replies.late(call, now):
            self._replies.dropped(call, now)
            return
        try:
            if call.uncut:
                call.shorten()
            inner.submit(call)
        except ModelportError as error:
            self._replies.refused(call, error)

    def _drained(self) -> Iterator[Call]:
        while self._waiting:
            yield self._waiting.pop()
        self._counters.gauge(shared.QUEUED, 0)

    def _settle(self) -> None:
        if not self.idle:
            return
        if self._home.pressed:
            self._home.freed()
        if self.when_idle is not None:
            self.when_idle()

    def _ring(self, now: float) -> float:
        """A deadline has come: answer the late, and tell the next deadline."""
        self.sweep(now)
        return earliest(self._waiting)

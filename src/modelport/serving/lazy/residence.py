"""Keeps lazy models in memory within a budget of bytes; `policy` decides, this carries out.

Models are loaded one at a time, in a thread, so that what each takes can be measured and no two loads exceed
the budget together. What is let go is freed in the same thread, before the next is loaded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic, perf_counter
from typing import Any

from modelport.core.plan import SlotSpec
from modelport.errors import ModelportError
from modelport.serving.dispatch import Dispatcher
from modelport.serving.lazy import refusals
from modelport.serving.lazy.dispatcher import Lazy
from modelport.serving.lazy.policy import next_step, stale
from modelport.serving.loader import Warm
from modelport.serving.log import note, trouble
from modelport.serving.memory import give_back

UNLIMITED = 1 << 62

_AFTER = 1.0
"""Seconds between the end of a model and giving its memory back: many that go together cost one sweep."""

Load = Callable[[SlotSpec], Warm]


class Residence:
    """All lazy slots of one worker. Owned by the event loop.

    Args:
        load: loads and warms a slot's bundle, in a thread; raises with the reason.
        budget: bytes for all models of this worker; 0 sets no limit.
        idle_seconds: models that nobody asked for so long are let go; 0 keeps them.
        executor: one thread.

    Attributes:
        pressed: somebody waits for memory that a model in use holds.
        pinned: tells the bytes of models that are not lazy; set by the composition root.
    """

    def __init__(
        self,
        load: Load,
        *,
        budget: int,
        idle_seconds: float,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
    ) -> None:
        self._load = load
        self._budget = budget or UNLIMITED
        self._idle_seconds = idle_seconds
        self._loop = loop
        self._executor = executor
        self._seats: dict[Lazy, None] = {}
        self._loaded: dict[Lazy, None] = {}
        self._wanted: dict[Lazy, None] = {}
        self._early: deque[Lazy] = deque()
        self._loading: Lazy | None = None
        self._settling: asyncio.Task[None] | None = None
        self._scheduled = False
        self._trimming = False
        self.pressed = False
        self.pinned: Callable[[], int] = int
        if idle_seconds:
            self._tidy()

    @property
    def budget(self) -> int | None:
        """Bytes for all models of this worker; None when there is no limit."""
        return None if self._budget == UNLIMITED else self._budget

    @property
    def resident(self) -> int:
        """Bytes of all models in memory, pinned ones too."""
        return self.pinned() + sum(seat.size for seat in self._loaded)

    def enter(self, seat: Lazy) -> None:
        """A lazy slot is there."""
        self._seats[seat] = None

    def leave(self, seat: Lazy) -> None:
        """A slot is given up, with its model. One that is being loaded goes when it has come."""
        self._seats.pop(seat, None)
        self._wanted.pop(seat, None)
        if seat in self._loaded:
            self._evict(seat)
        self._turn_soon()

    def want(self, seat: Lazy) -> None:
        """Calls wait for a model: load it as soon as there is memory for it."""
        self._wanted[seat] = None
        self._turn_soon()

    def freed(self) -> None:
        """A model is not in use any more: what waits for its memory may go on."""
        self._turn_soon()

    def fill(self) -> None:
        """Load what fits into free memory, in the order of the plan, while nobody waits for anything."""
        if (pinned := self.pinned()) > self._budget:
            note("pinned models exceed the memory", logging.WARNING, pinned=pinned, memory=self._budget)
        self._early = deque(seat for seat in self._seats if not (seat.tried or seat.fatal))
        self._turn_soon()

    def stop(self) -> None:
        """The worker leaves on purpose: a model that it happens to load is not to blame."""
        if self._loading is not None:
            self._loading.ends()

    def describe(self, seat: Lazy) -> dict[str, Any]:
        """What `/debug/plan` says of a lazy slot."""
        return seat.describe(loading=seat is self._loading)

    def _turn_soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._loading is not None:
            return  # its end brings us here again
        self._wanted = {seat: None for seat in self._wanted if seat.awaited}
        while self._early and (self._early[0].tried or self._early[0] not in self._seats):
            self._early.popleft()
        step = next_step(
            self._wanted,
            self._loaded,
            budget=self._budget,
            pinned=self.pinned(),
            early=self._early[0] if self._early else None,
        )
        for seat in step.evict:
            self._evict(seat)
        if step.refuse is not None:
            self._refuse(step.refuse)
        if step.load is not None:
            self._start(step.load)
        elif step.evict or step.refuse is not None:
            self._turn_soon()
        elif self._early and not self._wanted:
            self._early.popleft()  # it does not fit; a later one may
            self._turn_soon()
        self.pressed = bool(self._wanted) or self.resident > self._budget

    def _start(self, seat: Lazy) -> None:
        self._loading = seat
        self._wanted.pop(seat, None)
        seat.begins()
        self._executor.submit(self._timed, seat.spec).add_done_callback(
            lambda future: self._loop.call_soon_threadsafe(self._came, seat, future)
        )

    def _timed(self, spec: SlotSpec) -> tuple[Warm, float]:
        started = perf_counter()
        return self._load(spec), perf_counter() - started

    def _came(self, seat: Lazy, future: Future[tuple[Warm, float]]) -> None:
        self._settling = self._loop.create_task(self._end(seat, future))

    async def _end(self, seat: Lazy, future: Future[tuple[Warm, float]]) -> None:
        """A load has ended, well or not."""
        try:
            await self._settle(seat, *future.result())
        except ModelportError as error:
            seat.failed(str(error))
        except Exception as error:  # noqa: BLE001 - a bundle may break any library; it fails alone, with a reason
            trouble("slot not loaded", error, slot=seat.spec.id)
            seat.failed(f"the runtime refused it: {type(error).__name__}")
        finally:
            self._loading = None
            seat.ends()
            self._turn_soon()

    async def _settle(self, seat: Lazy, warm: Warm, seconds: float) -> None:
        """A model has come; its true size is known now. One that cannot stay goes at once."""
        seat.size = warm.bytes
        if self.pinned() + seat.size > self._budget:
            self._free(warm)
            self._refuse(seat)
        elif seat.idle and self.resident + seat.size > self._budget:
            self._free(warm)  # it was loaded early, and is larger than the memory that was free
            self._early.clear()
        else:
            await self._admit(seat, warm, seconds)

    async def _admit(self, seat: Lazy, warm: Warm, seconds: float) -> None:
        inner = await seat.build(warm)
        if seat in self._seats:
            self._loaded[seat] = None
            seat.arrived(warm, inner, seconds)
        else:
            inner.close()
            self._free(inner)

    def _refuse(self, seat: Lazy) -> None:
        self._wanted.pop(seat, None)
        room = max(0, self._budget - self.pinned())
        seat.refuse(refusals.too_large(seat.spec.id, seat.size, room))

    def _evict(self, seat: Lazy) -> None:
        del self._loaded[seat]
        self._free(seat.evicted())

    def _free(self, model: Warm | Dispatcher) -> None:
        """Let go of a model: in a thread, as it can take long; and give its memory back a little later."""
        self._executor.submit([model].clear)
        if not self._trimming:
            self._trimming = True
            self._loop.call_later(_AFTER, self._trim)

    def _trim(self) -> None:
        self._trimming = False
        self._executor.submit(give_back)

    def _tidy(self) -> None:
        """Let go of what nobody has asked for."""
        for seat in stale(self._loaded, monotonic() - self._idle_seconds):
            self._evict(seat)
        self._loop.call_later(min(5.0, self._idle_seconds / 4), self._tidy)

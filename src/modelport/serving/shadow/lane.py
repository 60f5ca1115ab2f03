"""The way from one endpoint to one shadow: what waits to be repeated, and what came of it.

What is repeated waits until the slots that answer have nothing to do, is bounded, and is dropped, and
counted, when that takes too long or the worker is short of time or memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic, time_ns
from typing import Any, NamedTuple

import numpy as np

from modelport.core.fleet import ShadowSeen
from modelport.core.plan import BASIS_POINTS
from modelport.core.traffic import point
from modelport.errors import ModelportError
from modelport.runtimes.batch import Batch, Ragged, Tensor
from modelport.serving import shared
from modelport.serving.call import Call
from modelport.serving.codecs.tensors import NUMPY
from modelport.serving.overload.pressure import Pressure
from modelport.serving.results import Results
from modelport.serving.shadow.comparison import Comparison, Rows, compare
from modelport.serving.table import LiveSlot
from modelport.serving.telemetry.redaction import redact
from modelport.serving.telemetry.samples import row_of

PROTOCOL = shared.PROTOCOLS.index("shadow")
PRIORITY = 2
"""Of `admission.SHARES`: the least."""
ROOM = 1024
"""Rows that may wait to be repeated, per shadow."""
LARGEST = 256
"""A request of more rows is not repeated; also the rows that are repeated at a time."""
STALE = 1.0
"""Seconds after which what waits is dropped: the slots that answer had no time to spare."""
_AGAIN = 0.01
"""Seconds until it is looked again whether they have."""
_LONGEST = 4096
"""Bytes of an input that is kept as an example; of a longer one only the answers are."""
_MICRO = 1e6


class Answered(NamedTuple):
    """A call that has its answer, and may be repeated."""

    slot: str
    id: str
    batch: Batch
    partial: bool
    answer: Rows
    seconds: float
    at: float


class Keeping(NamedTuple):
    """What may be kept of an example: whether inputs are, and the columns that never are."""

    inputs: bool
    redacted: frozenset[str]


class Lane:
    """The way from one endpoint to one shadow, in one worker. Owned by the event loop.

    Args:
        share: basis points of the endpoint's requests that are repeated.
        busy: whether the slots that answer have something to do.

    Attributes:
        dropped: requests that were chosen and not repeated.
        failed: requests that the shadow could not answer.
        comparisons: by the slot that answered.
    """

    def __init__(
        self,
        endpoint: str,
        slot: LiveSlot,
        share: int,
        *,
        pressure: Pressure,
        keeping: Keeping,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.endpoint = endpoint
        self.slot = slot
        self.share = share
        self.busy: Callable[[], bool] = bool
        self.dropped = self.failed = 0
        self.comparisons: dict[str, Comparison] = {}
        self._pressure = pressure
        self._keeping = keeping
        self._loop = loop
        self._waiting: deque[Answered] = deque()
        self._rows = 0
        self._running = 0
        self._scheduled = False

    def chosen(self, call: Call) -> bool:
        """Whether a call is of the share that is repeated; the same on every worker."""
        return point(call.id, self.endpoint, f"shadow {self.slot.spec.id}") < self.share

    def offer(self, answered: Answered) -> None:
        """Repeat a call when there is time, or drop it."""
        rows = answered.batch.rows
        if rows > LARGEST or self._rows + rows > ROOM or "samples" in self._pressure.active:
            self._drop()
            return
        self._rows += rows
        self._waiting.append(answered)
        if not self._running:
            self._soon(0.0)

    def compared(self, answered: Answered, results: Results, start: int, seconds: float) -> None:
        """The shadow has answered, too."""
        shadow = Rows(results, start, answered.batch.rows)
        differences = compare(answered.answer, shadow)
        known = self.comparisons.setdefault(answered.slot, Comparison())
        known.add(
            differences,
            primary=answered.seconds,
            shadow=seconds,
            example=partial(self._example, answered, shadow),
        )
        count = self.slot.counters.add
        count(shared.SHADOW_ROWS, len(differences))
        count(shared.SHADOW_AGREED, sum(difference.agree for difference in differences))
        count(shared.SHADOW_ANSWERED_NS, int(answered.seconds * 1e9))
        if results.meaning.probabilistic:
            shift = sum(difference.shift or 0.0 for difference in differences)
            count(shared.SHADOW_SHIFT, int(shift * _MICRO))

    def lost(self) -> None:
        """The shadow could not answer."""
        self.failed += 1

    def ended(self) -> None:
        """One repeated call is over, in whatever way."""
        self._running -= 1
        if not self._running:
            self._soon(0.0)

    def describe(self) -> dict[str, Any]:
        """What `/debug/shadow` says of it."""
        return {
            "endpoint": self.endpoint,
            "slot": self.slot.spec.id,
            "share": self.share / BASIS_POINTS,
            "dropped": self.dropped,
            "failed": self.failed,
            "compared_with": {name: known.describe() for name, known in self.comparisons.items()},
        }

    def seen(self) -> list[ShadowSeen]:
        """What it was compared on, by the slot that answered."""
        slot = self.slot.spec.id
        return [known.seen(self.endpoint, slot, name) for name, known in self.comparisons.items()]

    def _soon(self, seconds: float) -> None:
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._loop.call_later(seconds, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        now = monotonic()
        while self._waiting and now - self._waiting[0].at > STALE:
            self._take()
            self._drop()
        if self._running:
            return
        if self.busy() or "samples" in self._pressure.active:
            self._soon(_AGAIN)
            return
        for answered in self._batch():
            self._repeat(answered, now)
        if not self._running:
            self._soon(0.0)

    def _batch(self) -> list[Answered]:
        taken: list[Answered] = []
        rows = 0
        while self._waiting and rows + self._waiting[0].batch.rows <= LARGEST:
            taken.append(self._take())
            rows += taken[-1].batch.rows
        return taken

    def _take(self) -> Answered:
        answered = self._waiting.popleft()
        self._rows -= answered.batch.rows
        return answered

    def _repeat(self, answered: Answered, now: float) -> None:
        call = Repeated(self, answered, now)
        self._running += 1
        try:
            self.slot.admission.check(call, self.slot.dispatcher, now)
            self.slot.dispatcher.submit(call)
        except ModelportError:
            self._running -= 1
            self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self.slot.counters.add(shared.SHADOW_DROPPED)

    def _example(self, answered: Answered, shadow: Rows, row: int) -> dict[str, Any]:
        """What is kept of a row, by the rules for payloads."""
        told: dict[str, Any] = {
            "prediction_id": answered.id if answered.batch.rows == 1 else f"{answered.id}.{row}",
            "at_ms": time_ns() // 1_000_000,
            "answered": _answer(answered.answer, row),
            "shadow": _answer(shadow, row),
        }
        if self._keeping.inputs and _length(answered.batch, row) <= _LONGEST:
            signature = self.slot.manifest.signature
            columns = signature.inputs[0].columns if signature.item == "vector" else ()
            told["input"] = redact(row_of(answered.batch, row), self._keeping.redacted, columns)
        return told


class Repeated(Call):
    """A call that is made once more, at a shadow."""

    __slots__ = ("_answered", "_lane", "_over")

    def __init__(self, lane: Lane, answered: Answered, now: float) -> None:
        batch = _fitted(answered.batch, lane.slot)
        super().__init__(lane.slot, batch, id=answered.id, received=now, protocol=PROTOCOL)
        self.queued = now
        self.priority = PRIORITY
        self.partial = answered.partial
        self.trial = True  # all that a shadow is asked is a copy of what others answered
        self._lane = lane
        self._answered = answered
        self._over = False

    def answered(self, results: Results, start: int) -> int:
        """Compare."""
        self._end()
        if any(start <= row < start + self.rows for row in results.errors):
            self._lane.lost()
        else:
            self._lane.compared(self._answered, results, start, monotonic() - self.received)
        return 200

    def failed(self, error: ModelportError) -> int:
        """Count it; nobody waits."""
        self._end()
        self._lane.lost()
        return error.status

    def _end(self) -> None:
        """Once, also for an answer that cannot be compared and is then called failed."""
        if not self._over:
            self._over = True
            self._lane.ended()


def _fitted(batch: Batch, slot: LiveSlot) -> Batch:
    """The batch in the shadow's own number widths: versions of one contract may differ in them."""
    fields = slot.manifest.signature.inputs
    return Batch(batch.rows, {field.name: _cast(batch[field.name], field.dtype) for field in fields})


def _cast(tensor: Tensor, dtype: str) -> Tensor:
    if isinstance(tensor, Ragged) or tensor.dtype.kind == "O":
        return tensor
    return tensor.astype(NUMPY[dtype], copy=False)


def _length(batch: Batch, row: int) -> int:
    """Bytes of one row, or characters."""
    return sum(_size(tensor, row) for tensor in batch.tensors.values())


def _size(tensor: Tensor, row: int) -> int:
    if isinstance(tensor, Ragged):
        return int(tensor.offsets[row + 1] - tensor.offsets[row]) * tensor.values.itemsize
    if tensor.dtype.kind != "O":
        return int(tensor[row].nbytes)
    return sum(len(value) for value in np.ravel(tensor[row]) if isinstance(value, str | bytes))


def _answer(rows: Rows, row: int) -> dict[str, Any]:
    confidence = rows.confidences()[row]
    told = {"prediction": rows.predictions()[row]}
    return told if confidence is None else told | {"confidence": confidence}

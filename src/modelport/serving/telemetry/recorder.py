"""Where the event loop puts what it knows about a request: a bounded ring that never waits.

The loop appends, one background thread (`Flusher`) takes; a deque makes both safe without a lock. Each cell
of the worker's row has one writer: the loop counts what was noted, the thread what became of it:

    EVENTS = EVENTS_WRITTEN + EVENTS_DROPPED + those still waiting

Events are dropped, newest first, when the ring is full or the disk takes nothing. What a killed worker
still held is counted as dropped by its successor. EVENTS_LOST counts written events whose file was deleted
to stay below the spool's cap.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import msgspec

from modelport.core.telemetry import Outcome, PayloadEvent, Prediction, PredictionEvent
from modelport.serving import shared
from modelport.serving.telemetry.frames import Columns, Payload, Record, Single
from modelport.serving.telemetry.redaction import redact

ROOM = 65_536
"""Events that may wait."""
FULL_FRAME = 2048
"""Events that fill a frame of some 256 KiB: the flusher is woken for them."""
PAYLOAD_BYTES = 256 * 1024
"""A longer payload is dropped."""
PAYLOAD_ROOM = 8 * 1024 * 1024
"""Bytes of payloads that may wait."""

_encode = msgspec.msgpack.Encoder().encode


class Recorder:
    """Notes events on the event loop of one worker.

    Every method belongs to the loop, except `take`. None of them waits, and none raises: losing an event
    never fails a request.

    Args:
        segment, worker: whose cells are counted in.
        redacted: names of columns whose values are not kept.
        spooled: whether anyone takes; without, events are counted and let go.
        room: events that may wait.

    Attributes:
        bell: set when there is a full frame to take.
        hurried: whether there is no time for payloads now.
        refused, payloads_refused: how many found no room.
    """

    def __init__(
        self,
        segment: shared.Segment,
        worker: int,
        *,
        redacted: Sequence[str] = (),
        spooled: bool = True,
        room: int = ROOM,
    ) -> None:
        self._cells = segment.cells
        self._events = segment.row(worker) + shared.EVENTS
        self._payloads = segment.row(worker) + shared.PAYLOADS
        self._redacted = frozenset(redacted)
        self.bell = threading.Event()
        self._spooled = spooled
        self._room = room
        self._brim = FULL_FRAME if spooled else -1
        self._ring: deque[Record] = deque()
        # Totals with one writer each: the loop adds to the first four, the flusher's thread to the rest.
        self.hurried = False
        self._kept = 0
        self._payload_kept = 0
        self.refused = 0
        self.payloads_refused = 0
        self._taken = 0
        self._payload_taken = 0

    def keeps(self, *names: str) -> bool:
        """Whether values of these names are kept."""
        return self._spooled and self._redacted.isdisjoint(names)

    def batch(  # noqa: PLR0917  # keywords would cost more than the body on the hot path
        self,
        slot: str,
        at_ms: int,
        protocol: str,
        ids: list[str],
        latencies_us: list[int],
        rows: list[int],
        outcomes: list[Outcome] | Outcome,
        confidences: list[float | None],
        predictions: list[tuple[Prediction, ...]] | None = None,
        users: list[str] | None = None,
    ) -> None:
        """The events of one executed batch; the lists, all of one length, belong to the recorder now."""
        count = len(ids)
        self._cells[self._events] += count
        if self._kept - self._taken + count > self._brim and not self._admit(count):
            return
        self._kept += count
        self._ring.append(
            Columns(slot, at_ms, protocol, ids, latencies_us, rows, outcomes, confidences, predictions, users)
        )

    def one(self, event: PredictionEvent) -> None:
        """An event that belongs to no batch."""
        self._cells[self._events] += 1
        if self._kept - self._taken >= self._brim and not self._admit(1):
            return
        self._kept += 1
        self._ring.append(Single(event))

    def payload(self, event: PayloadEvent, columns: Sequence[str] = ()) -> None:
        """A payload the caller has sampled. `columns` names the positions of a vector item."""
        self._cells[self._payloads] += 1
        if not self._spooled:
            return
        if self.hurried:
            self.payloads_refused += 1
            return
        body = self._encoded(event, columns)
        waiting = self._payload_kept - self._payload_taken
        if body is None or waiting + len(body) > PAYLOAD_ROOM:
            self.payloads_refused += 1
            return
        self._payload_kept += len(body)
        self._ring.append(Payload(msgspec.Raw(body)))

    def relieve(self, active: frozenset[str]) -> None:
        """Keep no payloads while the worker is short of time or memory; `active` are its actions."""
        self.hurried = "samples" in active

    def take(self) -> Record | None:
        """What was noted first, or None; for the one thread that empties the ring."""
        try:
            record = self._ring.popleft()
        except IndexError:
            return None
        self._taken += record.events
        self._payload_taken += record.payload_bytes
        return record

    def _admit(self, count: int) -> bool:
        """Over the brim: wake the flusher; beyond the room nothing is kept."""
        if not self._spooled:
            return False
        if not self.bell.is_set():
            self.bell.set()
        if self._kept - self._taken + count <= self._room:
            return True
        self.refused += count
        return False

    def _encoded(self, event: PayloadEvent, columns: Sequence[str]) -> bytes | None:
        try:
            body = _encode(self._redact(event, columns) if self._redacted else event)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            return None
        return body if len(body) <= PAYLOAD_BYTES else None

    def _redact(self, event: PayloadEvent, columns: Sequence[str]) -> PayloadEvent:
        inputs = redact(event.inputs, self._redacted, columns)
        outputs = redact(event.outputs, self._redacted)
        return PayloadEvent(event.prediction_id, event.slot, inputs, outputs)

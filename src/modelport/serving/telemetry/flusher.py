"""The background thread that empties a recorder's ring into the spool, and counts what became of it."""

from __future__ import annotations

import logging
import threading

from modelport.serving import shared
from modelport.serving.log import note
from modelport.serving.telemetry.frames import Payload, Record, encode
from modelport.serving.telemetry.recorder import FULL_FRAME, Recorder
from modelport.serving.telemetry.spool import NOTHING, Count, Spool

INTERVAL = 0.2
"""Seconds between two flushes, at most."""
FRAME_PAYLOAD_BYTES = 256 * 1024
"""A frame with more bytes of payloads is closed."""


class Flusher:
    """Writes what a recorder holds every 200 ms, or sooner when a frame is full.

    `start` begins by counting, as dropped, what a killed predecessor in the same row still held.
    `close` writes the rest. A disk that takes nothing costs events, never a request; they are counted and
    writing resumes by itself.
    """

    def __init__(self, recorder: Recorder, spool: Spool, segment: shared.Segment, worker: int) -> None:
        self._recorder = recorder
        self._spool = spool
        self._cells = segment.cells
        self._worker = worker
        self._row = segment.row(worker)
        self._bell = recorder.bell
        self._stopping = False
        self._failing = False
        self._failed = NOTHING
        self._base = [0] * shared.WORKER_CELLS
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        """Begin; call before the first event is noted."""
        self._settle_predecessor()
        self._base = self._cells[self._row : self._row + shared.WORKER_CELLS].tolist()
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Write what is left and stop; after `timeout` seconds a disk that hangs is left alone."""
        self._stopping = True
        self._bell.set()
        self._thread.join(timeout)

    def _settle_predecessor(self) -> None:
        noted, written, dropped = (
            self._cells[self._row + cell]
            for cell in (shared.EVENTS, shared.EVENTS_WRITTEN, shared.EVENTS_DROPPED)
        )
        self._cells[self._row + shared.EVENTS_DROPPED] = max(noted - written, dropped)

    def _run(self) -> None:
        while not self._stopping:
            self._bell.wait(INTERVAL)
            self._bell.clear()
            self._flush()
        self._flush()
        self._spool.close()

    def _flush(self) -> None:
        while True:
            records, inside = self._gather()
            if records:
                self._write(records, inside)
            self._publish()
            if not records:
                return

    def _gather(self) -> tuple[list[Record], Count]:
        """The records of the next frame, from the ring."""
        records: list[Record] = []
        events = payloads = size = 0
        while events < FULL_FRAME and size < FRAME_PAYLOAD_BYTES and (record := self._recorder.take()):
            records.append(record)
            events += record.events
            payloads += isinstance(record, Payload)
            size += record.payload_bytes
        return records, Count(events, payloads)

    def _write(self, records: list[Record], inside: Count) -> None:
        try:
            frame = encode(records, inside.events, inside.payloads)
        except (TypeError, ValueError) as error:
            note("events not encoded", logging.ERROR, events=inside.events, reason=str(error))
            self._failed = self._failed.plus(inside)
            return
        written = self._spool.append(frame)
        if written:
            self._cells[self._row + shared.EVENTS_WRITTEN] += inside.events
        else:
            self._failed = self._failed.plus(inside)
        self._say(failing=not written)

    def _say(self, *, failing: bool) -> None:
        """Log when writing stops working and when it works again, not at each event."""
        if failing and not self._failing:
            note("spool failing", logging.ERROR, worker=self._worker)  # events are dropped and counted
        if self._failing and not failing:
            note("spool recovered", worker=self._worker)
        self._failing = failing

    def _publish(self) -> None:
        lost = self._spool.lost
        self._set(shared.EVENTS_DROPPED, self._recorder.refused + self._failed.events)
        self._set(shared.EVENTS_LOST, lost.events)
        payloads_gone = self._recorder.payloads_refused + self._failed.payloads + lost.payloads
        self._set(shared.PAYLOADS_DROPPED, payloads_gone)
        self._cells[self._row + shared.SPOOL_BYTES] = self._spool.size

    def _set(self, cell: int, since_start: int) -> None:
        """Counters continue those of the predecessor."""
        self._cells[self._row + cell] = self._base[cell] + since_start

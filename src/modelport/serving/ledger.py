"""What the supervisor writes into the row of a worker that no longer can: the rest is the worker's own.

A row with an incarnation is one that somebody should answer from; while its PID is 0 nobody does. Rows of
incarnation 0 are spare.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelport.serving import shared

_WORKER_GAUGES = (
    shared.PID, shared.HEARTBEAT, shared.CONNECTIONS, shared.INFLIGHT, shared.LOOP_LAG, shared.DRAINING,
    shared.READY, shared.RESIDENT,
)  # fmt: skip


def begin(segment: shared.Segment, row: int, incarnation: int) -> None:
    """Make a row fit for a worker about to start: no gauge of its predecessor is left, counters go on."""
    _clear_gauges(segment, row)
    segment.cells[segment.row(row) + shared.INCARNATION] = incarnation


def settle(segment: shared.Segment, row: int, places: Iterable[int]) -> int:
    """Account for a dead worker: what it was executing is lost. Returns how many requests that were."""
    _clear_gauges(segment, row)
    return sum(_settle_slot(segment, segment.slot(row, place)) for place in places)


def retire(segment: shared.Segment, row: int) -> None:
    """Make a row spare again; what it counted stays counted."""
    segment.cells[segment.row(row) + shared.INCARNATION] = 0


def clear_keys(segment: shared.Segment, places: Iterable[int]) -> None:
    """Empty the windows of keys whose places another key had."""
    for place in places:
        for row in range(segment.workers):
            first = segment.key(row, place)
            for cell in range(shared.KEY_CELLS):
                segment.cells[first + cell] = 0


def _clear_gauges(segment: shared.Segment, row: int) -> None:
    for cell in _WORKER_GAUGES:
        segment.cells[segment.row(row) + cell] = 0


def _settle_slot(segment: shared.Segment, first: int) -> int:
    cells = segment.cells
    lost = cells[first + shared.EXECUTING]
    cells[first + shared.LOST] += lost
    cells[first + shared.EXECUTING] = cells[first + shared.QUEUED] = 0
    return lost

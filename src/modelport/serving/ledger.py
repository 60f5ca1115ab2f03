"""What the supervisor writes into the row of a worker that no longer can: the rest is the worker's own."""

from __future__ import annotations

from collections.abc import Iterable

from modelport.serving import shared

_WORKER_GAUGES = (
    shared.PID, shared.HEARTBEAT, shared.CONNECTIONS, shared.INFLIGHT, shared.LOOP_LAG, shared.DRAINING,
    shared.READY, shared.RESIDENT,
)  # fmt: skip


def begin(segment: shared.Segment, row: int) -> None:
    """Make a row fit for a worker about to start: no gauge of its predecessor is left, counters go on."""
    for cell in _WORKER_GAUGES:
        segment.cells[segment.row(row) + cell] = 0


def settle(segment: shared.Segment, row: int, places: Iterable[int]) -> dict[int, int]:
    """Account for a dead worker: what it was executing is lost. Returns requests lost by place of slot."""
    begin(segment, row)
    lost = {place: _settle_slot(segment, segment.slot(row, place)) for place in places}
    return {place: count for place, count in lost.items() if count}


def clear_keys(segment: shared.Segment, places: Iterable[int]) -> None:
    """Empty the windows of keys whose places another key had."""
    for place in places:
        for row in range(segment.workers):
            first = segment.key(row, place)
            for cell in range(shared.KEY_CELLS):
                segment.cells[first + cell] = 0


def _settle_slot(segment: shared.Segment, first: int) -> int:
    cells = segment.cells
    lost = cells[first + shared.EXECUTING]
    cells[first + shared.LOST] += lost
    cells[first + shared.EXECUTING] = cells[first + shared.QUEUED] = 0
    return lost

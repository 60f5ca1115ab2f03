"""What the supervisor writes into the row of a worker that no longer can: the rest is the worker's own.

A row with an incarnation is one that somebody should answer from; while its PID is 0 nobody does. Rows of
incarnation 0 are spare. INCARNATION, RESTARTS and LOOPING are written by the supervisor alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelport.serving import shared

_WORKER_GAUGES = (
    shared.PID, shared.HEARTBEAT, shared.CONNECTIONS, shared.INFLIGHT, shared.LOOP_LAG, shared.DRAINING,
    shared.READY, shared.RESIDENT,
)  # fmt: skip

_SLOT_GAUGES = (
    shared.EXECUTING, shared.QUEUED, shared.LOADED, shared.LOADING, shared.MODEL_BYTES, shared.CACHE_BYTES,
)  # fmt: skip


def begin(
    segment: shared.Segment, row: int, incarnation: int, *, restart: bool = False, recycle: bool = False
) -> None:
    """Make a row fit for a worker about to start: no gauge of its predecessor is left, counters go on.

    The worker takes the place of another one, whatever row that one had: of one that failed (`restart`) or
    had served its time (`recycle`).
    """
    _clear_gauges(segment, row)
    first = segment.row(row)
    segment.cells[first + shared.INCARNATION] = incarnation
    segment.cells[first + shared.RESTARTS] += restart
    segment.cells[first + shared.RECYCLES] += recycle


def settle(segment: shared.Segment, row: int, places: Iterable[int]) -> int:
    """Account for a dead worker: what it was executing is lost. Returns how many requests that were."""
    _clear_gauges(segment, row)
    return sum(_settle_slot(segment, row, place) for place in places)


def retire(segment: shared.Segment, row: int) -> None:
    """Make a row spare again; what it counted stays counted."""
    first = segment.row(row)
    segment.cells[first + shared.INCARNATION] = segment.cells[first + shared.LOOPING] = 0


def load_deaths(segment: shared.Segment, place: int) -> int:
    """How many workers died while they loaded the model of a lazy slot."""
    cells = segment.cells
    return sum(cells[segment.slot(worker, place) + shared.LOAD_DEATHS] for worker in range(segment.workers))


def looping(segment: shared.Segment, row: int, *, is_looping: bool) -> None:
    """Say whether starting the worker of this row again does not help."""
    segment.cells[segment.row(row) + shared.LOOPING] = is_looping


def in_use(segment: shared.Segment, row: int) -> bool:
    """Whether somebody should answer from this row."""
    return segment.cells[segment.row(row) + shared.INCARNATION] > 0


def ever_used(segment: shared.Segment, row: int) -> bool:
    """Whether anybody ever answered from this row. Spare rows are only taken in place of another worker."""
    cells, first = segment.cells, segment.row(row)
    return in_use(segment, row) or cells[first + shared.RESTARTS] + cells[first + shared.RECYCLES] > 0


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


def _settle_slot(segment: shared.Segment, row: int, place: int) -> int:
    cells, first = segment.cells, segment.slot(row, place)
    lost = cells[first + shared.EXECUTING]
    if lost:
        _blame(segment, row, place, lost)
    cells[first + shared.LOST] += lost
    cells[first + shared.LOAD_DEATHS] += cells[first + shared.LOADING]
    for cell in _SLOT_GAUGES:
        cells[first + cell] = 0
    return lost


def _blame(segment: shared.Segment, row: int, place: int, lost: int) -> None:
    """What a dead worker was executing speaks against the model: its trials ended in a fault."""
    cells, first = segment.cells, segment.evidence(row, place)
    trials = min(cells[first + shared.TRYING], lost)
    cells[first + shared.UNTIMED] += trials
    cells[first + shared.FAULTS] += trials
    cells[first + shared.PLAIN] += lost - trials
    cells[first + shared.TRYING] = 0

"""Which model host has to go, and when the next one starts: pure, given what is seen and the time.

All times are monotonic seconds; memory is in bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelport.serving.hosts import board
from modelport.serving.replica import health

STALLED = 2.0
"""Seconds that a host may be stopped (SIGSTOP), or silent while it runs nothing."""
SILENT = 10.0
"""Seconds an idle host may be silent: its threads may hold the interpreter."""
WORN = 0.8
"""Share of the memory limit at which a host that has grown is replaced, before it has to be killed."""
GROWN = 1.25
"""How much more than when it was ready a host must hold to count as grown: a large model is not a leak."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between starts in a crash loop: the first, doubling up to the longest."""


class Bounds(msgspec.Struct, frozen=True):
    """What a host may take.

    Attributes:
        start: seconds until it is ready.
        call: seconds of one batch.
        memory: resident bytes; 0 is no limit.
        calls: after so many it is replaced; 0 is never.
    """

    start: float
    call: float
    memory: int
    calls: int


class Sight(msgspec.Struct, frozen=True):
    """What is seen of a host.

    Attributes:
        started: when it was started.
        moved: when it was last seen not stopped.
        ready: whether it takes calls.
        beat: its last sign of life; 0 when there was none.
        busy: since when it runs a batch; 0 when it runs none.
        resident, fresh: its memory now, and when it was ready.
        calls: how many it was given.
    """

    started: float
    moved: float
    ready: bool = False
    beat: float = 0.0
    busy: float = 0.0
    resident: int = 0
    fresh: int = 0
    calls: int = 0


def doom(sight: Sight, bounds: Bounds, now: float) -> int:
    """Why it has to be killed now (a reason of `board`), or 0."""
    if bounds.memory and sight.resident > bounds.memory:
        return board.GROWS
    if now - sight.moved > STALLED:
        return board.STALLS
    if not sight.ready:
        return board.LATE if now - sight.started > bounds.start else 0
    if sight.busy:
        return board.HANGS if now - sight.busy > bounds.call else 0
    return board.STALLS if now - max(sight.beat, sight.started) > SILENT else 0


def worn(sight: Sight, bounds: Bounds) -> bool:
    """Whether it is better replaced, while it still answers."""
    if not sight.ready:
        return False
    if bounds.calls and sight.calls >= bounds.calls:
        return True
    return bool(bounds.memory) and sight.resident > max(WORN * bounds.memory, GROWN * sight.fresh)


def pause(deaths: Sequence[float], now: float) -> float:
    """Seconds to wait before the next start."""
    if not health.crash_loop(deaths, now):
        return health.pause(deaths, now)
    more = sum(now - death <= health.LOOP_SECONDS for death in deaths) - health.LOOP_DEATHS
    return float(min(FIRST_PAUSE * 2 ** min(more, 16), LONGEST_PAUSE))

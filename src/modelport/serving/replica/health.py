"""Who is hung, and how soon a dead worker is started again: pure, given beats and the time.

All times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

STALLED = 1.0
"""Seconds without a heartbeat after which a worker that serves is stalled."""
LOADING = 30.0
"""The same for a worker that starts or prepares: loading a large model may hold its interpreter."""
BLIND = 0.5
"""A supervisor that looks later than this was itself stopped, and judges nobody for a while."""

LOOP_DEATHS, LOOP_SECONDS = 3, 60.0
"""That many deaths in that time are a crash loop."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Beat(msgspec.Struct, frozen=True):
    """What is known of one worker.

    Attributes:
        last: its last heartbeat, or None when there was none since it started.
        started: when it was started.
        busy: it starts, or prepares slots.
    """

    last: float | None
    started: float
    busy: bool


def stalled(beat: Beat, now: float) -> bool:
    """Whether a worker has stopped moving."""
    limit = LOADING if beat.busy or beat.last is None else STALLED
    return now - (beat.started if beat.last is None else beat.last) > limit


def blind(now: float, looked: float) -> bool:
    """Whether the judge itself was not running between two looks."""
    return now - looked > BLIND


def remember(deaths: Sequence[float], now: float) -> list[float]:
    """The deaths that still matter, with one that happens now."""
    return [*(death for death in deaths if now - death <= LOOP_SECONDS), now]


def pause(deaths: Sequence[float], now: float) -> float:
    """Seconds to wait before the next start: 0 after the first death, then 0.1 doubling to 5.

    Only deaths of the last minute count, so a worker that ran well for long starts at once.
    """
    recent = _recent(deaths, now)
    if recent <= 1:
        return 0.0
    return float(min(FIRST_PAUSE * 2 ** min(recent - 2, 16), LONGEST_PAUSE))


def crash_loop(deaths: Sequence[float], now: float) -> bool:
    """Whether starting again does not help."""
    return _recent(deaths, now) >= LOOP_DEATHS


def _recent(deaths: Sequence[float], now: float) -> int:
    return sum(now - death <= LOOP_SECONDS for death in deaths)

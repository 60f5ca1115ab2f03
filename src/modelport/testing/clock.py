"""A clock that a test turns."""

from __future__ import annotations

EPOCH = 1_767_225_600.0
"""2026-01-01 00:00 UTC: where a clock begins unless it is told otherwise."""


class FakeClock:
    """Stands still until it is told to go on; a `core.clock.Clock`."""

    def __init__(self, now: float = EPOCH) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        """Wall-clock seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made, not counting steps of the wall clock."""
        return self._monotonic

    def go_on(self, seconds: float) -> float:
        """Let time pass; returns the new wall-clock time."""
        assert seconds >= 0, "time does not go back; a stepped wall clock is `step`"
        self._now += seconds
        self._monotonic += seconds
        return self._now

    def step(self, seconds: float) -> float:
        """Set the wall clock forward or back, as NTP or a person does; returns the new wall-clock time."""
        self._now += seconds
        return self._now

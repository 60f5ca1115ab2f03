"""Time, as decisions see it: handed in, so that a test turns the clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time. Decisions take a number; only loops hold a clock."""

    def now(self) -> float:
        """Wall-clock seconds since the epoch, as a document or a journal entry is dated with."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for leases, time-outs and intervals."""
        ...

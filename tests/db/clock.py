"""A clock that stands still until it is turned."""

from __future__ import annotations


class Still:
    """Implements `core.clock.Clock`."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

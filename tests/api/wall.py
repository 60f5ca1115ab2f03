"""The clock on the wall, which a test may turn ahead."""

from __future__ import annotations

import time


class Wall:
    """Implements `core.clock.Clock`."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

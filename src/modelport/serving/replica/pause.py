"""The time between two looks at what may have changed."""

from __future__ import annotations

import asyncio


class Pause:
    """Lasts some seconds, unless a nudge ends it: whoever says "read again now" need not wait."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """End the pause that is under way, or the next."""
        self._nudged.set()

    async def over(self) -> None:
        """Return when the pause has ended."""
        try:
            await asyncio.wait_for(self._nudged.wait(), self._seconds)
        except TimeoutError:
            return
        self._nudged.clear()

"""The threads in which the API does its work, in groups: who waits to write holds up nobody who reads.

A database that is busy keeps writers for up to ten seconds each. With threads in common, forty of them make
an API that answers nobody, not even those who ask whether it is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

WRITERS = 40
NOTERS = 4

T = TypeVar("T")


class Threads:
    """Of one event loop. What raises in a thread raises here."""

    def __init__(self) -> None:
        self._writers = CapacityLimiter(WRITERS)
        self._noters = CapacityLimiter(NOTERS)

    async def read(self, work: Callable[[], T]) -> T:
        """Do what only reads."""
        return await to_thread.run_sync(work)

    async def write(self, work: Callable[[], T]) -> T:
        """Do what may write to the database."""
        return await to_thread.run_sync(work, limiter=self._writers)

    async def note(self, work: Callable[[], T]) -> T:
        """Write what no caller asked for: that a key was used, that somebody was refused."""
        return await to_thread.run_sync(work, limiter=self._noters)

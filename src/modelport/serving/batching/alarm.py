"""One timer for the earliest of many deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

from modelport.serving.call import NEVER, Call

Ring = Callable[[float], float]
"""Acts on the given monotonic time; returns the earliest deadline still to come, or `NEVER`."""


def earliest(calls: Iterable[Call]) -> float:
    """The earliest deadline of the calls that have no answer yet, or `NEVER`."""
    return min((call.deadline for call in calls if not call.status), default=NEVER)


class Alarm:
    """Rings when the earliest deadline it was told of has come.

    A timer per call would stay in the loop until its time, long after the call was answered: at 30,000
    requests a second with a deadline of ten seconds that is 300,000 of them.

    Args:
        loop: whose timer it is.

    Attributes:
        due: when it rings, in monotonic seconds.
    """

    __slots__ = ("_loop", "due")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.due = NEVER

    def set(self, deadline: float, ring: Ring) -> None:
        """Call `ring` at `deadline` at the latest."""
        if deadline < self.due:
            self.due = deadline
            self._loop.call_later(max(0.0, deadline - monotonic()), self._rings, deadline, ring)

    def _rings(self, deadline: float, ring: Ring) -> None:
        if deadline == self.due:  # else an earlier one has taken its place and looked at everything
            self.due = NEVER
            self.set(ring(monotonic()), ring)

"""The last things that went wrong with models in this worker, for people who ask why."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import time

from modelport.core.fleet import Trouble

MOST = 20
"""That many are remembered, one of each kind."""


class Troubles:
    """Owned by the event loop.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def add(self, subject: str, message: str) -> None:
        """Remember it; what happens again is remembered once, with the time of the last."""
        self._known[subject, message] = self._clock()
        self._known.move_to_end((subject, message))
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def last(self) -> tuple[Trouble, ...]:
        """What is remembered, oldest first."""
        return tuple(Trouble(at, *what) for what, at in self._known.items())

"""Carries out what `overload` decides for one worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from modelport.errors import Overloaded
from modelport.serving.log import note
from modelport.serving.overload import actions
from modelport.serving.overload.actions import Action, Active, Load
from modelport.serving.overload.admission import Queue

LAG = 0.5
"""Seconds of loop lag that are too much."""


class Relieved(Protocol):
    """What acts on its own when an action begins or ends."""

    def relieve(self, active: frozenset[Action]) -> None:
        """These actions are on now."""


class Pressure:
    """Owned by the event loop.

    Attributes:
        active: the actions that are on.
        relieved: who is told when they change.
    """

    def __init__(self, *, target: float, memory: int, queues: Callable[[], Iterable[Queue]]) -> None:
        self._target = target
        self._memory = memory
        self._queues = queues
        self._state: Active = {}
        self.active: frozenset[Action] = frozenset()
        self.relieved: Sequence[Relieved] = ()

    def begin(self, resident: int) -> None:
        """The worker is warm. A limit of memory that its models need already would keep it from answering: it
        is not held, and the log says so.
        """
        if self._memory and resident >= self._memory * actions.THRESHOLDS["samples"].memory:
            note("memory limit too low", logging.ERROR, limit=self._memory, resident=resident)
            self._memory = 0

    def feel(self, lag: float, resident: int, now: float) -> None:
        """Decide again; seconds, bytes and monotonic seconds. Called with every beat of the worker."""
        load = Load(
            lag / LAG, resident / self._memory if self._memory else 0.0, self._longest() / self._target
        )
        self._state = actions.decide(self._state, load, now)
        if self._state.keys() != self.active:
            self._change(frozenset(self._state), load)

    def check(self, priority: int) -> None:
        """Let a call of this priority in, or raise `Overloaded`."""
        if priority and "batch" in self.active:
            msg = "this worker is short of time or memory, and takes no batch work"
            raise Overloaded(
                msg,
                code="batch-refused",
                retry_after=actions.HOLD,
                hint="retry after the given time, or send it as interactive",
            )

    def _longest(self) -> float:
        """Predicted wait of the longest queue, in seconds."""
        known = (queue.wait() for queue in self._queues() if queue.waiting)
        return max((wait for wait in known if wait != float("inf")), default=0.0)

    def _change(self, active: frozenset[Action], load: Load) -> None:
        shares = {name: round(share, 2) for name, share in load._asdict().items()}
        level = logging.WARNING if active > self.active else logging.INFO
        note("overload", level, actions=sorted(active), **shares)
        self.active = active
        for one in self.relieved:
            one.relieve(active)

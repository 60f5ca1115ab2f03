"""How many hosts a slot should have: what is seen of them, put to `scaling.instances` for its decision."""

from __future__ import annotations

from typing import NamedTuple

from modelport.core.plan import Scaling
from modelport.serving.scaling import instances
from modelport.serving.scaling.instances import Bounds, Seen, State

_WEIGHT = 0.1
"""Share of a new look in the average of how busy the hosts are: they are looked at ten times a second."""


class Load(NamedTuple):
    """What is seen of the hosts of a slot: how many take calls, seconds that these wait there on average, and
    the share of the hosts that run a batch."""

    ready: int
    wait: float
    busy: float


class Follower:
    """Of one slot. Pure but for what it remembers.

    Args:
        scaling: the bounds; None, or not by itself, keeps the number.
        asked: instances that the plan asks for.

    Attributes:
        state: what was decided last.
    """

    def __init__(self, scaling: Scaling | None, asked: int) -> None:
        self._scaling = scaling if scaling is not None and scaling.auto_scale else None
        self._busy = 0.0
        self.state = State(asked)
        if self._scaling is not None:
            self.state = State(max(1, self._scaling.min_instances, min(asked, self._scaling.max_instances)))

    @property
    def moves(self) -> bool:
        """Whether the number follows the load."""
        return self._scaling is not None

    def look(self, load: Load, cores: int, now: float) -> None:
        """Decide again, `cores` batches being what this machine can run at a time for the slot.

        While a host starts, calls wait for it rather than for one more.
        """
        if self._scaling is None:
            return
        self._busy += _WEIGHT * (load.busy - self._busy)
        wait = load.wait if load.ready >= self.state.instances else 0.0
        bounds = Bounds(self._scaling.min_instances, self._scaling.max_instances, cores)
        self.state = instances.decide(self.state, Seen(wait, self._busy), bounds, now)

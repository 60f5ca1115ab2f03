"""What a worker gives up under load, in order, and when it takes it up again: pure, given what is measured.

Graded actions with thresholds of their own, after Envoy's overload manager. Each begins at once and ends only
when the load has stayed well below its threshold for a while, so that nothing flaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Action = Literal["samples", "batch", "keepalive", "accept"]
"""samples: keep no payloads, repeat nothing for shadows. batch: refuse calls of priority `batch`. keepalive:
close connections after their answer, and idle ones. accept: take no new connections; they wait."""

RELEASE = 0.8
"""An action goes on while the load is above this share of its threshold."""
HOLD = 1.0
"""Seconds that the load has to stay below that share."""
_NEVER = float("inf")


class Load(NamedTuple):
    """How much of each limit is used; 1 is all of it.

    Attributes:
        lag: of the event loop.
        memory: resident bytes.
        queue: the longest predicted wait of a slot, of the time that calls may wait.
    """

    lag: float = 0.0
    memory: float = 0.0
    queue: float = 0.0


THRESHOLDS: Mapping[Action, Load] = {
    "samples": Load(lag=0.5, memory=0.80, queue=1.0),
    "batch": Load(lag=1.0, memory=0.85, queue=_NEVER),
    "keepalive": Load(lag=_NEVER, memory=0.92, queue=_NEVER),
    "accept": Load(lag=_NEVER, memory=0.97, queue=_NEVER),
}
"""Where each action begins. A long queue of one slot is no reason to refuse callers of another: its own calls
are refused at its own door (`admission`)."""

Active = Mapping[Action, float]
"""Actions that are on, each with the last time (monotonic) that the load was not well below its threshold."""


def decide(active: Active, load: Load, now: float) -> Active:
    """The actions that should be on from now on."""
    return {
        action: now if strain >= RELEASE else active[action]
        for action, limits in THRESHOLDS.items()
        if (strain := _strain(load, limits)) >= 1.0
        or (action in active and (strain >= RELEASE or now - active[action] < HOLD))
    }


def _strain(load: Load, limits: Load) -> float:
    return max(used / limit for used, limit in zip(load, limits, strict=True))

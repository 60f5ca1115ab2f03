"""How many instances of a slot should run: pure, given how long its calls wait and how busy they are.

More at once when calls wait, fewer only after a long calm and only when the rest would not be busy: the two
conditions are far apart, so the number does not swing with the load that it itself changes. What an instance
is (a lane here, a process of a hosted model) is not known here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Limit = Literal["", "cores", "max_instances"]

WAIT = 0.05
"""Seconds of predicted wait that call for one more instance."""
RISE = 0.5
"""Seconds that they have to wait for so long."""
BUSY = 0.6
"""Most busy that the remaining instances may be after one has gone."""
CALM = 10.0
"""Seconds that it has to be so calm."""


class Seen(NamedTuple):
    """What was seen of a slot: predicted wait in seconds, and the share of its instances that were busy."""

    wait: float
    busy: float


class Bounds(NamedTuple):
    """How many instances there may be: what is asked for, and what the machine can give (`cores`)."""

    least: int
    most: int
    cores: int


class State(NamedTuple):
    """What was decided.

    Attributes:
        instances: that should run.
        limit: what keeps it from more, when more are called for.
        waiting: since when calls have waited for too long; None while they do not.
        calm: since when one instance less would do; None while it would not.
    """

    instances: int
    limit: Limit = ""
    waiting: float | None = None
    calm: float | None = None


def decide(state: State, seen: Seen, bounds: Bounds, now: float) -> State:
    """The state after a look at `now` (monotonic seconds)."""
    most = max(1, bounds.least, min(bounds.most, bounds.cores))
    count = min(max(state.instances, bounds.least, 1), most)
    waiting = _since(state.waiting, now) if seen.wait > WAIT else None
    fits = count > max(1, bounds.least) and seen.busy * count <= BUSY * (count - 1)
    calm = _since(state.calm, now) if fits and seen.wait <= WAIT else None
    if waiting is not None and now - waiting >= RISE:
        if count >= most:
            return State(count, "cores" if most < bounds.most else "max_instances", waiting)
        return State(count + 1, waiting=now)
    if calm is not None and now - calm >= CALM:
        return State(count - 1, calm=now)
    return State(count, state.limit if waiting is not None else "", waiting, calm)


def _since(before: float | None, now: float) -> float:
    return now if before is None else before

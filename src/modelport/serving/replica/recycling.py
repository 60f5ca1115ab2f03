"""When a worker has served long enough to be replaced: pure, given what it has used."""

from __future__ import annotations

from typing import NamedTuple

YOUNG = 60.0
"""Seconds before memory alone is a reason: a worker that needs more than its limit from the start would be
replaced for ever."""


class Terms(NamedTuple):
    """How long a worker serves; 0 sets no limit.

    Attributes:
        requests: that it may read. A jitter is in it, so that workers do not go at the same time.
        memory: resident bytes.
    """

    requests: int = 0
    memory: int = 0


class Wear(NamedTuple):
    """What a worker has used since it was started: requests, resident bytes, seconds."""

    requests: int
    memory: int
    age: float


def reason(wear: Wear, terms: Terms) -> str:
    """Why a worker is to be replaced; empty while it is not."""
    if terms.requests and wear.requests >= terms.requests:
        return f"{wear.requests} requests"
    if terms.memory and wear.memory > terms.memory and wear.age >= YOUNG:
        return f"{wear.memory} bytes of memory"
    return ""

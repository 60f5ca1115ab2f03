"""What a worker tells about the predictions it answered. Losing an event never fails a request."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

import msgspec

Outcome = Literal["ok", "invalid", "fault", "deadline", "cancelled", "refused"]


Prediction = str | int | float | bool | None
"""A label or a number; None for a row that failed, or whose label is too long to be kept."""
MOST_ROWS = 16
"""Of a request with more rows no prediction is kept in its join record."""


def mark(user: str) -> str:
    """Stands for a user in records: 24 hexadecimal characters (BLAKE2b), the same wherever it is made.

    Without a key, because replicas and the control plane make it independently: it hides names, and not those
    that somebody can guess.
    """
    return blake2b(
        user.encode("utf-8", "surrogateescape"), digest_size=12, person=b"modelport-user"
    ).hexdigest()


class PredictionEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The join record of one request: kept for every prediction, compact on the wire.

    Unknown to the garbage collector, which would else run because of those that wait: it holds no cycles.

    Attributes:
        prediction_id: of the request; row `i` of several is `<id>.<i>`.
        slot: `model:version`.
        at: wall clock when it ended, milliseconds since the epoch.
        latency: from last byte received to answer ready, in microseconds.
        rows: how many rows it asked for.
        outcome: how it ended.
        confidence: of the single row, when the task has one.
        protocol: codec that carried it.
        cached: it was answered from the cache, so its latency says nothing about the model.
        predictions: what was answered, row by row, where that is a label or a number and there are at most
            `MOST_ROWS`; empty where it is not kept.
        user: `mark` of the user that the caller named; empty when it named none.
    """

    prediction_id: str
    slot: str
    at: int
    latency: int
    rows: int
    outcome: Outcome
    confidence: float | None
    protocol: str
    cached: bool = False
    predictions: tuple[Prediction, ...] = ()
    user: str = ""


class PayloadEvent(msgspec.Struct, frozen=True, array_like=True):
    """A sampled, redacted payload: what was asked and answered, as JSON-able values."""

    prediction_id: str
    slot: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

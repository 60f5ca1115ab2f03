"""What a worker tells about the predictions it answered. Losing an event never fails a request."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Outcome = Literal["ok", "invalid", "fault", "deadline", "cancelled", "refused"]


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


class PayloadEvent(msgspec.Struct, frozen=True, array_like=True):
    """A sampled, redacted payload: what was asked and answered, as JSON-able values."""

    prediction_id: str
    slot: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

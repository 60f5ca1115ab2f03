"""Notes every executed batch: one columnar record, built beside the requests, never waited for."""

from __future__ import annotations

from time import time_ns

from modelport.core.telemetry import Outcome
from modelport.serving.execution import run
from modelport.serving.shared import PROTOCOLS
from modelport.serving.telemetry.recorder import Recorder

_OUTCOME: dict[int, Outcome] = {
    200: "ok",
    400: "invalid",
    413: "invalid",
    422: "invalid",
    503: "refused",
    504: "deadline",
    499: "cancelled",
}


class Silence:
    """Telemetry switched off."""

    def executed(self, outcomes: list[run.Outcome], now: float) -> None:
        """Notes nothing."""


class BatchWitness:
    """Tells the recorder of one slot's batches."""

    __slots__ = ("_recorder", "_slot")

    def __init__(self, recorder: Recorder, slot: str) -> None:
        self._recorder = recorder
        self._slot = slot

    def executed(self, outcomes: list[run.Outcome], now: float) -> None:
        """Note what became of each call of a batch; `now` is when the answers were written, monotonic."""
        first = outcomes[0]
        ids, latencies, rows, states, confidences = [], [], [], [], []
        for outcome in outcomes:
            call = outcome.call
            ids.append(call.id)
            latencies.append(int((now - call.received) * 1e6))
            rows.append(call.rows)
            states.append(_OUTCOME.get(call.status, "fault"))
            results = outcome.results
            confidences.append(
                results.confidences()[outcome.start] if results is not None and call.rows == 1 else None
            )
        self._recorder.batch(
            self._slot,
            time_ns() // 1_000_000,
            PROTOCOLS[first.call.protocol],
            ids,
            latencies,
            rows,
            states,
            confidences,
        )

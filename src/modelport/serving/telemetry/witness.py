"""Notes how every call ended: one columnar record per batch, built beside the requests, never waited for."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns
from typing import Any

import msgspec

from modelport.core.signature import Signature
from modelport.core.telemetry import MOST_ROWS, Outcome, Prediction, PredictionEvent, mark
from modelport.serving.call import Call
from modelport.serving.execution import run
from modelport.serving.shared import PROTOCOLS
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.samples import Samples

_OUTCOME: dict[int, Outcome] = {
    200: "ok",
    400: "invalid",
    413: "invalid",
    422: "invalid",
    503: "refused",
    504: "deadline",
    499: "cancelled",
}


_LONGEST_LABEL = 256
_SHADOW = PROTOCOLS.index("shadow")


class Silence:
    """Telemetry switched off."""

    def starting(self, calls: Sequence[Call]) -> None:
        """Notes nothing."""

    def executed(self, outcomes: list[run.Outcome], now: float) -> None:
        """Notes nothing."""

    def dropped(self, call: Call, now: float) -> None:
        """Notes nothing."""

    def repeated(self, outcome: run.Outcome, now: float) -> None:
        """Notes nothing."""


class BatchWitness:
    """Tells the recorder of one slot's calls.

    Args:
        recorder: where records go.
        slot: `model:version`.
        signature: names the columns of what is sampled.
        answer: name of the output that is the prediction, where that is a label or a number per row.
        payload_share: share of answered rows whose input and output are kept, 0 to 1.
    """

    __slots__ = ("_plain", "_recorder", "_samples", "_slot")

    def __init__(
        self,
        recorder: Recorder,
        slot: str,
        signature: Signature,
        payload_share: float,
        answer: str | None = None,
    ) -> None:
        self._plain = answer is not None and recorder.keeps(answer, "prediction")
        self._recorder = recorder
        self._slot = slot
        self._samples = Samples(recorder, slot, signature, payload_share)

    def starting(self, calls: Sequence[Call]) -> None:
        """Notes nothing: how a call ends is what counts."""

    def executed(self, outcomes: list[run.Outcome], now: float) -> None:
        """Note what became of each call of a batch; `now` is when the answers were written, monotonic."""
        if len(outcomes) == 1:
            self._alone(outcomes[0], now)
            return
        repeated = [outcome for outcome in outcomes if outcome.call.protocol == _SHADOW]
        if 0 < len(repeated) < len(outcomes):
            self._together([outcome for outcome in outcomes if outcome.call.protocol != _SHADOW], now)
            outcomes = repeated
        self._together(outcomes, now)

    def _alone(self, outcome: run.Outcome, now: float) -> None:
        """One record without lists: thousands of lists that wait keep the garbage collector busy."""
        call = outcome.call
        self._recorder.one(self._event(call, now, _confidence(outcome), self._predictions(outcome)))
        if self._samples.due(call.rows):
            self._samples.keep([outcome])

    def _together(self, outcomes: list[run.Outcome], now: float) -> None:
        first = outcomes[0]
        ids, latencies, rows, states, confidences = [], [], [], [], []
        predictions: list[tuple[Prediction, ...]] = []
        users: list[str] = []
        total = 0
        for outcome in outcomes:
            call = outcome.call
            ids.append(call.id)
            latencies.append(int((now - call.received) * 1e6))
            rows.append(call.rows)
            total += call.rows
            states.append(_OUTCOME.get(call.status, "fault"))
            confidences.append(_confidence(outcome))
            predictions.append(self._predictions(outcome))
            users.append(mark(call.user) if call.user else "")
        self._recorder.batch(
            self._slot,
            time_ns() // 1_000_000,
            PROTOCOLS[first.call.protocol],
            ids,
            latencies,
            rows,
            states,
            confidences,
            predictions,
            users if any(users) else None,
        )
        if self._samples.due(total):
            self._samples.keep(outcomes)

    def repeated(self, outcome: run.Outcome, now: float) -> None:
        """Note a call that was answered from the cache."""
        event = self._event(outcome.call, now, _confidence(outcome), self._predictions(outcome))
        self._recorder.one(msgspec.structs.replace(event, cached=True))
        if self._samples.due(outcome.call.rows):
            self._samples.keep([outcome])

    def dropped(self, call: Call, now: float) -> None:
        """Note a call that left the queue without being run."""
        self._recorder.one(self._event(call, now, None))

    def _predictions(self, outcome: run.Outcome) -> tuple[Prediction, ...]:
        """What was answered, row by row, where it is kept."""
        results, count = outcome.results, outcome.call.rows
        if results is None or not self._plain or count > MOST_ROWS or outcome.call.status != 200:
            return ()
        start = outcome.start
        told = results.predictions()[start : start + count]
        return tuple(
            None if start + row in results.errors or _long(value) else value for row, value in enumerate(told)
        )

    def _event(
        self,
        call: Call,
        now: float,
        confidence: float | None,
        predictions: tuple[Prediction, ...] = (),
    ) -> PredictionEvent:
        return PredictionEvent(
            call.id,
            self._slot,
            time_ns() // 1_000_000,
            int((now - call.received) * 1e6),
            call.rows,
            _OUTCOME.get(call.status, "fault"),
            confidence,
            PROTOCOLS[call.protocol],
            False,
            predictions,
            mark(call.user) if call.user else "",
        )


def _long(value: Any) -> bool:
    """Whether it is more than a join record should carry."""
    return isinstance(value, str) and len(value) > _LONGEST_LABEL


def _confidence(outcome: run.Outcome) -> float | None:
    """How sure the model was of the single row that was asked."""
    if outcome.results is None or outcome.call.rows != 1:
        return None
    return outcome.results.confidences()[outcome.start]

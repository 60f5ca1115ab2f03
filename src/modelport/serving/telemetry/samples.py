"""Keeps the inputs and outputs of a random share of the answered rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from random import Random
from typing import Any

from modelport.core.signature import Signature
from modelport.core.telemetry import PayloadEvent
from modelport.runtimes.batch import Batch, Ragged, Tensor
from modelport.serving.execution.run import Outcome
from modelport.serving.telemetry.recorder import Recorder


class Samples:
    """Chooses rows one by one with equal probability, and looks at no row that it does not choose.

    The distance to the next chosen row is drawn from the geometric distribution, so a batch without one costs
    a subtraction (Vitter, "Faster methods for random sampling", CACM 27(7), 1984: skip distances).

    Args:
        recorder: where payloads go; it redacts.
        slot: `model:version`.
        signature: names the positions of a vector item, for redaction.
        share: probability of a row, 0 to 1.
        random: source of distances.
    """

    __slots__ = ("_columns", "_gap", "_random", "_recorder", "_share", "_slot")

    def __init__(
        self,
        recorder: Recorder,
        slot: str,
        signature: Signature,
        share: float,
        random: Random | None = None,
    ) -> None:
        self._recorder = recorder
        self._slot = slot
        self._columns = signature.inputs[0].columns if signature.item == "vector" else ()
        self._share = share
        self._random = random or Random()  # noqa: S311 - a sample, not a secret
        self._gap = self._distance()

    def due(self, rows: int) -> bool:
        """Whether one of the next `rows` rows is chosen; without one they are passed over."""
        if self._gap > rows:
            self._gap -= rows
            return False
        return True

    def keep(self, outcomes: list[Outcome]) -> None:
        """Note the chosen rows of a batch that were answered; rows that failed are chosen, and not kept."""
        for outcome in outcomes:
            for row in self._chosen(outcome.call.rows):
                self._keep(outcome, row)

    def _chosen(self, rows: int) -> Iterator[int]:
        """Places of the chosen rows among the next `rows`."""
        place = self._gap
        while place <= rows:
            yield int(place) - 1
            place += self._distance()
        self._gap = place - rows

    def _keep(self, outcome: Outcome, row: int) -> None:
        call, results = outcome.call, outcome.results
        if results is None or call.status != 200 or row in results.errors:
            return
        prediction = call.id if call.rows == 1 and not call.partial else f"{call.id}.{row}"
        event = PayloadEvent(
            prediction, self._slot, row_of(call.batch, row), row_of(results.batch, outcome.start + row)
        )
        self._recorder.payload(event, self._columns)

    def _distance(self) -> float:
        """Rows up to and with the next chosen one."""
        if self._share >= 1:
            return 1
        if self._share <= 0:
            return math.inf
        return 1 + int(math.log(1 - self._random.random()) / math.log1p(-self._share))


def row_of(batch: Batch, row: int) -> dict[str, Any]:
    """One row as plain values, by tensor."""
    return {name: _value(tensor, row) for name, tensor in batch.tensors.items()}


def _value(tensor: Tensor, row: int) -> Any:
    if isinstance(tensor, Ragged):
        return tensor.values[tensor.offsets[row] : tensor.offsets[row + 1]].tolist()
    value = tensor[row]
    if isinstance(value, bytes):  # a picture: which one it was, not what is on it
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    return value.tolist() if hasattr(value, "tolist") else value

"""Payloads are sampled row by row with equal probability, and nothing else is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.serving.regression import SIGNATURE, manifest
from tests.serving.simulated import Asked

from modelport.core.telemetry import PayloadEvent
from modelport.errors import ModelFailed
from modelport.runtimes.batch import Batch
from modelport.serving.execution.run import Outcome
from modelport.serving.results import Meaning, Results
from modelport.serving.telemetry.samples import Samples


class Kept:
    """A recorder's ear for payloads."""

    def __init__(self) -> None:
        self.events: list[PayloadEvent] = []

    def payload(self, event: PayloadEvent, columns: Any) -> None:
        self.events.append(event)


def outcome(name: str, values: list[float], *, status: int = 200, partial: bool = False) -> Outcome:
    call = Asked(None, 0.0, [[value] for value in values], name)
    call.status, call.partial = status, partial
    results = Results(Batch(len(values), {"value": np.array(values) * 10}), Meaning(manifest()))
    return Outcome(call, results, 0, None)


def kept(share: float, batches: list[list[Outcome]], seed: int = 0) -> list[PayloadEvent]:
    ear = Kept()
    samples = Samples(ear, "m:1", SIGNATURE, share, Random(seed))  # type: ignore[arg-type]
    for batch in batches:
        if samples.due(sum(one.call.rows for one in batch)):
            samples.keep(batch)
    return ear.events


def batches(rows: int) -> Iterator[list[Outcome]]:
    for first in range(0, rows, 7):
        yield [outcome(str(first), [float(n) for n in range(first, first + 7)])]


def test_with_a_share_of_one_every_row_is_kept_with_what_was_asked_and_answered() -> None:
    found = kept(1.0, [[outcome("a", [1.0, 2.0]), outcome("b", [3.0])], [outcome("c", [4.0], partial=True)]])
    assert [event.prediction_id for event in found] == ["a.0", "a.1", "b", "c.0"]
    assert [event.inputs["input"] for event in found] == [[1.0], [2.0], [3.0], [4.0]]
    assert [event.outputs["value"] for event in found] == [10.0, 20.0, 30.0, 40.0]


def test_with_a_share_of_nothing_nothing_is_kept() -> None:
    assert kept(0.0, list(batches(7000))) == []


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_share_is_met_wherever_a_row_stands_in_its_batch(share: float) -> None:
    rows = 70_000
    found = kept(share, list(batches(rows)))
    spread = 4 * (rows * share * (1 - share)) ** 0.5
    assert abs(len(found) - rows * share) < spread
    places = np.bincount([int(event.inputs["input"][0]) % 7 for event in found], minlength=7)
    assert abs(places - len(found) / 7).max() < 5 * (len(found) / 7) ** 0.5


def test_rows_that_failed_are_not_kept() -> None:
    failed = outcome("a", [1.0], status=500)
    nothing = Outcome(failed.call, None, 0, ModelFailed("no"))
    partly = outcome("b", [1.0, 2.0], partial=True)
    assert partly.results is not None
    partly.results.errors = {0: ModelFailed("row 0")}
    assert [event.prediction_id for event in kept(1.0, [[failed], [nothing], [partly]])] == ["b.1"]

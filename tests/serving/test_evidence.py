"""What the end of a request says about its model, and that it adds up over workers, whoever dies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core import latency
from modelport.core.evidence import Outcomes
from modelport.errors import (
    DeadlineExceeded,
    InvalidInput,
    ModelFailed,
    ModelportError,
    Overloaded,
    RateLimited,
)
from modelport.runtimes.batch import Batch
from modelport.serving import shared
from modelport.serving.call import Call
from modelport.serving.counters import SlotCounters
from modelport.serving.evidence import Ending, of_error, outcomes
from modelport.serving.replica import ledger
from modelport.serving.shared import Segment
from modelport.serving.sightings import BITS, Sightings

MS = 0.001


class Desk:
    """A segment, and the counters of one slot in each of its workers."""

    def __init__(self, workers: int = 2) -> None:
        self.segment = Segment.create(workers, slots=3, keys=2)
        for row in range(workers):
            ledger.begin(self.segment, row, row + 1)
        self.workers = [SlotCounters(self.segment, row, 1) for row in range(workers)]

    def ends(self, worker: int, ending: Ending, *, trial: bool = True, status: int = 200) -> None:
        if trial:
            self.workers[worker].assigned()
        self.workers[worker].answered(call(trial=trial, status=status), 3 * MS, ending)

    @property
    def seen(self) -> Outcomes:
        return outcomes(self.segment, 1)


def call(*, trial: bool = True, status: int = 0) -> Call:
    one = Call(None, Batch(1, {}), id="x", received=0.0, protocol=0)  # type: ignore[arg-type]
    one.trial, one.status = trial, status
    return one


def test_trials_of_all_workers_are_added_up() -> None:
    desk = Desk()
    for worker in (0, 0, 1):
        desk.ends(worker, Ending.WELL)
    bucket = latency.bucket(3_000_000)
    assert desk.seen == Outcomes(requests=3, assigned=3, trials=3, latencies={bucket: 3})


def test_a_request_that_is_no_trial_is_counted_without_its_latency() -> None:
    desk = Desk()
    desk.ends(0, Ending.WELL, trial=False)
    desk.ends(0, Ending.BROKEN, trial=False, status=500)
    assert desk.seen == Outcomes(requests=2, broken=1)


def test_what_says_nothing_about_the_model_was_only_assigned() -> None:
    desk = Desk()
    desk.ends(0, Ending.NOTHING, status=422)
    assert desk.seen == Outcomes(assigned=1)


def test_faults_are_trials_with_their_latency() -> None:
    desk = Desk()
    desk.ends(0, Ending.FAULT, status=504)
    desk.ends(1, Ending.BROKEN, status=200)
    seen = desk.seen
    assert (seen.trials, seen.faults, seen.broken, sum(seen.latencies.values())) == (2, 2, 1, 2)


def test_answers_from_the_cache_are_trials_without_a_latency() -> None:
    desk = Desk()
    desk.workers[0].assigned()
    desk.workers[0].repeated(call(status=200))
    assert desk.seen == Outcomes(requests=1, assigned=1, trials=1)


def test_refusals_that_are_the_models_doing_speak_against_it() -> None:
    desk = Desk()
    desk.workers[0].failed(call(status=503), Ending.NOTHING)
    assert desk.seen == Outcomes()
    desk.workers[0].failed(call(status=503), Ending.FAULT)
    assert desk.seen == Outcomes(requests=1, trials=1, faults=1)


def test_trials_that_a_dead_worker_was_executing_are_faults_of_their_slot() -> None:
    desk = Desk()
    desk.ends(0, Ending.WELL)
    desk.workers[0].running([call(), call(), call(trial=False)], 1)
    desk.workers[1].running([call()], 1)
    assert ledger.settle(desk.segment, 0, [0, 1]) == 3
    seen = desk.seen
    assert (seen.requests, seen.trials, seen.faults) == (4, 3, 2)
    assert ledger.settle(desk.segment, 0, [0, 1]) == 0
    assert desk.seen == seen


def test_a_successor_in_the_row_goes_on_counting() -> None:
    desk = Desk()
    desk.ends(0, Ending.WELL)
    ledger.settle(desk.segment, 0, [1])
    ledger.begin(desk.segment, 0, 7, restart=True)
    desk.ends(0, Ending.WELL)
    assert desk.seen.trials == 2


def test_a_place_that_another_slot_had_starts_empty() -> None:
    desk = Desk()
    desk.ends(1, Ending.BROKEN)
    desk.segment.clear_slot(1, range(2))
    assert desk.seen == Outcomes()


def test_what_metrics_sum_is_not_touched_by_evidence() -> None:
    segment = Segment.create(1, slots=2, keys=3)
    for cell in range(shared.EVIDENCE_CELLS):
        segment.cells[segment.evidence(0, 1) + cell] = 1
    assert not any(segment.sum_slot(0))
    assert not any(segment.sum_slot(1))
    assert not any(segment.cells[segment.key(0, key) + cell] for key in range(3) for cell in range(3))


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (InvalidInput("no"), Ending.NOTHING),
        (RateLimited("slow", retry_after=1.0), Ending.NOTHING),
        (Overloaded("full"), Ending.NOTHING),
        (Overloaded("dies", code="crash-loop"), Ending.FAULT),
        (Overloaded("ate all", code="model-memory"), Ending.FAULT),
        (ModelFailed("boom"), Ending.FAULT),
        (DeadlineExceeded("late"), Ending.FAULT),
        (ModelFailed("rows", code="contract-broken"), Ending.BROKEN),
    ],
)
def test_only_what_the_model_did_is_evidence(error: ModelportError, ending: Ending) -> None:
    assert of_error(error) is ending


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_a_caller_is_new_once(draws: list[int]) -> None:
    known = Sightings()
    new = [drawn for drawn in draws if known.first(drawn)]
    assert len(new) == len({drawn % BITS for drawn in draws})
    assert not any(known.first(drawn) for drawn in draws)

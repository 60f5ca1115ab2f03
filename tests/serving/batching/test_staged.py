"""Models that prepare rows and compute them by length: simulated time, no threads, no sleep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pytest
from tests.serving.regression import Notes, manifest
from tests.serving.simulated import Asked, Model, Threads, World

from modelport.errors import DeadlineExceeded, InvalidInput, ModelFailed, ModelportError, Overloaded
from modelport.runtimes.base import Staged
from modelport.runtimes.batch import Array, Batch
from modelport.serving import replies, shared
from modelport.serving.batching import alarm, staged
from modelport.serving.batching.grouping import Bounds
from modelport.serving.batching.staged import StagedBatcher
from modelport.serving.counters import SlotCounters
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning, Results


class Reading(Model):
    """Rows are as long as their number says. Negative ones cannot be read, 13 cannot be computed."""

    def __init__(self, world: World, seconds: Callable[[int, int], float]) -> None:
        super().__init__(world, lambda _: 0.0)
        self._cost = seconds
        self.shapes: list[tuple[int, int]] = []

    def prepare(self, batch: Batch) -> Batch:
        if (batch.array("input") < 0).any():
            msg = "a negative number"
            raise InvalidInput(msg)
        return batch

    def lengths(self, prepared: Batch) -> Array:
        return prepared.array("input")[:, 0].astype(np.int64)

    def compute(self, prepared: Batch) -> Batch:
        self.shapes.append((prepared.rows, int(self.lengths(prepared).max())))
        self._world.now += self._cost(*self.shapes[-1])
        if (prepared.array("input") == 13).any():
            msg = "poisoned"
            raise ModelFailed(msg)
        return Batch(prepared.rows, {"value": prepared.array("input")[:, 0] * 2})


class Listed(Asked):
    """A call whose rows fail one by one, and which keeps their errors."""

    __slots__ = ("errors",)

    def answered(self, results: Results, start: int) -> int:
        self.errors: dict[int, ModelportError] = results.errors
        return super().answered(results, start)


class Bench:
    """One batcher in a world of its own."""

    def __init__(self, seconds: Callable[[int, int], float], **choices: Any) -> None:
        self.world = World()
        self.model = Reading(self.world, seconds)
        self.segment = shared.Segment.create(1, 1, 1)
        self.notes = Notes()
        self._names = itertools.count()
        counters = SlotCounters(self.segment, 0, 0)
        settings: dict[str, Any] = {"bounds": Bounds(32, 16_384), "queue_rows": 64, "instances": 1}
        threads = Threads(self.world)
        self.batcher = StagedBatcher(
            self.model,
            Meaning(manifest()),
            counters,
            Replies("m:1", counters, self.notes, timeout=30.0),
            loop=cast("Any", self.world),
            executor=threads,
            preparer=threads,
            **(settings | choices),
        )
        for shape in ((1, 4), (1, 16), (1, 64), (1, 192), (4, 4), (4, 16)):
            self.batcher.cost.observe(*shape, seconds(*shape))

    def ask(self, *values: float, deadline: float | None = None, partial: bool = False) -> Listed:
        call = Listed(None, self.world.now, [[value] for value in values], str(next(self._names)))
        call.partial = partial
        if deadline is not None:
            call.deadline = self.world.now + deadline
        self.batcher.submit(call)
        return call

    def cell(self, cell: int) -> int:
        return self.segment.sum_slot(0)[cell]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(seconds: Callable[[int, int], float], **choices: Any) -> Bench:
        one = Bench(seconds, **choices)
        made.append(one)
        for module in (staged, replies, alarm):
            monkeypatch.setattr(module, "monotonic", one.world.monotonic)
        return one

    yield make
    for one in made:
        one.segment.close()


def padded(rows: int, length: int) -> float:
    return 0.0001 + 0.0003 * rows * length


def launched(rows: int, length: int) -> float:
    return 0.005 + 1e-7 * rows * length


def test_the_model_of_this_test_keeps_the_contract() -> None:
    assert isinstance(Reading(World(), padded), Staged)


def test_a_lone_call_waits_for_nobody(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    call = one.ask(10.0)
    began = one.world.now
    one.world.run(padded(1, 10))
    assert call.answer == [20.0]
    assert one.world.now - began == pytest.approx(padded(1, 10))


def test_rows_of_unlike_length_are_computed_apart(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    calls = [one.ask(value) for value in (100.0, 5.0, 100.0, 5.0)]
    one.world.run(5)
    assert [call.answer for call in calls] == [[200.0], [10.0], [200.0], [10.0]]
    assert all(length != 100 or rows <= 2 for rows, length in one.model.shapes)
    assert {length for _, length in one.model.shapes} == {5, 100}


def test_what_waits_shares_a_batch_where_that_is_cheaper(bench: Callable[..., Bench]) -> None:
    one = bench(launched)
    one.batcher.cost.observe(16, 32, launched(16, 32))
    one.ask(50.0)
    one.world.run(0.001)
    calls = [one.ask(float(value)) for value in range(20, 30)]
    one.world.run(1)
    assert one.model.shapes == [(1, 50), (10, 29)]
    assert [call.answer for call in calls] == [[2.0 * value] for value in range(20, 30)]


def test_the_rows_of_one_request_come_back_in_order_whatever_their_lengths(
    bench: Callable[..., Bench],
) -> None:
    one = bench(padded)
    values = [float(1 + (37 * n) % 190) for n in range(24)]
    call = one.ask(*values)
    other = one.ask(3.0)
    one.world.run(10)
    assert call.answer == [2 * value for value in values]
    assert other.answer == [6.0]
    assert one.notes.statuses == [200, 200]
    assert one.cell(shared.ROWS) == 25


def test_a_row_that_cannot_be_read_fails_alone(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    call = one.ask(4.0, -1.0, 6.0, partial=True)
    one.world.run(1)
    assert call.status == 200
    assert list(call.errors) == [1]
    assert call.answer is not None
    assert (call.answer[0], call.answer[2]) == (8.0, 12.0)
    assert one.cell(shared.ROWS) == 2


def test_a_row_that_cannot_be_computed_fails_alone(bench: Callable[..., Bench]) -> None:
    one = bench(launched)
    call = one.ask(12.0, 13.0, 14.0, partial=True)
    neighbour = one.ask(12.0)
    one.world.run(1)
    assert list(call.errors) == [1]
    assert neighbour.answer == [24.0]


def test_a_request_that_must_be_whole_fails_with_its_row(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    unread = one.ask(4.0, -1.0)
    failed = one.ask(4.0, 13.0)
    one.world.run(1)
    assert isinstance(unread.error, InvalidInput)
    assert isinstance(failed.error, ModelFailed)
    assert one.batcher.idle


def test_a_request_without_a_good_row_fails(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    unread = one.ask(-1.0, -2.0, partial=True)
    failed = one.ask(13.0, 13.0, partial=True)
    one.world.run(1)
    assert isinstance(unread.error, InvalidInput)
    assert isinstance(failed.error, ModelFailed)


def test_a_call_that_cannot_wait_longer_is_answered_504_in_time(bench: Callable[..., Bench]) -> None:
    one = bench(lambda *_: 1.0)
    running = one.ask(10.0, deadline=0.5)
    waiting = one.ask(10.0, deadline=0.2)
    one.world.run(0.6)
    assert isinstance(running.error, DeadlineExceeded)
    assert isinstance(waiting.error, DeadlineExceeded)
    one.world.run(5)
    assert one.batcher.idle
    assert one.cell(shared.EXECUTING) == 0
    assert one.cell(shared.EXPIRED) == 2


def test_nothing_more_is_computed_for_a_caller_who_left(bench: Callable[..., Bench]) -> None:
    one = bench(lambda *_: 1.0, bounds=Bounds(1, 16_384))
    call = one.ask(*[10.0] * 20)
    one.world.run(1.5)
    call.cancelled = True
    one.world.run(30)
    assert len(one.model.shapes) == 2
    assert one.batcher.idle
    assert one.cell(shared.EXECUTING) == 0
    assert one.cell(shared.CANCELLED) == 1


def test_a_full_queue_refuses_and_says_when_to_come_again(bench: Callable[..., Bench]) -> None:
    one = bench(lambda *_: 1.0, queue_rows=4)
    for _ in range(4):
        one.ask(10.0)
    with pytest.raises(Overloaded) as refused:
        one.ask(10.0)
    assert refused.value.code == "queue-full"
    assert refused.value.retry_after > 0


def test_room_comes_back_with_every_call_that_ends(bench: Callable[..., Bench]) -> None:
    one = bench(padded, queue_rows=4)
    for value in (4.0, -1.0, 13.0, 5.0) * 10:
        one.ask(value)
        one.world.run(1)
    assert one.batcher.idle
    assert one.cell(shared.QUEUED) == 0


def test_as_many_batches_run_as_there_are_instances(bench: Callable[..., Bench]) -> None:
    one = bench(padded, instances=2)
    calls = [one.ask(100.0), one.ask(100.0)]
    one.world.run(padded(1, 100) * 1.01)
    assert all(call.answer == [200.0] for call in calls)


def test_who_waits_for_quiet_is_told_after_the_last_answer(bench: Callable[..., Bench]) -> None:
    one = bench(padded)
    told: list[float] = []
    one.ask(10.0)
    one.ask(10.0)
    one.batcher.when_idle = lambda: told.append(one.world.now)
    one.world.run(1)
    assert told
    assert one.batcher.idle

"""Batching decides by what was measured: simulated time, no threads, no sleep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from tests.serving.regression import Notes, manifest
from tests.serving.simulated import Asked, Model, Threads, World

from modelport.errors import DeadlineExceeded, ModelFailed, Overloaded
from modelport.serving import replies, shared
from modelport.serving.batching import alarm, batcher
from modelport.serving.batching.batcher import Batcher
from modelport.serving.counters import SlotCounters
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning


class Bench:
    """One batcher in a world of its own."""

    def __init__(self, seconds: Callable[[int], float], poison: float | None = None, **choices: Any) -> None:
        self.world = World()
        self.model = Model(self.world, seconds, poison)
        self.segment = shared.Segment.create(1, 1, 1)
        self.notes = Notes()
        self._names = itertools.count()
        settings: dict[str, Any] = {
            "batch_rows": 32,
            "queue_rows": 64,
            "instances": 1,
            "inline_seconds": 0.0002,
        }
        counters = SlotCounters(self.segment, 0, 0)
        timeout = choices.pop("timeout", 30.0)
        self.batcher = Batcher(
            self.model,
            Meaning(manifest()),
            counters,
            Replies("m:1", counters, self.notes, timeout=timeout),
            loop=cast("Any", self.world),
            executor=Threads(self.world),
            **(settings | choices),
        )

    def ask(self, *values: float, deadline: float | None = None) -> Asked:
        call = Asked(None, self.world.now, [[value] for value in values], str(next(self._names)))
        if deadline is not None:
            call.deadline = self.world.now + deadline
        self.batcher.submit(call)
        return call

    def cell(self, cell: int) -> int:
        return self.segment.sum_slot(0)[cell]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(seconds: Callable[[int], float], **choices: Any) -> Bench:
        one = Bench(seconds, **choices)
        made.append(one)
        for module in (batcher, replies, alarm):
            monkeypatch.setattr(module, "monotonic", one.world.monotonic)
        return one

    yield make
    for one in made:
        one.segment.close()


def test_calls_of_one_turn_share_a_batch(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-5 * rows)
    calls = [one.ask(float(n)) for n in range(5)]
    one.world.settle()
    one.world.run(1)
    assert one.model.batches == [5]
    assert [call.answer for call in calls] == [[0.0], [1.0], [2.0], [3.0], [4.0]]


def test_a_lone_call_waits_for_nobody(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 1e-5)
    one.batcher.cost.observe(1, 1e-5)
    began = one.world.now
    call = one.ask(4.0)
    one.world.settle()
    assert call.answer == [4.0]
    assert one.world.now - began == pytest.approx(1e-5)


def test_what_comes_while_the_model_is_busy_is_its_next_batch(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 0.01)
    one.ask(1.0)
    one.world.run(0.001)
    calls = [one.ask(2.0) for _ in range(7)]
    one.world.run(1)
    assert one.model.batches == [1, 7]
    assert all(call.answer == [2.0] for call in calls)


def test_a_cheap_batch_runs_on_the_loop_and_a_dear_one_in_a_thread(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-4 if rows == 1 else 0.01)
    for rows, seconds in ((1, 1e-4), (2, 0.01)):
        one.batcher.cost.observe(rows, seconds)
    cheap = one.ask(1.0)
    one.world.settle()
    assert cheap.answer == [1.0]
    dear = one.ask(1.0, 2.0)
    one.world.settle()
    assert dear.answer is None, "the loop went on while the model runs"
    one.world.run(0.02)
    assert dear.answer == [1.0, 2.0]


def test_a_call_with_more_rows_than_a_batch_may_have_is_run_in_several(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-5 * rows, batch_rows=2)
    call, other = one.ask(1.0, 2.0, 3.0, 4.0, 5.0), one.ask(6.0)
    one.world.run(1)
    assert one.model.batches == [2, 2, 1, 1]
    assert (call.answer, other.answer) == ([1.0, 2.0, 3.0, 4.0, 5.0], [6.0])
    assert (one.cell(shared.ROWS), one.cell(shared.BATCHES)) == (6, 4)


def test_as_many_batches_run_at_a_time_as_there_are_instances(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 0.01, instances=2, batch_rows=1)
    for _ in range(4):
        one.ask(1.0)
    one.world.run(0.0101)
    assert one.cell(shared.BATCHES) == 2
    one.world.run(0.01)
    assert one.cell(shared.BATCHES) == 4


def test_sizes_that_cost_more_per_row_are_avoided(bench: Callable[..., Bench]) -> None:
    """A model that is slow for more than 8 rows is given 8 at a time, once that was measured."""
    one = bench(lambda rows: 0.001 * rows if rows <= 8 else 0.01 * rows)
    for rows in (1, 2, 4, 8, 16, 32):
        one.batcher.cost.observe(rows, 0.001 * rows if rows <= 8 else 0.01 * rows)
    for _ in range(32):
        one.ask(1.0)
    one.world.run(1)
    assert one.model.batches == [8, 8, 8, 8]


def test_a_poisoned_row_fails_alone(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-6 * rows, poison=13.0)
    calls = [one.ask(float(n)) for n in range(10, 20)]
    one.world.run(1)
    assert [call.status for call in calls] == [200] * 3 + [500] + [200] * 6
    assert isinstance(calls[3].error, ModelFailed)


def test_work_of_a_caller_that_left_is_never_done(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 0.01)
    one.ask(1.0)
    one.world.run(0.001)
    gone, stays = one.ask(2.0), one.ask(3.0)
    gone.cancelled = True
    one.world.run(1)
    assert one.model.batches == [1, 1]
    assert (gone.answer, gone.error, stays.answer) == (None, None, [3.0])
    assert one.cell(shared.CANCELLED) == 1
    assert sorted(one.notes.statuses) == [200, 200, 499]


def test_a_deadline_is_kept_to_while_the_model_is_busy(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 5.0)
    running = one.ask(1.0, deadline=0.05)
    one.world.run(0.01)
    waiting = one.ask(2.0, deadline=0.1)
    one.world.run(0.05)
    assert (running.status, waiting.status) == (504, 0)
    one.world.run(0.06)
    assert isinstance(waiting.error, DeadlineExceeded)
    one.world.run(10)
    assert one.model.batches == [1], "what nobody waits for is not started"
    assert one.cell(shared.EXPIRED) == 2
    assert one.notes.statuses == [504, 504]


def test_one_timer_serves_all_deadlines(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-6 * rows, queue_rows=100_000)
    one.batcher.cost.observe(1, 1e-6)
    for _ in range(1000):
        one.ask(1.0, deadline=10.0)
        one.world.settle()
    assert one.world.timers == 1
    one.world.run(11)
    assert one.world.timers == 0
    assert one.cell(shared.EXPIRED) == 0


def test_a_full_queue_says_when_to_come_again(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 0.5, batch_rows=8, queue_rows=16)
    one.ask(1.0)
    one.world.run(0.6)
    one.ask(1.0)
    one.world.run(0.01)
    for _ in range(16):
        one.ask(1.0)
    with pytest.raises(Overloaded, match="16 rows wait") as full:
        one.ask(1.0)
    assert 0.1 <= full.value.retry_after <= 30
    one.world.run(10)
    assert one.batcher.idle
    assert set(one.notes.statuses) == {200}


def test_a_large_request_shuts_nobody_out(bench: Callable[..., Bench]) -> None:
    one = bench(lambda rows: 1e-5 * rows, queue_rows=64)
    large = one.ask(*[1.0] * 5000)
    small = [one.ask(2.0) for _ in range(20)]
    one.world.run(1)
    assert len(large.answer or []) == 5000
    assert all(call.answer == [2.0] for call in small)


def test_times_are_told_apart(bench: Callable[..., Bench]) -> None:
    """What a call spent waiting is not what the model took."""
    one = bench(lambda _: 0.01, batch_rows=1)
    one.ask(1.0)
    one.ask(1.0)
    one.world.run(1)
    assert one.cell(shared.COMPUTE_NS) == pytest.approx(20e6, rel=0.01)
    assert one.cell(shared.QUEUE_NS) == pytest.approx(10e6, rel=0.01)
    assert one.cell(shared.FAIL_NS) == 0


def test_the_time_of_failed_calls_is_kept_apart(bench: Callable[..., Bench]) -> None:
    one = bench(lambda _: 0.01, poison=13.0)
    one.ask(13.0)
    one.world.run(1)
    assert one.cell(shared.FAIL_NS) >= 10e6

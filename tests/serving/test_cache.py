"""Answers that are given again: what they are found by, how long they stay, and what they count as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.regression import Notes, manifest
from tests.serving.simulated import Asked, World

from modelport.core.manifest import Step, pure
from modelport.errors import ModelFailed
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.serving import shared
from modelport.serving.cache import LONGEST, Cache, SlotCache
from modelport.serving.counters import SlotCounters
from modelport.serving.execution.run import Outcome
from modelport.serving.results import Meaning, Results


class Desk:
    """One cache of as many slots as are asked for, in a simulated time."""

    def __init__(self, budget: int = 1 << 20, ttl: float = 0.0) -> None:
        self.world = World()
        self.segment = shared.Segment.create(1, 4, 1)
        self.cache = Cache(budget, ttl, self.world.monotonic)
        self.notes: list[Outcome] = []
        self.a, self.b = self.slot(0), self.slot(1)

    def slot(self, place: int) -> SlotCache:
        return SlotCache(
            self.cache,
            f"m:{place}",
            "0" * 64,
            counters=SlotCounters(self.segment, 0, place),
            inner=Notes(),
            note=lambda outcome, _: self.notes.append(outcome),
        )

    def ask(self, *values: float, slot: SlotCache | None = None, answer: float | None = None) -> Asked:
        """A call that is answered with the sum of its values, from the cache or by the model."""
        return self.run([Told(self.world.now, values)], slot, answer)[0]

    def run(
        self, calls: list[Told], slot: SlotCache | None = None, answer: float | None = None
    ) -> list[Told]:
        """Calls that share a batch where they are not answered before."""
        slot = slot or self.a
        asked = [call for call in calls if not slot.answered(call)]
        values = [
            row.sum() if answer is None else answer for call in asked for row in call.batch.array("input")
        ]
        results = Results(Batch(len(values), {"value": np.array(values)}), Meaning(manifest()))
        outcomes: list[Outcome] = []
        for call in asked:
            start = sum(outcome.call.rows for outcome in outcomes)
            call.status = call.answered(results, start)
            outcomes.append(Outcome(call, results, start, None))
        slot.executed(outcomes, self.world.now)
        return calls

    def cell(self, cell: int, place: int = 0) -> int:
        return self.segment.sum_slot(place)[cell]


class Told(Asked):
    """A call whose caller has wishes, and that remembers whether its answer was given before."""

    __slots__ = ("again", "wishes")

    def __init__(self, now: float, values: tuple[float, ...], wishes: bytes = b"") -> None:
        super().__init__(None, now, [[value] for value in values])
        self.again = False
        self.wishes = wishes

    @property
    def directives(self) -> bytes:
        return self.wishes

    def repeated(self) -> None:
        self.again = True


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.segment.close()


def again(call: Asked) -> bool:
    return cast("Told", call).again


def test_the_same_input_gets_the_same_answer_without_the_model(desk: Desk) -> None:
    first, second = desk.ask(1.0, 2.0), desk.ask(1.0, 2.0, answer=99.0)
    assert first.answer == second.answer == [1.0, 2.0]
    assert (again(first), again(second)) == (False, True)
    assert (desk.cell(shared.CACHE_HITS), desk.cell(shared.CACHE_MISSES)) == (1, 1)


def test_a_hit_is_counted_by_its_status_and_in_no_histogram(desk: Desk) -> None:
    desk.ask(1.0)
    desk.ask(1.0)
    assert desk.cell(shared.request_cell(0, 200)) == 1  # the miss is counted by its dispatcher, not here
    width = len(shared.BUCKETS) + 1
    assert sum(desk.segment.sum_slot(0)[shared.LATENCY : shared.LATENCY + width]) == 0
    assert [outcome.call.status for outcome in desk.notes] == [200]


def test_slots_do_not_answer_for_each_other(desk: Desk) -> None:
    desk.ask(1.0)
    assert desk.ask(1.0, slot=desk.b, answer=5.0).answer == [5.0]


def test_calls_that_shared_a_batch_are_remembered_apart_and_keep_no_view_of_it(desk: Desk) -> None:
    desk.run([Told(0.0, (1.0,)), Told(0.0, (2.0, 3.0))])
    assert desk.ask(2.0, 3.0, answer=9.0).answer == [2.0, 3.0]
    kept = [entry.results.batch.array("value") for entry in desk.cache._entries.values()]
    assert all(array.base is None for array in kept)


def test_failed_rows_and_numbers_that_are_not_finite_are_not_remembered(desk: Desk) -> None:
    desk.ask(1.0, answer=float("nan"))
    call = Told(0.0, (2.0,))
    assert not desk.a.answered(call)
    results = Results(
        Batch(1, {"value": np.zeros(1)}), Meaning(manifest()), {0: ModelFailed("it met its poison")}
    )
    call.status = 200
    desk.a.executed([Outcome(call, results, 0, None)], 0.0)
    failed = Told(0.0, (3.0,))
    desk.a.answered(failed)
    desk.a.executed([Outcome(failed, None, 0, ModelFailed("no"))], 0.0)
    assert len(desk.cache) == 0


def test_an_answer_is_given_again_until_it_is_too_old() -> None:
    desk = Desk(ttl=10.0)
    desk.ask(1.0)
    desk.world.now += 9.9
    assert again(desk.ask(1.0))
    desk.world.now += 0.1
    assert not again(desk.ask(1.0))
    assert again(desk.ask(1.0))
    desk.segment.close()


def test_no_cache_asks_afresh_and_what_comes_is_remembered(desk: Desk) -> None:
    desk.ask(1.0)
    desk.run([Told(0.0, (1.0,), b"max-age=0, no-cache")], answer=7.0)
    assert desk.ask(1.0).answer == [7.0]


def test_no_store_leaves_no_trace(desk: Desk) -> None:
    desk.run([Told(0.0, (1.0,), b"no-store")])
    assert len(desk.cache) == 0
    assert desk.cell(shared.CACHE_MISSES) == 0


def test_a_text_that_is_still_to_be_cut_is_not_looked_up(desk: Desk) -> None:
    call = Told(0.0, (1.0,))
    call.uncut = True
    assert not desk.a.answered(call)
    assert call.key == b""


def test_the_answer_used_least_recently_makes_room() -> None:
    desk = Desk(budget=3 * 1100)
    for value in (1.0, 2.0, 3.0):
        desk.ask(value)
    desk.ask(1.0)
    desk.ask(4.0)
    assert [again(desk.ask(value)) for value in (1.0, 3.0, 4.0)] == [True, True, True]
    assert not again(desk.ask(2.0))
    assert desk.cell(shared.CACHE_EVICTIONS) == 2
    desk.segment.close()


def test_a_slot_that_goes_takes_its_answers_along_and_no_others(desk: Desk) -> None:
    desk.ask(1.0)
    desk.ask(1.0, slot=desk.b)
    desk.a.purge()
    assert desk.cell(shared.CACHE_BYTES) == 0
    assert desk.cell(shared.CACHE_BYTES, place=1) == desk.cache.bytes > 0
    assert again(desk.ask(1.0, slot=desk.b))
    assert not again(desk.ask(1.0))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6), st.booleans()), max_size=40))
def test_the_budget_holds_and_bytes_are_those_of_the_entries(asked: list[tuple[int, int, bool]]) -> None:
    desk = Desk(budget=5000)
    for value, rows, first in asked:
        desk.ask(*[float(value)] * rows, slot=desk.a if first else desk.b)
        assert desk.cache.bytes <= 5000
        assert desk.cache.bytes == sum(entry.size for entry in desk.cache._entries.values())
        assert desk.cell(shared.CACHE_BYTES) + desk.cell(shared.CACHE_BYTES, 1) == desk.cache.bytes
    desk.segment.close()


def texts(*values: str | None) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array


DIFFERENT: list[dict[str, Any]] = [
    {"x": np.array([[1.0, 2.0]])},
    {"x": np.array([[1.0], [2.0]])},
    {"x": np.array([[1.0, 2.0]], np.float32)},
    {"y": np.array([[1.0, 2.0]])},
    {"x": np.array([[1.0]]), "y": np.array([[2.0]])},
    {"x": np.array([[1, 2]])},
    {"x": texts("ab", "c")},
    {"x": texts("a", "bc")},
    {"x": texts("a", None)},
    {"x": texts("a", "")},
    {"x": texts("None", "a")},
    {"x": Ragged(np.array([1, 2]), np.array([0, 1, 2]))},
    {"x": Ragged(np.array([1, 2]), np.array([0, 0, 2]))},
]


def test_inputs_that_differ_have_keys_that_differ(desk: Desk) -> None:
    keys = [desk.a._key(Batch(1, tensors)) for tensors in DIFFERENT]
    assert all(keys)
    assert len(set(keys)) == len(DIFFERENT)


def test_how_an_array_lies_in_memory_does_not_matter(desk: Desk) -> None:
    rows = np.arange(6.0).reshape(2, 3)
    assert desk.a._key(Batch(2, {"x": rows})) == desk.a._key(Batch(2, {"x": np.asfortranarray(rows)}))


def test_an_input_that_takes_long_to_read_is_not_looked_up(desk: Desk) -> None:
    for most, known in ((LONGEST, True), (LONGEST + 8, False)):
        assert bool(desk.a._key(Batch(1, {"x": np.zeros((1, most // 8))}))) is known


def test_an_input_that_cannot_be_told_from_others_is_not_remembered(desk: Desk) -> None:
    assert desk.a._key(Batch(1, {"x": np.array([object()])})) == b""


def test_programs_are_remembered_only_when_they_say_that_they_may_be() -> None:
    import msgspec

    graph = manifest()
    program = msgspec.structs.replace(graph, runtime="python", executable=True)
    declared = msgspec.structs.replace(program, steps=(Step("python", {"pure": True}),))
    assert [pure(one) for one in (graph, program, declared)] == [True, False, True]

"""Models that are loaded by their first call: simulated time, real slots, no threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from tests.serving.regression import manifest
from tests.serving.simulated import Asked, Model, Threads, World

from modelport.core.plan import SlotSpec
from modelport.errors import BundleCorrupt, DeadlineExceeded, ModelportError, Overloaded
from modelport.serving import replies, shared
from modelport.serving.batching import alarm, batcher
from modelport.serving.call import NEVER
from modelport.serving.lazy import dispatcher, residence
from modelport.serving.lazy.dispatcher import Lazy
from modelport.serving.lazy.residence import Residence
from modelport.serving.loader import Verified, Warm
from modelport.serving.local import Local
from modelport.serving.replica import ledger
from modelport.serving.settings import Settings
from modelport.serving.slots import SlotBuilder
from modelport.serving.table import LiveSlot

MODULES = (alarm, batcher, dispatcher, replies, residence)
LOADING = 1.0
"""Seconds that a load takes."""


class Place:
    """Lazy slots of one worker. Each model takes 100 bytes unless `sizes` says otherwise.

    Attributes:
        loads: ids of the slots that were loaded, in order.
        broken: ids of the slots that cannot be loaded.
    """

    def __init__(self, world: World, names: str, budget: int = 0, idle: float = 0.0) -> None:
        self.world = world
        self.loads: list[str] = []
        self.broken: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.segment = shared.Segment.create(1, len(names), 1)
        loop, threads = cast("Any", world), Threads(world, single=True)
        self.residence = Residence(self._load, budget=budget, idle_seconds=idle, loop=loop, executor=threads)
        settings = Settings(queue_rows=8)
        local = Local(loop, Threads(world), Threads(world))
        builder = SlotBuilder(
            settings=settings,
            segment=self.segment,
            worker=0,
            local=local,
            doors=cast("Any", None),
            board=cast("Any", None),
            recorder=None,
            residence=self.residence,
        )
        self.slots = {name: self._slot(builder, name, at) for at, name in enumerate(names)}

    def ask(self, name: str, value: float = 1.0, deadline: float = NEVER) -> Asked:
        call = Asked(self.slots[name], self.world.now, [[value]])
        call.deadline = self.world.now + deadline
        try:
            call.slot.dispatcher.submit(call)
        except ModelportError as error:
            call.error = error
        return call

    def lazy(self, name: str) -> Lazy:
        dispatcher = self.slots[name].dispatcher
        assert isinstance(dispatcher, Lazy)
        return dispatcher

    @property
    def loaded(self) -> str:
        return "".join(name for name in self.slots if self.lazy(name).loaded)

    def cell(self, name: str, cell: int) -> int:
        return self.segment.sum_slot(self.slots[name].place)[cell]

    def _slot(self, builder: SlotBuilder, name: str, place: int) -> LiveSlot:
        spec, bundle = SlotSpec(name, name, 1, "x.bundle", pinned=False), Verified(manifest(), "0" * 64, 10)
        return asyncio.run(builder.build(spec, bundle, place))

    def _load(self, spec: SlotSpec) -> Warm:
        self.loads.append(spec.id)
        self.world.now += LOADING
        if spec.id in self.broken:
            msg = "the digest of graph.onnx does not hold"
            raise BundleCorrupt(msg)
        predictor = Model(self.world, lambda _: 0.5)
        return Warm(manifest(), spec.identity, predictor, (), self.sizes.get(spec.id, 100))


class Uncut(Asked):
    """Remembers whether its model was there, and its answer, when it was cut."""

    __slots__ = ("seen",)

    def shorten(self) -> None:
        self.seen = (self.slot.dispatcher.loaded, self.answer)  # type: ignore[attr-defined]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Place]]:
    world = World()
    for module in MODULES:
        monkeypatch.setattr(module, "monotonic", world.monotonic)
    made: list[Place] = []

    def make(names: str, **choices: Any) -> Place:
        made.append(Place(world, names, **choices))
        return made[-1]

    yield make
    for one in made:
        one.segment.close()


def test_many_first_calls_load_a_model_once_and_are_answered_in_order(place: Callable[..., Place]) -> None:
    one = place("a")
    calls = [one.ask("a", float(value)) for value in range(5)]
    assert one.loads == []
    one.world.run(5)
    assert one.loads == ["a"]
    assert [call.answer for call in calls] == [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert one.cell("a", shared.COLD) == 5
    assert one.cell("a", shared.LOADS) == 1
    assert one.cell("a", shared.MODEL_BYTES) == 100


def test_a_deadline_is_kept_to_while_the_model_is_loaded(place: Callable[..., Place]) -> None:
    one = place("a")
    hasty, patient = one.ask("a", deadline=0.3), one.ask("a", 2.0)
    one.world.run(0.31)
    assert isinstance(hasty.error, DeadlineExceeded)
    assert one.cell("a", shared.EXPIRED) == 1
    one.world.run(5)
    assert (hasty.answer, patient.answer) == (None, [2.0])


def test_a_model_that_nobody_waits_for_any_more_is_not_loaded(place: Callable[..., Place]) -> None:
    one = place("ab")
    one.ask("a")
    left = one.ask("b")
    one.world.run(0.1)
    left.cancelled = True
    one.world.run(5)
    assert one.loads == ["a"]
    assert one.cell("b", shared.CANCELLED) == 1


def test_what_waits_for_a_model_is_bounded(place: Callable[..., Place]) -> None:
    one = place("a")
    calls = [one.ask("a") for _ in range(9)]
    assert isinstance(calls[-1].error, Overloaded)
    assert calls[-1].error.code == "queue-full"
    one.world.run(10)
    assert all(call.answer for call in calls[:-1])


def test_a_load_that_fails_is_told_and_tried_again_after_a_pause(place: Callable[..., Place]) -> None:
    one = place("a")
    one.broken = {"a"}
    waited = one.ask("a")
    one.world.run(LOADING)
    refused = one.ask("a")
    for call in (waited, refused):
        assert isinstance(call.error, Overloaded)
        assert call.error.code == "load-failed"
        assert "the digest of graph.onnx does not hold" in call.error.message
    assert one.lazy("a").describe(loading=False)["state"] == "failed"
    assert one.slots["a"].dispatcher.unready
    one.broken = set()
    one.world.run(1.01)
    good = one.ask("a")
    one.world.run(2)
    assert good.answer == [1.0]
    assert one.loads == ["a", "a"]
    assert one.cell("a", shared.LOADS_FAILED) == 1


def test_a_model_that_kills_workers_is_not_loaded_for_ever(place: Callable[..., Place]) -> None:
    """What a worker was loading when it died is known to its successors, and to the others."""
    one = place("ab")
    for deaths in (1, 2):
        one.ask("a")
        one.world.run(LOADING / 2)
        ledger.settle(one.segment, 0, [slot.place for slot in one.slots.values()])
        assert one.cell("a", shared.LOAD_DEATHS) == deaths
        one.world.run(2)
        one.residence._evict(one.lazy("a"))
    refused = one.ask("a")
    assert isinstance(refused.error, Overloaded)
    assert refused.error.code == "load-failed"
    assert "2 workers died" in refused.error.message
    one.residence.fill()
    one.world.run(5)
    assert (one.loaded, one.cell("b", shared.LOAD_DEATHS)) == ("b", 0)


def test_a_model_that_is_being_loaded_when_its_worker_leaves_is_not_to_blame(
    place: Callable[..., Place],
) -> None:
    one = place("a")
    one.ask("a")
    one.world.run(LOADING / 2)
    one.residence.stop()
    ledger.settle(one.segment, 0, [one.slots["a"].place])
    assert one.cell("a", shared.LOAD_DEATHS) == 0


def test_the_least_recently_used_makes_room(place: Callable[..., Place]) -> None:
    one = place("abc", budget=200)
    for name in "aba":
        one.ask(name)
        one.world.run(3)
    one.ask("c")
    one.world.run(3)
    assert one.loaded == "ac"
    assert one.cell("b", shared.EVICTIONS) == 1
    assert one.cell("b", shared.LOADED) == 0
    again = one.ask("b")
    one.world.run(3)
    assert again.answer == [1.0]
    assert one.loaded == "bc"


def test_a_model_in_use_is_never_let_go_and_who_needs_its_memory_waits(place: Callable[..., Place]) -> None:
    one = place("ab", budget=100)
    first = one.ask("a")
    one.world.run(LOADING + 0.1)
    assert not one.lazy("a").idle
    second = one.ask("b")
    one.world.run(0.2)
    assert (one.loaded, one.loads) == ("a", ["a"])
    one.world.run(5)
    assert (first.answer, second.answer) == ([1.0], [1.0])
    assert one.loaded == "b"


def test_a_model_larger_than_the_memory_is_refused_without_loading_it(place: Callable[..., Place]) -> None:
    one = place("a", budget=5)
    call = one.ask("a")
    one.world.settle()
    assert isinstance(call.error, Overloaded)
    assert call.error.code == "model-too-large"
    assert one.loads == []


def test_a_model_that_proves_too_large_goes_at_once_and_harms_no_other(place: Callable[..., Place]) -> None:
    one = place("ab", budget=150)
    one.sizes = {"b": 1000}
    one.ask("a")
    one.world.run(3)
    large = one.ask("b")
    one.world.run(3)
    assert isinstance(large.error, Overloaded)
    assert "1000 bytes" in large.error.message
    assert one.loaded == "a"
    one.ask("b")
    one.world.run(3)
    assert one.loads == ["a", "b"]


def test_memory_that_a_load_took_beyond_its_files_is_made_up_for(place: Callable[..., Place]) -> None:
    """The size of a model is known once it is there: then others go, until the budget holds again."""
    one = place("abc", budget=250)
    for name in "abc":
        one.ask(name)
        one.world.run(3)
    assert one.loaded == "bc"
    assert one.residence.resident == 200


def test_what_nobody_asks_for_is_let_go(place: Callable[..., Place]) -> None:
    one = place("ab", idle=60.0)
    one.ask("a")
    one.world.run(50)
    one.ask("b")
    one.world.run(20)
    assert one.loaded == "b"
    one.world.run(60)
    assert one.loaded == ""


def test_memory_is_filled_in_order_at_the_start_and_no_further(place: Callable[..., Place]) -> None:
    one = place("abcd", budget=250)
    one.residence.fill()
    one.world.run(20)
    assert one.loaded == "ab"
    assert one.cell("a", shared.EVICTIONS) == 0


def test_who_calls_goes_before_what_is_loaded_early(place: Callable[..., Place]) -> None:
    one = place("abcd")
    one.residence.fill()
    one.world.run(LOADING / 2)
    one.ask("d")
    one.world.run(20)
    assert one.loads == ["a", "d", "b", "c"]


def test_a_slot_that_is_given_up_while_it_is_loaded_leaves_nothing(place: Callable[..., Place]) -> None:
    one = place("ab", budget=250)
    one.residence.fill()
    one.world.run(LOADING / 2)
    for name in "ab":
        one.slots[name].dispatcher.close()
    one.world.run(5)
    assert one.loads == ["a"]
    assert (one.loaded, one.residence.resident) == ("", 0)


def test_pinned_models_take_their_part_of_the_memory(place: Callable[..., Place]) -> None:
    one = place("ab", budget=250)
    one.residence.pinned = lambda: 100
    for name in "ab":
        one.ask(name)
        one.world.run(3)
    assert one.loaded == "b"
    assert one.residence.resident == 200


def test_texts_are_cut_once_the_model_that_knows_where_is_there(place: Callable[..., Place]) -> None:
    one = place("a")
    call = Uncut(one.slots["a"], one.world.now, [[1.0]])
    call.uncut = True
    call.slot.dispatcher.submit(call)
    assert not hasattr(call, "seen")
    one.world.run(3)
    assert call.seen == (True, None)


def test_a_retired_slot_is_told_when_its_last_call_has_failed(place: Callable[..., Place]) -> None:
    one = place("a")
    one.broken = {"a"}
    one.ask("a")
    told: list[bool] = []
    one.slots["a"].dispatcher.when_idle = lambda: told.append(one.lazy("a").idle)
    one.world.run(3)
    assert told == [True]

"""Calls are repeated at a shadow after their answer, when there is time, and never otherwise: simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.serving.regression import Notes, manifest
from tests.serving.simulated import Asked, Model, Threads, World

from modelport.core.manifest import Manifest
from modelport.core.plan import EndpointSpec, Route, Share, SlotSpec
from modelport.errors import DeadlineExceeded
from modelport.runtimes.batch import Batch
from modelport.serving import replies, shared
from modelport.serving.batching import alarm, batcher
from modelport.serving.batching.batcher import Batcher
from modelport.serving.counters import SlotCounters
from modelport.serving.overload import admission
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning
from modelport.serving.shadow import lane, mirror
from modelport.serving.shadow.lane import LARGEST, PROTOCOL, Keeping, Lane
from modelport.serving.shadow.shadows import Shadows


@dataclass(frozen=True)
class Slot:
    """What a shadow needs of a slot."""

    spec: SlotSpec
    manifest: Manifest
    dispatcher: Any
    counters: SlotCounters
    admission: admission.Admission


class Stage:
    """An endpoint with one arm and one shadow, each a model of its own."""

    def __init__(self, world: World, *, share: int = 10_000, inputs: bool = True, **poison: float) -> None:
        self.world = world
        self.segment = shared.Segment.create(1, 2, 1)
        self.pressure = SimpleNamespace(active=frozenset())
        self.arm, self.model = self._slot(0, 0.01)
        self.shadow, self.repeated = self._slot(1, 0.02, **poison)
        keeping = Keeping(inputs, frozenset({"secret"}))
        self.shadows = Shadows(pressure=cast("Any", self.pressure), keeping=keeping, loop=cast("Any", world))
        self.spec = EndpointSpec("m", Route((Share("m:0", 10_000),), shadows=(Share("m:1", share),)))
        (self.front,) = self.shadows.arms(self.spec, (self.arm,), (self.shadow,))

    @property
    def lane(self) -> Lane:
        return self.shadows._lanes["m", "m:1"]

    def ask(self, *values: float, name: str = "p", deadline: float = 1e9) -> Asked:
        call = Asked(self.front, self.world.now, [[value] for value in values], name)
        call.deadline = self.world.now + deadline
        self.front.dispatcher.submit(call)
        return call

    def cell(self, cell: int) -> int:
        return self.segment.sum_slot(1)[cell]

    def told(self) -> Any:
        (one,) = self.shadows.describe()
        return one

    def _slot(self, place: int, seconds: float, **poison: float) -> Any:
        model = Model(self.world, lambda _: seconds, **poison)
        counters = SlotCounters(self.segment, 0, place)
        batcher = Batcher(
            model,
            Meaning(manifest()),
            counters,
            Replies(f"m:{place}", counters, Notes(), timeout=30.0),
            loop=cast("Any", self.world),
            executor=Threads(self.world),
            batch_rows=32,
            queue_rows=64,
            instances=1,
            inline_seconds=0.0,
        )
        slot = Slot(
            SlotSpec(f"m:{place}", "m", place + 1, "x.bundle"),
            manifest(),
            batcher,
            counters,
            admission.Admission(),
        )
        return slot, model


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    world = World()
    for module in (alarm, batcher, lane, mirror, replies):
        monkeypatch.setattr(module, "monotonic", world.monotonic)
    made: list[Stage] = []

    def make(**choices: Any) -> Stage:
        made.append(Stage(world, **choices))
        return made[-1]

    yield make
    for one in made:
        one.segment.close()


def test_a_call_is_repeated_after_its_answer_and_compared(stage: Callable[..., Stage]) -> None:
    one = stage()
    call = one.ask(1.0, 2.0)
    one.world.run(0.009)
    assert (call.answer, one.repeated.batches) == (None, [])
    one.world.run(1)
    assert call.answer == [1.0, 2.0]
    assert one.repeated.batches == [2]
    told = one.told()["compared_with"]["m:0"]
    assert (told["requests"], told["rows"], told["agreement"]) == (1, 2, 1.0)
    assert told["latency_seconds"] == pytest.approx({"answered": 0.01, "shadow": 0.02})


def test_what_is_repeated_counts_as_no_callers_request(stage: Callable[..., Stage]) -> None:
    one = stage()
    one.ask(1.0)
    one.world.run(1)
    assert one.cell(shared.request_cell(PROTOCOL, 200)) == 1
    assert one.cell(shared.request_cell(0, 200)) == 0
    assert one.cell(shared.SHADOW_ROWS) == one.cell(shared.SHADOW_AGREED) == 1


def test_only_the_share_is_repeated_and_it_is_the_same_every_time(stage: Callable[..., Stage]) -> None:
    one = stage(share=3000)
    for at in range(300):
        one.ask(1.0, name=f"p{at}")
        one.world.run(0.1)
    chosen = one.told()["compared_with"]["m:0"]["requests"]
    assert 60 < chosen < 120
    again = sum(one.lane.chosen(Asked(None, 0.0, [[1.0]], f"p{at}")) for at in range(300))
    assert again == chosen


def test_the_shadow_waits_until_those_who_answer_have_nothing_to_do(stage: Callable[..., Stage]) -> None:
    one = stage()
    one.ask(1.0)
    one.world.run(0.009)
    second = one.ask(2.0)
    one.world.run(0.01)
    assert one.repeated.batches == []
    one.world.run(0.05)
    assert second.answer == [2.0]
    assert one.repeated.batches == [2]


def test_under_lasting_load_it_is_dropped_and_counted(stage: Callable[..., Stage]) -> None:
    one = stage()
    for _ in range(200):
        one.ask(1.0)
        one.world.run(0.009)
    assert one.repeated.batches == []
    assert one.told()["dropped"] == one.cell(shared.SHADOW_DROPPED) > 50


def test_a_worker_short_of_time_or_memory_repeats_nothing(stage: Callable[..., Stage]) -> None:
    one = stage()
    one.pressure.active = frozenset({"samples"})
    one.ask(1.0)
    one.world.run(1)
    assert (one.repeated.batches, one.told()["dropped"]) == ([], 1)


def test_large_requests_are_not_repeated(stage: Callable[..., Stage]) -> None:
    one = stage()
    one.ask(*[1.0] * (LARGEST // 8))
    one.world.run(1)
    assert one.told()["dropped"] == 0
    one.lane.offer(cast("Any", SimpleNamespace(batch=SimpleNamespace(rows=LARGEST + 1))))
    assert one.told()["dropped"] == 1


def test_a_shadow_that_fails_costs_no_caller_anything(stage: Callable[..., Stage]) -> None:
    one = stage(poison=13.0)
    bad, good = one.ask(13.0), one.ask(1.0)
    one.world.run(1)
    assert (bad.answer, good.answer) == ([13.0], [1.0])
    assert one.told()["failed"] == 1
    assert one.told()["compared_with"]["m:0"]["requests"] == 1


def test_a_call_that_got_no_answer_is_not_repeated(stage: Callable[..., Stage]) -> None:
    one = stage()
    late = one.ask(1.0, deadline=0.001)
    gone = one.ask(2.0)
    gone.cancelled = True
    one.world.run(1)
    assert isinstance(late.error, DeadlineExceeded)
    assert gone.answer is None
    assert one.repeated.batches == []


def test_the_worst_examples_keep_no_hidden_column_and_no_input_where_none_may_be_kept(
    stage: Callable[..., Stage],
) -> None:
    for inputs in (True, False):
        known = stage(inputs=inputs)
        known.shadow.dispatcher._predictor = Doubled(known.repeated)
        known.ask(3.0, name="01J")
        known.world.run(1)
        (worst,) = known.told()["compared_with"]["m:0"]["worst"]
        assert worst["prediction_id"] == "01J"
        assert (worst["answered"], worst["shadow"]) == ({"prediction": 3.0}, {"prediction": 6.0})
        assert ("input" in worst) is inputs


class Doubled:
    """A version that answers twice as much."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, batch: Batch) -> Batch:
        answer = self._model.predict(batch)
        return Batch(answer.rows, {"value": 2 * answer.array("value")})


def test_what_was_compared_outlives_a_new_plan_and_goes_with_the_shadow(stage: Callable[..., Stage]) -> None:
    one = stage()
    one.ask(1.0)
    one.world.run(1)
    one.shadows.arms(one.spec, (one.arm,), (one.shadow,))
    assert one.told()["compared_with"]["m:0"]["requests"] == 1
    one.shadows.keep({"other"})
    assert one.shadows.describe() == []


def test_an_endpoint_without_shadows_keeps_its_arms_as_they_are(stage: Callable[..., Stage]) -> None:
    one = stage()
    bare = EndpointSpec("m", Route((Share("m:0", 10_000),)))
    assert one.shadows.arms(bare, (one.arm,), ()) == (one.arm,)

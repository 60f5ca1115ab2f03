"""The number of instances follows the load and does not swing with it: simulated loads, no clock but ours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer, request
from tests.acceptance.served import Served, serve, summing
from tests.acceptance.traffic import traffic

from modelport.core.plan import Scaling, SlotSpec, check
from modelport.errors import PlanRefused, SettingsError
from modelport.serving.plans.standalone import make_plan
from modelport.serving.replica.processes import cores
from modelport.serving.scaling.instances import CALM, Bounds, Seen, State, decide
from modelport.serving.settings import Settings
from modelport.testing.replica import eventually
from modelport.testing.replica import make_plan as plan_of

TICK = 0.5
PER_INSTANCE = 100.0
"""Calls a second that one instance answers."""


class Simulated:
    """A queue in front of instances, looked at twice a second."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.state = State(bounds.least)
        self.backlog = 0.0
        self.now = 0.0
        self.history: list[int] = []

    def run(self, seconds: float, load: Callable[[float], float]) -> None:
        for _ in range(int(seconds / TICK)):
            able = self.state.instances * PER_INSTANCE
            arrived = load(self.now) * TICK + self.backlog
            done = min(arrived, able * TICK)
            self.backlog = arrived - done
            self.now += TICK
            seen = Seen(self.backlog / able, done / (able * TICK))
            self.state = decide(self.state, seen, self.bounds, self.now)
            self.history.append(self.state.instances)

    @property
    def changes(self) -> int:
        return sum(a != b for a, b in pairwise(self.history))


def test_a_ramp_is_followed_up_and_down() -> None:
    one = Simulated(Bounds(1, 8, 16))
    one.run(60, lambda now: 10 * now)
    assert one.state.instances >= 6
    one.run(60, lambda _: 450.0)
    assert 5 <= one.state.instances <= 8
    one.run(300, lambda _: 20.0)
    assert one.state.instances == 1


@pytest.mark.parametrize("load", [50.0, 99.0, 101.0, 150.0, 250.0, 399.0])
def test_a_constant_load_settles(load: float) -> None:
    one = Simulated(Bounds(1, 8, 16))
    one.run(120, lambda _: load)
    settled, one.history = one.state.instances, []
    one.run(600, lambda _: load)
    assert one.changes <= 2
    assert abs(one.state.instances - settled) <= 1
    assert one.backlog / (one.state.instances * PER_INSTANCE) < 1.0


@given(st.lists(st.floats(0, 900), min_size=1, max_size=40))
def test_it_stays_within_bounds_and_comes_down_slowly(loads: list[float]) -> None:
    one = Simulated(Bounds(2, 6, 16))
    for load in loads:
        one.run(5, lambda _, load=load: load)  # type: ignore[misc]
    assert all(2 <= count <= 6 for count in one.history)
    downs = [at * TICK for at, (a, b) in enumerate(pairwise(one.history)) if b < a]
    assert all(later - earlier >= CALM for earlier, later in pairwise(downs))


def test_what_keeps_it_from_more_is_said() -> None:
    few_cores, small = Simulated(Bounds(1, 8, 2)), Simulated(Bounds(1, 2, 8))
    for one in (few_cores, small):
        one.run(20, lambda _: 1000.0)
    assert (few_cores.state.instances, few_cores.state.limit) == (2, "cores")
    assert (small.state.instances, small.state.limit) == (2, "max_instances")
    few_cores.backlog = 0.0
    few_cores.run(5, lambda _: 10.0)
    assert few_cores.state.limit == ""


def test_a_least_above_the_cores_is_given_all_the_same() -> None:
    assert decide(State(1), Seen(0.0, 0.0), Bounds(4, 8, 1), 0.0).instances == 4


def test_a_plan_that_scales_from_more_to_less_is_refused() -> None:
    plan = plan_of(1, churn="x")
    slot = SlotSpec("churn:1", "churn", 1, "x", scaling=Scaling(3, 2, auto_scale=True))
    with pytest.raises(PlanRefused, match="scales from 3 to 2 instances"):
        check(type(plan)(plan.revision, (slot,), plan.endpoints))


def test_bundles_scale_by_model_or_version(tmp_path: Path) -> None:
    bundles = [dummy(tmp_path / f"{at}.bundle", "sum", factor=float(at)) for at in (1, 2)]
    plan = make_plan(bundles, {}, scale={"sum": (1, 4), "sum:2": (0, 2)})
    assert [slot.scaling for slot in plan.slots] == [Scaling(1, 4, True), Scaling(0, 2, True)]
    assert [slot.pinned for slot in plan.slots] == [True, False]
    for wrong in ({"other": (1, 2)}, {"sum": (3, 2)}, {"sum": (0, 0)}):
        with pytest.raises(SettingsError) as caught:
            make_plan(bundles, {}, scale=wrong)
        assert caught.value.code == "bad-scale"


def ok(answer: Answer) -> str:
    return "ok" if answer.status == 200 else answer.code


def told(served: Served) -> tuple[int, str]:
    """Instances of the slot, and what limits them."""
    slot = served.ask(request("GET", "/debug/plan")).json()["slots"]["slow:1"]
    return slot.get("instances", 0), slot.get("limited_by", "")


def test_a_busy_model_gets_the_instances_that_the_cores_allow(tmp_path: Path) -> None:
    bundle = dummy(tmp_path / "slow.bundle", "slow", delay_ms=20.0, batch_size=1)
    settings = Settings(bundles=(bundle,), port=0, scale={"slow": (1, 64)})
    with (
        serve(tmp_path, settings, summing("slow")) as one,
        traffic(one.url, [summing("slow")], ok, rate=2000, clients=24) as seen,
    ):
        eventually(lambda: told(one) == (cores(), "cores"), 40.0)
        assert one.metric("modelport_instances", model="slow") == cores()
    assert set(seen.counts) == {"ok"}, seen.counts

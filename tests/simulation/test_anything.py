"""Whatever happens to a rollout, in whatever order: everybody is answered, and it comes to an end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.simulation.fleet import Behaviour
from tests.simulation.loop import Loop

from modelport.core.deployment import Arm, DeploymentSpec, Terms
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import ENDED

TERMS = Terms(min_requests=100, min_duration=5.0, max_duration=60.0)
SPECS = (
    DeploymentSpec("churn", "direct", 2, keep_warm=10.0, terms=TERMS),
    DeploymentSpec("churn", "canary", 3, steps=(1_000, 10_000), keep_warm=10.0, terms=TERMS),
    DeploymentSpec("churn", "canary", 2, steps=(500, 5_000, 10_000), keep_warm=0.0, terms=TERMS),
    DeploymentSpec("churn", "blue_green", 2, arms=(Arm(1, 5_000), Arm(2, 5_000)), terms=TERMS),
    DeploymentSpec("churn", "blue_green", 4, keep_warm=10.0, terms=TERMS),
    DeploymentSpec("churn", "ab", 3, arms=(Arm(1, 4_000), Arm(2, 3_000), Arm(3, 3_000)), terms=TERMS),
    DeploymentSpec("churn", "shadow", 5, share=5_000, terms=TERMS),
)
BEHAVIOURS = (Behaviour(), Behaviour(errors=0.5), Behaviour(broken=0.9), Behaviour(median=0.5))

EVENTS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 20)),
    st.tuples(st.just("wish"), st.sampled_from(["pause", "resume", "promote", "rollback"])),
    st.tuples(st.just("want"), st.sampled_from(SPECS)),
    st.tuples(st.just("behave"), st.integers(1, 5), st.sampled_from(BEHAVIOURS)),
    st.tuples(st.just("break"), st.integers(0, 2), st.integers(2, 5)),
    st.tuples(st.just("mend"), st.integers(0, 2)),
    st.tuples(st.just("silence"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("away"), st.integers(1, 30)),
)


def happen(loop: Loop, event: tuple[Any, ...]) -> None:
    """One thing that can happen to a fleet, its people, or its control plane."""
    match event:
        case ("run", seconds):
            loop.run(seconds)
        case ("wish", wish):
            loop.wish(wish)
        case ("want", spec):
            loop.want(spec)
        case ("behave", version, behaviour):
            loop.behaviours[version] = behaviour
        case ("break", replica, version):
            loop.replicas[replica].broken = {version: "golden rows differ"}
        case ("mend", replica):
            loop.replicas[replica].broken = {}
        case ("silence", replica, silent):
            loop.replicas[replica].silent = silent
        case ("away", seconds):
            for _ in range(seconds):
                loop.clock.go_on(1.0)
                loop.serve()


@pytest.mark.parametrize("examples", [12, pytest.param(500, marks=pytest.mark.slow)])
def test_whatever_happens_every_request_finds_a_version_and_every_rollout_can_end(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(EVENTS, max_size=12))
    def check(events: list[tuple[Any, ...]]) -> None:
        loop = Loop(SPECS[1], rate=20)
        lost = loop.lost
        for event in events:
            happen(loop, event)
            loop.run(1)
            expect_sound(loop)
            assert loop.lost == lost
        finish(loop)
        assert loop.lost == lost

    check()


def expect_sound(loop: Loop) -> None:
    """Shares are whole, somebody is live, decisions have no gap, the plan names what answers."""
    stored = loop.stored
    assert sum(loop.shares.values()) == BASIS_POINTS
    assert stored.deployment.live is not None
    assert [each.number for each in stored.decisions] == list(range(1, len(stored.decisions) + 1))
    assert stored.plan is not None
    held = {slot.id for slot in stored.plan.slots}
    assert all(share.slot in held for each in stored.plan.endpoints for share in each.route.shares)


def finish(loop: Loop) -> None:
    """Healthy again, and told to end: whatever was under way comes to its end."""
    for replica in loop.replicas:
        replica.broken, replica.silent = {}, False
    loop.want(replace(SPECS[0], candidate=5 if loop.stored.deployment.live != 5 else 4))
    loop.run(1)
    loop.run(60, lambda loop: loop.rollout.spec.strategy == "direct" and loop.rollout.phase in ENDED)
    assert loop.rollout.phase in ("ended", "rolled_back")
    loop.run(5)
    assert loop.stored.plan is not None
    assert [slot.version for slot in loop.stored.plan.slots] == [loop.stored.deployment.live]

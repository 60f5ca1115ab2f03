"""The plan of a fleet: whole, checked, the same however it is asked for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.control import worlds

from modelport.control import planner
from modelport.control.beginning import begin
from modelport.control.transitions import advance, settle
from modelport.core.deployment import Arm, Deployment, DeploymentSpec, ModelConfig, Overrides
from modelport.core.plan import EndpointSpec, Revision, Scaling, ServingPlan, Share, digest
from modelport.core.records import Version
from modelport.core.rollout import Decision, Fail, Finish, Hold, Promote, Rollback, Rollout, Shift
from modelport.errors import Conflict, DecisionRefused, PlanRefused

AT = Revision(1, 7)
CANARY = DeploymentSpec("churn", "canary", 2, steps=(500, 2_500, 6_000, 10_000))


def planned(deployment: Deployment, rollout: Rollout | None = None) -> ServingPlan:
    rollouts = {deployment.endpoint: rollout} if rollout else {}
    return planner.plan([deployment], rollouts, worlds.versions(), AT, locate=worlds.locate)


def shares(plan: ServingPlan) -> list[tuple[str, int]]:
    (endpoint,) = plan.endpoints
    return [(share.slot, share.weight) for share in endpoint.route.shares]


def slots(plan: ServingPlan) -> list[str]:
    return [slot.id for slot in plan.slots]


def begun(spec: DeploymentSpec, live: int | None = 1) -> tuple[Deployment, Rollout]:
    found = begin(Deployment("churn", spec, 2, live=live), None, id="r1", now=0.0)
    assert found.rollout is not None
    return found.deployment, found.rollout


@given(
    worlds.deployments(),
    st.lists(
        st.sampled_from(
            [
                Shift(0, "go"),
                Hold("time is over"),
                Hold("by hand", phase="paused"),
                Promote(2, "good"),
                Rollback("bad"),
                Fail("bad"),
                Finish("done"),
            ]
        ),
        max_size=6,
    ),
)
def test_every_plan_at_every_point_of_every_rollout_passes_its_check(
    wanted: Deployment, decisions: list[Decision]
) -> None:
    found = begin(wanted, None, id="r1", now=0.0)
    deployment, rollout = found.deployment, found.rollout
    planned(deployment, rollout)
    for decision in decisions if rollout is not None else ():
        assert rollout is not None
        try:
            rollout = advance(rollout, decision, 1.0)
        except DecisionRefused:
            continue
        deployment = settle(deployment, decision, rollout)
        plan = planned(deployment, rollout)
        answering = {share.slot for endpoint in plan.endpoints for share in endpoint.route.shares}
        assert answering <= set(slots(plan))
        assert all(slot.identity for slot in plan.slots)


def test_while_slots_are_loaded_only_the_live_version_answers() -> None:
    plan = planned(*begun(CANARY))
    assert shares(plan) == [("churn:1", 10_000)]
    assert slots(plan) == ["churn:1", "churn:1~control", "churn:2"]


def test_a_small_candidate_has_a_control_slot_of_its_size() -> None:
    deployment, rollout = begun(CANARY)
    first = planned(deployment, advance(rollout, Shift(0, "go"), 1.0))
    assert shares(first) == [("churn:2", 500), ("churn:1~control", 500), ("churn:1", 9_000)]
    late = planned(deployment, advance(rollout, Shift(2, "go"), 1.0))
    assert shares(late) == [("churn:2", 6_000), ("churn:1", 4_000)]
    control = next(slot for slot in first.slots if slot.id == "churn:1~control")
    base = next(slot for slot in first.slots if slot.id == "churn:1")
    assert replace(control, id="churn:1") == base


def test_a_growing_candidate_keeps_its_users() -> None:
    deployment, rollout = begun(CANARY)
    small, large = (planned(deployment, advance(rollout, Shift(step, "go"), 1.0)) for step in (0, 1))
    assert small.endpoints[0].route.salt == large.endpoints[0].route.salt == "r1"
    assert shares(small)[0][0] == shares(large)[0][0] == "churn:2"


def test_the_former_version_stays_loaded_until_the_rollout_is_finished() -> None:
    deployment, rollout = begun(CANARY)
    promoted = advance(rollout, Promote(2, "good"), 1.0)
    live = settle(deployment, Promote(2, "good"), promoted)
    plan = planned(live, promoted)
    assert shares(plan) == [("churn:2", 10_000)]
    assert slots(plan) == ["churn:1", "churn:2"]
    finished = advance(promoted, Finish("done"), 2.0)
    assert slots(planned(settle(live, Finish("done"), finished), finished)) == ["churn:2"]


def test_a_shadow_repeats_and_never_answers() -> None:
    deployment, rollout = begun(DeploymentSpec("churn", "shadow", 2, share=2_000))
    (endpoint,) = planned(deployment, advance(rollout, Shift(0, "go"), 1.0)).endpoints
    assert endpoint.route.shares == (Share("churn:1", 10_000),)
    assert endpoint.route.shadows == (Share("churn:2", 2_000),)


def test_several_arms_answer_as_they_are_written_the_candidate_first() -> None:
    spec = DeploymentSpec("churn", "ab", 3, arms=(Arm(1, 5_000), Arm(2, 3_000), Arm(3, 2_000)))
    deployment, rollout = begun(spec)
    plan = planned(deployment, advance(rollout, Shift(0, "go"), 1.0))
    assert shares(plan) == [("churn:3", 2_000), ("churn:1", 5_000), ("churn:2", 3_000)]


def test_what_a_deployment_gives_replaces_the_bundles_own_parameters_and_scaling() -> None:
    config = ModelConfig(Overrides(batch_size=8), Scaling(0, 3, auto_scale=True))
    deployment = Deployment("churn", CANARY, 1, config=config, live=1)
    (slot,) = planned(deployment).slots
    assert slot.parameters is not None
    assert (slot.parameters.batch_size, slot.parameters.max_tokens) == (8, None)
    assert (slot.pinned, slot.scaling, slot.label) == (False, Scaling(0, 3, auto_scale=True), "1.1.0")
    assert slot.bundle == worlds.locate(f"{1:064x}")


def test_parameters_that_nobody_knows_cannot_be_overridden() -> None:
    config = ModelConfig(Overrides(batch_size=8))
    versions = {name: replace(version, parameters=None) for name, version in worlds.versions().items()}
    with pytest.raises(PlanRefused, match="parameters of churn:1 are not known"):
        planner.plan(
            [Deployment("churn", CANARY, 1, config=config, live=1)], {}, versions, AT, locate=worlds.locate
        )


def test_a_version_that_is_not_registered_is_refused_by_name() -> None:
    with pytest.raises(PlanRefused, match="endpoint 'churn' wants version 9"):
        planned(Deployment("churn", CANARY, 1, live=9))


def test_versions_of_one_endpoint_have_one_contract() -> None:
    one, two, three = (
        Version("churn", number, "i", "a", 1, contract=contract)
        for number, contract in enumerate(["same", "same", "other"], 1)
    )
    planner.check_contracts([one, two])
    with pytest.raises(Conflict, match="churn:1, churn:2 and churn:3 differ") as refused:
        planner.check_contracts([one, two, three])
    assert refused.value.code == "contracts-differ"


def test_the_order_of_what_is_given_does_not_matter() -> None:
    versions = {**worlds.versions("a"), **worlds.versions("b")}
    pair = [Deployment(name, DeploymentSpec(name, "direct", 1), 1, live=1) for name in ("a", "b")]
    one, other = (planner.plan(some, {}, versions, AT, locate=worlds.locate) for some in (pair, pair[::-1]))
    assert digest(one) == digest(other)
    assert [endpoint.name for endpoint in one.endpoints] == ["a", "b"]
    assert isinstance(one.endpoints[0], EndpointSpec)


@pytest.mark.slow
def test_a_thousand_deployed_of_ten_thousand_registered_are_planned_in_less_than_a_second() -> None:
    names = [f"model-{number:04}" for number in range(1_000)]
    versions = {id: version for name in names for id, version in worlds.versions(name, 10).items()}  # noqa: A001
    rollouts, deployments = {}, []
    for name in names:
        found = begin(Deployment(name, replace(CANARY, endpoint=name), 2, live=1), None, id="r1", now=0.0)
        assert found.rollout is not None
        rollouts[name] = advance(found.rollout, Shift(0, "go"), 1.0)
        deployments.append(found.deployment)
    began = time.perf_counter()
    plan = planner.plan(deployments, rollouts, versions, AT, locate=worlds.locate)
    took = time.perf_counter() - began
    print(f"{len(versions)} versions, {len(plan.slots)} slots planned and checked in {took * 1000:.0f} ms")
    assert took < 1.0

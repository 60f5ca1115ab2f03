"""A rollout moves as it is drawn, and a changed deployment continues or supersedes what is under way."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.control import worlds

from modelport.control import transitions
from modelport.control.beginning import begin
from modelport.control.transitions import advance, routed, settle
from modelport.core.deployment import Arm, Criteria, Deployment, DeploymentSpec, Terms
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import (
    ENDED,
    Decision,
    Fail,
    Finish,
    Hold,
    Prepare,
    Promote,
    Rollback,
    Rollout,
    Shift,
    Wait,
)
from modelport.errors import DecisionRefused

CANARY = DeploymentSpec("churn", "canary", 2, steps=(500, 2_500, 10_000))
WANTED = Deployment("churn", CANARY, 2, live=1)


def started(deployment: Deployment = WANTED, now: float = 0.0) -> tuple[Deployment, Rollout]:
    begun = begin(deployment, None, id="r1", now=now)
    assert begun.rollout is not None
    return begun.deployment, begun.rollout


def judging(step: int = 0, now: float = 10.0) -> Rollout:
    return advance(started()[1], Shift(step, "go"), now)


def decisions() -> st.SearchStrategy[Decision]:
    return st.sampled_from(
        [
            Prepare("load"),
            Shift(0, "first"),
            Wait("for more"),
            Hold("time is over"),
            Hold("by hand", phase="paused"),
            Promote(2, "good"),
            Rollback("bad"),
            Fail("does not load"),
            Finish("done"),
        ]
    )


@given(worlds.deployments(), st.lists(decisions(), max_size=12))
def test_a_rollout_ends_once_and_its_endpoint_is_never_left_without_a_version(
    wanted: Deployment, made: list[Decision]
) -> None:
    begun = begin(wanted, None, id="r1", now=0.0)
    deployment, rollout = begun.deployment, begun.rollout
    answered = deployment.live is not None
    for at, decision in enumerate(made):
        if rollout is None:
            break
        before = rollout
        try:
            rollout = advance(before, decision, float(at))
        except DecisionRefused:
            continue
        if before.phase in ENDED:
            assert rollout == before
            continue
        deployment = settle(deployment, decision, rollout)
        answered = answered or deployment.live is not None
        split = routed(deployment, rollout)
        assert split is not None or not answered
        if split is not None:
            assert sum(share.weight for share in split.shares) == BASIS_POINTS
            assert sum(split.by_version.values()) == BASIS_POINTS
        assert msgspec.json.decode(msgspec.json.encode(rollout), type=Rollout) == rollout


@given(decisions(), st.floats(0, 1e6))
def test_an_ended_rollout_is_ended(decision: Decision, later: float) -> None:
    for end in (Rollback("bad"), Fail("does not load")):
        over = advance(started()[1], end, 1.0)
        assert advance(over, decision, 2.0 + later) == over


def test_a_decision_that_the_phase_does_not_know_is_refused() -> None:
    with pytest.raises(DecisionRefused, match="a rollout that is judging cannot finish"):
        advance(judging(), Finish("done"), 1.0)


def test_a_pause_does_not_count_against_the_time_of_a_step() -> None:
    paused = advance(judging(now=10.0), Hold("by hand", phase="paused"), 100.0)
    assert (paused.phase, paused.before) == ("paused", "judging")
    again = advance(paused, Shift(0, "resumed"), 700.0)
    assert (again.phase, again.stepped, again.before) == ("judging", 610.0, None)
    assert again.deadline == judging(now=10.0).deadline + 600.0


def test_what_was_held_has_all_its_time_again_when_it_is_resumed() -> None:
    held = advance(judging(), Hold("time is over"), 90_000.0)
    again = advance(held, Shift(0, "resumed"), 100_000.0)
    assert again.phase == "judging"
    assert again.deadline == 100_000.0 + CANARY.terms.max_duration


def test_a_promotion_keeps_the_former_version_warm_and_can_be_taken_back() -> None:
    deployment, _ = started()
    promoted = advance(judging(), Promote(2, "good"), 50.0)
    live = settle(deployment, Promote(2, "good"), promoted)
    assert (live.live, live.former, live.former_until) == (2, 1, 950.0)
    back = advance(promoted, Rollback("by hand"), 60.0)
    settled = settle(live, Rollback("by hand"), back)
    assert (settled.live, settled.former, back.phase) == (1, None, "rolled_back")


def test_a_first_version_is_live_once_it_is_promoted_and_nothing_stays_warm() -> None:
    deployment, rollout = started(replace(WANTED, live=None))
    split = routed(deployment, rollout)
    assert split is not None
    assert split.by_version == {2: 10_000}  # it answers as soon as it is loaded
    promoted = advance(rollout, Promote(2, "loaded"), 5.0)
    live = settle(deployment, Promote(2, "loaded"), promoted)
    assert (promoted.phase, live.live, live.former) == ("ended", 2, None)


def test_a_first_version_that_fails_leaves_nothing_to_route() -> None:
    deployment, rollout = started(replace(WANTED, live=None))
    failed = advance(rollout, Fail("digest differs"), 5.0)
    assert routed(settle(deployment, Fail("digest differs"), failed), failed) is None


def test_the_same_way_with_another_target_time_continues_and_keeps_its_evidence() -> None:
    deployment, _ = started()
    sooner = replace(CANARY, terms=Terms(min_duration=60.0, max_duration=3_600.0))
    begun = begin(replace(deployment, spec=sooner, generation=3), judging(), id="r2", now=20.0)
    assert begun.rollout is not None
    assert (begun.rollout.id, begun.rollout.phase, begun.afresh) == ("r1", "judging", False)
    assert begun.rollout.deadline == judging().deadline - (86_400.0 - 3_600.0)
    assert begun.superseded is None


def test_other_limits_are_another_question_and_need_evidence_of_their_own() -> None:
    deployment, _ = started()
    stricter = replace(CANARY, terms=Terms(Criteria(error_rate=0.001)))
    begun = begin(replace(deployment, spec=stricter, generation=3), judging(), id="r2", now=20.0)
    assert begun.rollout is not None
    assert (begun.rollout.id, begun.afresh) == ("r1", True)


@pytest.mark.parametrize(
    ("steps", "expected"), [((500, 10_000), 0), ((1_000, 2_500, 5_000, 10_000), 1), ((5_000, 10_000), 0)]
)
def test_new_steps_never_give_a_candidate_more_than_it_has_unless_the_first_does(
    steps: tuple[int, ...], expected: int
) -> None:
    deployment, _ = started()
    changed = replace(deployment, spec=replace(CANARY, steps=steps), generation=3)
    begun = begin(changed, judging(step=1), id="r2", now=20.0)
    assert begun.rollout is not None
    assert begun.rollout.step == expected


def test_another_candidate_ends_the_rollout_and_begins_from_what_is_live() -> None:
    deployment, _ = started()
    third = replace(CANARY, candidate=3)
    begun = begin(replace(deployment, spec=third, generation=3), judging(), id="r2", now=20.0)
    assert begun.superseded is not None
    assert (begun.superseded.phase, begun.superseded.reason) == ("rolled_back", "replaced by generation 3")
    assert begun.rollout is not None
    assert (begun.rollout.id, begun.rollout.baseline, begun.rollout.phase) == ("r2", 1, "preparing")


def test_wanting_what_is_live_again_only_ends_what_is_under_way() -> None:
    deployment, _ = started()
    back = DeploymentSpec("churn", "direct", 1)
    begun = begin(replace(deployment, spec=back, generation=3), judging(), id="r2", now=20.0)
    assert begun.rollout is None
    assert begun.superseded is not None
    split = routed(begun.deployment, begun.superseded)
    assert split is not None
    assert split.by_version == {1: 10_000}


def test_a_split_on_a_new_endpoint_has_its_first_arm_to_go_back_to() -> None:
    spec = DeploymentSpec("churn", "blue_green", 2, arms=(Arm(1, 8_000), Arm(2, 2_000)))
    deployment, rollout = started(replace(WANTED, spec=spec, live=None))
    assert (deployment.live, rollout.baseline) == (1, 1)


def test_what_a_person_can_ask_for_depends_on_the_phase() -> None:
    promoted = advance(judging(), Promote(2, "good"), 50.0)
    assert transitions.wishes(promoted) == {"rollback"}
    assert "resume" not in transitions.wishes(judging())
    assert transitions.wishes(advance(promoted, Finish("done"), 60.0)) == frozenset()


def test_only_a_promotion_waits_to_be_carried_out() -> None:
    _, rollout = started()
    assert transitions.outstanding("promote", rollout, advance(rollout, Wait("loading"), 1.0)) == "promote"
    assert transitions.outstanding("promote", rollout, advance(rollout, Promote(2, "x"), 1.0)) is None
    assert transitions.outstanding("pause", rollout, advance(rollout, Wait("x"), 1.0)) is None

"""Whole rollouts on a fake clock: the real passes, strategies, planner and judge over a made-up fleet."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.simulation.fleet import Behaviour
from tests.simulation.loop import Loop

from modelport.core.deployment import Arm, Criteria, DeploymentSpec, Ending, Terms
from modelport.core.rollout import ENDED, Wish

QUICK = Terms(min_requests=300, min_duration=30.0, max_duration=600.0)
CANARY = DeploymentSpec("churn", "canary", 2, steps=(1_000, 5_000, 10_000), keep_warm=60.0, terms=QUICK)
SPLIT = DeploymentSpec(
    "churn", "blue_green", 2, arms=(Arm(1, 8_000), Arm(2, 2_000)), keep_warm=60.0, terms=QUICK
)
SHADOW = DeploymentSpec("churn", "shadow", 2, share=2_000, terms=QUICK)
AB = DeploymentSpec(
    "churn", "ab", 3, arms=(Arm(1, 4_000), Arm(2, 3_000), Arm(3, 3_000)), keep_warm=60.0, terms=QUICK
)
GOOD = Behaviour(errors=0.003)


def judging(spec: DeploymentSpec = CANARY, behaviour: Behaviour = GOOD, seed: int = 1) -> Loop:
    loop = Loop(spec, {2: behaviour}, seed=seed)
    loop.until("judging", within=30)
    return loop


def test_a_good_canary_climbs_is_promoted_and_ends_without_a_lost_request() -> None:
    loop = Loop(CANARY, {2: GOOD})
    before = loop.lost
    loop.until("ended", within=600)
    assert loop.kinds == ["Prepare", "Shift", "Shift", "Promote", "Finish"]
    assert [each.shares for each in loop.stored.decisions[1:4]] == [
        {2: 1_000, 1: 9_000},
        {2: 5_000, 1: 5_000},
        {2: 10_000},
    ]
    assert (loop.stored.deployment.live, loop.stored.deployment.former) == (2, None)
    assert loop.lost == before
    loop.run(2)
    assert [slot.id for slot in loop.replicas[0].plan.slots] == ["churn:2"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("behaviour", "guard"),
    [
        (Behaviour(errors=0.2), "guard.errors"),
        (Behaviour(median=0.1), "guard.latency"),
        (Behaviour(wrong=0.4, labelled=0.5), "guard.accuracy"),
    ],
    ids=["errors", "latency", "accuracy"],
)
@pytest.mark.parametrize("spec", [CANARY, SPLIT], ids=["canary", "blue-green"])
def test_a_bad_candidate_goes_back_and_says_why(
    spec: DeploymentSpec, behaviour: Behaviour, guard: str
) -> None:
    loop = Loop(spec, {1: Behaviour(labelled=0.5), 2: behaviour})
    before = loop.lost
    loop.until("rolled_back", within=120)
    assert guard in loop.rollout.reason
    assert loop.stored.decisions[-1].findings
    assert loop.shares == {1: 10_000}
    loop.run(5)
    assert [slot.id for slot in loop.replicas[0].plan.slots] == ["churn:1"]  # type: ignore[union-attr]
    assert loop.lost == before


def test_broken_outputs_go_back_even_where_the_baseline_fails_as_often() -> None:
    loop = Loop(CANARY, {1: Behaviour(errors=0.5), 2: Behaviour(errors=0.0, broken=0.5)})
    loop.until("rolled_back", within=60)
    assert "guard.broken" in loop.rollout.reason


def test_a_candidate_beyond_an_absolute_limit_goes_back_even_when_the_baseline_is_no_better() -> None:
    slow = Behaviour(median=0.15)
    spec = replace(CANARY, terms=replace(QUICK, criteria=Criteria(latency_p95=0.2)))
    loop = Loop(spec, {1: slow, 2: slow})
    loop.until("rolled_back", within=300)
    assert "latency_p95" in loop.rollout.reason


def test_a_broken_baseline_does_not_speak_against_its_candidate() -> None:
    loop = Loop(CANARY, {1: Behaviour(errors=0.3), 2: GOOD})
    loop.until("promoted", within=600)


def test_a_candidate_that_does_not_load_fails_with_the_reason_and_the_baseline_answers_on() -> None:
    loop = Loop(CANARY, {2: GOOD})
    before = loop.lost
    loop.replicas[1].broken = {2: "golden rows differ"}
    loop.until("failed", within=60)
    assert "b: golden rows differ" in loop.rollout.reason
    assert loop.stored.deployment.live == 1
    loop.run(5)
    assert loop.lost == before
    assert loop.shares == {1: 10_000}


def test_a_replica_that_cannot_load_the_candidate_later_sends_it_back() -> None:
    loop = judging()
    loop.replicas[2].broken = {2: "out of memory"}
    loop.replicas[2].restart(loop.clock.now())
    loop.until("rolled_back", within=30)
    assert "out of memory" in loop.rollout.reason


def test_a_replica_that_comes_late_is_waited_for() -> None:
    loop = Loop(CANARY, {2: GOOD})
    loop.replicas[0].loading = 100.0
    loop.run(60)
    assert loop.rollout.phase == "preparing"
    assert loop.rollout.reason == "churn:2 is ready in 2 of 3 replicas"
    loop.until("judging", within=60)


def test_what_is_never_loaded_fails_when_its_time_is_over() -> None:
    loop = Loop(CANARY, {2: GOOD})
    loop.replicas[0].loading = 1e9
    loop.until("failed", within=700)
    assert "not loaded after 10 minutes" in loop.rollout.reason


def test_without_any_replica_nothing_fails_and_nothing_moves() -> None:
    loop = Loop(CANARY, {2: GOOD})
    for replica in loop.replicas:
        replica.silent = True
    loop.run(1_000)
    assert loop.rollout.phase == "preparing"
    assert loop.rollout.reason == "no replica of the fleet reports"
    for replica in loop.replicas:
        replica.silent = False
    loop.until("judging", within=60)


@pytest.mark.parametrize(
    ("ending", "phase"), [("hold", "holding"), ("rollback", "rolled_back"), ("promote", "promoted")]
)
def test_a_rollout_without_traffic_ends_as_on_timeout_says(ending: Ending, phase: str) -> None:
    loop = Loop(replace(CANARY, terms=replace(QUICK, on_timeout=ending)), rate=0)
    loop.until(phase, within=700)
    assert "undecided after 10 minutes" in loop.rollout.reason


def test_what_is_held_is_resumed_by_hand_and_goes_on() -> None:
    loop = Loop(CANARY, {2: GOOD}, rate=0)
    loop.until("holding", within=700)
    loop.rate = 50
    loop.wish("resume")
    loop.until("promoted", within=300)


def test_a_pause_keeps_shares_and_evidence_until_it_is_resumed() -> None:
    loop = judging()
    loop.wish("pause")
    loop.run(2)
    assert loop.rollout.phase == "paused"
    seen = loop.stored.evidence.judge.candidate.requests
    loop.run(300)
    assert loop.rollout.phase == "paused"
    assert loop.shares == {2: 1_000, 1: 9_000}
    assert loop.stored.evidence.judge.candidate.requests > seen
    loop.wish("resume")
    loop.until("promoted", within=300)


@pytest.mark.parametrize("spec", [CANARY, SPLIT, SHADOW, AB], ids=lambda spec: spec.strategy)
@pytest.mark.parametrize("phase", ["preparing", "judging", "paused", "holding"])
@pytest.mark.parametrize("wish", ["promote", "rollback"])
def test_a_persons_word_is_carried_out_in_every_phase(spec: DeploymentSpec, phase: str, wish: Wish) -> None:
    loop = Loop(spec, {2: GOOD, 3: GOOD}, rate=0 if phase == "holding" else 50)
    if phase in ("judging", "paused"):
        loop.until("judging", within=30)
    if phase == "paused":
        loop.wish("pause")
    loop.until(phase, within=700)
    loop.wish(wish)
    expected = {"promote": spec.candidate, "rollback": 1}[wish]
    loop.run(60, lambda loop: loop.shares == {expected: 10_000} and loop.stored.wish is None)
    assert loop.shares == {expected: 10_000}
    assert loop.stored.deployment.live == expected
    assert loop.stored.decisions[-1].by == "someone"


def test_a_promotion_is_taken_back_at_once_while_the_former_version_is_warm() -> None:
    loop = Loop(CANARY, {2: GOOD})
    loop.until("promoted", within=600)
    loop.run(20)
    loop.wish("rollback")
    loop.run(1)
    assert (loop.rollout.phase, loop.stored.deployment.live) == ("rolled_back", 1)
    before = loop.lost
    loop.run(5)
    assert loop.lost == before


def test_direct_switches_when_loaded_and_a_first_version_just_answers() -> None:
    loop = Loop(DeploymentSpec("churn", "direct", 2, keep_warm=30.0))
    loop.until("ended", within=60)
    assert loop.kinds == ["Prepare", "Promote", "Finish"]
    first = Loop(replace(CANARY, candidate=1), live=None)
    first.until("ended", within=60)
    assert (first.stored.deployment.live, first.shares) == (1, {1: 10_000})


def test_blue_green_without_a_split_switches_at_once_and_keeps_blue_warm() -> None:
    loop = Loop(DeploymentSpec("churn", "blue_green", 2, keep_warm=30.0))
    loop.until("promoted", within=60)
    assert loop.stored.deployment.former == 1
    loop.until("ended", within=60)


def test_blue_green_with_a_split_is_all_green_when_the_criteria_hold() -> None:
    spec = replace(SPLIT, terms=replace(QUICK, criteria=Criteria(error_rate=0.02, latency_p95=0.2)))
    loop = Loop(spec, {2: GOOD})
    loop.until("ended", within=600)
    assert loop.kinds == ["Prepare", "Shift", "Promote", "Finish"]


def test_a_shadow_answers_nobody_and_goes_when_it_is_bad() -> None:
    loop = judging(SHADOW)
    assert loop.shares == {1: 10_000}
    loop.run(100)
    assert loop.rollout.phase == "judging"
    bad = Loop(SHADOW, {2: Behaviour(errors=0.3)})
    bad.until("rolled_back", within=120)


def test_an_experiment_names_its_best_arm_only_when_it_is_asked_to() -> None:
    accuracy = {1: Behaviour(wrong=0.2, labelled=1.0), 2: Behaviour(wrong=0.05, labelled=1.0)}
    accuracy[3] = Behaviour(wrong=0.2, labelled=1.0)
    loop = Loop(AB, accuracy)
    loop.until("judging", within=30)
    loop.run(120)
    assert loop.rollout.phase == "judging"
    decided = Loop(replace(AB, decide=True), accuracy)
    decided.until("promoted", within=300)
    assert decided.stored.deployment.live == 2


def test_a_bad_arm_in_the_middle_ends_the_experiment() -> None:
    loop = Loop(AB, {2: Behaviour(errors=0.3)})
    loop.until("rolled_back", within=120)
    assert "version 2" in loop.rollout.reason


def test_restarted_replicas_and_repeated_reports_change_no_verdict() -> None:
    def mangle(loop: Loop) -> None:
        replica = loop.replicas[int(loop.clock.now()) % 3]
        loop.ledger.hear(replace(replica.report(loop.clock.now()), sequence=1))
        if int(loop.clock.now()) % 97 == 0:
            replica.restart(loop.clock.now())

    loop = judging()
    loop.mangle = mangle
    loop.until("promoted", within=600)
    bad = judging(behaviour=Behaviour(errors=0.1))
    bad.mangle = mangle
    bad.until("rolled_back", within=300)


def test_counts_are_looked_at_exactly_once() -> None:
    loop = judging()
    loop.run(20)
    slots = ("churn:2", "churn:1", "churn:1~control")
    counted = sum(r.counters[slot].requests for r in loop.replicas for slot in slots if slot in r.counters)
    judge = loop.stored.evidence.judge
    assert 0 < judge.candidate.requests + judge.baseline.requests <= counted
    again = loop.look()
    assert again.evidence.judge == judge


@pytest.mark.parametrize("behaviour", [GOOD, Behaviour(errors=0.1)], ids=["good", "bad"])
@pytest.mark.parametrize("every", [1, 3, 7])
def test_a_control_plane_that_dies_in_the_middle_of_passes_ends_the_same(
    behaviour: Behaviour, every: int
) -> None:
    """What a pass came to is lost before it is written; the next control plane has what is stored."""

    def mangle(loop: Loop) -> None:
        if int(loop.clock.now()) % every == 0:
            loop.look()

    undisturbed, disturbed = Loop(CANARY, {2: behaviour}), Loop(CANARY, {2: behaviour})
    disturbed.mangle = mangle
    for loop in (undisturbed, disturbed):
        loop.run(600, lambda loop: loop.stored.rollout is not None and loop.rollout.phase in ENDED)
    assert disturbed.stored == undisturbed.stored


def test_a_control_plane_that_is_away_misses_nothing() -> None:
    loop = judging(behaviour=Behaviour(errors=0.1))
    for _ in range(30):  # replicas go on and count; nobody reads
        loop.clock.go_on(1.0)
        loop.serve()
    loop.reconcile()
    assert loop.rollout.phase == "rolled_back"


def test_another_version_replaces_what_is_under_way() -> None:
    loop = judging()
    loop.want(replace(CANARY, candidate=3))
    loop.run(1)
    assert (loop.rollout.spec.candidate, loop.shares) == (3, {1: 10_000})
    loop.until("judging", within=60)
    assert loop.shares == {3: 1_000, 1: 9_000}
    loop.want(DeploymentSpec("churn", "direct", 1))
    loop.run(2)
    assert loop.shares == {1: 10_000}


def test_going_on_directly_never_takes_users_back_in_between() -> None:
    loop = judging()
    loop.want(DeploymentSpec("churn", "direct", 2))
    loop.run(1)
    assert loop.shares == {2: 10_000}

"""Every strategy keeps the promises of the seam, and does what its document says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from modelport.control import mirrored
from modelport.control.strategies.base import names, strategy
from modelport.core.deployment import Arm, DeploymentSpec, Ending, Terms
from modelport.core.fleet import PlanStatus, ShadowSeen
from modelport.core.rollout import (
    Decision,
    Fail,
    Finding,
    Finish,
    Hold,
    Phase,
    Prepare,
    Promote,
    Rollback,
    Rollout,
    Shift,
    SlotSight,
    View,
    Wait,
)
from modelport.errors import SettingsError
from modelport.testing.strategies import check_strategy

READY = SlotSight(3, 3)
HARM = Finding("guard.errors", "harm", text="4 % against 1 %")

SPECS = {
    "direct": DeploymentSpec("churn", "direct", 2),
    "canary": DeploymentSpec("churn", "canary", 2, steps=(500, 2500, 10_000)),
    "blue_green": DeploymentSpec("churn", "blue_green", 2, arms=(Arm(1, 9_000), Arm(2, 1_000))),
    "instant": DeploymentSpec("churn", "blue_green", 2),
    "ab": DeploymentSpec("churn", "ab", 3, arms=(Arm(1, 4_000), Arm(2, 3_000), Arm(3, 3_000))),
    "shadow": DeploymentSpec("churn", "shadow", 2, share=2_000),
}


def rollout(spec: DeploymentSpec, phase: Phase = "judging", step: int = 0) -> Rollout:
    return Rollout("r1", spec, 1, 1, phase, step, deadline=spec.terms.max_duration, reason="as it was")


def seen(at: Rollout, *findings: Finding, requests: int = 1_000, adopted: bool = True) -> View:
    slots = dict.fromkeys(("churn:1", "churn:2", "churn:3", "churn:1~control"), READY)
    return View(at, slots, adopted, findings, requests, rate=2.0)


def decide(view: View, now: float = 600.0) -> Decision:
    spec = view.rollout.spec
    return strategy(spec.strategy).decide(spec, view, now)


@pytest.mark.parametrize("name", SPECS)
def test_every_strategy_keeps_the_promises_of_the_seam(name: str) -> None:
    assert check_strategy(strategy(SPECS[name].strategy), SPECS[name]) > 1_000


def test_built_in_strategies_come_through_the_door_for_strangers() -> None:
    assert {"ab", "blue_green", "canary", "direct", "shadow"} <= set(names())
    with pytest.raises(SettingsError, match="no strategy 'yolo'"):
        strategy("yolo")


def test_a_strategy_that_shifts_too_early_is_found_out() -> None:
    class Hasty:
        def decide(self, spec: DeploymentSpec, view: View, now: float) -> Decision:
            return Shift(0, "now") if view.rollout.phase == "preparing" else Wait("done")

    with pytest.raises(AssertionError, match=r"not ready|asked to"):
        check_strategy(Hasty(), SPECS["canary"])


def test_a_canary_climbs_its_steps_on_good_evidence() -> None:
    spec = SPECS["canary"]
    assert decide(seen(rollout(spec, "preparing"))) == Shift(0, "5 % of the traffic: loaded in every replica")
    second = decide(seen(rollout(spec)))
    assert isinstance(second, Shift)
    assert second.step == 1
    assert isinstance(decide(seen(rollout(spec, step=1))), Promote)


def test_a_canary_waits_and_says_for_how_much_more_of_what() -> None:
    waits = decide(seen(rollout(SPECS["canary"]), requests=380, adopted=False), now=540.0)
    assert waits == Wait(
        "waiting for 120 more requests (about 60 seconds at 2 a second); 60 seconds more of this step; "
        "every replica to answer with the present split"
    )


def test_harm_goes_back_at_once_whatever_is_still_missing() -> None:
    for name in ("canary", "blue_green", "ab", "shadow"):
        decided = decide(seen(rollout(SPECS[name]), HARM, requests=3), now=1.0)
        assert decided == Rollback("harm is shown: guard.errors (4 % against 1 %)")


def test_an_estimate_beyond_its_limit_is_not_promoted() -> None:
    unfit = Finding("latency_p95", "open", fits=False, text="210 ms, limit 200 ms")
    decided = decide(seen(rollout(SPECS["canary"]), unfit))
    assert decided == Wait("waiting for an estimate that keeps the limit: latency_p95 (210 ms, limit 200 ms)")


def test_absent_evidence_is_said_under_not_worse_and_waited_for_under_proven() -> None:
    absent = Finding("accuracy_threshold", "absent", text="no labels yet")
    spec = SPECS["canary"]
    passed = decide(seen(rollout(spec), absent))
    assert isinstance(passed, Shift)
    assert "no evidence of accuracy_threshold" in passed.reason
    proven = replace(spec, terms=replace(spec.terms, require="proven"))
    assert decide(seen(rollout(proven), absent)) == Wait(
        "waiting for proof of accuracy_threshold (no labels yet)"
    )


def test_proven_says_how_many_labels_are_needed_at_the_present_rate() -> None:
    terms = Terms(require="proven")
    spec = replace(SPECS["canary"], terms=terms)
    open_ = Finding("accuracy_threshold", "open", needed=240, text="0.93")
    view = replace(seen(rollout(spec), open_), label_rate=0.5)
    assert decide(view) == Wait(
        "waiting for proof of accuracy_threshold (0.93): 240 more labels (about 8 minutes at 0.5 a second)"
    )


@pytest.mark.parametrize(("ending", "kind"), [("hold", Hold), ("rollback", Rollback), ("promote", Promote)])
@pytest.mark.parametrize("name", ["canary", "blue_green", "ab", "shadow"])
def test_after_max_duration_on_timeout_decides(name: str, ending: Ending, kind: type) -> None:
    spec = replace(SPECS[name], terms=Terms(on_timeout=ending))
    late = rollout(spec).deadline
    assert isinstance(decide(seen(rollout(spec), requests=3), late), kind)
    assert isinstance(decide(seen(rollout(spec), requests=3), late - 1), Wait)


def test_what_is_held_still_goes_back_for_harm() -> None:
    held = rollout(SPECS["canary"], "holding")
    assert decide(seen(held), held.deadline + 1) == Wait("as it was")
    assert isinstance(decide(seen(held, HARM), held.deadline + 1), Rollback)


def test_a_pause_is_kept_even_when_harm_is_shown_which_is_said() -> None:
    paused = replace(rollout(SPECS["canary"], "paused"), before="judging")
    decided = decide(seen(paused, HARM))
    assert isinstance(decided, Wait)
    assert "harm is shown: guard.errors" in decided.reason


def test_a_candidate_that_cannot_be_loaded_fails_and_says_where_and_why() -> None:
    view = seen(rollout(SPECS["canary"], "preparing"))
    broken = replace(view, slots={**view.slots, "churn:2": SlotSight(2, 3, "pod-3: digest differs")})
    assert decide(broken) == Fail("a slot of the rollout cannot be served: churn:2: pod-3: digest differs")


def test_a_baseline_that_a_new_replica_cannot_load_is_not_held_against_the_candidate() -> None:
    view = seen(rollout(SPECS["canary"], "preparing"))
    broken = replace(view, slots={**view.slots, "churn:1": SlotSight(2, 3, "pod-3: out of disk")})
    assert decide(broken) == Prepare("churn:1 is ready in 2 of 3 replicas")


def test_a_promotion_by_hand_waits_until_the_candidate_can_answer() -> None:
    view = replace(seen(rollout(SPECS["canary"], "preparing")), wish="promote")
    loading = replace(view, slots={**view.slots, "churn:2": SlotSight(1, 3)})
    assert decide(loading) == Wait(
        "to be promoted by hand as soon as it is loaded; churn:2 is ready in 1 of 3 replicas"
    )
    assert decide(view) == Promote(2, "promoted by hand")


def test_blue_green_without_a_split_switches_when_both_are_warm() -> None:
    assert isinstance(decide(seen(rollout(SPECS["instant"], "preparing"))), Promote)


def test_ab_names_no_winner_unless_it_is_asked_to() -> None:
    best = Finding("best", "holds", version=2, text="accuracy 0.93 against 0.91 and 0.88")
    spec = SPECS["ab"]
    assert decide(seen(rollout(spec), best)) == Wait("the experiment runs; a person ends it")
    asked = replace(spec, decide=True)
    assert decide(seen(rollout(asked), best)) == Promote(
        2, "shown to be the best arm: accuracy 0.93 against 0.91 and 0.88"
    )


def test_the_best_arm_has_to_keep_the_criteria_as_any_candidate_has() -> None:
    spec = replace(SPECS["ab"], decide=True)
    middle, last = (Finding("best", "holds", version=version, text="best") for version in (2, 3))
    unfit = Finding("error_rate", "open", fits=False, text="2 %, at most 1 %", version=2)
    assert decide(seen(rollout(spec), unfit, middle)) == Wait(
        "waiting for an estimate that keeps the limit: error_rate of version 2 (2 %, at most 1 %)"
    )
    assert decide(seen(rollout(spec), unfit, last)) == Promote(3, "shown to be the best arm: best")
    proven = replace(spec, terms=replace(spec.terms, require="proven"))
    open_ = Finding("error_rate", "open", text="0.5 %, at most 1 %")
    assert isinstance(decide(seen(rollout(proven), open_, last)), Wait)
    assert isinstance(decide(seen(rollout(proven), replace(open_, verdict="holds"), last)), Promote)


def test_a_shadow_is_never_promoted_by_evidence() -> None:
    decided = decide(seen(rollout(SPECS["shadow"]), Finding("error_rate", "holds")))
    assert isinstance(decided, Wait)
    assert "promote it, or roll it out as a canary" in decided.reason


def test_the_former_version_is_let_go_after_keep_warm_once_all_have_left_it() -> None:
    promoted = replace(rollout(SPECS["canary"], "promoted"), version=2, since=100.0)
    assert decide(seen(promoted), 400.0) == Wait("version 1 stays warm for 10 minutes")
    assert decide(seen(promoted, adopted=False), 1000.0) == Wait(
        "version 1 stays warm until every replica has left it"
    )
    assert decide(seen(promoted), 1000.0) == Finish("version 2 answers everywhere")
    back = replace(seen(promoted), wish="rollback")
    assert decide(back, 400.0) == Rollback("rolled back by hand")


def test_what_a_shadow_said_is_shown_and_never_decided_on() -> None:
    shadow = rollout(SPECS["shadow"])
    compared = [
        ShadowSeen("churn", "churn:2", "churn:1", 10, 50, agreed, 50, 2.5, 0.4, 1.0, 1.5)
        for agreed in (49, 46)
    ]
    seen_by = [PlanStatus("a", "1", 1, shadows=(each,)) for each in compared]
    agreement, shift, latency = mirrored.findings(seen_by, shadow)
    assert agreement.text == "the same prediction for 95.00% of 100 rows"
    assert shift.text == "scores differ by 0.05 on average, at most 0.4, in 100 rows"
    assert latency.text == "takes 1.50 times as long over 20 requests"
    assert decide(seen(shadow, agreement, shift, latency)) == decide(seen(shadow))
    absent = mirrored.findings([], shadow)
    assert {each.verdict for each in absent} == {"absent"}
    assert decide(seen(shadow, *absent)) == decide(seen(shadow))
    assert mirrored.findings(seen_by, rollout(SPECS["canary"])) == ()

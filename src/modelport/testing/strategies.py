"""The conformance suite of strategies: `check_strategy` runs over every built-in, and over yours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import get_args

from msgspec.structs import replace

from modelport.control import split, transitions
from modelport.control.strategies.base import Strategy
from modelport.core.deployment import DeploymentSpec
from modelport.core.rollout import (
    ENDED,
    Decision,
    Fail,
    Finding,
    Phase,
    Promote,
    Rollback,
    Rollout,
    Shift,
    SlotSight,
    View,
    Wait,
    Wish,
)

_BEGAN = 1_000_000.0
_WISHES: tuple[Wish | None, ...] = (None, "pause", "resume", "promote", "rollback")
_SIGHTS = (SlotSight(2, 2), SlotSight(1, 2), SlotSight(0, 2, "a: out of memory"), None)
_FINDINGS: tuple[tuple[Finding, ...], ...] = (
    (),
    (Finding("guard.errors", "harm", text="4 % against 1 %"),),
    (Finding("error_rate", "holds"), Finding("guard.errors", "open")),
    (Finding("latency_p95", "open", fits=False),),
    (Finding("accuracy_threshold", "absent"),),
)


def check_strategy(strategy: Strategy, spec: DeploymentSpec) -> int:
    """Put thousands of views to a strategy and check what is promised in `Strategy.decide`.

    Args:
        strategy: to be checked.
        spec: a deployment that names it, as it would be applied.

    Returns how many views were put. Raises `AssertionError` saying which promise is broken at which view.
    """
    count = 0
    for view, now in views(spec):
        check_decision(strategy, spec, view, now)
        count += 1
    return count


def check_decision(strategy: Strategy, spec: DeploymentSpec, view: View, now: float) -> None:
    """Check every promise at one view; raises `AssertionError`."""
    decision = strategy.decide(spec, view, now)
    said = f"{decision!r} at {now} of {view!r}"
    assert isinstance(decision, get_args(Decision)), f"not a decision: {said}"
    assert decision.reason, f"a decision without a reason: {said}"
    assert decision == strategy.decide(spec, view, now), f"another decision when asked again: {said}"
    after = transitions.advance(view.rollout, decision, now)
    _ended_is_ended(view, decision, said)
    _nothing_moves_before_it_is_ready(view, decision, said)
    _harm_gives_no_traffic(view, decision, said)
    _steps_are_not_skipped(view, decision, said)
    _a_pause_holds(view, decision, said)
    _wishes_come_first(view, decision, after, said)


def views(spec: DeploymentSpec) -> Iterator[tuple[View, float]]:
    """Rollouts in every phase, slots in every state, evidence of every kind, every wish, early and late."""
    for rollout, sight, findings, wish, adopted, requests, late in product(
        _rollouts(spec), _SIGHTS, _FINDINGS, _WISHES, (True, False), (0, 10**6), (False, True)
    ):
        slots = {slot: sight for slot in split.judged(rollout).slots if sight is not None}
        passed = spec.terms.max_duration if late else spec.terms.min_duration / 2
        yield View(rollout, slots, adopted, findings, requests, requests, 1.0, 1.0, wish), _BEGAN + passed


def _rollouts(spec: DeploymentSpec) -> Iterator[Rollout]:
    others = [arm.version for arm in spec.arms if arm.version != spec.candidate]
    known = others[0] if others else spec.candidate - 1
    for phase, baseline in product(get_args(Phase), (known, None)):
        if baseline is None and (spec.arms or phase not in ("preparing", "paused", "failed", "ended")):
            continue  # what is compared has a baseline, and a first version is not compared
        for before in ("preparing", "judging", "holding") if phase == "paused" else (None,):
            if baseline is None and before not in (None, "preparing"):
                continue
            yield Rollout(
                id="r",
                spec=spec,
                generation=1,
                baseline=baseline,
                phase=phase,
                began=_BEGAN,
                stepped=_BEGAN,
                since=_BEGAN,
                deadline=_BEGAN + spec.terms.max_duration,
                version=spec.candidate if phase in ("promoted", "ended") else None,
                before=before,
                reason="as it was",
            )


def _ended_is_ended(view: View, decision: Decision, said: str) -> None:
    if view.rollout.phase in ENDED:
        assert isinstance(decision, Wait), f"an ended rollout goes on: {said}"


def _nothing_moves_before_it_is_ready(view: View, decision: Decision, said: str) -> None:
    """Traffic that is split already may stay so: `Shift` to the present step ends a pause."""
    fresh = view.rollout.phase == "preparing" or view.rollout.before == "preparing"
    if fresh and isinstance(decision, Shift | Promote):
        sights = [view.slots.get(slot, SlotSight()) for slot in split.judged(view.rollout).slots]
        ready = all(0 < sight.replicas == sight.ready for sight in sights)
        assert ready, f"traffic to slots that are not ready: {said}"


def _harm_gives_no_traffic(view: View, decision: Decision, said: str) -> None:
    judged = view.rollout.phase in ("judging", "holding") and view.wish is None
    if judged and any(finding.verdict == "harm" for finding in view.findings):
        assert isinstance(decision, Rollback), f"harm is shown and not acted on: {said}"


def _steps_are_not_skipped(view: View, decision: Decision, said: str) -> None:
    if isinstance(decision, Shift):
        at = view.rollout.step
        assert at <= decision.step <= at + 1, f"not the present step, nor the next: {said}"


def _a_pause_holds(view: View, decision: Decision, said: str) -> None:
    if view.rollout.phase == "paused" and view.wish is None:
        assert isinstance(decision, Wait), f"a pause was not kept: {said}"


def _wishes_come_first(view: View, decision: Decision, after: Rollout, said: str) -> None:
    if view.wish not in transitions.wishes(view.rollout):
        return
    match view.wish:
        case "rollback":
            away: tuple[type, ...] = (Rollback,) if view.rollout.baseline is not None else (Fail,)
            assert isinstance(decision, away), f"asked to roll back: {said}"
        case "promote":
            _promoted_when_it_can_be(view, decision, said)
        case "pause":
            assert after.phase == "paused", f"asked to pause: {said}"
        case "resume":
            assert after.phase in ("preparing", "judging"), f"asked to resume: {said}"


def _promoted_when_it_can_be(view: View, decision: Decision, said: str) -> None:
    ready = all(view.slots.get(slot) == SlotSight(2, 2) for slot in split.judged(view.rollout).slots)
    if ready:
        assert decision == replace(Promote(view.rollout.spec.candidate, ""), reason=decision.reason), (
            f"asked to promote: {said}"
        )

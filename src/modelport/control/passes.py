"""One pass over one deployment: from what is stored and reported to what is to be written. Pure.

Everything that a pass knows is in `Situation`, everything that it changes in `Outcome`; the loop
(`control.reconciler`) reads the one and writes the other in a single transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from modelport.control import conditions, mirrored, sight, split, transitions
from modelport.control.beginning import begin
from modelport.control.evidence import Evidence, afresh, judged, look
from modelport.control.judge import Arms
from modelport.control.strategies.base import Strategy
from modelport.core.deployment import Deployment, DeploymentSpec
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import PlanStatus
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import ENDED, Decided, Decision, Rollout, View, Wish

Strategies = Callable[[str], Strategy]
"""The strategy of a name."""


class Situation(msgspec.Struct, frozen=True):
    """All that a pass may look at.

    Attributes:
        deployment, wish, wished_by: what is wanted, and what a person asked for.
        rollout: its last one; None before the first.
        evidence: of that rollout.
        reports: of the live replicas.
        sums: what the fleet counted, by slot.
        id: of the rollout, should one begin.
        now: seconds since the epoch.
    """

    deployment: Deployment
    wish: Wish | None
    wished_by: str
    rollout: Rollout | None
    evidence: Evidence
    reports: Sequence[PlanStatus]
    sums: Mapping[str, Outcomes]
    id: str
    now: float


class Outcome(msgspec.Struct, frozen=True):
    """All that a pass changes.

    Attributes:
        deployment, wish, wished_by, rollout, evidence: as they are now.
        superseded: the rollout that ended for another one.
        decided: what was decided, when it changed anything.
        active: whether another pass has something to do.
    """

    deployment: Deployment
    wish: Wish | None
    wished_by: str
    rollout: Rollout | None
    evidence: Evidence
    superseded: Rollout | None = None
    decided: Decided | None = None
    active: bool = True


def take(situation: Situation, strategies: Strategies) -> Outcome:
    """Carry the deployment one step on. Taken again with what it came to, it changes nothing more."""
    begun, superseded = _begun(situation)
    rollout = begun.rollout
    if rollout is None or rollout.phase in ENDED:
        outcome = Outcome(begun.deployment, None, "", rollout, begun.evidence, superseded, active=False)
    else:
        outcome = _decided(begun, rollout, superseded, strategies)
    told = conditions.told(outcome.deployment, outcome.rollout, situation.reports, situation.now)
    return replace(outcome, deployment=replace(outcome.deployment, conditions=told))


def slots(spec: DeploymentSpec, baseline: int | None) -> tuple[str, ...]:
    """Every slot whose counts a rollout may look at."""
    versions = {spec.candidate, *(arm.version for arm in spec.arms)}
    named = {split.slot_id(spec.endpoint, version) for version in versions}
    if baseline is not None:
        named |= {split.slot_id(spec.endpoint, baseline), split.control_id(spec.endpoint, baseline)}
    return tuple(sorted(named))


def _begun(situation: Situation) -> tuple[Situation, Rollout | None]:
    """The situation after a new generation was taken up, and the rollout that ended for it."""
    deployment, current = situation.deployment, situation.rollout
    if current is not None and current.generation == deployment.generation:
        return situation, None
    found = begin(deployment, current, id=situation.id, now=situation.now)
    same = found.rollout is not None and current is not None and found.rollout.id == current.id
    evidence = situation.evidence if same else Evidence()
    if same and found.afresh:
        evidence = afresh(evidence)
    wish = situation.wish if same else None  # it was about the rollout that there was
    return replace(
        situation, deployment=found.deployment, rollout=found.rollout, evidence=evidence, wish=wish
    ), found.superseded


def _decided(
    situation: Situation, rollout: Rollout, superseded: Rollout | None, strategies: Strategies
) -> Outcome:
    evidence = _folded(situation, rollout)
    view = _view(situation, rollout, evidence)
    decision = strategies(rollout.spec.strategy).decide(rollout.spec, view, situation.now)
    after = transitions.advance(rollout, decision, situation.now)
    deployment = transitions.settle(situation.deployment, decision, after)
    wish = transitions.outstanding(situation.wish, rollout, after)
    decided = None
    if not evidence.decisions or replace(after, reason="") != replace(rollout, reason=""):
        decided = _kept(situation, view, decision, deployment, after)
        evidence = replace(evidence, decisions=decided.number)
    active = after.phase not in ENDED or wish is not None
    return Outcome(
        deployment, wish, situation.wished_by if wish else "", after, evidence, superseded, decided, active
    )


def _folded(situation: Situation, rollout: Rollout) -> Evidence:
    """The evidence with what was counted since the last look; while the traffic is split, it is judged."""
    wanted = slots(rollout.spec, rollout.baseline)
    looked, increment = look(situation.evidence, {slot: situation.sums.get(slot, NONE) for slot in wanted})
    if _is_split(rollout):
        arms = _arms(rollout, known=situation.evidence.adopted)
        looked = judged(looked, increment, arms, rollout, situation.now)
        said = mirrored.findings(situation.reports, rollout)
        looked = replace(looked, findings=(*looked.findings, *said))
    adopted = sight.adopted(situation.reports, rollout.spec.endpoint, looked.routed)
    return replace(looked, adopted=adopted)


def _is_split(rollout: Rollout) -> bool:
    if rollout.phase == "paused":
        return rollout.before != "preparing"
    return rollout.phase in ("judging", "holding")


def _arms(rollout: Rollout, *, known: bool) -> Arms:
    """Who is compared. Shares are `known` when every replica answered with them before what is folded."""
    endpoint, baseline = rollout.spec.endpoint, rollout.baseline
    candidate = split.slot_id(endpoint, rollout.spec.candidate)
    if baseline is None:
        return Arms(candidate)
    slots = {share.slot: share.weight for share in split.judged(rollout).shares}
    control = split.control_id(endpoint, baseline)
    base = split.slot_id(endpoint, baseline)
    among = sum(slots.get(slot, 0) for slot in (candidate, control, base))
    share = slots.get(candidate, 0) * BASIS_POINTS / among if known and among else None
    return Arms(candidate, base, control if control in slots else None, share or None)


def _view(situation: Situation, rollout: Rollout, evidence: Evidence) -> View:
    now = situation.now
    wanted = {*slots(rollout.spec, rollout.baseline)}
    return View(
        rollout,
        sight.slots(situation.reports, wanted),
        evidence.adopted,
        evidence.findings,
        evidence.judge.candidate.requests,
        evidence.judge.candidate.labels,
        evidence.requests.of(now),
        evidence.labels.of(now),
        situation.wish,
    )


def _kept(
    situation: Situation, view: View, decision: Decision, deployment: Deployment, after: Rollout
) -> Decided:
    routed = transitions.routed(deployment, after)
    by = situation.wished_by if situation.wish is not None else "strategy"
    return Decided(
        situation.evidence.decisions + 1,
        situation.now,
        decision,
        routed.by_version if routed else {},
        view.findings,
        view.requests,
        view.labels,
        by,
    )

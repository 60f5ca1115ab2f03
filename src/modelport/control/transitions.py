"""Where a decision takes a rollout and its deployment: pure, as drawn in `core.rollout`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from modelport.control import split
from modelport.control.split import Split
from modelport.core.deployment import Deployment
from modelport.core.rollout import (
    ENDED,
    Decision,
    Fail,
    Finish,
    Hold,
    Phase,
    Prepare,
    Promote,
    Rollback,
    Rollout,
    Shift,
    Wait,
    Wish,
)
from modelport.errors import DecisionRefused

_FROM: Mapping[type, frozenset[Phase]] = {
    Prepare: frozenset({"preparing", "paused"}),
    Shift: frozenset({"preparing", "judging", "paused", "holding"}),
    Hold: frozenset({"preparing", "judging", "paused", "holding"}),
    Promote: frozenset({"preparing", "judging", "paused", "holding"}),
    Rollback: frozenset({"preparing", "judging", "paused", "holding", "promoted"}),
    Fail: frozenset({"preparing", "paused"}),
    Finish: frozenset({"promoted"}),
}


def advance(rollout: Rollout, decision: Decision, now: float) -> Rollout:
    """The rollout after a decision. Ended is ended: then it is returned as it is.

    Raises `DecisionRefused` for a decision that the rollout's phase does not know.
    """
    if rollout.phase in ENDED:
        return rollout
    if isinstance(decision, Wait):
        return replace(rollout, reason=decision.reason)
    _check(rollout, decision)
    match decision:
        case Prepare(idle=idle):
            moved = _resumed(rollout, now)
            moved = _patient(moved, now) if idle else moved
        case Shift(step=step):
            moved = _shifted(rollout, step, now)
        case Hold(phase=phase):
            moved = _held(rollout, phase, now)
        case Promote(version=version):
            moved = _promoted(replace(rollout, version=version), now)
        case Rollback():
            moved = _ended(rollout, "rolled_back", now)
        case Fail():
            moved = _ended(rollout, "failed", now)
        case Finish():
            moved = _ended(rollout, "ended", now)
    return replace(moved, reason=decision.reason)


def settle(deployment: Deployment, decision: Decision, rollout: Rollout) -> Deployment:
    """The deployment after a decision that took its rollout to `rollout`: who is live, who stays warm."""
    match decision:
        case Promote(version=version):
            return _live(deployment, version, rollout)
        case Rollback() if rollout.baseline is not None:
            return replace(deployment, live=rollout.baseline, former=None, former_until=0.0)
        case Finish():
            return replace(deployment, former=None, former_until=0.0)
    return deployment


def routed(deployment: Deployment, rollout: Rollout | None) -> Split | None:
    """Who answers the endpoint now; None when nobody does."""
    if rollout is not None and _splits(rollout):
        return split.judged(rollout)
    version = deployment.live
    if version is None and rollout is not None and rollout.phase not in ENDED:
        version = rollout.spec.candidate  # answers as soon as it is loaded
    return None if version is None else split.whole(deployment.endpoint, version)


def wishes(rollout: Rollout) -> frozenset[Wish]:
    """What a person can ask for at this point."""
    match rollout.phase:
        case "preparing" | "judging":
            return frozenset({"pause", "promote", "rollback"})
        case "paused" | "holding":
            return frozenset({"pause", "resume", "promote", "rollback"})
        case "promoted":
            return frozenset({"rollback"})
    return frozenset()


def outstanding(wish: Wish | None, before: Rollout, after: Rollout) -> Wish | None:
    """The wish, when it still waits to be carried out: only a promotion waits, for its slots."""
    kept = wish == "promote" and after.phase == before.phase and after.phase in ("preparing", "paused")
    return wish if kept else None


def _check(rollout: Rollout, decision: Decision) -> None:
    if rollout.phase in _FROM[type(decision)]:
        return
    msg = f"a rollout that is {rollout.phase} cannot {type(decision).__name__.lower()}"
    raise DecisionRefused(msg, hint="the strategy is wrong; modelport.testing.check_strategy finds where")


def _resumed(rollout: Rollout, now: float) -> Rollout:
    """Loading, or loading again after a pause, whose time does not count."""
    if rollout.phase == "preparing":
        return rollout
    paused = now - rollout.since
    return replace(rollout, phase="preparing", before=None, since=now, deadline=rollout.deadline + paused)


def _patient(rollout: Rollout, now: float) -> Rollout:
    """With all its time to load again, once half of it went by without anyone who could."""
    limit = rollout.spec.terms.max_duration
    return replace(rollout, deadline=now + limit) if rollout.deadline - now < limit / 2 else rollout


def _shifted(rollout: Rollout, step: int, now: float) -> Rollout:
    """At a step. What was paused goes on where it was; what was held has all its time again."""
    if rollout.phase == "judging" and rollout.step == step:
        return rollout
    limit = rollout.spec.terms.max_duration
    moved = replace(rollout, phase="judging", step=step, since=now, before=None)
    if rollout.phase == "judging":
        return replace(moved, stepped=now)
    if rollout.phase == "paused" and rollout.before == "judging" and rollout.step == step:
        paused = now - rollout.since
        return replace(moved, stepped=rollout.stepped + paused, deadline=rollout.deadline + paused)
    stepped = now if rollout.phase == "preparing" or rollout.step != step else rollout.stepped
    return replace(moved, stepped=stepped, deadline=now + limit)


def _held(rollout: Rollout, phase: Phase, now: float) -> Rollout:
    if rollout.phase == phase:
        return rollout
    before = rollout.phase if phase == "paused" else None
    return replace(rollout, phase=phase, before=before, since=now)


def _promoted(rollout: Rollout, now: float) -> Rollout:
    """Promoted; ended at once when there is no former version to keep warm."""
    if rollout.baseline is None or rollout.baseline == rollout.version:
        return _ended(rollout, "ended", now)
    return replace(rollout, phase="promoted", before=None, since=now)


def _ended(rollout: Rollout, phase: Phase, now: float) -> Rollout:
    return replace(rollout, phase=phase, before=None, since=now, ended=now)


def _live(deployment: Deployment, version: int, rollout: Rollout) -> Deployment:
    former = rollout.baseline if rollout.baseline != version else None
    until = rollout.since + rollout.spec.keep_warm if former is not None else 0.0
    return replace(deployment, live=version, former=former, former_until=until)


def _splits(rollout: Rollout) -> bool:
    """Whether the traffic is split by the rollout now."""
    return rollout.phase in ("judging", "holding") or (
        rollout.phase == "paused" and rollout.before != "preparing"
    )

"""What is true of a deployment, since when, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from modelport.control import sight, split
from modelport.core.deployment import Condition, Deployment
from modelport.core.fleet import PlanStatus
from modelport.core.rollout import ENDED, Rollout


def told(
    deployment: Deployment, rollout: Rollout | None, reports: Sequence[PlanStatus], now: float
) -> tuple[Condition, ...]:
    """The conditions as they are; one that did not change keeps its time."""
    present = (
        _available(deployment, reports, now),
        _progressing(rollout, now),
        _degraded(deployment, reports, now),
    )
    return tuple(_since(condition, deployment.conditions) for condition in present)


def _available(deployment: Deployment, reports: Sequence[PlanStatus], now: float) -> Condition:
    if deployment.live is None:
        return Condition("Available", False, "no version answers yet", now)
    slot = split.slot_id(deployment.endpoint, deployment.live)
    seen = sight.slots(reports, [slot])[slot]
    if seen.ready:
        return Condition("Available", True, f"{slot} answers", now)
    reason = seen.failed or ("it is being loaded" if reports else "no replica reports")
    return Condition("Available", False, f"{slot} is ready nowhere: {reason}", now)


def _progressing(rollout: Rollout | None, now: float) -> Condition:
    under_way = rollout is not None and rollout.phase not in ENDED and rollout.phase != "promoted"
    reason = rollout.phase if rollout is not None else "nothing is under way"
    return Condition("Progressing", under_way, reason, now)


def _degraded(deployment: Deployment, reports: Sequence[PlanStatus], now: float) -> Condition:
    reason = deployment.trouble or sight.refusal(reports, deployment.endpoint)
    return Condition("Degraded", bool(reason), reason or "replicas do what is wanted", now)


def _since(condition: Condition, before: Sequence[Condition]) -> Condition:
    """The condition, or the one that was told before when it says the same."""
    for former in before:
        if (former.kind, former.true, former.reason) == (condition.kind, condition.true, condition.reason):
            return former
    return condition

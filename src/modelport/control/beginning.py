"""How a changed deployment goes on: its rollout continues, or ends for another one. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from modelport.control.transitions import advance
from modelport.core.deployment import Deployment, DeploymentSpec
from modelport.core.rollout import ENDED, Finish, Rollback, Rollout


class Begun(msgspec.Struct, frozen=True):
    """What a changed deployment comes to.

    Attributes:
        deployment: with the rollout that is under way now.
        rollout: that one: begun, or continued; None when what is wanted answers already.
        superseded: the rollout that ended for it; None when none did.
        afresh: whether evidence is gathered anew: what was compared before was another question.
    """

    deployment: Deployment
    rollout: Rollout | None = None
    superseded: Rollout | None = None
    afresh: bool = True


def begin(deployment: Deployment, current: Rollout | None, *, id: str, now: float) -> Begun:  # noqa: A002
    """Carry out the spec of `deployment`, whose generation is new.

    A rollout under way to the same version with the same strategy continues, with its salt and its users; its
    evidence is kept when the question is the same. Any other ends, and the new one starts from what is live.

    Args:
        deployment: with the new spec and generation; `live` as it is.
        current: its last rollout.
        id: of the rollout, should one begin; sorts by time.
        now: seconds since the epoch.
    """
    under_way = current if current is not None and current.phase not in ENDED else None
    if under_way is not None and _same_way(under_way, deployment.spec):
        rollout = _continued(under_way, deployment, now)
        afresh = not _same_question(under_way.spec, deployment.spec)
        return Begun(deployment, rollout, None, afresh)
    superseded = None if under_way is None else _superseded(under_way, deployment.generation, now)
    settled = replace(deployment, former=None, former_until=0.0)
    if not _needed(settled):
        return Begun(settled, None, superseded)
    return _started(settled, superseded, id, now)


def _started(deployment: Deployment, superseded: Rollout | None, id: str, now: float) -> Begun:  # noqa: A002
    spec = deployment.spec
    others = [arm.version for arm in spec.arms if arm.version != spec.candidate]
    baseline = others[0] if others and deployment.live not in others else deployment.live
    live = deployment.live if deployment.live is not None else baseline
    rollout = Rollout(
        id=id,
        spec=spec,
        generation=deployment.generation,
        baseline=baseline,
        began=now,
        stepped=now,
        since=now,
        deadline=now + spec.terms.max_duration,
        reason="the slots are to be loaded",
    )
    return Begun(replace(deployment, live=live, rollout=id), rollout, superseded)


def _same_way(rollout: Rollout, spec: DeploymentSpec) -> bool:
    old = rollout.spec
    return (
        old.candidate == spec.candidate
        and old.strategy == spec.strategy
        and [arm.version for arm in old.arms] == [arm.version for arm in spec.arms]
    )


def _same_question(old: DeploymentSpec, new: DeploymentSpec) -> bool:
    """Whether evidence for the one is evidence for the other: the same arms, limits and error level.

    Limits that were chosen after looking at the evidence may not be tested on that evidence.
    """
    return (
        old.terms.criteria == new.terms.criteria
        and old.terms.error_level == new.terms.error_level
        and old.arms == new.arms
        and old.sticky == new.sticky
        and old.share == new.share
    )


def _continued(rollout: Rollout, deployment: Deployment, now: float) -> Rollout:
    spec = deployment.spec
    longer = spec.terms.max_duration - rollout.spec.terms.max_duration
    step = _step(rollout, spec)
    stepped = rollout.stepped if step == rollout.step else now
    return replace(
        rollout,
        spec=spec,
        generation=deployment.generation,
        step=step,
        stepped=stepped,
        deadline=rollout.deadline + longer,
    )


def _step(rollout: Rollout, spec: DeploymentSpec) -> int:
    """The largest of the new steps that gives the candidate no more than it has, else the first."""
    if not spec.steps or not rollout.spec.steps:
        return 0
    share = rollout.spec.steps[rollout.step]
    return max((at for at, step in enumerate(spec.steps) if step <= share), default=0)


def _superseded(rollout: Rollout, generation: int, now: float) -> Rollout:
    reason = f"replaced by generation {generation}"
    if rollout.phase == "promoted":
        return advance(rollout, Finish(reason), now)
    return advance(rollout, Rollback(reason), now)


def _needed(deployment: Deployment) -> bool:
    """Whether something else than what is wanted answers; an experiment is wanted for its own sake."""
    return deployment.spec.candidate != deployment.live or deployment.spec.strategy == "ab"

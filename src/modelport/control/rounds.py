"""One round of the reconciler over some deployments of a project: read, take their passes, write, publish.

All of it is one transaction under the lease: a control plane that has lost it writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from modelport.control import passes, publisher, transitions
from modelport.control.compose import compose
from modelport.control.evidence import Evidence
from modelport.control.passes import Outcome, Situation, Strategies
from modelport.control.store import deployments, rollouts
from modelport.control.store.world import World, sums, wanted, world
from modelport.core import faults
from modelport.core.deployment import Deployment
from modelport.core.evidence import Outcomes
from modelport.core.ids import crockford
from modelport.core.plan import Revision, ServingPlan, Share
from modelport.core.records import Version
from modelport.core.rollout import Decided, Rollout
from modelport.db import journal, lease
from modelport.db.journal import Author
from modelport.db.lease import Lease

CONTROL = "control"
"""Whose name stands in the journal when no person asked."""


class Catalog(Protocol):
    """What planning needs of the registry."""

    def some(
        self, connection: Connection, project: str, wanted: Iterable[tuple[str, int]]
    ) -> Mapping[str, Version]:
        """Those versions, given as (model, number), that there are, by `churn:2`."""
        ...


class Means(msgspec.Struct, frozen=True):
    """What a round works with.

    Attributes:
        catalog: versions.
        locate: the URL of an artifact, by its digest.
        strategies: by name.
        random: 80 random bits for the id of a rollout.
    """

    catalog: Catalog
    locate: Callable[[str], str]
    strategies: Strategies
    random: Callable[[], int]


class Done(msgspec.Struct, frozen=True):
    """What a round came to.

    Attributes:
        published: the revision of the plan, when there is a new one.
        refused: why endpoints are in the plan as they were before, by endpoint.
        changed: the same of those for which another reason, or none, was known before.
        decided: what was decided, by endpoint.
    """

    published: Revision | None
    refused: Mapping[str, str] = {}
    changed: Mapping[str, str] = {}
    decided: Mapping[str, Decided] = {}


class Turn(msgspec.Struct, frozen=True):
    """One round: under which lease, with what, and when."""

    held: Lease
    means: Means
    at: float


def go(connection: Connection, turn: Turn, project: str, endpoints: Sequence[str]) -> Done:
    """Take the passes of some endpoints and publish what they come to.

    Raises `Overloaded` (`not-leader`) when the lease is another's; whatever is raised, nothing was written.
    """
    lease.check(connection, turn.held)
    around = world(connection, project, turn.at)
    taken = [outcome for name in endpoints if (outcome := _pass(connection, turn, around, name))]
    faults.point("round.passed")
    done = _publish(connection, turn, around)
    faults.point("round.published")
    for outcome in taken:
        planned = outcome.deployment.endpoint not in done.refused
        if planned and (rerouted := _rerouted(outcome, done.published or _newest(around))):
            _write(connection, project, rerouted)
    for endpoint, reason in done.changed.items():
        _trouble(connection, project, endpoint, reason, failed=endpoint not in endpoints)
    faults.point("round.written")
    decided = {outcome.deployment.endpoint: outcome.decided for outcome in taken if outcome.decided}
    return replace(done, decided=decided)


def fail(connection: Connection, held: Lease, project: str, endpoint: str, reason: str) -> None:
    """Keep why a pass could not be taken, for people. Raises `Overloaded` (`not-leader`)."""
    lease.check(connection, held)
    _trouble(connection, project, endpoint, reason)


def rollout_id(now: float, random: int) -> str:
    """26 characters that sort by time, as ULID has them (github.com/ulid/spec)."""
    return crockford(int(now * 1000), 10) + crockford(random, 16)


def _pass(connection: Connection, turn: Turn, around: World, endpoint: str) -> Outcome | None:
    """Take one pass and keep what the plan is made of; None when the deployment is gone."""
    kept = deployments.get(connection, around.project, endpoint, lock=True)
    if kept is None:
        return None
    before = rollouts.get(connection, around.project, kept.deployment.rollout)
    situation = Situation(
        kept.deployment,
        kept.wish,
        kept.wished_by,
        before.rollout if before else None,
        before.evidence if before else Evidence(),
        around.reports,
        _sums(connection, around, kept.deployment, before.rollout if before else None),
        rollout_id(turn.at, turn.means.random()),
        turn.at,
    )
    outcome = passes.take(situation, turn.means.strategies)
    _write(connection, around.project, outcome)
    _tell(connection, around.project, outcome, turn.at)
    return outcome


def _sums(
    connection: Connection, around: World, deployment: Deployment, rollout: Rollout | None
) -> Mapping[str, Outcomes]:
    """What the fleet counted at every slot that the rollout there is, or the one that begins, looks at."""
    named = set(passes.slots(deployment.spec, deployment.live))
    if rollout is not None:
        named |= set(passes.slots(rollout.spec, rollout.baseline))
    return sums(connection, around.fleets, named)


def _write(connection: Connection, project: str, outcome: Outcome) -> None:
    deployments.put(
        connection, deployments.Kept(outcome.deployment, outcome.active, outcome.wish, outcome.wished_by)
    )
    if outcome.superseded is not None:
        former = rollouts.get(connection, project, outcome.superseded.id)
        evidence = former.evidence if former else Evidence()
        rollouts.put(connection, project, rollouts.Kept(outcome.superseded, evidence))
    if outcome.rollout is not None:
        rollouts.put(connection, project, rollouts.Kept(outcome.rollout, outcome.evidence))


def _tell(connection: Connection, project: str, outcome: Outcome, now: float) -> None:
    """Keep a decision, and its entry in the journal."""
    decided, rollout = outcome.decided, outcome.rollout
    if decided is None or rollout is None:
        return
    rollouts.decide(connection, rollout.id, decided)
    detail = {
        "rollout": rollout.id,
        "number": decided.number,
        "decision": msgspec.to_builtins(decided.decision),
        "phase": rollout.phase,
        "by": decided.by,
    }
    author = Author(CONTROL, project)
    journal.append(connection, author, "rollout.decide", rollout.spec.endpoint, at=now, detail=detail)


def behind(connection: Connection, means: Means, project: str, now: float) -> list[str]:
    """The fleets of a project whose newest plan does not say what is wanted."""
    around = world(connection, project, now)
    return publisher.behind(connection, around.fleets, _Composing(connection, means, around).plan)


class _Composing:
    """The plan of a whole project, as everything stands in a transaction.

    Attributes:
        refused: why endpoints are in it as they were before, by endpoint.
        known: what was known of that.
    """

    def __init__(self, connection: Connection, means: Means, around: World) -> None:
        self._every, self._last = wanted(connection, around.project)
        named = {
            (each.endpoint, version)
            for each in self._every
            for version in _versions(each, self._last.get(each.endpoint))
        }
        self._versions = means.catalog.some(connection, around.project, named)
        self._locate = means.locate
        self._before = around.newest
        self.refused: Mapping[str, str] = {}
        self.known = {each.endpoint: each.trouble for each in self._every}

    def plan(self, revision: Revision) -> ServingPlan:
        composed = compose(
            self._every, self._last, self._versions, revision, locate=self._locate, before=self._before
        )
        self.refused = composed.refused
        return composed.plan


def _publish(connection: Connection, turn: Turn, around: World) -> Done:
    if not around.fleets:
        return Done(None)
    composing = _Composing(connection, turn.means, around)
    published = publisher.publish(connection, around.fleets, composing.plan, turn.at)
    refused = composing.refused
    changed = {
        name: refused.get(name, "") for name, said in composing.known.items() if said != refused.get(name, "")
    }
    return Done(published, refused, changed)


def _trouble(
    connection: Connection, project: str, endpoint: str, reason: str, *, failed: bool = False
) -> None:
    """Keep another reason, or none; none changes nothing where a pass is due that has not been taken
    (`failed`): its own reason stays."""
    kept = deployments.get(connection, project, endpoint, lock=True)
    if kept is None or kept.deployment.trouble == reason or (failed and kept.active and not reason):
        return
    deployments.put(connection, replace(kept, deployment=replace(kept.deployment, trouble=reason)))


def _versions(deployment: Deployment, rollout: Rollout | None) -> set[int]:
    named = {deployment.live, deployment.former, deployment.spec.candidate}
    named |= {arm.version for arm in deployment.spec.arms}
    if rollout is not None:
        named |= {rollout.baseline, rollout.spec.candidate, *(arm.version for arm in rollout.spec.arms)}
    return {version for version in named if version is not None}


def _rerouted(outcome: Outcome, revision: Revision | None) -> Outcome | None:
    """The outcome with the route that was published for it; None when that is the one it had."""
    routed = transitions.routed(outcome.deployment, outcome.rollout)
    shares: tuple[Share, ...] = (*routed.shares, *routed.shadows) if routed else ()
    if shares == outcome.evidence.shares:
        return None
    return replace(outcome, evidence=replace(outcome.evidence, shares=shares, routed=revision, adopted=False))


def _newest(around: World) -> Revision | None:
    return around.newest.revision if around.newest else None

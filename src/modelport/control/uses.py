"""What the registry asks of whoever deploys: which versions are needed. A moved alias moves what follows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from sqlalchemy.engine import Connection

from modelport.control.service import Turn, follow
from modelport.control.store import deployments, fleets, plans, rollouts
from modelport.control.store.world import wanted
from modelport.core.clock import Clock
from modelport.core.deployment import Deployment
from modelport.core.records import Alias, Version
from modelport.core.rollout import ENDED, Rollout
from modelport.db.journal import Author
from modelport.storage.address import parse_artifact


class Deployed:
    """Answers in the transaction of whoever asks, so an answer holds until that ends."""

    def __init__(self, clock: Clock, catalog: Catalog) -> None:
        self._clock = clock
        self._catalog = catalog

    def versions(self, connection: Connection, project: str, model: str) -> Collection[int]:
        """Versions of a model that a deployment or a rollout under way needs, or that the plan names."""
        kept = deployments.get(connection, project, model, lock=True)
        named = set(_planned(connection, project, model))
        if kept is not None:
            last = rollouts.get(connection, project, kept.deployment.rollout)
            named |= needed(kept.deployment, last.rollout if last else None)
        return named

    def artifacts(self, connection: Connection) -> Collection[str]:
        """Digests of artifacts that any deployment, rollout or plan needs."""
        found: set[str] = set()
        for project in sorted({kept.deployment.project for kept in deployments.every(connection)}):
            every, last = wanted(connection, project)
            named = {(each.endpoint, n) for each in every for n in needed(each, last.get(each.endpoint))}
            found |= {each.artifact for each in self._catalog.some(connection, project, named).values()}
        return found | _published(connection)

    def alias_moved(self, connection: Connection, author: Author, alias: Alias) -> None:
        """A deployment that follows the alias starts its strategy towards where it points now."""
        kept = deployments.get(connection, author.project, alias.model, lock=True)
        if kept is None or kept.deployment.spec.follows != alias.name:
            return

        def registered(project: str, named: Iterable[tuple[str, int]]) -> Iterable[Version]:
            return self._catalog.some(connection, project, named).values()

        if kept.deployment.spec.candidate != alias.version:
            follow(Turn(connection, author, self._clock.now(), registered), kept, alias.version)


class Catalog(Protocol):
    """Versions by (model, number), as `churn:2`."""

    def some(
        self, connection: Connection, project: str, wanted: Iterable[tuple[str, int]]
    ) -> Mapping[str, Version]:
        """Those that there are."""
        ...


def needed(deployment: Deployment, rollout: Rollout | None) -> set[int]:
    """Every version that the deployment can have answer."""
    spec = deployment.spec
    named = {deployment.live, deployment.former, spec.candidate, *(arm.version for arm in spec.arms)}
    if rollout is not None and rollout.phase not in ENDED:
        named |= {rollout.baseline, rollout.spec.candidate, *(arm.version for arm in rollout.spec.arms)}
    return {version for version in named if version is not None}


def _planned(connection: Connection, project: str, model: str) -> Iterable[int]:
    for fleet in fleets.of_project(connection, project):
        plan = plans.newest(connection, fleet)
        yield from (slot.version for slot in (plan.slots if plan else ()) if slot.model == model)


def _published(connection: Connection) -> set[str]:
    """Digests at the end of the URLs that the newest plans name."""
    newest = [plans.newest(connection, fleet) for fleet, _ in fleets.every(connection)]
    return {parse_artifact(slot.bundle)[1] for plan in newest if plan is not None for slot in plan.slots}

"""What people see of deployments, rollouts and configurations. A foreign project's are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.engine import Connection

from modelport.control import transitions
from modelport.control.service import found
from modelport.control.store import configurations, deployments, rollouts
from modelport.control.store.rollouts import Kept
from modelport.core.deployment import Deployment
from modelport.core.pages import Page, place
from modelport.core.pages import cursor as after
from modelport.core.rollout import Decided, Progress, Rollout
from modelport.core.sights import Configuration
from modelport.db.connect import Database
from modelport.errors import NotFound

T = TypeVar("T")


class Looks:
    """Reads of what is wanted and what is. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str, *, limit: int, cursor: str | None = None) -> Page[Deployment]:
        """Deployments by endpoint."""
        begin = str(place(cursor)[0]) if cursor else ""
        with self._database.reading() as connection:
            kept = deployments.some(connection, project, begin, limit + 1)
        return page([each.deployment for each in kept], limit, lambda last: after(last.endpoint))

    def get(self, project: str, endpoint: str) -> Deployment:
        """A deployment; raises `NotFound`."""
        with self._database.reading() as connection:
            return found(connection, project, endpoint).deployment

    def rollouts(
        self, project: str, endpoint: str, *, limit: int, cursor: str | None = None
    ) -> Page[Rollout]:
        """Rollouts of an endpoint, the newest first."""
        before = str(place(cursor)[0]) if cursor else None
        with self._database.reading() as connection:
            kept = rollouts.of_endpoint(connection, project, endpoint, before=before, limit=limit + 1)
        return page([each.rollout for each in kept], limit, lambda last: after(last.id))

    def rollout(self, project: str, endpoint: str, id: str | None = None) -> Progress:  # noqa: A002
        """How a rollout stands: that of the id, or the one under way, or the last. Raises `NotFound`."""
        with self._database.reading() as connection:
            return progress(connection, project, endpoint, id)

    def pending(self, project: str, endpoint: str) -> bool:
        """Whether what is wanted has yet to be taken up: until then its last rollout is about what was wanted
        before. Raises `NotFound` (`no-such-deployment`).
        """
        with self._database.reading() as connection:
            kept = found(connection, project, endpoint)
            last = rollouts.get(connection, project, kept.deployment.rollout)
        return kept.active and (last is None or last.rollout.generation != kept.deployment.generation)

    def decisions(
        self,
        project: str,
        endpoint: str,
        id: str,  # noqa: A002
        *,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Decided]:
        """Decisions about a rollout in their order, each with its evidence. Raises `NotFound`."""
        begin = int(place(cursor)[0]) if cursor else 0
        with self._database.reading() as connection:
            kept = _rollout(connection, project, endpoint, id)
            made = rollouts.decided(connection, kept.rollout.id, begin, limit + 1)
        return page(made, limit, lambda last: after(last.number))

    def configurations(
        self, project: str, *, kind: str | None, name: str | None, limit: int, cursor: str | None = None
    ) -> Page[Configuration]:
        """The newest version of each configuration, by kind and name."""
        begin = tuple(str(part) for part in place(cursor)) if cursor else ("", "")
        with self._database.reading() as connection:
            every = configurations.newest(connection, project, kind, name)
        rest = [each for each in every if (each.kind, each.name) > begin]
        return page(rest[: limit + 1], limit, lambda last: after(last.kind, last.name))

    def configuration(self, project: str, kind: str, name: str) -> Configuration:
        """The newest version of a configuration; raises `NotFound` (`no-such-configuration`)."""
        with self._database.reading() as connection:
            newest = configurations.history(connection, project, kind, name, limit=1)
        if not newest:
            raise absent(kind, name)
        return newest[0]

    def history(
        self, project: str, kind: str, name: str, *, limit: int, cursor: str | None = None
    ) -> Page[Configuration]:
        """The versions of a configuration, the newest first."""
        before = int(place(cursor)[0]) if cursor else None
        with self._database.reading() as connection:
            every = configurations.history(connection, project, kind, name, before=before, limit=limit + 1)
        if not every and cursor is None:
            raise absent(kind, name)
        return page(every, limit, lambda last: after(last.version))


def progress(connection: Connection, project: str, endpoint: str, id: str | None = None) -> Progress:  # noqa: A002
    """How a rollout stands, with its evidence and last decision."""
    deployment = found(connection, project, endpoint).deployment
    kept = _rollout(connection, project, endpoint, id or deployment.rollout)
    evidence, rollout = kept.evidence, kept.rollout
    routed = transitions.routed(deployment, rollout) if rollout.id == deployment.rollout else None
    made = rollouts.decided(connection, rollout.id, evidence.decisions - 1)
    return Progress(
        rollout,
        routed.by_version if routed else {},
        evidence.findings,
        evidence.judge.candidate.requests,
        evidence.judge.candidate.labels,
        evidence.requests.rate,
        made[-1] if made else None,
    )


def page(items: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """A page of `limit` things, when one more than that was looked for."""
    shown = tuple(items[:limit])
    return Page(shown, cursor(shown[-1]) if len(items) > limit else None)


def absent(kind: str, name: str) -> NotFound:
    """There is no such configuration."""
    msg = f"nothing was configured as {kind[:40]} {name[:100]!r}"
    return NotFound(msg, code="no-such-configuration", hint="modelport config history lists what was")


def _rollout(connection: Connection, project: str, endpoint: str, id: str) -> Kept:  # noqa: A002
    kept = rollouts.get(connection, project, id)
    if kept is None or kept.rollout.spec.endpoint != endpoint:
        msg = f"{endpoint[:100]!r} has had no such rollout"
        raise NotFound(msg, code="no-such-rollout", hint=f"modelport rollout history {endpoint[:100]}")
    return kept

"""Deployments as the control API has them: documents and commands in, what is wanted and what is out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from modelport.control.binding import Project
from modelport.control.documents import Abilities, becoming, changes, printed, read, resolve, schema
from modelport.control.looks import Looks, absent
from modelport.control.service import Service, Versions
from modelport.control.status import status
from modelport.control.store import configurations, deployments, rollouts
from modelport.control.wanted import Asked
from modelport.core.clock import Clock
from modelport.core.deployment import DeploymentSpec, ModelConfig
from modelport.core.ready import ready
from modelport.core.rollout import Progress, Wish
from modelport.core.sights import Applied, Change, ModelStatus
from modelport.core.wishes import Apply
from modelport.db.connect import Database
from modelport.db.journal import Author


class Deployments(Looks, Service):
    """All of it: `Looks` reads, `Service` writes, and here documents become what is asked."""

    def __init__(
        self,
        database: Database,
        versions: Versions,
        clock: Clock,
        wake: Callable[[], None],
        *,
        target: Abilities,
    ) -> None:
        Looks.__init__(self, database)
        Service.__init__(self, database, versions, clock, wake)
        self._target = target

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the configuration language."""
        return schema()

    def apply(self, author: Author, wish: Apply) -> Applied:
        """Carry documents out, all or none; of a dry run, only tell what would change.

        Raises what `documents.read` and `documents.resolve` raise.
        """
        project = Project(self._database, author.project)
        documents = read(wish.text, wish.format)
        asked = resolve(documents, project, model=wish.model, version=wish.version, target=self._target)
        rows = tuple(row for each in asked for row in becoming(each, self._now(author.project, each)))
        applied = not wish.dry_run and self.want(author, asked)
        notes = (self._given_up(author.project, each) for each in asked)
        return Applied(rows, applied, tuple(note for note in notes if note))

    def wish(self, author: Author, endpoint: str, wish: Wish) -> Progress:
        """Note a wish, as `ask` does, and show the rollout it is about."""
        self.ask(author, endpoint, wish)
        return self.rollout(author.project, endpoint)

    def status(self, project: str, model: str) -> ModelStatus:
        """How a model is served; raises `NotFound` for one that is not registered."""
        now = self._clock.now()
        with self._database.reading() as connection:
            return status(connection, project, model, now)

    def configuration_diff(
        self, project: str, kind: str, name: str, before: int, after: int
    ) -> tuple[Change, ...]:
        """What differs between two versions of a configuration, in the words of documents.

        Texts that mean the same (`1%`, `0.01`) do not differ. Raises `NotFound`.
        """
        with self._database.reading() as connection:
            found = [configurations.at(connection, project, kind, name, number) for number in (before, after)]
        one, other = found
        if one is None or other is None:
            raise absent(kind, name)
        return changes(f"{kind}/{name}", *(_printed(kind, name, each) for each in (one, other)))

    def _given_up(self, project: str, asked: Asked) -> str:
        """That what a document wants is wanted already, and was tried in vain; empty otherwise."""
        with self._database.reading() as connection:
            kept = deployments.get(connection, project, asked.name)
            last = rollouts.get(connection, project, kept.deployment.rollout) if kept else None
        if kept is None or last is None or asked.resolved != kept.deployment.spec:
            return ""
        if last.rollout.generation != kept.deployment.generation:
            return ""  # that one was about something else
        candidate, phase = f"{asked.name}:{last.rollout.spec.candidate}", last.rollout.phase
        if phase not in ("rolled_back", "failed") or kept.deployment.live == last.rollout.spec.candidate:
            return ""
        how = phase.replace("_", " ")
        return f"{candidate} {how} ({last.rollout.reason}); `modelport deploy {candidate}` tries it again"

    def _now(self, project: str, asked: Asked) -> DeploymentSpec | ModelConfig | None:
        """What is wanted now of what a document is about."""
        with self._database.reading() as connection:
            kept = deployments.get(connection, project, asked.name)
            known = configurations.resolved(connection, project, asked.kind, asked.name)
        if isinstance(asked.resolved, DeploymentSpec):
            return kept.deployment.spec if kept else None
        return msgspec.convert(known, ready(ModelConfig)) if known is not None else None


def _printed(kind: str, name: str, resolved: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "deployment":
        return printed(name, msgspec.convert(resolved, ready(DeploymentSpec)))
    return printed(name, msgspec.convert(resolved, ready(ModelConfig)))

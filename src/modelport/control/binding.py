"""What documents can be bound to: models, versions and aliases of a project, and what is deployed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelport.control.store import deployments
from modelport.core.deployment import DeploymentSpec
from modelport.core.records import Version
from modelport.db.connect import Database
from modelport.errors import NotFound
from modelport.registry import aliases, models, versions
from modelport.registry.versions import Sought

SHOWN = 100
"""Models that an error lists."""
_PAGE = 500


class Project:
    """One project, as documents see it."""

    def __init__(self, database: Database, project: str) -> None:
        self._database = database
        self._project = project

    def models(self) -> Sequence[str]:
        """Names of the models there are, in order; the first hundred."""
        with self._database.reading() as connection:
            found = models.find(connection, self._project, text="", tags={}, limit=SHOWN, after=None)
        return [model.name for model in found.items]

    def versions(self, model: str) -> Sequence[Version] | None:
        """Versions of a model, the oldest first; None where there is no such model."""
        found: list[Version] = []
        after: str | None = None
        with self._database.reading() as connection:
            try:
                while True:
                    page = versions.find(connection, self._project, model, Sought(), limit=_PAGE, after=after)
                    found.extend(page.items)
                    after = page.next
                    if after is None:
                        return found[::-1]
            except NotFound:
                return None

    def aliases(self, model: str) -> Mapping[str, int]:
        """Versions by alias."""
        with self._database.reading() as connection:
            return {alias.name: alias.version for alias in aliases.of(connection, self._project, model)}

    def live(self, model: str) -> int | None:
        """The version that answers outside of a rollout."""
        with self._database.reading() as connection:
            kept = deployments.get(connection, self._project, model)
        return kept.deployment.live if kept else None

    def wanted(self, model: str) -> DeploymentSpec | None:
        """What is wanted of its endpoint at present."""
        with self._database.reading() as connection:
            kept = deployments.get(connection, self._project, model)
        return kept.deployment.spec if kept else None

"""What the registry asks of whoever deploys: what is still needed, and to hear of moves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sqlalchemy.engine import Connection

from modelport.core.records import Alias
from modelport.db.journal import Author


class Uses(Protocol):
    """Every method works in the transaction it is given, so that its answer holds until that ends."""

    def versions(self, connection: Connection, project: str, model: str) -> Collection[int]:
        """Versions of a model that a deployment, a rollout or a plan needs."""
        ...

    def artifacts(self, connection: Connection) -> Collection[str]:
        """Digests of artifacts that any project's deployment, rollout or plan needs."""
        ...

    def alias_moved(self, connection: Connection, author: Author, alias: Alias) -> None:
        """An alias points at a version now; what follows it may start."""
        ...

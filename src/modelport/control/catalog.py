"""What planning and binding need of the registry, in the transaction they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy.engine import Connection

from modelport.core.records import Version
from modelport.registry import versions


class Shelves:
    """The versions of the registry."""

    def some(
        self, connection: Connection, project: str, wanted: Iterable[tuple[str, int]]
    ) -> Mapping[str, Version]:
        """Those versions, given as (model, number), that there are, by `churn:2`."""
        return {version.id: version for version in versions.some(connection, project, wanted)}

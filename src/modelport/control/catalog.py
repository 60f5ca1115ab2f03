"""What planning and binding need of the registry, in the transaction they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy.engine import Connection

from modelport.core.records import Version
from modelport.errors import NotFound
from modelport.registry import versions


class Shelves:
    """The versions of the registry."""

    def some(
        self, connection: Connection, project: str, wanted: Iterable[tuple[str, int]]
    ) -> Mapping[str, Version]:
        """Those versions, given as (model, number), that there are, by `churn:2`."""
        found = (_version(connection, project, model, number) for model, number in sorted(wanted))
        return {version.id: version for version in found if version is not None}


def _version(connection: Connection, project: str, model: str, number: int) -> Version | None:
    try:
        return versions.get(connection, project, model, number)
    except NotFound:
        return None

"""Taking versions and models away, unless something needs them."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from modelport.db import journal
from modelport.db.journal import Author
from modelport.errors import Conflict
from modelport.registry import aliases, models, versions
from modelport.registry.uses import Uses


def version(connection: Connection, author: Author, uses: Uses, model: str, ref: str, *, at: float) -> None:
    """Remove a version. Raises `NotFound`, `Conflict` (`version-aliased`, `version-deployed`)."""
    project = author.project
    models.lock(connection, project, model)
    found = aliases.resolve(connection, project, model, ref)
    _refuse(connection, project, uses, model, (found.number,))
    versions.delete(connection, project, model, found.number)
    models.recount(connection, project, model)
    detail = {"identity": found.identity, "artifact": found.artifact}
    journal.append(connection, author, "version.delete", found.id, at=at, detail=detail)


def model(connection: Connection, author: Author, uses: Uses, name: str, *, at: float) -> None:
    """Remove a model with all its versions. Raises as `version` does."""
    project = author.project
    models.lock(connection, project, name)
    numbers = versions.numbers(connection, project, name)
    _refuse(connection, project, uses, name, numbers)
    for number in numbers:
        versions.delete(connection, project, name, number)
    detail = {"versions": len(numbers), "numbered": models.delete(connection, project, name)}
    journal.append(connection, author, models.DELETED, name, at=at, detail=detail)


def _refuse(connection: Connection, project: str, uses: Uses, model: str, numbers: tuple[int, ...]) -> None:
    for alias in aliases.of(connection, project, model):
        if alias.version in numbers:
            msg = f"the alias {alias.name} points at {model}:{alias.version}"
            raise Conflict(msg, code="version-aliased", hint="move or delete the alias first")
    deployed = sorted(set(uses.versions(connection, project, model)) & set(numbers))
    if deployed:
        msg = f"{model}:{deployed[0]} is deployed"
        raise Conflict(
            msg, code="version-deployed", hint="deploy another version first, or delete the deployment"
        )

"""Aliases, and what people mean by a version. Functions work in the transaction they are given."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.names import check_name, is_name
from modelport.core.records import Alias, Version
from modelport.db import journal, rows
from modelport.db.journal import Author
from modelport.db.tables import aliases
from modelport.errors import Conflict, NotFound, PreconditionFailed
from modelport.registry import models, versions
from modelport.registry.gates import refusals
from modelport.registry.refs import LATEST, check_free, digest_of, name_of, number_of


def resolve(connection: Connection, project: str, model: str, ref: str) -> Version:
    """The version that people mean: a number, `v2`, `latest`, a digest, an alias, a label; in this order.

    Raises `NotFound` (`model-not-found`, `version-not-found`).
    """
    number = number_of(model, ref)
    if number is None and ref == LATEST:
        number = models.get(connection, project, model).latest
    if number is not None:
        return versions.get(connection, project, model, number)
    found = _by_word(connection, project, model, name_of(model, ref))
    if found is None:
        raise versions.absent(connection, project, model, ref)
    return found


def of(connection: Connection, project: str, model: str) -> tuple[Alias, ...]:
    """All aliases of a model, by name. Raises `NotFound`."""
    models.get(connection, project, model)
    found = connection.execute(sa.select(aliases).where(*_of(project, model)).order_by(aliases.c.name))
    return tuple(_alias(row) for row in found)


def find(connection: Connection, project: str, model: str, name: str) -> Alias | None:
    """An alias; None where it is not there."""
    row = connection.execute(sa.select(aliases).where(*_of(project, model), aliases.c.name == name)).first()
    return None if row is None else _alias(row)


def move(
    connection: Connection,
    author: Author,
    model: str,
    name: str,
    ref: str,
    *,
    at: float,
    expected: int | None,
) -> Alias:
    """Point an alias at a version, in one step with its journal entry.

    `expected` is the revision it must have, 0 for not to be there, None for any. Raises `NotFound`,
    `NameInvalid`, `PreconditionFailed` (`alias-moved`), `Conflict` (`gate-refused`).
    """
    project = author.project
    known = models.lock(connection, project, model)
    check_free(model, check_name(name, "alias"), "an alias")
    version = resolve(connection, project, model, ref)
    before = _expected(connection, project, model, name, expected)
    _pass(known.policy, name, version)
    detail = {"alias": name, "from": before.version if before else None, "to": version.number}
    entry = journal.append(connection, author, "alias.set", f"{model}@{name}", at=at, detail=detail)
    alias = Alias(model, name, version.number, entry.number, at, author.actor)
    rows.upsert(connection, aliases, {"project": project, **_row(alias)})
    return alias


def remove(
    connection: Connection, author: Author, model: str, name: str, *, at: float, expected: int | None
) -> None:
    """Remove an alias. Raises `NotFound` (`alias-not-found`), `PreconditionFailed` (`alias-moved`)."""
    models.lock(connection, author.project, model)
    before = _expected(connection, author.project, model, check_name(name, "alias"), expected)
    if before is None:
        msg = f"{model} has no alias {name[:120]!r}"
        raise NotFound(msg, code="alias-not-found", hint=f"`modelport alias list {model}` says which it has")
    connection.execute(sa.delete(aliases).where(*_of(author.project, model), aliases.c.name == name))
    detail = {"alias": name, "from": before.version}
    journal.append(connection, author, "alias.delete", f"{model}@{name}", at=at, detail=detail)


def _by_word(connection: Connection, project: str, model: str, word: str) -> Version | None:
    digest = digest_of(word)
    if digest is not None:
        return versions.with_digest(connection, project, model, digest)
    if not (is_name(word) and is_name(model)):
        return None
    alias = find(connection, project, model, word)
    if alias is not None:
        return versions.get(connection, project, model, alias.version)
    return versions.with_label(connection, project, model, word)


def _expected(
    connection: Connection, project: str, model: str, name: str, expected: int | None
) -> Alias | None:
    before = find(connection, project, model, name)
    revision = before.revision if before else 0
    if expected in (None, revision):
        return before
    now = f"is at {model}:{before.version}, revision {revision}" if before else "is not there"
    msg = f"the alias {name} was moved meanwhile: it {now}"
    raise PreconditionFailed(msg, code="alias-moved", hint="look at it again, then decide")


def _pass(policy: Any, name: str, version: Version) -> None:
    reasons = list(refusals(policy[name], version)) if name in policy else []
    if reasons:
        msg = f"{version.id} does not pass the gate of {name}: {'; '.join(reasons)}"
        raise Conflict(msg, code="gate-refused", hint="evaluate it, add what is missing, or change the gate")


def _of(project: str, model: str) -> tuple[sa.ColumnElement[bool], ...]:
    return aliases.c.project == project, aliases.c.model == model


def _row(alias: Alias) -> dict[str, Any]:
    return {name: getattr(alias, name) for name in alias.__struct_fields__}


def _alias(row: sa.Row[Any]) -> Alias:
    return Alias(row.model, row.name, row.version, row.revision, row.updated, row.updated_by)

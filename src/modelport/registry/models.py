"""Models in the database. Functions work in the transaction they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.names import check_name, is_name
from modelport.core.pages import Page, cursor, place
from modelport.core.ready import ready
from modelport.core.records import Gate, Model
from modelport.core.wishes import ModelChange
from modelport.db import rows
from modelport.db.journal import Author
from modelport.db.tables import journal, models, versions
from modelport.errors import NotFound
from modelport.registry import words

DELETED = "model.delete"
"""The journal's word for it; its detail has `numbered`, the last number that was given."""


def get(connection: Connection, project: str, name: str) -> Model:
    """A model. Raises `NotFound` (`model-not-found`)."""
    return _model(_row(connection, _one(project, name), name))


def lock(connection: Connection, project: str, name: str) -> Model:
    """A model that nobody else changes until the transaction ends. Raises `NotFound`."""
    return _model(_row(connection, _one(project, name).with_for_update(), name))


def make(
    connection: Connection,
    author: Author,
    name: str,
    at: float,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> bool:
    """Make a model unless there is one; whether it was made. Raises `NameInvalid`, `BadRequest`."""
    row = {
        "project": author.project,
        "name": check_name(name),
        "description": words.text("the description", description),
        "tags": words.tags(tags or {}),
        "policy": {},
        "created": at,
        "created_by": author.actor,
        "numbered": _numbered_before(connection, author.project, name),
        "versions": 0,
        "latest": 0,
    }
    return rows.add(connection, models, row)


def change(connection: Connection, project: str, name: str, wish: ModelChange) -> Model:
    """Change what is not None. Raises `NotFound`, `NameInvalid`, `BadRequest`."""
    lock(connection, project, name)
    values: dict[str, Any] = {}
    if wish.description is not None:
        values["description"] = words.text("the description", wish.description)
    if wish.tags is not None:
        values["tags"] = words.tags(wish.tags)
    if wish.policy is not None:
        values["policy"] = msgspec.to_builtins(_policy(wish.policy))
    if values:
        connection.execute(sa.update(models).where(*_is(project, name)).values(**values))
    return get(connection, project, name)


def numbered(connection: Connection, project: str, name: str) -> int:
    """The next number of a version of a locked model; it is taken."""
    last = connection.execute(sa.select(models.c.numbered).where(*_is(project, name))).scalar_one()
    connection.execute(
        sa.update(models)
        .where(*_is(project, name))
        .values(numbered=last + 1, latest=last + 1, versions=models.c.versions + 1)
    )
    return int(last) + 1


def recount(connection: Connection, project: str, name: str) -> None:
    """Count the versions of a locked model after some were removed."""
    mine = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(versions.c.number), 0))
    count, latest = connection.execute(
        mine.where(versions.c.project == project, versions.c.model == name)
    ).one()
    connection.execute(sa.update(models).where(*_is(project, name)).values(versions=count, latest=latest))


def delete(connection: Connection, project: str, name: str) -> int:
    """Remove a model that has no versions left; the last number it has given."""
    last = connection.execute(sa.select(models.c.numbered).where(*_is(project, name))).scalar_one()
    connection.execute(sa.delete(models).where(*_is(project, name)))
    return int(last)


def find(
    connection: Connection, project: str, *, text: str, tags: Mapping[str, str], limit: int, after: str | None
) -> Page[Model]:
    """Models by name whose name or description holds `text`, in any case, and that have all `tags`."""
    query = sa.select(models).where(models.c.project == project)
    if text:
        sought = words.text("what is looked for", text).lower()
        query = query.where(
            sa.func.lower(models.c.name).contains(sought, autoescape=True)
            | sa.func.lower(models.c.description).contains(sought, autoescape=True)
        )
    for name, value in words.tags(tags).items():
        query = query.where(models.c.tags[name].as_string() == value)
    if after is not None:
        query = query.where(models.c.name > str(place(after)[0]))
    found = connection.execute(query.order_by(models.c.name).limit(limit + 1)).all()
    items = tuple(_model(row) for row in found[:limit])
    return Page(items, cursor(items[-1].name) if len(found) > limit else None)


def _numbered_before(connection: Connection, project: str, name: str) -> int:
    """The last number that a deleted model of this name has given: `churn:1` never means two things."""
    deleted = sa.select(journal.c.detail).where(
        journal.c.action == DELETED, journal.c.resource == name, journal.c.project == project
    )
    last = connection.execute(deleted.order_by(journal.c.number.desc()).limit(1)).scalar()
    return 0 if last is None else int(msgspec.json.decode(last)["numbered"])


def _policy(policy: Mapping[str, Gate]) -> Mapping[str, Gate]:
    for alias, gate in policy.items():
        check_name(alias, "alias")
        words.metrics({**gate.at_least, **gate.at_most})
        words.tags(gate.tags)
    return policy


def _one(project: str, name: str) -> sa.Select[Any]:
    return sa.select(models).where(*_is(project, name))


def _is(project: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return models.c.project == project, models.c.name == name


def _row(connection: Connection, query: sa.Select[Any], name: str) -> sa.Row[Any]:
    row = connection.execute(query).first() if is_name(name) else None
    if row is None:
        msg = f"there is no model {name[:120]!r}"
        raise NotFound(msg, code="model-not-found", hint="`modelport models list` says which there are")
    return row


def _model(row: sa.Row[Any]) -> Model:
    return Model(
        row.name,
        row.description,
        row.tags,
        row.created,
        row.created_by,
        msgspec.convert(row.policy, ready(dict[str, Gate])),
        row.versions,
        row.latest,
    )

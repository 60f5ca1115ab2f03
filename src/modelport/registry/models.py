"""Models in the database. Functions work in the transaction they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from modelport.core.names import check_name
from modelport.core.pages import Page, cursor, place
from modelport.core.records import Gate, Model
from modelport.core.wishes import ModelChange
from modelport.db.journal import Author
from modelport.db.tables import models, versions
from modelport.errors import NotFound
from modelport.registry import words


def get(connection: Connection, project: str, name: str) -> Model:
    """A model. Raises `NotFound` (`model-not-found`)."""
    return _model(_found(connection.execute(_one(project, name)).first(), name))


def lock(connection: Connection, project: str, name: str) -> Model:
    """A model that nobody else changes until the transaction ends. Raises `NotFound`."""
    return _model(_found(connection.execute(_one(project, name).with_for_update()).first(), name))


def make(connection: Connection, author: Author, name: str, at: float, **known: Any) -> bool:
    """Make a model unless there is one; whether it was made."""
    new = {"description": words.text("the description", known.get("description", "")), "tags": words.tags(known.get("tags", {}))}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    done = connection.execute(
        insert(models)
        .values(
            project=author.project,
            name=check_name(name),
            policy={},
            created=at,
            created_by=author.actor,
            numbered=0,
            versions=0,
            latest=0,
            **new,
        )
        .on_conflict_do_nothing()
    )
    return done.rowcount == 1


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


def delete(connection: Connection, project: str, name: str) -> None:
    """Remove a model that has no versions left."""
    connection.execute(sa.delete(models).where(*_is(project, name)))


def find(
    connection: Connection, project: str, *, text: str, tags: Mapping[str, str], limit: int, after: str | None
) -> Page[Model]:
    """Models by name whose name or description holds `text`, in any case, and that have all `tags`."""
    query = sa.select(models).where(models.c.project == project)
    if text:
        sought = text.lower()
        query = query.where(
            sa.func.lower(models.c.name).contains(sought, autoescape=True)
            | sa.func.lower(models.c.description).contains(sought, autoescape=True)
        )
    for name, value in tags.items():
        query = query.where(models.c.tags[check_name(name, "tag")].as_string() == value)
    if after is not None:
        query = query.where(models.c.name > str(place(after)[0]))
    rows = connection.execute(query.order_by(models.c.name).limit(limit + 1)).all()
    items = tuple(_model(row) for row in rows[:limit])
    return Page(items, cursor(items[-1].name) if len(rows) > limit else None)


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


def _found(row: sa.Row[Any] | None, name: str) -> sa.Row[Any]:
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
        msgspec.convert(row.policy, dict[str, Gate]),
        row.versions,
        row.latest,
    )

"""Configurations: every version of what was asked of a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.sights import Configuration
from modelport.db.rows import text
from modelport.db.tables import configurations as table


def add(connection: Connection, project: str, asked: Configuration, resolved: object) -> Configuration:
    """Keep a configuration as the next version of its name, and answer with that.

    `resolved` is what it came to: a `DeploymentSpec` or a `ModelConfig`.
    """
    number = _newest(connection, project, asked.kind, asked.name) + 1
    kept = msgspec.structs.replace(asked, version=number)
    row = {**msgspec.structs.asdict(kept), "asked": text(kept.document), "resolved": text(resolved)}
    del row["document"]
    connection.execute(sa.insert(table).values(project=project, **row))
    return kept


def history(
    connection: Connection, project: str, kind: str, name: str, *, before: int | None = None, limit: int = 500
) -> list[Configuration]:
    """The versions of a name, the newest first, below `before`."""
    where = [table.c.project == project, table.c.kind == kind, table.c.name == name]
    if before is not None:
        where.append(table.c.version < before)
    query = sa.select(table).where(*where).order_by(table.c.version.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def at(connection: Connection, project: str, kind: str, name: str, version: int) -> Mapping[str, Any] | None:
    """What a version of a name came to."""
    where = (table.c.project == project, table.c.kind == kind, table.c.name == name)
    found = connection.scalar(sa.select(table.c.resolved).where(*where, table.c.version == version))
    return msgspec.json.decode(found, type=dict[str, Any]) if found else None


def resolved(connection: Connection, project: str, kind: str, name: str) -> Mapping[str, Any] | None:
    """What the newest version of a name came to."""
    where = (table.c.project == project, table.c.kind == kind, table.c.name == name)
    query = sa.select(table.c.resolved).where(*where).order_by(table.c.version.desc()).limit(1)
    found = connection.scalar(query)
    return msgspec.json.decode(found, type=dict[str, Any]) if found else None


def newest(
    connection: Connection, project: str, kind: str | None = None, name: str | None = None
) -> list[Configuration]:
    """The newest version of each name, of one kind or one name when they are given."""
    last = (
        sa.select(table.c.kind, table.c.name, sa.func.max(table.c.version).label("version"))
        .where(table.c.project == project)
        .group_by(table.c.kind, table.c.name)
        .subquery()
    )
    same = sa.and_(*(table.c[each] == last.c[each] for each in ("kind", "name", "version")))
    query = sa.select(table).join(last, same).where(table.c.project == project)
    if kind:
        query = query.where(table.c.kind == kind)
    if name:
        query = query.where(table.c.name == name)
    return [_read(row) for row in connection.execute(query.order_by(table.c.kind, table.c.name))]


def _newest(connection: Connection, project: str, kind: str, name: str) -> int:
    where = (table.c.project == project, table.c.kind == kind, table.c.name == name)
    return int(connection.scalar(sa.select(sa.func.max(table.c.version)).where(*where)) or 0)


def _read(row: Any) -> Configuration:
    return Configuration(row.kind, row.name, row.version, msgspec.json.decode(row.asked), row.at, row.by)

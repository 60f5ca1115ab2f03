"""Deployments: one row each, with what a person wishes of its rollout."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.deployment import Deployment
from modelport.core.rollout import Wish
from modelport.db.rows import text, upsert
from modelport.db.tables import deployments as table

_DECODER = msgspec.json.Decoder(Deployment)


class Kept(msgspec.Struct, frozen=True):
    """A deployment as it is stored.

    Attributes:
        deployment: what is wanted, and how it is.
        active: the reconciler has something to do for it.
        wish, wished_by: what a person asked for and nobody carried out yet, and the key of the person.
    """

    deployment: Deployment
    active: bool = True
    wish: Wish | None = None
    wished_by: str = ""


def get(connection: Connection, project: str, endpoint: str, *, lock: bool = False) -> Kept | None:
    """A deployment, or None; with `lock` nobody else changes it until the transaction ends."""
    query = sa.select(table).where(table.c.project == project, table.c.endpoint == endpoint)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return _read(row) if row else None


def put(connection: Connection, kept: Kept) -> None:
    """Write it, new or changed."""
    deployment = kept.deployment
    row = {
        "project": deployment.project,
        "endpoint": deployment.endpoint,
        "active": kept.active,
        "wish": kept.wish,
        "wished_by": kept.wished_by,
        "document": text(deployment),
    }
    upsert(connection, table, row)


def remove(connection: Connection, project: str, endpoint: str) -> None:
    """Forget it."""
    connection.execute(sa.delete(table).where(table.c.project == project, table.c.endpoint == endpoint))


def every(connection: Connection, project: str | None = None) -> list[Kept]:
    """All of a project, or of all projects, by endpoint."""
    query = sa.select(table).order_by(table.c.project, table.c.endpoint)
    if project is not None:
        query = query.where(table.c.project == project)
    return [_read(row) for row in connection.execute(query)]


def some(connection: Connection, project: str, after: str, limit: int) -> list[Kept]:
    """Those of a project behind an endpoint, by endpoint."""
    query = sa.select(table).where(table.c.project == project, table.c.endpoint > after)
    return [_read(row) for row in connection.execute(query.order_by(table.c.endpoint).limit(limit))]


def active(connection: Connection) -> list[tuple[str, str]]:
    """(project, endpoint) of all that the reconciler has to look at."""
    query = sa.select(table.c.project, table.c.endpoint).where(table.c.active)
    return [(row.project, row.endpoint) for row in connection.execute(query)]


def _read(row: Any) -> Kept:
    return Kept(_DECODER.decode(row.document), bool(row.active), row.wish, row.wished_by)

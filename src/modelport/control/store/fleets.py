"""Fleets: which there are, and whose."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.db.rows import upsert
from modelport.db.tables import fleets as table
from modelport.errors import NotFound

LOCAL = "local"
"""The fleet of project `default`, there from the beginning."""


def add(connection: Connection, name: str, project: str) -> None:
    """Make a fleet, unless it is there."""
    if connection.scalar(sa.select(table.c.project).where(table.c.name == name)) is None:
        upsert(connection, table, {"name": name, "project": project})


def owner(connection: Connection, name: str, *, lock: bool = False) -> str:
    """The project of a fleet; with `lock` nobody else reports to it until the transaction ends.

    Raises `NotFound` (`no-such-fleet`).
    """
    query = sa.select(table.c.project).where(table.c.name == name)
    project = connection.scalar(query.with_for_update() if lock else query)
    if project is None:
        raise absent(name)
    return str(project)


def absent(name: str) -> NotFound:
    """There is no such fleet, or it is another project's."""
    msg = f"there is no fleet {name[:100]!r}"
    return NotFound(msg, code="no-such-fleet", hint=f"the first fleet is {LOCAL!r}")


def of_project(connection: Connection, project: str) -> list[str]:
    """The fleets of a project, by name."""
    return list(
        connection.scalars(sa.select(table.c.name).where(table.c.project == project).order_by(table.c.name))
    )


def every(connection: Connection) -> list[tuple[str, str]]:
    """(name, project) of every fleet."""
    return [(row.name, row.project) for row in connection.execute(sa.select(table).order_by(table.c.name))]

"""What the two engines say differently, beyond what SQLAlchemy says for both."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT; both engines take the same."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def take_turn(connection: Connection, lock: int) -> None:
    """One after the other until the transaction ends, among those who take the same lock.

    SQLite has one writer at a time anyway. In PostgreSQL, which looks at each statement's own moment, a lock
    on the newest row is not enough: the one who waited would still stand on the row that was newest before.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock})")

"""Whether the database is sound: what `doctor` asks, and what a start makes sure of.

SQLite keeps no checksums. Its own check finds pages and indexes that do not fit together; a value that was
changed inside a page shows only where something knows its digest: the journal, artifacts, secrets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.sights import Check
from modelport.db import audit, journal
from modelport.db.connect import Database
from modelport.errors import ModelportError, StorageDamaged

_MOST = 10
"""Faults that are told at most."""


def examine(database: Database) -> tuple[Check, ...]:
    """The database's own checks: every page and row is read, so it takes time with its size."""
    return (_pages(database), _chain(database))


def rebuild_indexes(database: Database) -> None:
    """The one repair that loses nothing: indexes are made anew from their tables."""
    with database.writing() as connection:
        connection.exec_driver_sql("REINDEX" if database.is_sqlite else "REINDEX DATABASE CONCURRENTLY")


def refuse_damaged(connection: Connection) -> None:
    """Raise `StorageDamaged` (`database-damaged`) for a SQLite file whose pages do not fit together."""
    if connection.dialect.name != "sqlite":
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        hint = "restore a backup into a new folder (modelport restore), and keep this one until that is done"
        msg = f"the database is damaged: {found}"
        raise StorageDamaged(msg, code="database-damaged", hint=hint)


def _pages(database: Database) -> Check:
    try:
        with database.reading() as connection:
            faults = list(_faults(connection))
    except ModelportError as error:
        return Check("database", ok=False, message=error.message, repair="")
    if not faults:
        return Check("database", ok=True, message="every page and row can be read")
    repair = "rebuild the indexes" if all("index" in fault for fault in faults) else ""
    return Check("database", ok=False, message="; ".join(faults), repair=repair)


def _faults(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})").scalars().all()
        yield from (fault for fault in found if fault != "ok")
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"a row of {row[0]} refers to one of {row[2]} that is not there"
    else:
        _read_all(connection)


def _read_all(connection: Connection) -> None:
    """A server with checksums notices a damaged page when it is read."""
    found = sa.MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        with connection.execute(sa.select(table).execution_options(yield_per=1000)) as rows:
            deque(rows, maxlen=0)


def _chain(database: Database) -> Check:
    try:
        with database.reading() as connection:
            entry = journal.broken(audit.chain(connection))
    except ModelportError as error:
        return Check("journal", ok=False, message=error.message)
    if entry is None:
        return Check("journal", ok=True, message="every entry follows from the one before")
    msg = f"entry {entry.number} was changed, or one before it is missing"
    return Check("journal", ok=False, message=msg)

"""Looking into the journal, and telling it what wrote nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.clock import Clock
from modelport.core.pages import Page, cursor, place
from modelport.core.records import Entry
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables.journal import journal as table

_BATCH = 1000


class Audit:
    """The journal of every project, one project at a time. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def entries(
        self,
        project: str,
        *,
        since: float | None = None,
        actor: str | None = None,
        action: str | None = None,
        resource: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Entry]:
        """A project's entries that fit what is asked, the newest first; `since` is a time as in `Entry`."""
        asked = {"actor": actor, "action": action, "resource": resource}
        wanted = [table.c[name] == value for name, value in asked.items() if value is not None]
        wanted += [] if since is None else [table.c.at >= since]
        wanted += [] if cursor is None else [table.c.number < place(cursor, int)[0]]
        newest = sa.select(table).where(table.c.project == project, *wanted).order_by(table.c.number.desc())
        with self._database.reading() as connection:
            rows = connection.execute(newest.limit(limit + 1)).all()
        items = tuple(journal.read(row) for row in rows[:limit])
        return Page(items, _next(items) if len(rows) > limit else None)

    def note(
        self,
        author: Author,
        action: str,
        resource: str,
        *,
        result: str = "ok",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell what wrote nothing itself: a refusal, a backup."""
        now = self._clock.now()
        self._database.write(
            lambda to: journal.append(to, author, action, resource, at=now, detail=detail, result=result)
        )


def chain(connection: Connection) -> Iterator[Entry]:
    """Every entry, the oldest first, without having all of them in memory."""
    ordered = sa.select(table).order_by(table.c.number)
    with connection.execute(ordered.execution_options(yield_per=_BATCH)) as rows:
        yield from (journal.read(row) for row in rows)


def _next(items: tuple[Entry, ...]) -> str:
    return cursor(items[-1].number)

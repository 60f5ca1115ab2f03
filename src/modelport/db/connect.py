"""One way to the database, whichever it is.

SQLite is for one machine: write-ahead log, one writer at a time, which waits for its turn up to a deadline.
PostgreSQL is for several control planes. Everything above sees `Database.reading` and `Database.writing`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from modelport.errors import Overloaded, SettingsError

BUSY_SECONDS = 10.0
"""How long a writer waits for its turn before it says so."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.25

T = TypeVar("T")


class Database:
    """A pool of connections to one database. Thread-safe; `close` it at the end.

    Args:
        url: `sqlite:///path`, or `postgresql://user@host/name` (needs the extra `postgres`).

    Raises `SettingsError` (`bad-database`) for a URL of another kind, or without its driver.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look; nothing is kept."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it, or, when anything is raised inside, nothing.

        With SQLite the right to write is taken at the beginning, so a transaction never fails in its middle
        because another wrote meanwhile.
        """
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` makes of a transaction; repeated while another writer is in the way.

        `work` may be called several times and must have no effect but on its connection. Raises `Overloaded`
        (`database-busy`) after ten seconds.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        pause = _FIRST_PAUSE
        while True:
            try:
                with self.writing() as connection:
                    return work(connection)
            except sa.exc.DBAPIError as error:
                if not _passing(error):
                    raise
                if time.monotonic() >= deadline:
                    msg = "the database is busy"
                    raise Overloaded(msg, code="database-busy", hint="try again in a moment") from error
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
    except sa.exc.ArgumentError:
        url = URL.create("nothing")
    kind = url.get_backend_name()
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite":
        return url
    msg = f"{text.partition(':')[0]!r} is not a database that holds the control plane's state"
    raise SettingsError(
        msg, code="bad-database", hint="sqlite:///modelport.db, or postgresql://user@host/database"
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        # A connection that died with its server is noticed before it is used.
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
    # Without an isolation level transactions begin where `reading` and `writing` say, not somewhere between.
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    """What every SQLite connection is told before it is used."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


_PASSING = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL: serialization failure, deadlock, lock not available."""


def _passing(error: sa.exc.DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    if getattr(error.orig, "sqlstate", None) in _PASSING:
        return True
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)

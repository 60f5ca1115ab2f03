"""One way to the database, whichever it is.

SQLite is for one machine: write-ahead log, one writer at a time, which waits for its turn up to a deadline.
PostgreSQL is for several control planes. Everything above sees `Database.reading` and `Database.writing`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from modelport.db import file, trouble, wal
from modelport.db.turn import Turns
from modelport.errors import Overloaded, SettingsError

BUSY_SECONDS = 10.0
"""How long a writer waits for its turn before it says so."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.25

T = TypeVar("T")


class Database:
    """A pool of connections to one database. Thread-safe; `close` it at the end.

    Args:
        url: `sqlite:///path`, or `postgresql://user@host/name` (needs the extra `postgres`).

    Raises `SettingsError` (`bad-database`) for a URL of another kind, or without its driver, and
    `StorageDamaged` (`database-log-lost`) for a file whose write-ahead log was taken away.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        if self.file is not None:
            wal.check(self.file)
        self.engine = _engine(self.url)
        self._turns = None if self.file is None else Turns(self.file)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server."""
        named = self.url.database if self.url.get_backend_name() == "sqlite" else None
        return Path(named) if named else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look, whatever is written meanwhile; nothing is kept.

        Raises `Overloaded` (`database-gone`, `database-busy`, `database-closed`) and `StorageDamaged`
        (`database-damaged`).
        """
        with _told(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it, or, when anything is raised inside, nothing.

        With SQLite the right to write is taken at the beginning, so a transaction never fails in its middle
        because another wrote meanwhile; writers have it in the order they came. Raises as `reading` does, and
        `DiskFull` (`disk-full`).
        """
        with _told(), self._transaction(time.monotonic() + BUSY_SECONDS) as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` makes of a transaction; repeated while another writer is in the way, or a server away.

        `work` may be called several times and must have no effect but on its connection. After ten seconds
        it raises as `writing` does. When a server goes away while it commits, nobody knows whether it did:
        that is not repeated, but raised (`database-gone`).
        """
        deadline = time.monotonic() + BUSY_SECONDS
        pause = _FIRST_PAUSE
        with _told():
            while True:
                try:
                    with self._transaction(deadline) as connection:
                        return work(connection)
                except sa.exc.DBAPIError as error:
                    if not (trouble.busy(error) or trouble.gone(error)) or time.monotonic() >= deadline:
                        raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Give every connection back."""
        if self.file is not None:
            wal.closed(self.file)
        self.engine.dispose()

    @contextmanager
    def _transaction(self, deadline: float) -> Iterator[Connection]:
        with self._turn(deadline), self.engine.connect() as connection:
            if self.is_sqlite:
                _begin(connection, deadline)
            yield connection
            _commit(connection)
        if self.file is not None:
            wal.wrote(self.file)

    def _turn(self, deadline: float) -> AbstractContextManager[None]:
        """Waited for without a connection, so that readers find one; half the time is left for SQLite."""
        left = max(0.0, deadline - time.monotonic())
        return nullcontext() if self._turns is None else self._turns.taken(left / 2)


def _begin(connection: Connection, deadline: float) -> None:
    """Take the right to write to a SQLite file, which a program that knows nothing of turns may have."""
    left = max(0.0, deadline - time.monotonic())
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(1000 * left)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(1000 * BUSY_SECONDS)}")


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except sa.exc.DBAPIError as error:
        if not trouble.gone(error):
            raise
        msg = "the database went away while it wrote"
        hint = "it may have been written: look before you try again"
        raise Overloaded(msg, code="database-gone", hint=hint, retry_after=2.0) from error


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the engine in our words, where they are no fault of a statement."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        ours = trouble.told(error)
        if ours is None:
            raise
        raise ours from error
    except OverflowError as error:  # of SQLite's driver, which looks before the engine does
        raise trouble.unfit() from error


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
    return _postgresql(url) if url.get_backend_name() == "postgresql" else file.engine(url, BUSY_SECONDS)


def _postgresql(url: URL) -> Engine:
    """Nobody waits for ever: not for a lock, not for a process that sleeps on one, not for a dead server."""
    told = {"lock_timeout": BUSY_SECONDS, "idle_in_transaction_session_timeout": 60.0}
    options = "".join(f" -c {name}={round(1000 * seconds)}" for name, seconds in told.items())
    given = url.query.get("options", "")
    asked = {
        "options": f"{given if isinstance(given, str) else ' '.join(given)}{options}",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "tcp_user_timeout": 20_000,
    }
    try:
        # A connection that died with its server is noticed before it is used.
        return sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args=asked)
    except ModuleNotFoundError:
        msg = "PostgreSQL needs a library that is not installed"
        raise SettingsError(msg, code="bad-database", hint="pip install 'modelport[postgres]'") from None

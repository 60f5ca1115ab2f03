"""Secrets that documents name as `secret://name`. Their values are opened for their use, and never shown."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.clock import Clock
from modelport.core.names import check_name
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.rows import upsert
from modelport.db.sealing import Sealer
from modelport.db.tables.secrets import secrets
from modelport.errors import InvalidInput, NotFound

LONGEST = 65_536
"""Bytes of a value at most."""


class Secrets:
    """Keeps values encrypted. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    def names(self, project: str) -> tuple[str, ...]:
        """The names there are, in order."""
        mine = sa.select(secrets.c.name).where(secrets.c.project == project).order_by(secrets.c.name)
        with self._database.reading() as connection:
            return tuple(connection.execute(mine).scalars())

    def put(self, author: Author, name: str, value: str) -> None:
        """Keep a value, or replace it; raises `NameInvalid`, `InvalidInput` (`secret-invalid`)."""
        check_name(name, "secret")
        if not value or len(value.encode()) > LONGEST:
            msg = f"a secret has 1 to {LONGEST} bytes"
            raise InvalidInput(msg, code="secret-invalid", hint="keep long documents as files")
        sealed = self._sealer.seal(value, _place(author.project, name))
        self._database.write(lambda connection: self._put(connection, author, name, sealed))

    def delete(self, author: Author, name: str) -> None:
        """Forget it; raises `NotFound` (`secret-not-found`)."""
        self._database.write(lambda connection: self._delete(connection, author, name))

    def open(self, project: str, name: str) -> str:
        """The value, for whoever uses it now. Raises `NotFound` and as `Sealer.open` does."""
        with self._database.reading() as connection:
            sealed = connection.execute(sa.select(secrets.c.sealed).where(_this(project, name))).scalar()
        if sealed is None:
            raise _absent(name)
        return self._sealer.open(bytes(sealed), _place(project, name))

    def _put(self, connection: Connection, author: Author, name: str, sealed: bytes) -> None:
        now = self._clock.now()
        row = {"project": author.project, "name": name, "sealed": sealed}
        upsert(connection, secrets, {**row, "updated": now, "updated_by": author.actor})
        journal.append(connection, author, "secret.put", name, at=now)

    def _delete(self, connection: Connection, author: Author, name: str) -> None:
        if connection.execute(sa.delete(secrets).where(_this(author.project, name))).rowcount == 0:
            raise _absent(name)
        journal.append(connection, author, "secret.delete", name, at=self._clock.now())


def _this(project: str, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(secrets.c.project == project, secrets.c.name == name)


def _place(project: str, name: str) -> str:
    """What a value is bound to: moved to another name it does not open."""
    return f"{project}/{name}"


def _absent(name: str) -> NotFound:
    return NotFound(f"there is no secret {name[:100]!r}", code="secret-not-found", hint="keep it first")

"""Answers already given: a request that is sent again with the same Idempotency-Key is not done again.

(IETF draft-ietf-httpapi-idempotency-key-header-07.)
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.clock import Clock
from modelport.core.ready import ready
from modelport.db.connect import Database
from modelport.db.dialect import insert
from modelport.db.tables.idempotency import idempotency
from modelport.errors import Conflict, InvalidInput

KEPT_SECONDS = 24 * 3600.0
"""How long an answer is kept."""
RUNNING_SECONDS = 600.0
"""How long a request may be under way before its key is free again: its control plane has died."""


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer as it was given: what a repetition gets."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Idempotency:
    """Requests under way and answers given, by caller and key. Thread-safe, over all control planes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, caller: str, key: str, fingerprint: str) -> StoredAnswer | None:
        """The stored answer, or None: then the request is carried out, and `finish` or `abandon` ends it.

        `fingerprint` is a digest of all that was asked. Raises `Conflict` (`idempotency-running`), or
        `InvalidInput` (`idempotency-reused`) when the key was used with another request.
        """
        now = self._clock.now()
        return self._database.write(lambda to: _begin(to, caller, key, fingerprint, now))

    def finish(self, caller: str, key: str, answer: StoredAnswer) -> None:
        """Keep the answer for a day."""
        until = self._clock.now() + KEPT_SECONDS
        kept = sa.update(idempotency).where(_this(caller, key))
        kept = kept.values(answer=msgspec.msgpack.encode(answer), until=until)
        self._database.write(lambda connection: connection.execute(kept))

    def abandon(self, caller: str, key: str) -> None:
        """It did not come to an answer: the next one may try."""
        gone = sa.delete(idempotency).where(_this(caller, key), idempotency.c.answer.is_(None))
        self._database.write(lambda connection: connection.execute(gone))

    def forget_running(self) -> None:
        """Free at the start what a control plane that died left under way.

        Of a file only: another control plane may be at work on a server, so there the time decides.
        """
        if not self._database.is_sqlite:
            return
        running = sa.delete(idempotency).where(idempotency.c.answer.is_(None))
        self._database.write(lambda connection: connection.execute(running))


def _begin(
    connection: Connection, caller: str, key: str, fingerprint: str, now: float
) -> StoredAnswer | None:
    connection.execute(sa.delete(idempotency).where(idempotency.c.until <= now))
    if _claim(connection, caller, key, fingerprint, now):
        return None
    row = connection.execute(sa.select(idempotency).where(_this(caller, key))).first()
    if row is not None and row.request != fingerprint:
        msg = "the Idempotency-Key was used with another request"
        raise InvalidInput(msg, code="idempotency-reused", hint="a new request needs a key of its own")
    if row is None or row.answer is None:  # or given up this very moment
        msg = "the request with this Idempotency-Key is still under way"
        raise Conflict(msg, code="idempotency-running", hint="ask again in a moment for its answer")
    return msgspec.msgpack.decode(row.answer, type=ready(StoredAnswer))


def _claim(connection: Connection, caller: str, key: str, fingerprint: str, now: float) -> bool:
    """Whether the key is ours; of two at the same time one gets it."""
    row = {"caller": caller, "key": key, "request": fingerprint, "until": now + RUNNING_SECONDS}
    claim = insert(connection, idempotency).values(**row).on_conflict_do_nothing()
    return connection.execute(claim.returning(idempotency.c.key)).first() is not None


def _this(caller: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(idempotency.c.caller == caller, idempotency.c.key == key)

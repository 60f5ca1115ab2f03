"""What an error of a database means: try again, gone, full, damaged.

Codes of SQLite: sqlite.org/rescode.html. SQLSTATEs of PostgreSQL: its manual, appendix A.
"""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from modelport.errors import BadRequest, DiskFull, ModelportError, Overloaded, StorageDamaged

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, "40001", "40P01", "55P03"}
"""Another writer is in the way; PostgreSQL: serialization failure, deadlock, lock not available."""
_FULL = {sqlite3.SQLITE_FULL, "53100"}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, "XX001", "XX002"}
_CLOSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
_GONE = {sqlite3.SQLITE_IOERR, "57P01", "57P02", "57P03", "53300", "25P03"}
"""The server stops, starts or takes no more connections; the transaction took too long."""


def busy(error: sa.exc.DBAPIError) -> bool:
    """Whether another writer was in the way, and nothing else."""
    return _code(error) in _BUSY


def gone(error: sa.exc.DBAPIError) -> bool:
    """Whether the database could not be reached, or not to the end of the transaction."""
    if error.connection_invalidated or _code(error) in _GONE:
        return True
    # A connection that was never made has no code of the server.
    return isinstance(error, sa.exc.OperationalError) and _code(error) is None


def told(error: sa.exc.DBAPIError) -> ModelportError | None:
    """The error in our words; None for one that is a fault of the statement, such as a duplicate."""
    code = _code(error)
    if code in _BUSY:
        hint = "another holds it; try again in a moment"
        return Overloaded("the database is busy", code="database-busy", hint=hint)
    if code in _FULL:
        return DiskFull(
            "there is no space left for the database", hint="free some space; nothing was written"
        )
    if code in _DAMAGED:
        hint = "stop the control plane and restore a backup (modelport restore)"
        return StorageDamaged("the database is damaged", code="database-damaged", hint=hint)
    if code in _CLOSED:
        hint = "its file and its folder must be there, and writable by this user"
        return Overloaded("the database cannot be opened or written", code="database-closed", hint=hint)
    if gone(error):
        return _unreachable(error)
    return unfit() if isinstance(error, sa.exc.DataError) else None


def _unreachable(error: sa.exc.DBAPIError) -> Overloaded:
    """What the network or the server said is a note, for whoever started us: callers are not told of it."""
    hint = "it may be starting; try again in a moment"
    ours = Overloaded("the database cannot be reached", code="database-gone", hint=hint, retry_after=2.0)
    for said in str(error.orig).strip().splitlines()[:1]:
        ours.add_note(said.rpartition(" failed: ")[2])
    return ours


def unfit() -> BadRequest:
    """A value that the schema has no room for: callers choose some of them."""
    msg = "a number is too large, or a text has a character, to be kept"
    return BadRequest(msg, code="not-storable", hint="numbers have 63 bits, and texts no NUL")


def _code(error: sa.exc.DBAPIError) -> int | str | None:
    """The engine's own code: SQLite's primary one, or the SQLSTATE."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state)
    extended = getattr(error.orig, "sqlite_errorcode", None)
    return None if extended is None else int(extended) & 0xFF

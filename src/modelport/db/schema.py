"""Bring a database to the schema of this version, or refuse it.

A step up is one transaction; of a SQLite file a copy is made first. There is no way down: an older Modelport
that meets a newer database says so and leaves it alone.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from modelport.db import check
from modelport.db.connect import Database
from modelport.db.dialect import take_turn
from modelport.errors import DiskFull, SettingsError

_STEPS = Path(__file__).parent / "migrations"
_TURN = 7355608
"""Number of the lock that a step takes."""


def upgrade(database: Database) -> bool:
    """Bring the schema to that of this version; True when it changed.

    Safe to call from several processes at once. Raises `SettingsError` (`schema-too-new`) for a database that
    a newer Modelport has written, and `StorageDamaged` (`database-damaged`).
    """
    with database.reading() as connection:
        check.refuse_damaged(connection)
        before = revision(connection)
    if before == newest():
        return False
    refuse_unknown(before)
    if before is not None and database.file is not None:
        _copy(database.file)
    return database.write(_step)


def revision(connection: Connection) -> str | None:
    """The number of the last step that was taken; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The number of the last step that this version knows."""
    return str(_script().get_current_head())


def _step(connection: Connection) -> bool:
    take_turn(connection, _TURN)  # another may be doing the same
    before = revision(connection)
    if before == newest():
        return False
    refuse_unknown(before)
    climb(connection)
    return True


def climb(connection: Connection, to: str = "head") -> None:
    """Take the steps up to one of them, in the transaction there is."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def refuse_unknown(found: str | None) -> None:
    """Raise `SettingsError` (`schema-too-new`) for a step that this version does not know."""
    known = {step.revision for step in _script().walk_revisions()}
    if found is None or found in known:
        return
    msg = f"the database has schema {found}, and this version of Modelport knows schemas up to {newest()}"
    raise SettingsError(
        msg,
        code="schema-too-new",
        hint="use the newer Modelport that wrote it, or restore a backup made before",
    )


def _copy(file: Path) -> None:
    """A copy beside the file, as it was before the step; raises `DiskFull`."""
    target = file.with_name(f"{file.name}.before-{newest()}")
    target.touch(0o600)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.OperationalError as error:
        target.unlink()
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
        msg = "there is no room to copy the database before its schema changes"
        raise DiskFull(msg, hint="free some space; the database is as it was") from error


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_STEPS))
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())

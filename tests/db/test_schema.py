"""The schema: what the migrations make is what the code expects, on both engines; a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tests import databases

from modelport.db import schema
from modelport.db.connect import Database
from modelport.db.tables import metadata
from modelport.errors import SettingsError


def test_the_migrations_make_the_tables_that_the_code_has(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert schema.revision(connection) == schema.newest()


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    assert not schema.upgrade(database)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="schema 9999") as caught:
        schema.upgrade(database)
    assert caught.value.code == "schema-too-new"
    with database.reading() as connection:
        assert schema.revision(connection) == "9999"


def test_before_a_file_is_upgraded_a_copy_is_made(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path, migrated=False) as database:
        with database.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0000')")
        with pytest.raises(SettingsError):
            schema.upgrade(database)  # no such step: refused before anything is copied
        assert list(tmp_path.glob("*.before-*")) == []


def test_several_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as first, closing(Database(str(first.url))) as second:
        assert not schema.upgrade(second)
    with closing(sqlite3.connect(tmp_path / "modelport.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)

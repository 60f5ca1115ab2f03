"""The schema: what the migrations make is what the code expects, on both engines; a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tests import databases
from tests.databases import Kind

from modelport.db import audit, journal, schema
from modelport.db.connect import Database
from modelport.db.journal import Author
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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_of_an_older_version_is_brought_up_with_what_is_in_it(kind: Kind, tmp_path: Path) -> None:
    with databases.fresh(kind, tmp_path, migrated=False) as database:
        with database.writing() as connection:
            schema.climb(connection, "0001")
            journal.append(connection, Author("anna"), "model.register", "churn:1", at=1.0)
        assert schema.upgrade(database)
        with database.reading() as connection:
            assert schema.revision(connection) == schema.newest()
            assert [entry.resource for entry in audit.chain(connection)] == ["churn:1"]


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path, migrated=False) as database:
        with database.writing() as connection:
            schema.climb(connection, "0001")
            connection.exec_driver_sql("CREATE TABLE tallies (in_the_way TEXT)")  # step 3 makes one
        with pytest.raises(sa.exc.OperationalError, match="tallies"):
            schema.upgrade(database)
        with database.reading() as connection:
            assert schema.revision(connection) == "0001"
            assert "models" not in sa.inspect(connection).get_table_names()  # step 2 was undone with it


def test_before_a_file_is_upgraded_a_copy_is_made(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path, migrated=False) as database:
        with database.writing() as connection:
            schema.climb(connection, "0001")
        schema.upgrade(database)
    copy = tmp_path / f"modelport.db.before-{schema.newest()}"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(Database(f"sqlite:///{copy}")) as before, before.reading() as connection:
        assert schema.revision(connection) == "0001"


def test_a_database_of_unknown_steps_is_not_copied(tmp_path: Path) -> None:
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

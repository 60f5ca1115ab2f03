"""The doctor's checks of the database: flipped pages, changed entries, dangling rows, lost indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests import databases
from tests.db.samples import row

from modelport.db import check, journal, schema
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as table
from modelport.db.tables import versions
from modelport.errors import StorageDamaged

PAGE = 4096


def write_some(database: Database, entries: int = 300) -> None:
    with database.writing() as connection:
        for number in range(entries):
            journal.append(connection, Author("anna"), "model.register", f"churn:{number}", at=float(number))


def bad(database: Database) -> dict[str, str]:
    return {one.name: one.message for one in check.examine(database) if not one.ok}


def test_a_sound_database_is_said_to_be(database: Database) -> None:
    write_some(database, 20)
    assert bad(database) == {}


def test_a_changed_entry_of_the_journal_is_found(database: Database) -> None:
    write_some(database, 5)
    with database.writing() as connection:
        connection.execute(sa.update(table).where(table.c.number == 3).values(actor="eve"))
    assert bad(database) == {"journal": "entry 3 was changed, or one before it is missing"}


@pytest.mark.parametrize("page", [3, 7, 11, 20])
def test_a_flipped_page_is_found_and_refused_at_the_start(tmp_path: Path, page: int) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        write_some(database)
    file = tmp_path / "modelport.db"
    raw = bytearray(file.read_bytes())
    raw[page * PAGE : (page + 1) * PAGE] = bytes(byte ^ 0xFF for byte in raw[page * PAGE : (page + 1) * PAGE])
    file.write_bytes(raw)
    with closing(Database(f"sqlite:///{file}")) as database:
        assert "database" in bad(database)
        with pytest.raises(StorageDamaged) as caught:
            schema.upgrade(database)
    assert caught.value.code == "database-damaged"
    assert "restore" in caught.value.hint


def test_an_index_that_lost_rows_is_found_and_made_anew(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        write_some(database, 20)
    with closing(sqlite3.connect(tmp_path / "modelport.db", isolation_level=None)) as file:
        file.execute("PRAGMA writable_schema=ON")
        (sql,) = file.execute("SELECT sql FROM sqlite_schema WHERE name='ix_journal_actor'").fetchone()
        file.execute("DROP INDEX ix_journal_actor")
        file.execute("CREATE INDEX ix_journal_actor ON journal (actor) WHERE number < 5")
        file.execute("UPDATE sqlite_schema SET sql=? WHERE name='ix_journal_actor'", (sql,))
    with closing(Database(f"sqlite:///{tmp_path / 'modelport.db'}")) as database:
        (found,) = (one for one in check.examine(database) if not one.ok)
        assert found.repair == "rebuild the indexes"
        check.rebuild_indexes(database)
        assert bad(database) == {}


def test_a_row_that_refers_to_nothing_is_found(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.execute(sa.insert(versions).values(**row(versions)))
        assert "a row of versions refers to one of" in bad(database)["database"]

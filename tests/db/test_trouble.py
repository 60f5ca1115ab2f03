"""What goes wrong with a database is said in our words, and what passes is waited for."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests import databases

from modelport.db import wal
from modelport.db.connect import Database
from modelport.db.tables import about, journal
from modelport.errors import DiskFull, ModelportError, Overloaded, StorageDamaged

KILLED = """
import os, signal, sys
from modelport.db import schema
from modelport.db.connect import Database
database = Database(sys.argv[1])
schema.upgrade(database)
with database.writing() as connection:
    connection.exec_driver_sql("INSERT INTO about VALUES ('n', '1')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def note(connection: Connection, name: str = "n", value: str = "1") -> None:
    connection.execute(sa.insert(about).values(name=name, value=value))


def value(database: Database, name: str = "n") -> str | None:
    with database.reading() as connection:
        found = connection.execute(sa.select(about.c.value).where(about.c.name == name)).scalar()
        return None if found is None else str(found)


def killed(folder: Path) -> Path:
    """The file of a process that was killed after it had written."""
    file = folder / "modelport.db"
    ended = subprocess.run([sys.executable, "-c", KILLED, f"sqlite:///{file}"], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    return file


def test_a_fault_of_the_statement_stays_what_it_is(database: Database) -> None:
    database.write(note)
    with pytest.raises(sa.exc.IntegrityError):
        database.write(note)


def test_after_a_kill_everything_acknowledged_is_there(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{killed(tmp_path)}")) as database:
        assert value(database) == "1"


def test_a_log_that_was_deleted_after_a_kill_is_noticed(tmp_path: Path) -> None:
    file = killed(tmp_path)
    file.with_name("modelport.db-wal").unlink()
    with pytest.raises(StorageDamaged, match=r"modelport\.db-open") as caught:
        Database(f"sqlite:///{file}")
    assert caught.value.code == "database-log-lost"
    wal.mark(file).unlink()  # the loss is accepted, as the hint says
    Database(f"sqlite:///{file}").close()


def test_whoever_closes_the_file_of_a_killed_process_in_order_loses_nothing(tmp_path: Path) -> None:
    file = killed(tmp_path)
    with closing(sqlite3.connect(file)) as other:
        other.execute("SELECT * FROM about").fetchall()
    assert not file.with_name("modelport.db-wal").exists()
    with closing(Database(f"sqlite:///{file}")) as database:
        assert value(database) == "1"


def test_a_closed_database_leaves_neither_log_nor_mark(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        database.write(note)
        assert wal.mark(tmp_path / "modelport.db").exists()
    queue = {"modelport.db-next", "modelport.db-turn"}  # empty files, which may be removed
    assert {file.name for file in tmp_path.iterdir()} - queue == {"modelport.db"}


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        database.write(note)
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


def test_what_no_column_can_hold_is_the_fault_of_whoever_chose_it(database: Database) -> None:
    with pytest.raises(ModelportError) as large:
        database.write(lambda to: to.execute(sa.delete(journal).where(journal.c.number == 2**70)))
    assert (large.value.code, large.value.status) == ("not-storable", 400)
    if not database.is_sqlite:  # which has room for a NUL
        with pytest.raises(ModelportError) as nul:
            database.write(lambda to: note(to, value="nul\0"))
        assert nul.value.code == "not-storable"
    assert value(database) is None


def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_space(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        with database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(DiskFull) as caught:
            database.write(lambda to: note(to, value="x" * 100_000))
        assert (caught.value.code, caught.value.status) == ("disk-full", 507)
        assert value(database) is None
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        database.write(note)
        assert value(database) == "1"


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "modelport.db"
    file.write_bytes(b"no database" * 1000)
    with (
        closing(Database(f"sqlite:///{file}")) as database,
        pytest.raises(StorageDamaged) as caught,
        database.reading(),
    ):
        pass
    assert caught.value.code == "database-damaged"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        closing(Database(f"sqlite:///{tmp_path}/none/modelport.db")) as database,
        pytest.raises(Overloaded) as caught,
        database.reading(),
    ):
        pass
    assert caught.value.code == "database-closed"
    assert str(tmp_path) not in str(caught.value)


def test_a_server_that_is_not_there_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelport.db.connect.BUSY_SECONDS", 0.3)
    with (
        closing(Database("postgresql://user:hidden@127.0.0.1:9/none")) as database,
        pytest.raises(Overloaded) as caught,
    ):
        database.write(note)
    assert (caught.value.code, caught.value.retry_after) == ("database-gone", 2.0)
    assert "hidden" not in str(caught.value)


def test_a_write_is_repeated_when_its_connection_is_cut(tmp_path: Path) -> None:
    calls = []

    def work(connection: Connection) -> None:
        calls.append(1)
        note(connection)
        if len(calls) == 1:
            cut(database, connection)
            note(connection, "m")

    with databases.fresh("postgresql", tmp_path) as database:
        database.write(work)
        assert (len(calls), value(database), value(database, "m")) == (2, "1", None)


def test_a_connection_cut_while_it_commits_is_not_repeated(tmp_path: Path) -> None:
    """Nobody knows whether the transaction took effect, so the caller has to look."""
    calls = []

    def work(connection: Connection) -> None:
        calls.append(1)
        note(connection)
        cut(database, connection)

    with databases.fresh("postgresql", tmp_path) as database:
        with pytest.raises(ModelportError, match="may have been written") as caught:
            database.write(work)
        assert (caught.value.code, len(calls)) == ("database-gone", 1)


def cut(database: Database, connection: Connection) -> None:
    """End the server's process of a connection."""
    process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with database.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_terminate_backend({process})")
        other.commit()


def test_a_look_at_a_server_sees_one_state_whatever_is_written_meanwhile(tmp_path: Path) -> None:
    with databases.fresh("postgresql", tmp_path) as database, database.reading() as connection:
        before = connection.execute(sa.select(about)).all()
        database.write(note)
        assert connection.execute(sa.select(about)).all() == before
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            note(connection, "m")


def test_a_database_copied_as_it_is_says_that_its_log_is_missing(tmp_path: Path) -> None:
    file = killed(tmp_path)
    (there := tmp_path / "copy").mkdir()
    for one in (file, wal.mark(file)):
        shutil.copy2(one, there / one.name)
    with pytest.raises(StorageDamaged):
        Database(f"sqlite:///{there / file.name}")
    assert os.listdir(there)  # noqa: PTH208 - nothing was removed


def test_a_file_that_is_moved_away_is_missed_and_found_again(tmp_path: Path) -> None:
    """What holds an open connection would go on in the moved file, or make an empty one in its place."""
    file, away = tmp_path / "modelport.db", tmp_path / "away"
    away.mkdir()
    with databases.fresh("sqlite", tmp_path) as database:
        database.write(note)
        move(tmp_path, away)
        with pytest.raises(Overloaded, match="cannot be opened"):
            value(database)
        with pytest.raises(Overloaded) as caught:
            database.write(lambda to: note(to, "m"))
        assert caught.value.code == "database-closed"
        assert not file.exists()
        move(away, tmp_path)
        database.write(lambda to: note(to, "m"))
        assert (value(database), value(database, "m")) == ("1", "1")


def test_another_file_in_its_place_is_the_database(tmp_path: Path) -> None:
    (there := tmp_path / "other").mkdir()
    with databases.fresh("sqlite", tmp_path) as database, databases.fresh("sqlite", there) as other:
        database.write(note)
        other.write(lambda to: note(to, value="2"))
        other.close()
        move(tmp_path, tmp_path / "other" / "old")
        move(there, tmp_path)
        assert value(database) == "2"


def move(before: Path, after: Path) -> None:
    """A database with all that stands beside it."""
    after.mkdir(exist_ok=True)
    for file in before.glob("modelport.db*"):
        file.replace(after / file.name)

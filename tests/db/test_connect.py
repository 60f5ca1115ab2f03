"""Transactions: all or nothing, one writer after the other, and a busy database says so."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests import databases

from modelport.db import connect
from modelport.db.connect import Database
from modelport.db.tables import about
from modelport.errors import Overloaded, SettingsError


def count_up(connection: Connection) -> int:
    """Read, then write what was read: loses counts unless transactions are one after the other."""
    row = connection.execute(sa.select(about.c.value).where(about.c.name == "n").with_for_update()).scalar()
    number = int(row or 0) + 1
    connection.execute(sa.update(about).where(about.c.name == "n").values(value=str(number)))
    return number


def test_writers_at_the_same_time_lose_nothing(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sa.insert(about).values(name="n", value="0"))
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: database.write(count_up), range(64)))
    assert sorted(numbers) == list(range(1, 65))


def test_what_is_raised_inside_undoes_everything(database: Database) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(sa.insert(about).values(name="n", value="1"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(fail)
    with database.reading() as connection:
        assert connection.execute(sa.select(about).where(about.c.name == "n")).all() == []


def test_a_look_at_a_file_sees_one_state_whatever_is_written_meanwhile(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database, database.reading() as connection:
        before = connection.execute(sa.select(about)).all()
        database.write(lambda to: to.execute(sa.insert(about).values(name="n", value="1")))
        assert connection.execute(sa.select(about)).all() == before


def test_a_database_that_stays_locked_is_said_to_be_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.3)
    with databases.fresh("sqlite", tmp_path) as database:
        holding, done = threading.Event(), threading.Event()

        def hold() -> None:
            with database.writing():
                holding.set()
                done.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        holding.wait(10)
        with pytest.raises(Overloaded) as caught:
            database.write(count_up)
        done.set()
        holder.join()
    assert caught.value.code == "database-busy"


@pytest.mark.parametrize("url", ["mysql://u@h/d", "mssql://u@h/d", "nonsense"])
def test_databases_that_cannot_hold_the_state_are_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Database(url)
    assert caught.value.code == "bad-database"

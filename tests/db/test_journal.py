"""The journal: appended in the transaction of what it tells, without a gap, and chained."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.records import Entry
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as table

ANNA = Author("anna", request_id="r-1", address="127.0.0.1")


def entries(database: Database) -> list[Entry]:
    with database.reading() as connection:
        return [journal.read(row) for row in connection.execute(sa.select(table).order_by(table.c.number))]


def test_entries_count_from_one_and_hold_the_digest_of_the_one_before(database: Database) -> None:
    for version in (1, 2, 3):
        with database.writing() as connection:
            journal.append(connection, ANNA, "model.register", f"churn:{version}", at=5.0, detail={"size": 7})
    found = entries(database)
    assert [entry.number for entry in found] == [1, 2, 3]
    assert found[0].previous == journal.GENESIS
    assert [entry.previous for entry in found[1:]] == [entry.digest for entry in found[:-1]]
    assert journal.broken(iter(found)) is None


@pytest.mark.parametrize("change", [{"actor": "eve"}, {"detail": {}}, {"at": 6.0}, {"result": "ok!"}])
def test_a_changed_entry_shows(database: Database, change: dict[str, object]) -> None:
    with database.writing() as connection:
        for _ in range(3):
            journal.append(connection, ANNA, "model.register", "churn:1", at=5.0, detail={"size": 7})
    found = entries(database)
    forged = msgspec.structs.replace(found[1], **change)
    assert journal.broken(iter([found[0], forged, found[2]])) == forged


def test_a_removed_entry_shows(database: Database) -> None:
    with database.writing() as connection:
        for _ in range(3):
            journal.append(connection, ANNA, "model.register", "churn:1", at=5.0)
    found = entries(database)
    assert journal.broken(iter([found[0], found[2]])) == found[2]


def test_what_is_undone_leaves_no_entry(database: Database) -> None:
    def fail(connection: Connection) -> None:
        journal.append(connection, ANNA, "model.register", "churn:1", at=5.0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(fail)
    assert entries(database) == []


def test_writers_at_the_same_time_leave_no_gap(database: Database) -> None:
    def write(number: int) -> None:
        database.write(lambda to: journal.append(to, ANNA, "alias.set", f"churn@{number}", at=1.0))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    found = entries(database)
    assert [entry.number for entry in found] == list(range(1, 65))
    assert journal.broken(iter(found)) is None

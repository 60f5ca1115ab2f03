"""The lease: one holder at a time, and a holder that lost it cannot write."""

from __future__ import annotations

import pytest

from modelport.db import lease
from modelport.db.connect import Database
from modelport.db.lease import Lease
from modelport.errors import Overloaded


def acquire(database: Database, holder: str, now: float) -> Lease | None:
    return database.write(lambda to: lease.acquire(to, "control", holder, now, seconds=5.0))


def held(database: Database, holder: str, now: float) -> Lease:
    found = acquire(database, holder, now)
    assert found is not None
    return found


def test_while_one_holds_it_no_other_gets_it(database: Database) -> None:
    assert held(database, "a", 100.0).fence == 1
    assert acquire(database, "b", 104.9) is None


def test_the_holder_renews_it_under_the_same_fence(database: Database) -> None:
    first = held(database, "a", 100.0)
    assert held(database, "a", 104.0) == first
    assert acquire(database, "b", 108.0) is None


def test_after_its_end_another_gets_it_and_the_former_holder_is_refused(database: Database) -> None:
    former = held(database, "a", 100.0)
    now = held(database, "b", 106.0)
    assert now.fence == former.fence + 1
    with database.writing() as connection:
        lease.check(connection, now)
    with pytest.raises(Overloaded) as caught, database.writing() as connection:
        lease.check(connection, former)
    assert caught.value.code == "not-leader"


def test_a_released_lease_is_free_at_once(database: Database) -> None:
    former = held(database, "a", 100.0)
    database.write(lambda to: lease.release(to, former))
    assert held(database, "b", 100.1).fence == 2


def test_a_release_of_a_former_holder_changes_nothing(database: Database) -> None:
    former = held(database, "a", 100.0)
    now = held(database, "b", 106.0)
    database.write(lambda to: lease.release(to, former))
    assert acquire(database, "c", 107.0) is None
    with database.writing() as connection:
        lease.check(connection, now)

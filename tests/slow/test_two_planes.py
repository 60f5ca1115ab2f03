"""Two control planes, processes on one PostgreSQL and one store: one acts, and who slept writes nothing."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests import databases
from tests.assembly.processes import Plane, ask, control, free_port, plane, until, up
from tests.registry import bundles

from modelport.db import audit, journal
from modelport.db.connect import Database
from modelport.db.tables import configurations, decisions, deployments, plans, rollouts
from modelport.db.tables import journal as entries

pytestmark = pytest.mark.slow
WRITTEN = (plans, deployments, rollouts, decisions, configurations, entries)


def state(database: Database) -> dict[str, list[str]]:
    """Every row that a control plane writes by itself, or a person through it."""
    with database.reading() as connection:
        found = {table.name: connection.execute(sa.select(table)).all() for table in WRITTEN}
    return {name: sorted([repr(row) for row in rows]) for name, rows in found.items()}


def settled(database: Database) -> dict[str, list[str]]:
    """The state when nobody has written for some seconds."""
    known, since = state(database), time.monotonic()
    while time.monotonic() - since < 4:
        time.sleep(0.2)
        if (now := state(database)) != known:
            known, since = now, time.monotonic()
    return known


def newest(database: Database) -> int:
    """The number of the newest plan."""
    with database.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.max(plans.c.number))) or 0)


def leads(one: Plane) -> bool:
    """What it said of itself last."""
    return one.log.rfind('"leads"') > max(one.log.rfind(end) for end in ('"follows"', '"not-leader"'))


@pytest.mark.parametrize(
    ("point", "code"), [("round.due", "not-leader"), ("round.written", "database-gone")], ids=str
)
def test_who_sleeps_through_its_lease_is_refused_and_writes_nothing(
    tmp_path: Path, point: str, code: str
) -> None:
    """Before a round, the lease is over when it wakes. In a round, it sleeps with rows locked: after a
    minute PostgreSQL ends its transaction.
    """
    urls = (databases.url("postgresql", tmp_path), (tmp_path / "artifacts").as_uri())
    with (
        closing(Database(urls[0])) as database,
        plane(tmp_path / "one", free_port(), *urls) as one,
        plane(tmp_path / "two", free_port(), *urls) as two,
    ):
        key = (tmp_path / "one" / "key").read_text()
        with two.control(key) as to:
            for number in (1, 2, 3):
                to.versions.register("churn", bundles.made(tmp_path / "made", float(number)))
            to.deployments.deploy("churn", 1)
            until(lambda: newest(database) == 1)
            assert leads(one)
            assert not leads(two)
            to.deployments.activate("churn", 2)
            one.stop_at(point)
            slept = time.monotonic()
            until(lambda: leads(two), seconds=120)
            took_over = time.monotonic() - slept
            before = newest(database)
            to.deployments.activate("churn", 3)
            until(lambda: newest(database) > before)
            acted = time.monotonic() - slept
            known = settled(database)
            one.go_on()
            until(lambda: f'"{code}"' in one.log)
            time.sleep(3)  # it may try
            assert state(database) == known
            with one.control(key) as at_one:  # who follows still takes what people want
                at_one.deployments.activate("churn", 2)
            until(lambda: newest(database) > before + 1)
        with database.reading() as connection:
            assert journal.broken(audit.chain(connection)) is None
            numbers = connection.execute(sa.select(plans.c.number).order_by(plans.c.number)).scalars().all()
        assert numbers == list(range(1, len(numbers) + 1))
        print(f"{point}: taken over after {took_over:.1f} s, a new plan after {acted:.1f} s; refused: {code}")


def test_two_platforms_on_one_database_have_a_replica_each(tmp_path: Path) -> None:
    urls = (databases.url("postgresql", tmp_path), (tmp_path / "artifacts").as_uri())
    with (
        up(tmp_path / "one", free_port(), free_port(), *urls) as (_, one),
        up(tmp_path / "two", free_port(), free_port(), *urls) as (_, two),
        control(one, tmp_path / "one") as to,
    ):
        to.versions.register("churn", bundles.made(tmp_path / "made"))
        to.deployments.deploy("churn", 1)
        until(lambda: all(ask(each).is_success for each in (one, two)))
        seen = to.fleets.replicas()
        assert {each.url for each in seen} == {one.url, two.url}
        assert all(each.alive for each in seen)

"""Killed between a command and its plan: what was acknowledged is there, and nothing is half done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests import databases
from tests.control.shared import Clock, Replica, reconciler, with_fleet

from modelport.control.store import configurations, deployments
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.tables import journal as entries

BEFORE = ("service.deployed", "service.configured", "service.noted")
AFTER = ("service.written", "round.passed", "publisher.kept", "round.published", "round.written")


def killed(database: Database, point: str, now: float) -> bool:
    """Die at the point; whether the command was acknowledged before."""
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.control.crash", url, point, str(now)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr
    return "acknowledged" in ended.stdout


SHORT = ("service.configured", "service.written", "publisher.kept", "round.written")
"""The others are told apart in the long form."""


@pytest.mark.parametrize(
    "point",
    [point if point in SHORT else pytest.param(point, marks=pytest.mark.slow) for point in (*BEFORE, *AFTER)],
)
def test_whatever_was_acknowledged_is_there_and_the_next_one_goes_on(tmp_path: Path, point: str) -> None:
    clock = Clock()
    with databases.fresh("sqlite", tmp_path) as database:
        with_fleet(database)
        acknowledged = killed(database, point, clock.time)
        with database.reading() as connection:
            kept = deployments.get(connection, "default", "churn")
            history = configurations.history(connection, "default", "deployment", "churn")
            told = [journal.read(row) for row in connection.execute(sa.select(entries))]
        assert journal.broken(iter(told)) is None
        assert (kept is not None) == bool(history) == any(each.actor == "anna" for each in told)
        assert (kept is not None) == (point in AFTER)
        assert kept is not None or not acknowledged
        if kept is not None:
            assert goes_live(database, clock)


def goes_live(database: Database, clock: Clock) -> bool:
    """Another control plane takes over when the dead one's lease is over, and finishes what was begun."""
    clock.time += 60
    loop, replica = reconciler(database, clock, "next"), Replica(database, clock)
    for _ in range(4):
        clock.time += 1
        loop.step()
        replica.report()
    with database.reading() as connection:
        kept = deployments.get(connection, "default", "churn")
    return kept is not None and kept.deployment.live == 1

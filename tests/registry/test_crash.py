"""Killed with kill -9 anywhere in a registration: what was acknowledged is there, the rest is done again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.killed import Child
from tests.registry import bundles, crash

from modelport.core.wishes import Registration
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as entries
from modelport.errors import NotFound
from modelport.registry import artifacts
from modelport.registry.garbage import GRACE
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore

ANNA = Author("anna")


def child(database: Database, folder: Path) -> Child:
    return Child("tests.registry.crash", database.url.render_as_string(hide_password=False), folder)


class Later(crash.Now):
    """When everything that was left over is garbage."""

    def now(self) -> float:
        return 4e9


def opened(database: Database, folder: Path, clock: crash.Now) -> Registry:
    return Registry(database, LocalStore(folder / "artifacts"), folder / "downloads", clock, crash.Nothing())


def judge(database: Database, folder: Path, acknowledged: list[str]) -> None:
    """Every acknowledged version is there, the last ones with their bytes, and nothing is half done."""
    registry = opened(database, folder, Later())
    try:
        found = registry.versions("default", "churn", limit=500).items
    except NotFound:
        found = ()
    assert set(acknowledged) <= {version.id for version in found}
    assert sorted(version.number for version in found) == list(range(1, len(found) + 1))
    for said in acknowledged[-2:]:
        registry.bundle("default", "churn", said)  # whose bytes are those of its digest
    with database.reading() as connection:
        told = [journal.read(row) for row in connection.execute(sa.select(entries))]
    assert journal.broken(iter(sorted(told, key=lambda entry: entry.number))) is None
    made = [entry.resource for entry in told if entry.resource.startswith("churn:")]
    assert sorted(made) == sorted(version.id for version in found)


def is_clean(database: Database, folder: Path) -> None:
    """After a collection the store holds the versions' artifacts, whole, and nothing else."""
    registry = opened(database, folder, Later())
    assert list(registry.damaged()) == []
    registry.collect(ANNA, dry_run=False, grace=GRACE)
    with database.reading() as connection:
        used = set(artifacts.sizes(connection))
    assert {kept.digest for kept in LocalStore(folder / "artifacts").kept()} == used
    assert list((folder / "artifacts").rglob("*.partial")) == []


def rounds(database: Database, folder: Path, steps: Iterator[int]) -> tuple[int, int]:
    """Registrations killed at each of these steps, looked at after each, then done again; kills, versions."""
    acknowledged: list[str] = []
    kills = 0
    with child(database, folder) as dying:
        for turn, step in enumerate(steps):
            bundle = bundles.made(folder / "new", turn)
            killed, said = dying.do(step, "churn", str(bundle))
            kills += killed
            acknowledged += [said] if said else []
            judge(database, folder, acknowledged)
            again, _ = opened(database, folder, crash.Now()).register(ANNA, "churn", bundle, Registration())
            acknowledged.append(again.id)
    judge(database, folder, acknowledged)
    is_clean(database, folder)
    return kills, len(set(acknowledged))


def steps_of_one(database: Database, folder: Path) -> int:
    """How many steps a registration has."""
    with child(database, folder) as dying:
        for step in range(10, 1000, 10):
            if not dying.do(step, "probe", str(bundles.made(folder / "new", -step)))[0]:
                return step
    raise AssertionError


def test_a_registration_killed_at_any_step_is_all_there_or_not(database: Database, tmp_path: Path) -> None:
    last = steps_of_one(database, tmp_path)
    kills, versions = rounds(database, tmp_path, iter(range(1, last, max(1, last // 8))))
    assert kills >= 7
    print(f"{kills} kills in {last} steps, {versions} versions")


@pytest.mark.slow
def test_500_registrations_killed_at_random_steps_lose_nothing(database: Database, tmp_path: Path) -> None:
    draw = random.Random(20)
    last = steps_of_one(database, tmp_path)
    kills, versions = rounds(database, tmp_path, (draw.randint(1, last) for _ in range(500)))
    print(f"{kills} kills of 500, {versions} versions, 0 lost, 0 half done")
    assert versions == 500

"""Killed with kill -9 anywhere in a registration: what was acknowledged is there, the rest is done again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import sqlalchemy as sa
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


class Child:
    """The process of `crash.py`."""

    def __init__(self, database: Database, folder: Path) -> None:
        url = database.url.render_as_string(hide_password=False)
        words = [sys.executable, crash.__file__, url, str(folder)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def register(self, bundle: Path, step: int, model: str = "churn") -> tuple[bool, str]:
        """Whether it was killed at this step, and what it acknowledged."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([model, str(bundle), step]) + "\n")
        self.process.stdin.flush()
        killed, said = json.loads(self.process.stdout.readline())
        return killed, said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.communicate(timeout=10)


class Later(crash.Now):
    """When everything that was left over is garbage."""

    def now(self) -> float:
        return 4e9


def opened(database: Database, folder: Path, clock: crash.Now) -> Registry:
    return Registry(database, LocalStore(folder / "artifacts"), folder / "downloads", clock, crash.Nothing())


def judge(database: Database, folder: Path, acknowledged: list[str]) -> None:
    """Every acknowledged version is there with its bytes, and nothing is half done."""
    registry = opened(database, folder, Later())
    try:
        found = registry.versions("default", "churn", limit=500).items
    except NotFound:
        found = ()
    assert set(acknowledged) <= {version.id for version in found}
    assert sorted(version.number for version in found) == list(range(1, len(found) + 1))
    assert list(registry.damaged()) == []
    with database.reading() as connection:
        told = [journal.read(row) for row in connection.execute(sa.select(entries))]
    assert journal.broken(iter(sorted(told, key=lambda entry: entry.number))) is None
    made = [entry.resource for entry in told if entry.resource.startswith("churn:")]
    assert sorted(made) == sorted(version.id for version in found)


def is_clean(database: Database, folder: Path) -> None:
    """After a collection the store holds the versions' artifacts and nothing else."""
    registry = opened(database, folder, Later())
    registry.collect(ANNA, dry_run=False, grace=GRACE)
    with database.reading() as connection:
        used = set(artifacts.sizes(connection))
    assert {kept.digest for kept in LocalStore(folder / "artifacts").kept()} == used
    assert list((folder / "artifacts").rglob("*.partial")) == []


def rounds(database: Database, folder: Path, steps: Iterator[int]) -> tuple[int, int]:
    """Registrations killed at each of these steps, looked at after each, then done again; kills, versions."""
    acknowledged: list[str] = []
    kills = 0
    with Child(database, folder) as child:
        for turn, step in enumerate(steps):
            bundle = bundles.made(folder / "new", turn)
            killed, said = child.register(bundle, step)
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
    with Child(database, folder) as child:
        for step in range(10, 1000, 10):
            if not child.register(bundles.made(folder / "new", -step), step, "probe")[0]:
                return step
    raise AssertionError


def test_a_registration_killed_at_any_step_is_all_there_or_not(database: Database, tmp_path: Path) -> None:
    last = steps_of_one(database, tmp_path)
    kills, versions = rounds(database, tmp_path, iter(range(1, last, max(1, last // 12))))
    assert kills >= 10
    print(f"{kills} kills in {last} steps, {versions} versions")


@pytest.mark.slow
def test_500_registrations_killed_at_random_steps_lose_nothing(database: Database, tmp_path: Path) -> None:
    draw = random.Random(20)
    last = steps_of_one(database, tmp_path)
    kills, versions = rounds(database, tmp_path, (draw.randint(1, last) for _ in range(500)))
    print(f"{kills} kills of 500, {versions} versions, 0 lost, 0 half done")
    assert versions == 500

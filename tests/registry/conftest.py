"""A registry on both engines, with a folder for its artifacts."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from modelport.core.records import Alias
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore


class Clock:
    """Time that stands still until it is turned."""

    def __init__(self) -> None:
        self.at = time.time()

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Deployed:
    """What a test says is deployed, and the moves of aliases that were heard of."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.digests: set[str] = set()
        self.moves: list[Alias] = []

    def versions(self, connection: Connection, project: str, model: str) -> Collection[int]:
        return self.numbers

    def artifacts(self, connection: Connection) -> Collection[str]:
        return self.digests

    def alias_moved(self, connection: Connection, author: Author, alias: Alias) -> None:
        self.moves.append(alias)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deployed() -> Deployed:
    return Deployed()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "artifacts")


@pytest.fixture
def registry(
    database: Database, store: LocalStore, tmp_path: Path, clock: Clock, deployed: Deployed
) -> Registry:
    return Registry(database, store, tmp_path / "downloads", clock, deployed)

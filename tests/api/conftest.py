"""The control API on a real socket, over a platform of tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests import databases
from tests.api.playground import Playground

from modelport.api.app import app
from modelport.api.server import server
from modelport.api.settings import Settings
from modelport.client.control import Control
from modelport.core.roles import Role
from modelport.core.wishes import NewKey
from modelport.db.journal import Author


@dataclass(frozen=True)
class Served:
    """A server, what is behind it, and its first key."""

    url: str
    platform: Playground
    key: str

    def new_key(self, name: str, role: Role = "service", *scopes: str, project: str = "default") -> str:
        """A key that was not there before."""
        wish = NewKey(f"{name}-{time.monotonic_ns()}", role, scopes)
        return self.platform.keys.create(Author("test", project), wish).key

    def http(self, key: str | None = "", **headers: str) -> httpx.Client:
        """A bare client: with the first key, another, or (None) none."""
        said = {"authorization": f"Bearer {key or self.key}"} if key is not None else {}
        return httpx.Client(base_url=self.url, headers={**said, **headers}, timeout=30.0, verify=False)


@contextmanager
def serving(folder: Path, settings: Settings) -> Iterator[Served]:
    with databases.fresh("sqlite", folder) as database:
        platform = Playground(database, folder)
        first = platform.keys.first()
        assert first is not None
        running = server(app(platform, settings), "127.0.0.1", 0)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            while not running.started:
                time.sleep(0.01)
            port = running.servers[0].sockets[0].getsockname()[1]
            yield Served(f"http://127.0.0.1:{port}", platform, first.key)
        finally:
            running.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def settings() -> Settings:
    """As users have it; a module may say otherwise."""
    return Settings()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("api"), settings) as found:
        yield found


@pytest.fixture
def control(served: Served) -> Iterator[Control]:
    with Control(served.url, key=served.key) as found:
        yield found

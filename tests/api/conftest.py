"""The control API on a real socket, over a real control plane without a replica."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.api.wall import Wall
from tests.control.shared import Replica
from tests.registry.bundles import made

from modelport.api.app import app
from modelport.api.ports import Platform as Wanted
from modelport.api.server import Server, server
from modelport.api.settings import Settings
from modelport.assembly.platform import Platform, Where, platform
from modelport.client.control import Control
from modelport.control.store import fleets, plans
from modelport.core.plan import Revision, ServingPlan
from modelport.core.roles import Role
from modelport.core.wishes import NewKey, Registration
from modelport.db.journal import Author
from modelport.db.keys import Keys
from modelport.errors import NotFound

TOKEN = "token-of-the-first-start"
TEST = Author("test")


@dataclass(frozen=True)
class Served:
    """A server, what is behind it, and its first key."""

    url: str
    platform: Platform
    key: str
    clock: Wall

    def new_key(self, name: str, role: Role = "service", *scopes: str, project: str = "default") -> str:
        """A key that was not there before."""
        wish = NewKey(f"{name}-{time.monotonic_ns()}", role, scopes)
        return self.platform.keys.create(Author("test", project), wish).key

    def http(self, key: str | None = "", **headers: str) -> httpx.Client:
        """A bare client: with the first key, another, or (None) none."""
        said = {"authorization": f"Bearer {key or self.key}"} if key is not None else {}
        return httpx.Client(base_url=self.url, headers={**said, **headers}, timeout=30.0, verify=False)

    def register(self, model: str, versions: int = 1) -> None:
        """A model with versions."""
        folder = self.platform.where.folder.parent / "made"
        for factor in range(1, versions + 1):
            self.platform.registry.register(TEST, model, made(folder, float(factor)), Registration())

    def deploy(self, model: str) -> None:
        """A model whose first version is on its way: no replica is there to load it."""
        self.register(model)
        self.platform.deployments.deploy(TEST, model, "1")
        self.await_rollout(model)

    def await_rollout(self, model: str) -> None:
        """Until the rollout of what is wanted has begun."""
        deadline = time.monotonic() + 20
        while True:
            generation = self.platform.deployments.get("default", model).generation
            try:
                if self.platform.deployments.rollout("default", model).rollout.generation == generation:
                    return
            except NotFound:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @contextmanager
    def replica(self) -> Iterator[None]:
        """A replica of the fleet `local` that has whatever it is told to have."""
        told = Replica(self.platform.database, self.clock)
        left = threading.Event()

        def report() -> None:
            while not left.wait(0.1):
                told.report()
                self.platform.reconciler.wake()

        thread = threading.Thread(target=report)
        thread.start()
        try:
            yield
        finally:
            left.set()
            thread.join()

    def publish(self, number: int) -> None:
        """A plan of nothing for the fleet `polled` of the project `polls`, in which nothing is wanted."""
        plan = ServingPlan(Revision(1, number), (), ())
        self.platform.database.write(lambda to: plans.add(to, "polled", plan, self.clock.now()))
        self.platform.published.ring()


@contextmanager
def running(server: Server, *sockets: socket.socket) -> Iterator[str]:
    """A server in a thread, on a port of its own or these sockets; where it answers, were it without TLS."""
    thread = threading.Thread(target=server.run, args=([*sockets] or None,))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(folder: Path, settings: Settings) -> Iterator[Served]:
    """The API over a control plane of its own, whose first key may also be had for a token."""
    clock = Wall()
    with platform(Where(folder / "state"), clock) as built:
        keys = Keys(built.database, clock, token=TOKEN, changed=lambda _: built.published.ring())
        found = dataclasses.replace(built, keys=keys)
        wanted: Wanted = found
        with running(server(app(wanted, settings), "127.0.0.1", 0)) as url:
            assert built.first_key is not None
            built.database.write(lambda to: fleets.add(to, "polled", "polls"))
            yield Served(url, found, built.first_key, clock)


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

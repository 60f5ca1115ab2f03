"""The whole platform while predictions flow: killed again and again, its database gone for a while."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests import databases
from tests.acceptance.rawclient import Answer, post
from tests.acceptance.traffic import Traffic, traffic
from tests.assembly.processes import answers, ask, control, free_port, live, until, up
from tests.databases import Kind, Server
from tests.registry import bundles

from modelport import Control
from modelport.assembly.run import Started
from modelport.client.retry import NEVER
from modelport.errors import ModelportError, Overloaded

pytestmark = pytest.mark.slow
KILLS = 20
ASK = post("/v1/models/churn/predict", {"input": [1.0, 2.0]})
CANARY = """
deployment:
  strategy: canary
  canary_percentage: 20
"""


def judge(answer: Answer) -> str:
    """Version n answers n times the sum."""
    if answer.status != 200:
        return f"{answer.status} {answer.code}"
    return "ok" if answer.json()["prediction"] == 3.0 * answer.json()["version"] else "mixed"


@contextmanager
def predictions(started: Started, rate: float = 100.0) -> Iterator[Traffic]:
    """Steady traffic, of which nothing may fail."""
    with traffic(started.url, [ASK], judge, rate=rate) as seen:
        yield seen
    assert seen.failed == 0, seen.counts
    assert seen.counts["refused"] == 0, seen.counts
    assert seen.total > rate / 2


def register(to: Control, folder: Path, number: int) -> str:
    """The digest of version `number`, which answers that many times the sum; again, it stays the same."""
    version = to.versions.register("churn", bundles.made(folder / "made", float(number)))
    assert version.number == number
    return version.artifact


def deploy_first(to: Control, folder: Path, started: Started) -> None:
    register(to, folder, 1)
    to.deployments.deploy("churn", 1)
    until(lambda: live(to, 1) and ask(started).is_success)


class Releases:
    """One version after the other is registered, applied as a canary and promoted; what was acknowledged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registered: dict[int, str] = {}
        self.applied = self.promoted = 1

    def run(self, to: Control) -> None:
        """Until the control plane dies."""
        with suppress(ModelportError, OSError):
            while True:
                self._release(to, self.promoted + 1)

    def _release(self, to: Control, number: int) -> None:
        self.registered[number] = register(to, self.folder, number)
        to.deployments.apply(CANARY, model="churn", version=number)
        self.applied = number
        until(lambda: live(to, number) or to.rollouts.get("churn").rollout.phase == "judging")
        if not live(to, number):  # else it was promoted, and the answer got lost
            to.rollouts.promote("churn")
        self.promoted = number
        until(lambda: live(to, number))

    def check(self, to: Control) -> None:
        """What was acknowledged is there, and nothing is half done."""
        versions = {version.number: version.artifact for version in to.versions.list("churn")}
        assert versions.items() >= self.registered.items()
        assert sorted(versions) == list(range(1, len(versions) + 1))
        assert len(versions) <= max(self.registered, default=1) + 1
        until(lambda: live(to, self.promoted) or live(to, self.promoted + 1))
        assert to.deployments.get("churn").spec.candidate in {self.applied, self.applied + 1}
        sound = {check.name: check.ok for check in to.doctor.examine()}
        assert sound["database"]
        assert sound["journal"]
        assert sound["artifacts"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_20_kills_of_the_platform_lose_nothing_acknowledged_and_no_prediction(
    kind: Kind, tmp_path: Path
) -> None:
    draw, home, ports = random.Random(11), tmp_path / ".modelport", (free_port(), free_port())
    urls = [databases.url(kind, tmp_path)] if kind == "postgresql" else []
    releases = Releases(tmp_path)
    with ExitStack() as stack:
        for kills in range(KILLS + 1):
            with up(home, *ports, *urls) as (process, started), control(started, home) as to:
                if kills == 0:
                    deploy_first(to, tmp_path, started)
                    seen = stack.enter_context(predictions(started))
                assert started.adopted == (kills > 0)
                releases.check(to)
                if kills == KILLS:
                    stack.close()  # the last life ends in order, after the last prediction
                    break
                releasing = threading.Thread(target=releases.run, args=(to,), daemon=True)
                releasing.start()
                time.sleep(draw.uniform(0.0, 1.5))
                process.kill()
                process.wait()
                releasing.join(60)
                assert not releasing.is_alive()
    print(
        f"{kind}, {KILLS} kills: {len(releases.registered)} registered, {releases.promoted - 1} promoted,"
        f" 0 lost, 0 half done; predictions: {seen.counts}"
    )


def told_ready(started: Started) -> int:
    return httpx.get(f"{started.control}/ready", timeout=30).status_code


def test_a_postgresql_that_restarts_under_load_costs_no_prediction(tmp_path: Path) -> None:
    home, ports = tmp_path / ".modelport", (free_port(), free_port())
    with (
        tempfile.TemporaryDirectory(prefix="pg-") as folder,
        Server(Path(folder)) as server,
        up(home, *ports, server.url) as (_, started),
        control(started, home) as to,
    ):
        deploy_first(to, tmp_path, started)
        with predictions(started) as seen:
            for number in (2, 3, 4):
                register(to, tmp_path, number)
                server.stop()
                until(lambda: told_ready(started) == 503)
                assert answers(f"{started.control}/live")
                time.sleep(3)
                server.start()
                began = time.monotonic()
                ready = until(lambda: told_ready(started) == 200)
                activate(to, number)
                until(lambda n=number: ask(started).json()["version"] == n)  # type: ignore[misc]
                print(
                    f"restart {number - 1}: ready after {ready:.2f} s,"
                    f" a new version answers after {time.monotonic() - began:.2f} s"
                )
        print(f"predictions: {seen.counts}")


def activate(to: Control, number: int) -> None:
    """As a person would who is told that the database is away for a moment."""
    for _ in range(10):
        with suppress(Overloaded):
            to.deployments.activate("churn", number)
            return
        time.sleep(0.5)
    raise AssertionError


def test_a_sqlite_file_that_another_holds_for_long_costs_no_prediction(tmp_path: Path) -> None:
    home, ports = tmp_path / ".modelport", (free_port(), free_port())
    with up(home, *ports) as (_, started), control(started, home) as to:
        deploy_first(to, tmp_path, started)
        register(to, tmp_path, 2)
        with predictions(started) as seen, closing(sqlite3.connect(home / "modelport.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            with Control(to.url, key=(home / "key").read_text(), retries=NEVER) as once:
                with pytest.raises(Overloaded) as caught:
                    once.deployments.activate("churn", 2)
                assert caught.value.code == "database-busy"
                refused = time.monotonic() - began
                assert live(once, 1)  # who reads is answered
            other.rollback()
            began = time.monotonic()
            activate(to, 2)
            until(lambda: ask(started).json()["version"] == 2)
            print(
                f"refused after {refused:.1f} s; let go, a new version answers"
                f" after {time.monotonic() - began:.2f} s; predictions: {seen.counts}"
            )


def test_a_sqlite_file_that_is_away_for_a_while_costs_no_prediction(tmp_path: Path) -> None:
    home, ports = tmp_path / ".modelport", (free_port(), free_port())
    with up(home, *ports) as (_, started), control(started, home) as to:
        deploy_first(to, tmp_path, started)
        register(to, tmp_path, 2)
        with predictions(started) as seen:
            move(home, home / "away")
            away = until(lambda: told_ready(started) == 503)
            assert answers(f"{started.control}/live")
            time.sleep(3)
            move(home / "away", home)
            back = until(lambda: told_ready(started) == 200)
            activate(to, 2)
            until(lambda: ask(started).json()["version"] == 2)
        assert all(check.ok for check in to.doctor.examine() if check.name in {"database", "journal"})
        print(f"not ready after {away:.2f} s, ready {back:.2f} s after; predictions: {seen.counts}")


def move(before: Path, after: Path) -> None:
    """The database with all that stands beside it."""
    after.mkdir(exist_ok=True)
    for file in before.glob("modelport.db*"):
        file.replace(after / file.name)

"""How large a control plane may grow: ten thousand models, a thousand of them deployed, two hundred replicas.

Each test prints what it measured; the control plane is a process of its own, spoken to over HTTP.
"""

from __future__ import annotations

import asyncio
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest
from tests import databases
from tests.databases import Kind
from tests.slow.crowd import Plan, Replica, crowd
from tests.slow.many import deployed, filled
from tests.slow.timed import milliseconds

from modelport import Control
from modelport.db.connect import Database
from modelport.serving.fleet.line import ControlLine

pytestmark = pytest.mark.slow
REPLICAS = 200


class Plane:
    """A control plane in a process of its own."""

    def __init__(self, url: str, folder: Path, process: psutil.Process) -> None:
        self.url = url
        self.key = folder / "key"
        self._process = process

    def control(self) -> Control:
        """The SDK, as the first admin."""
        return Control(self.url, key=self.key.read_text())

    def line(self, replica: str) -> ControlLine:
        """The wire of a replica."""
        return ControlLine(self.url, fleet="local", replica=replica, key=str(self.key))

    def published(self, before: str) -> str:
        """The revision of the plan, once it is another than `before`."""

        async def asked() -> bytes | None:
            line = self.line("looking")
            try:
                return await line.newer("plan", before, 20.0)
            finally:
                await line.close()

        data = asyncio.run(asked())
        assert data is not None
        return str(msgspec.json.decode(data, type=Plan).revision)

    def seconds(self) -> float:
        """CPU that it has used."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def memory(self) -> float:
        """Resident, in MiB."""
        return float(self._process.memory_info().rss) / 2**20


@contextmanager
def plane(kind: Kind, folder: Path, count: int) -> Iterator[Plane]:
    """Ten thousand models are registered, `count` are deployed."""
    url = databases.url(kind, folder, migrated=True)
    with closing(Database(url)) as database:
        filled(database)
        deployed(database, count)
    command = [sys.executable, "-m", "tests.assembly.plane", str(folder / "state"), "0", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Plane(process.stdout.readline().strip(), folder / "state", psutil.Process(process.pid))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_thousand_deployed_models_are_planned_listed_and_searched(kind: Kind, tmp_path: Path) -> None:
    with plane(kind, tmp_path, 1000) as running, running.control() as control:
        first = running.published("")
        looks: dict[str, Callable[[], object]] = {
            "models, first page": lambda: next(iter(control.models.list())),
            "search of a text": lambda: list(control.models.list("9999")),
            "search of nothing": lambda: list(control.models.list("nothing has it")),
            "models of a tag": lambda: next(iter(control.models.list(tags={"team": "team-7"}))),
            "versions of a model": lambda: list(control.versions.list("model-05000")),
            "deployments, first page": lambda: next(iter(control.deployments.list())),
            "status of a model": lambda: control.models.status("model-00500"),
        }
        found = {name: milliseconds(look) for name, look in looks.items()}
        for name, taken in found.items():
            print(f"\n{name}: {taken:.1f} ms", end="")
        planned = []
        for number in range(5):
            start = time.monotonic()
            control.deployments.activate(f"model-{number:05}", 2)
            asked = time.monotonic()
            first = running.published(first)
            planned.append(time.monotonic() - start)
            print(
                f"\nactivate: {1e3 * (asked - start):.0f} ms, its plan after {1e3 * planned[-1]:.0f} ms",
                end="",
            )
        print(f"\nmemory {running.memory():.0f} MiB")
        assert statistics.median(planned) < 1
        assert max(found.values()) < 100


@pytest.mark.parametrize(("count", "limit"), [(10, 3.0), (1000, 20.0)])
def test_two_hundred_replicas_follow_a_new_plan(count: int, limit: float, tmp_path: Path) -> None:
    """Each waits for plans and for keys, and reports once a second. Of a thousand models every report is some
    100 KB, 20 MB a second of all replicas together: that is what bounds it, not the plan."""
    with plane("sqlite", tmp_path, count) as running:
        asyncio.run(_followed(running, count, limit))


async def _followed(running: Plane, count: int, limit: float) -> None:
    async with crowd(running.line, REPLICAS) as replicas:
        await _until(lambda: all(each.sequence > 2 for each in replicas))
        idle = await _busy(running)
        print(f"\n{REPLICAS} replicas, {count} deployed: {idle:.0%} of a core while nothing happens")
        with running.control() as control:
            for number in range(3):
                took = await _shift(control, replicas, f"model-{number:05}")
                middle = took[len(took) // 2]
                print(f"activate: at one after {took[0]:.2f} s, half {middle:.2f} s, all {took[-1]:.2f} s")
                assert took[-1] < limit
            first = await asyncio.to_thread(milliseconds, lambda: next(iter(control.models.list())))
        refused = sum(each.refused for each in replicas)
        print(f"models, first page meanwhile: {first:.1f} ms; reports not taken: {refused}")
        print(f"{await _busy(running):.0%} of a core after it; {running.memory():.0f} MiB")


async def _shift(control: Control, replicas: list[Replica], model: str) -> list[float]:
    """Seconds after which each replica had the first plan that came of a command, in order."""
    before = max(max(each.adopted) for each in replicas)
    start = time.monotonic()
    await asyncio.to_thread(control.deployments.activate, model, 2)
    await _until(lambda: all(max(each.adopted) > before for each in replicas))
    return sorted(
        min(at for revision, at in each.adopted.items() if revision > before) - start for each in replicas
    )


async def _busy(running: Plane) -> float:
    """Cores that the control plane keeps busy, over five seconds."""
    used, start = running.seconds(), time.monotonic()
    await asyncio.sleep(5)
    return (running.seconds() - used) / (time.monotonic() - start)


async def _until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - of many things, none of which rings
            await asyncio.sleep(0.01)

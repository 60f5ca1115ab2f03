"""A server under test: pinned to a core, waited for until it answers right, stopped with all it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.answers import body, verify
from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import Fixture, checks
from benchmarks.peers import Launch, Peer
from benchmarks.places import WORK

PATIENCE = 180.0
"""Seconds until a server that has not answered is given up."""
POLL = 0.005


class NotReadyError(Exception):
    """The server answered something other than 200."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that may be there or not yet.

    Attributes:
        peer, fixture: what it is to serve.
        launch: how it is started.
        port: of 127.0.0.1.
    """

    peer: Peer
    fixture: Fixture
    launch: Launch
    port: int

    def ask(self, place: int, path: str) -> None:
        """Send one item and compare; raises `BenchmarkError` for a wrong answer, others while starting."""
        told = checks(self.fixture)
        content = self._post(path, body(self.fixture.task, told.items[place]))
        if self.peer.dialect is not None:
            answer = self.peer.dialect(json.loads(content), told.classes)
            verify(answer, told, place, self.peer.tolerance)

    def _post(self, path: str, content: bytes) -> bytes:
        headers = {"Content-Type": "application/json", **self.launch.headers}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, content, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            msg = f"{response.status}: {answer[:300]!r}"
            raise NotReadyError(msg)
        return answer


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has answered right once.

    Attributes:
        target: how to reach it.
        pid: of the process started; it may have children.
        ready: seconds from exec to the first right answer.
    """

    target: Target
    pid: int
    ready: float

    def check(self, items: int) -> None:
        """Compare the answers for the first items with the original model's; raises `BenchmarkError`."""
        try:
            for place in range(items):
                self.target.ask(place, self.target.launch.paths[0])
        except (OSError, HTTPException, NotReadyError) as error:
            msg = f"{self.target.peer.name} stopped answering: {error}"
            raise BenchmarkError(msg) from error

    def memory(self) -> tuple[float, float]:
        """Resident MB of the largest process (the worker), and proportional MB of all of them together."""
        sizes = [process.memory_full_info() for process in _family(self.pid)]
        return max(size.rss for size in sizes) / 1e6, sum(size.pss for size in sizes) / 1e6


@contextmanager
def running(peer: Peer, fixture: Fixture, *, core: int, port: int) -> Iterator[Running]:
    """The peer serving the fixture, ready; stopped on leaving."""
    WORK.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=WORK, prefix=f"{peer.name}-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        target = Target(peer, fixture, peer.launch(fixture, port, work), port)
        start = time.perf_counter()
        process = _start(target.launch, work, core)
        try:
            _wait(target, process, work)
            yield Running(target, process.pid, time.perf_counter() - start)
        finally:
            _stop(process)


def _start(launch: Launch, work: Path, core: int) -> subprocess.Popen[bytes]:
    with (work / "log").open("wb") as log:
        return subprocess.Popen(
            ("taskset", "-c", str(core), *launch.command),
            env={**os.environ, **launch.environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=work,
            start_new_session=True,
        )


def _wait(target: Target, process: subprocess.Popen[bytes], work: Path) -> None:
    """Until every path has answered right once."""
    stop = time.monotonic() + PATIENCE
    missing = deque(target.launch.paths)
    last: Exception | None = None
    while missing:
        try:
            target.ask(0, missing[0])
            missing.popleft()
        except (OSError, HTTPException, NotReadyError) as error:
            last = error
            time.sleep(POLL)
        if process.poll() is not None or time.monotonic() > stop:
            told = (work / "log").read_text(errors="replace")[-3000:]
            msg = f"{target.peer.name} never answered ({last}):\n{told}"
            raise BenchmarkError(msg)


def _stop(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=5)
    for each in alive:
        each.kill()
    process.wait()


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []

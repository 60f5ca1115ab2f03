"""A replica in a process of its own, for tests: started, watched through its log, surely gone afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

import modelport
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.replica import workers
from modelport.serving.settings import Settings

PATIENCE = 15.0
T = TypeVar("T")

_RUN = """
import sys, msgspec
from modelport.serving.__main__ import main
from modelport.serving.replica import workers
from modelport.serving.settings import Settings
sys.exit(main(msgspec.json.decode(sys.argv[1], type=Settings), module=sys.argv[2]))
"""


class Replica:
    """A running supervisor with its workers."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log
        self.url = ""

    def wait_ready(self) -> str:
        """The line for people; fails with the log when the replica ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, self._log.read_text()
        found = re.search(r"https?://\S+", line)
        assert found
        self.url = found[0]
        return line

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The log so far; one kind of event when named."""
        lines = [msgspec.json.decode(line) for line in self._log.read_text().splitlines() if line[:1] == "{"]
        return [line for line in lines if not name or line["event"] == name]

    def get(self, path: str = "/") -> dict[str, Any]:
        """The JSON that answers a request; raises `OSError` or `HTTPException` when nothing answers."""
        where = urlsplit(self.url)
        with closing(HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            known: dict[str, Any] = msgspec.json.decode(connection.getresponse().read())
        return known

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor alone."""
        self.process.send_signal(number)

    def end(self) -> int:
        """The exit code, once it is there."""
        return self.process.wait(PATIENCE)

    def pids(self) -> list[int]:
        """Every worker ever started, from the log."""
        return [event["pid"] for event in self.events("worker started")]

    def hosts(self, slot: str = "") -> list[int]:
        """Every model host ever started, or those of a slot, from the log."""
        return [each["pid"] for each in self.events("host started") if slot in {"", each["slot"]}]


@contextmanager
def replica(
    folder: Path, settings: Settings, *, module: str = workers.MODULE, path: Sequence[Path] = (), **env: str
) -> Iterator[Replica]:
    """A replica that is surely gone afterwards, workers included. Its log is `replica.log` in `folder`.

    `module` is the worker's; `path` is where it can be imported from, besides the installed packages.
    """
    log = folder / "replica.log"
    source = Path(modelport.__file__).parent.parent
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(str(place) for place in (*path, source)), **env}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, msgspec.json.encode(settings).decode(), module],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
            env=known,
        )
    running = Replica(process, log)
    try:
        yield running
    finally:
        process.kill()
        process.communicate()
        for pid in (*running.pids(), *running.hosts()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def eventually(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What `look` returns once it is true; fails when that takes too long."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.02)
    return seen


def answers(running: Replica) -> bool:
    """Whether anybody answers now."""
    try:
        running.get()
    except (HTTPException, OSError):
        return False
    return True


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


def make_plan(number: int, **routes: str) -> ServingPlan:
    """A plan of endpoints with one slot each: `churn="x"` is version `number` of churn, from bundle `x`."""
    slots = tuple(SlotSpec(f"{name}:{number}", name, number, bundle) for name, bundle in routes.items())
    endpoints = tuple(EndpointSpec(name, Route((Share(f"{name}:{number}", 10_000),))) for name in routes)
    return ServingPlan(Revision(0, number), slots, endpoints)


def publish(path: Path, plan: ServingPlan) -> str:
    """Put a plan into a plan file in one step; the path as text."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(plan))
    fresh.replace(path)
    return str(path)

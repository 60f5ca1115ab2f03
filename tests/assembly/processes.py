"""The whole platform as processes, for tests: started, asked, waited for."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from modelport import Control
from modelport.assembly.run import Started


class Clock:
    """The time of the system."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def up(
    folder: Path, port: int, control_port: int, *urls: str
) -> Iterator[tuple[subprocess.Popen[str], Started]]:
    """The platform in a process; ended as a Ctrl-C ends it, unless it is dead already.

    `urls` are of the database and of the artifact store, unless these are in the folder.
    """
    command = [sys.executable, "-m", "tests.assembly.up", str(folder), str(port), str(control_port), *urls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said, (folder / "logs" / "control.log").read_text()
            yield process, msgspec.json.decode(said, type=Started)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def until(what: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait until it is true; how many seconds that took."""
    began = time.monotonic()
    deadline = began + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)
    return time.monotonic() - began


def control(started: Started, folder: Path) -> Control:
    return Control(started.control, key=(folder / "key").read_text())


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return httpx.get(url, timeout=20).status_code == 200
    except httpx.HTTPError:
        return False


def live(to: Control, version: int) -> bool:
    return to.deployments.get("churn").live == version


def ask(started: Started, user: str = "u") -> httpx.Response:
    url = f"{started.url}/v1/models/churn/predict"
    return httpx.post(url, json={"input": [1.0, 2.0]}, headers={"x-user-id": user}, timeout=10)


class Plane:
    """A control plane without a replica: its folder, process and address."""

    def __init__(self, folder: Path, url: str, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.url = url
        self.process = process

    def stop_at(self, point: str) -> None:
        """Have it stop itself (SIGSTOP) when it comes to a fault point next."""
        (self.folder / "stop").write_text(point)
        until(lambda: self._state() == "T")

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    @property
    def log(self) -> str:
        """What it logged so far."""
        return (self.folder / "logs" / "control.log").read_text()

    def control(self, key: str) -> Control:
        """The SDK at this one."""
        return Control(self.url, key=key)

    def _state(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def plane(folder: Path, port: int, *urls: str) -> Iterator[Plane]:
    """A control plane that is surely gone afterwards; `urls` as of `up`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.assembly.plane", str(folder), str(port), *urls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = Plane(folder, process.stdout.readline().strip(), process)
            until(lambda: answers(f"{found.url}/live"))
            yield found
        finally:
            process.kill()

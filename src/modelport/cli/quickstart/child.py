"""A real `modelport serve` in a process of its own, on a free port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelport.client import NEVER, Client
from modelport.errors import Overloaded

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A running server; `command` is what a person would have typed."""

    url: str
    command: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(bundles: Sequence[Path], log: Path, *options: str) -> Iterator[Served]:
    """Serve the bundles, or the plan that the options name, until left.

    Raises `Overloaded` with the end of the log when the server does not come up.
    """
    port = _free_port()
    arguments = ["serve", *(str(path) for path in bundles), "--port", str(port), *options]
    with log.open("wb") as output:
        # Its own session: Ctrl-C reaches us alone, and we then stop it in order.
        process = subprocess.Popen(
            [sys.executable, "-m", "modelport.cli", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        names = " ".join(path.name for path in bundles)
        yield Served(url, f"modelport serve {names} --port {port}", process)
    finally:
        stop(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    with Client(url, timeout=2.0, retries=NEVER) as client:
        while not client.ready():
            if process.poll() is not None or time.monotonic() > until:
                last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
                msg = f"the server did not come up:\n{last}"
                raise Overloaded(msg, code="not-started")
            time.sleep(0.05)


def stop(
    process: subprocess.Popen[Any],
    number: signal.Signals = signal.SIGTERM,
    seconds: float = _STOP_SECONDS,
) -> None:
    """End a process in order; by force when it takes too long."""
    process.send_signal(number)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

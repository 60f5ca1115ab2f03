"""A real `modelport up` in a process of its own, on free ports, in a folder of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelport.cli.quickstart.child import stop
from modelport.errors import Overloaded

_STOP_SECONDS = 60.0
"""Both planes finish what they have; by force the replica would be left behind."""


@dataclass(frozen=True, slots=True)
class Up:
    """A running platform: where predictions are answered, and where the control plane is."""

    url: str
    control: str
    key: str
    process: subprocess.Popen[str]


@contextmanager
def platform(folder: Path) -> Iterator[Up]:
    """Run `modelport up` in the folder until left; raises `Overloaded` (`not-started`) when it fails."""
    # Its own session: Ctrl-C reaches us alone, and we then stop it in order.
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport.cli", "up", "--port", "0", "--control-port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield _told(process)
    finally:
        stop(process, signal.SIGINT, _STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _told(process: subprocess.Popen[str]) -> Up:
    """What it says of itself once it is up."""
    said: dict[str, str] = {}
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        name, _, value = line.partition("  ")
        said[name] = value.strip()
        if name == "next":
            return Up(said["predictions"], said["control API"], said["first key"], process)
    last = "\n".join(lines[-5:])
    msg = f"the platform did not come up:\n{last}"
    raise Overloaded(msg, code="not-started")

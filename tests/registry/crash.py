"""A child process that registers bundles, each in a fork of its own that is killed at a step it was told.

    python crash.py URL FOLDER

It reads lines of JSON, [model, bundle, step], and answers each with [killed, acknowledged]: the id of the
version, empty where the fork was killed before it could say so.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from modelport.core import faults
from modelport.core.wishes import Registration
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore


class Now:
    """A clock that stands."""

    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


class Nothing:
    """Nothing is deployed."""

    def versions(self, *_: object) -> set[int]:
        return set()

    def artifacts(self, *_: object) -> set[str]:
        return set()

    def alias_moved(self, *_: object) -> None:
        return None


def killer(count: int) -> None:
    """Kill this process at step `count`: each fault point, each statement, each call that names a file."""
    left = [count]

    def step(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audited(event: str, _: object) -> None:
        if event in {"open", "os.rename", "os.mkdir", "os.remove"}:
            step()

    faults.arm(step)
    sys.addaudithook(audited)
    for event in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(sa.engine.Engine, event, step)


def register(url: str, folder: Path, model: str, bundle: Path, step: int) -> str:
    """Register, unless it is killed before; what is acknowledged."""
    registry = Registry(
        Database(url), LocalStore(folder / "artifacts"), folder / "downloads", Now(), Nothing()
    )
    killer(step)
    return registry.register(Author("anna"), model, bundle, Registration())[0].id


def forked(url: str, folder: Path, model: str, bundle: Path, step: int) -> tuple[bool, str]:
    """The same in a fork; whether it was killed, and what it acknowledged."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(send, register(url, folder, model, bundle, step).encode())
        os._exit(0)
    os.close(send)
    _, status = os.waitpid(child, 0)
    with os.fdopen(receive) as said:
        return os.WIFSIGNALED(status), said.read()


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    Database(url).close()  # imports its driver once, for all forks
    for line in sys.stdin:
        model, bundle, step = json.loads(line)
        print(json.dumps(forked(url, folder, model, Path(bundle), step)), flush=True)


if __name__ == "__main__":
    main()

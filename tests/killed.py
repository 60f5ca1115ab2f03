"""Work that is killed with kill -9 at a step of it, again and again, in forks of one child process.

The child, a module, calls `serve`; the test asks it through `Child`. A step is each fault point, each
statement, each commit and each call that names a file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Protocol, Self

import sqlalchemy as sa

from modelport.core import faults

NEVER = 1_000_000
"""A step that no work has."""


class Work(Protocol):
    """What is done in a fork; `say` acknowledges something, by a word, to whoever asked."""

    def __call__(self, say: Callable[[str], object], *words: Any) -> None: ...


def serve(work: Work) -> None:
    """Read [step, *words] as lines of JSON, do the work in a fork, answer [killed, what was acknowledged]."""
    for line in sys.stdin:
        step, *words = json.loads(line)
        print(json.dumps(_forked(work, step, words)), flush=True)


def _forked(work: Work, step: int, words: list[Any]) -> tuple[bool, str]:
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        _arm(step)
        work(lambda said: os.write(send, said.encode()), *words)
        os._exit(0)
    os.close(send)
    _, status = os.waitpid(child, 0)
    with os.fdopen(receive) as said:
        return os.WIFSIGNALED(status), said.read()


def _arm(count: int) -> None:
    """Kill this process at step `count`."""
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


class Child:
    """The process of a module that calls `serve`, such as `tests.registry.crash`, with its arguments."""

    def __init__(self, module: str, *words: object) -> None:
        command = [sys.executable, "-m", module, *map(str, words)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, step: int, *words: object) -> tuple[bool, str]:
        """Whether the work was killed at this step, and what it acknowledged before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([step, *words]) + "\n")
        self._process.stdin.flush()
        killed, said = json.loads(self._process.stdout.readline())
        return killed, said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate(timeout=10)

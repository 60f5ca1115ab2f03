"""The inside of the sandbox: gives up every right, then does one task and answers through a pipe.

Everything above `_work` runs before untrusted bytes are looked at; nothing heavy is imported before the
rights are gone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from modelport.compile.sandbox import frames, kernel, landlock, limits, seccomp
from modelport.errors import ModelportError

Task = Callable[[Mapping[str, Path], Mapping[str, Any]], Mapping[str, bytes]]
"""Takes the inputs by name and its options; answers files by name."""

TASKS = {
    "convert": "modelport.compile.sandbox.convert",
    "probe_onnx": "modelport.compile.sandbox.probe_onnx",
    "selftest": "modelport.compile.sandbox.attempts",
}
"""Modules with a `task` function."""


READY = b"\x06"
"""Sent to the parent before it sends its order."""


class Order(msgspec.Struct, frozen=True):
    """What the parent asks of the child, as JSON on its standard input.

    Attributes:
        rung: `bubblewrap`, `landlock` or `weak`.
        inputs: paths as seen from inside.
        readable: with Landlock, all that may be read.
        processes: the bound on the user's threads.
    """

    task: str
    rung: str
    inputs: dict[str, str]
    readable: tuple[str, ...]
    limits: limits.Limits
    processes: int
    options: dict[str, Any]


def main() -> None:
    """Tie our life to the parent's, read its order, give up all rights, do the task, answer."""
    answers = _own_output()
    _follow_parent(int(sys.argv[2]))
    answers.write(READY)
    answers.flush()
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    _confine(order)
    _work(order, answers)


def _follow_parent(parent: int) -> None:
    """Die with the process `parent`; 0 where it has no number inside, and the sandbox dies with it.

    It sends its order only after we are tied to it: from a parent that was killed before, no order ever
    comes; one that is killed later takes us along.
    """
    kernel.die_with_parent()
    if parent not in (0, os.getppid()):
        os._exit(1)


def _own_output() -> BinaryIO:
    """The pipe to the parent, moved away from descriptor 1, where libraries print."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _confine(order: Order) -> None:
    kernel.forget_privileges()
    scratch = 0 if order.rung == "landlock" else order.limits.scratch
    limits.apply(order.limits, scratch=scratch, processes=order.processes)
    tempfile.tempdir = str(Path.cwd())  # libraries ask where they might write; not everywhere may they
    if order.rung == "landlock":
        landlock.restrict([*map(Path, order.readable), _own_map()], [Path(os.devnull)])
    if seccomp.supported():
        seccomp.install()
    elif order.rung != "weak":
        msg = "no seccomp filter for this machine"
        raise SystemExit(msg)


def _own_map() -> Path:
    """Where our own memory is mapped: threadpoolctl, which scikit-learn calls, finds libraries there.

    A rule of Landlock is on one inode, and /proc makes a new one when it forgot the last: it remembers while
    a descriptor is open.
    """
    path = Path("/proc/self/maps")
    os.open(path, os.O_PATH)
    return path


def _work(order: Order, answers: BinaryIO) -> None:
    try:
        task: Task = importlib.import_module(TASKS[order.task]).task
        files = task({name: Path(path) for name, path in order.inputs.items()}, order.options)
        for name, data in files.items():
            frames.write(answers, name, data)
        frames.write(answers, frames.DONE, b"")
    except BaseException as error:  # noqa: BLE001  a hostile file may raise anything; the parent wants the cause
        frames.write(answers, frames.FAILED, json.dumps(_report(error)).encode())
        os._exit(1)
    os._exit(0)  # no exit handlers: the task may have left some


def _report(error: BaseException) -> dict[str, str]:
    if isinstance(error, ModelportError):
        return {
            "kind": type(error).__name__,
            "code": error.code[:60],
            "message": error.message[:2000],
            "hint": error.hint[:1000],
        }
    return {"kind": type(error).__name__, "code": "", "message": str(error)[:2000], "hint": ""}

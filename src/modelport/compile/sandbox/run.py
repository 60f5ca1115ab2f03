"""The ladder: the strongest sandbox that holds here does the work; when none holds, the work is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelport.compile.sandbox import bwrap, landlock, seccomp
from modelport.compile.sandbox.limits import Limits
from modelport.compile.sandbox.process import Result, Rung, Work, run_in
from modelport.compile.sandbox.selftest import weakness
from modelport.errors import SandboxError


def run_sandboxed(
    task: str,
    inputs: Mapping[str, Path],
    outputs: Path,
    *,
    limits: Limits,
    allow_weak: bool = False,
    scratch: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Result:
    """Run the task named `task` in a process of its own and wait for it.

    The process sees the interpreter, its libraries and `inputs`, read-only, and hands files back into
    `outputs`, an existing empty folder, at most `limits.output` bytes. It has no network, no home, no
    environment, no children; at `limits.wall` its whole group is killed. With `scratch` it needs a place for
    temporary files of at most `limits.scratch` bytes. `options` are plain data for the task.

    Raises `SandboxError` with code `sandbox-missing` when this machine has no sandbox that holds and
    `allow_weak` is not given (then resource limits alone apply), and what `process.run_in` raises. What is in
    `outputs` afterwards is untrusted.
    """
    real = {name: path.resolve(strict=True) for name, path in inputs.items()}
    return run_in(
        choose(allow_weak=allow_weak, scratch=scratch), Work(task, real, outputs, limits, options or {})
    )


def choose(*, allow_weak: bool = False, scratch: bool = False) -> Rung:
    """The strongest rung that held against our own attempts to break out, and has room for files of its own
    where `scratch` asks for it.

    Raises `SandboxError` (`sandbox-missing`) when none did and `allow_weak` is not given.
    """
    reasons: list[str] = []
    rungs: tuple[tuple[Rung, str], ...] = (
        ("bubblewrap", _no_bwrap()),
        ("landlock", _no_landlock(scratch=scratch)),
    )
    for rung, absent in rungs:
        reason = absent or weakness(rung)
        if not reason:
            return rung
        reasons.append(f"{rung}: {reason}")
    if allow_weak:
        return "weak"
    msg = f"there is no sandbox on this machine that holds ({'; '.join(reasons)})"
    raise SandboxError(
        msg,
        code="sandbox-missing",
        hint="install bubblewrap, use Linux 5.13 or newer, or allow a weak sandbox for files you trust",
    )


def _no_bwrap() -> str:
    if not seccomp.supported():
        return "no system call filter for this machine"
    return "" if bwrap.program() else "it is not installed"


def _no_landlock(*, scratch: bool) -> str:
    if scratch:
        return "it has no room for temporary files, which this format needs"
    if not seccomp.supported():
        return "no system call filter for this machine"
    return "" if landlock.version() else "the kernel has none"

"""One sandboxed process: started, watched, stopped at its limits, and its end explained."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from modelport.compile.sandbox import bwrap, frames, visible
from modelport.compile.sandbox.child import READY, Order
from modelport.compile.sandbox.limits import Limits
from modelport.errors import CompileError, SandboxError, SourceRefused, Unsupported

Rung = Literal["bubblewrap", "landlock", "weak"]

_BOOT = "import sys; sys.path.append(sys.argv[1]); from modelport.compile.sandbox.child import main; main()"
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",  # every arena reserves address space, which is limited
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TORCHINDUCTOR_CACHE_DIR": "/",  # it looks for a folder when it is imported, and writes none here
}
_MAX_LOG = 64 << 10
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Work:
    """A task for the sandbox: its inputs by name, where its files go, its limits and options."""

    task: str
    inputs: Mapping[str, Path]
    outputs: Path
    limits: Limits
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a sandboxed task left.

    Attributes:
        rung: what held it.
        files: names of the files in the output folder, as they came.
        seconds: real time from start to end.
        log: what it printed, for people; untrusted.
    """

    rung: Rung
    files: tuple[str, ...]
    seconds: float
    log: str


def run_in(rung: Rung, work: Work) -> Result:
    """Do `work` on one rung of the ladder and wait for it.

    Raises `SandboxError` (`sandbox-timeout`, `-cpu`, `-memory`, `-output`, `-denied`, `-died`), or
    `Unsupported`, `SourceRefused` and `CompileError` (`source-failed`) as the task reports them.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="modelport-") as empty:
        process = _start(rung, work, empty)
        watch = _Watch(process, frames.Receiver(work.outputs, work.limits.output), _order(rung, work))
        try:
            watch.until(started + work.limits.wall)
        finally:
            _kill(process)
            watch.receiver.close()
    log = watch.log.decode("utf-8", "replace")
    _explain(watch.receiver, process.returncode, log)
    return Result(rung, tuple(watch.receiver.names), time.monotonic() - started, log)


def _start(rung: Rung, work: Work, empty: str) -> subprocess.Popen[bytes]:
    parent = 0 if rung == "bubblewrap" else os.getpid()
    boot = [sys.executable, "-I", "-B", "-c", _BOOT, str(visible.PACKAGE.parent), str(parent)]
    around: list[str] = []
    if rung == "bubblewrap":
        program = bwrap.program()
        assert program is not None
        around = bwrap.command(program, work.inputs, work.limits, _ENVIRONMENT)
    return subprocess.Popen(
        [*around, *boot],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=empty,
        env=dict(_ENVIRONMENT),
        start_new_session=True,
        close_fds=True,
    )


def _order(rung: Rung, work: Work) -> bytes:
    inside = {
        name: str(bwrap.inside(name, path) if rung == "bubblewrap" else path)
        for name, path in work.inputs.items()
    }
    readable = [*visible.code(), *visible.HARDWARE, Path("/dev/urandom"), *work.inputs.values()]
    order = Order(
        task=work.task,
        rung=rung,
        inputs=inside,
        readable=tuple(map(str, readable)),
        limits=work.limits,
        processes=_threads_of_user() + work.limits.threads,
        options=dict(work.options),
    )
    return msgspec.json.encode(order)


def _threads_of_user() -> int:
    """Threads this user runs now: RLIMIT_NPROC counts them all."""
    count, user = 0, os.getuid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it may have ended meanwhile
                count += sum(1 for _ in (entry / "task").iterdir()) if entry.stat().st_uid == user else 0
    return count


class _Watch:
    """Moves bytes between us and the process until it ends, a limit is met, or time is up."""

    def __init__(self, process: subprocess.Popen[bytes], receiver: frames.Receiver, order: bytes) -> None:
        self.receiver = receiver
        self.log = bytearray()
        self._process = process
        self._order: bytes | None = order

    def until(self, deadline: float) -> None:
        """Hand over the order and take what comes. Raises `SandboxError` (`sandbox-timeout`, `-output`)."""
        with selectors.DefaultSelector() as selector:
            selector.register(_fd(self._process.stdout), selectors.EVENT_READ, self._take)
            selector.register(_fd(self._process.stderr), selectors.EVENT_READ, self._note)
            while selector.get_map():
                self._turn(selector, deadline)
        self._wait(deadline)

    def _turn(self, selector: selectors.BaseSelector, deadline: float) -> None:
        left = deadline - time.monotonic()
        ready = selector.select(left) if left > 0 else []
        if not ready:
            msg = "took longer than it may"
            raise _stopped(msg, "sandbox-timeout", "raise the time limit")
        for key, _ in ready:
            chunk = os.read(key.fd, _CHUNK)
            if chunk:
                key.data(chunk)
            else:
                selector.unregister(key.fd)

    def _wait(self, deadline: float) -> None:
        """Until the process has ended, without taking its number back: its group is still to be killed."""
        while os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > deadline:
                msg = "took longer than it may"
                raise _stopped(msg, "sandbox-timeout", "raise the time limit")
            time.sleep(0.002)

    def _take(self, chunk: bytes) -> None:
        """The first byte says that the process is ready for its order; the rest is its answer."""
        if self._order is None:
            self.receiver.feed(chunk)
            return
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once; its end is explained by the caller
            self._process.stdin.write(self._order)
            self._process.stdin.close()
        self._order = None
        self.receiver.feed(chunk.removeprefix(READY))

    def _note(self, chunk: bytes) -> None:
        self.log += chunk
        del self.log[:-_MAX_LOG]


def _fd(stream: Any) -> int:
    return int(stream.fileno())


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, which is also right after the leader has gone: nothing may stay behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _explain(receiver: frames.Receiver, status: int, log: str) -> None:
    """Raise for every end but a good one."""
    if receiver.ended == frames.DONE and status == 0:
        return
    if receiver.ended == frames.FAILED:
        raise _reported(receiver.report)
    number = -status if status < 0 else status - 128
    if number in (signal.SIGXCPU, signal.SIGKILL):
        msg = "used more processor time than it may"
        raise _stopped(msg, "sandbox-cpu", "raise the time limit")
    if "MemoryError" in log or "bad_alloc" in log:
        raise _memory()
    name = signal.Signals(number).name if number in set(signal.Signals) else f"status {status}"
    msg = f"died ({name}) before it answered"
    raise _stopped(msg, "sandbox-died", "does the file load in Python by hand?")


_RAISED = {"Unsupported": Unsupported, "SourceRefused": SourceRefused}
# A denied call, or a full disk: plain OSError is what ENOSPC and EFBIG come as.
_DENIED = {"PermissionError", "BlockingIOError", "OSError"}


def _reported(raw: bytes) -> CompileError:
    """The error a task reported, as one of ours. Its words are untrusted: cut, printable, without paths."""
    try:
        report = msgspec.json.decode(raw, type=dict[str, str])
    except msgspec.DecodeError:
        report = {}
    kind, message, hint = (_clean(report.get(key, "")) for key in ("kind", "message", "hint"))
    if kind in _RAISED:
        code = report.get("code", "")
        return _RAISED[kind](
            message, code=code if re.fullmatch(r"[a-z][a-z0-9-]{2,60}", code) else "", hint=hint
        )
    if kind == "MemoryError":
        return _memory()
    if kind in _DENIED:
        return _stopped(f"tried what the sandbox does not allow ({kind}: {message})", "sandbox-denied", "")
    return CompileError(
        f"the file could not be used: {kind}: {message}",
        code="source-failed",
        hint="does it load in Python by hand, with the same library versions?",
    )


def _clean(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[:600])
    return re.sub(r"(?:/[\w.@+-]+){2,}", lambda match: match[0].rpartition("/")[2], printable).strip()


def _memory() -> SandboxError:
    return _stopped("used more memory than it may", "sandbox-memory", "raise the memory limit")


def _stopped(what: str, code: str, hint: str) -> SandboxError:
    return SandboxError(f"the sandboxed process {what}", code=code, hint=hint)

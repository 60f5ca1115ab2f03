"""The replica beside a control plane: a process of its own, which outlives the control plane's death.

Whoever holds the lock file is the replica: the descriptor is handed to its process and nobody else keeps it.
So a control plane that starts anew finds a replica that still answers, and goes on with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from modelport.assembly.files import keep, opener, private
from modelport.core.ready import ready
from modelport.db import sealing
from modelport.errors import ModelportError, SettingsError

DRAIN_SECONDS = 60.0
"""How long a replica may take to finish what it has; then it is killed."""
AGAIN_SECONDS = 1.0
"""How long after its end a replica is started anew."""
LOOK_SECONDS = 0.1
OURS = frozenset({sealing.VARIABLE, "PGPASSWORD"})
"""Secrets of the control plane that a replica, and code in its models, has no use for."""
_LOOK = "logs/replica-local.log in the state folder tells more"

_log = logging.getLogger("modelport.assembly")


@dataclass(frozen=True, slots=True)
class Local:
    """How the local replica is run.

    Attributes:
        folder: its part of the state folder.
        log: file that its log goes to.
        settings: `serving.settings.Settings` as a document.
    """

    folder: Path
    log: Path
    settings: dict[str, Any]


class LocalReplica:
    """Starts a replica, or finds the one that runs; starts it anew when it ends by itself; ends it."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="replica")
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    def start(self) -> bool:
        """Begin; False when the one of a former control plane still runs, and is kept.

        One that was started with other settings is ended first: it may not even know where we are.
        """
        private(self._local.folder)
        with contextlib.suppress(OSError):
            self._began = self._local.log.stat().st_size
        adopted = self._is_running() and self._is_as_wanted()
        if not adopted:
            self._end()
            self._begin()
        self._thread.start()
        return not adopted

    @property
    def ended(self) -> int | None:
        """The exit code of a replica that ended; None while it may run."""
        return self._process.poll() if self._process is not None else None

    def trouble(self) -> ModelportError:
        """Why it does not come up: the last that it complained of since `start`."""
        try:
            said = self._local.log.read_bytes()
        except OSError:
            said = b""
        return told(said[self._began :].decode("utf-8", "replace").splitlines())

    def stop(self) -> None:
        """Let it finish what it has, and end it; after a minute, at once."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._end()

    def _end(self) -> None:
        if not self._signal(signal.SIGTERM):
            return
        if not _wait(lambda: not self._is_running(), DRAIN_SECONDS):
            self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            if self._process is not None:
                self._process.poll()  # so that it does not stay a zombie
            if self._is_running():
                continue
            _log.warning("replica ended", extra={"fields": {"code": self.ended}})
            if self._stopping.wait(AGAIN_SECONDS):
                return
            self._begin()

    def _begin(self) -> None:
        local = self._local
        settings = local.folder / "settings.json"
        keep(settings, self._settings.decode())
        lock = self._lock()
        if lock is None:
            return
        try:
            with open(local.log, "ab", opener=opener) as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "modelport.serving", "--settings", str(settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[lock],
                    env={name: text for name, text in os.environ.items() if name not in OURS},
                    start_new_session=True,  # a Ctrl-C is ours to pass on, and our death is not its
                )
        finally:
            os.close(lock)
        keep(local.folder / "pid", str(self._process.pid))

    def _is_as_wanted(self) -> bool:
        with contextlib.suppress(OSError):
            return (self._local.folder / "settings.json").read_bytes() == self._settings
        return False

    @property
    def _settings(self) -> bytes:
        return msgspec.json.encode(self._local.settings)

    def _is_running(self) -> bool:
        lock = self._lock()
        if lock is None:
            return True
        os.close(lock)
        return False

    def _lock(self) -> int | None:
        """The lock, as a descriptor; None while a replica has it."""
        descriptor = os.open(self._local.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _signal(self, number: signal.Signals) -> bool:
        """Signal the replica; False when there is none. The lock says that the id is still its own."""
        if not self._is_running():
            return False
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self._local.folder / "pid").read_text()), number)
            return True
        return False


def former_control(folder: Path) -> str:
    """Where the replica of a folder asks, or last asked, for plans; empty when there was none."""
    try:
        return msgspec.json.decode((folder / "settings.json").read_bytes(), type=ready(_Former)).control
    except (OSError, msgspec.DecodeError):
        return ""


class _Former(msgspec.Struct):
    control: str = ""


class _Line(msgspec.Struct):
    """A line of a replica's log."""

    level: str = "info"
    event: str = ""
    code: str = ""
    reason: str = ""
    hint: str = ""


def told(lines: Sequence[str]) -> ModelportError:
    """The last complaint in a replica's log as an error of ours, with its code and hint where it has them."""
    for text in reversed(lines):
        try:
            line = msgspec.json.decode(text, type=ready(_Line))
        except msgspec.DecodeError:
            line = _Line(
                "error", text.strip()
            )  # not ours: the last line of a traceback, a word of the system
        if line.event and (line.level == "error" or line.reason):
            said = line.reason or line.event
            msg = f"the replica did not come up: {said}"
            return SettingsError(msg, code=line.code or "replica-not-started", hint=line.hint or _LOOK)
    msg = "the replica did not come up, and says nothing of why"
    return SettingsError(msg, code="replica-not-started", hint=_LOOK)


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True

"""Files of the state folder: for their owner alone, whole or not there, and the folder for one process."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelport.errors import Conflict


def private(folder: Path) -> Path:
    """The folder, made for its owner alone when it is missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def opener(path: str, flags: int) -> int:
    """Opens a file so that a new one is its owner's alone (an `opener` of `open`)."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def keep(file: Path, text: str) -> None:
    """Write a file for its owner alone; it is there whole, or as it was."""
    making = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    making.replace(file)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The state folder, ours until the block ends; the system lets go of it when we are killed.

    Raises `Conflict` (`already-running`) when another process has it.
    """
    private(folder)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        msg = "a control plane runs in this state folder already"
        hint = "use that one, end it first, or choose another folder with --state"
        raise Conflict(msg, code="already-running", hint=hint) from error
    finally:
        os.close(descriptor)

"""The key file: an `AccessSnapshot` as JSON, written whole and atomically, readable by its owner alone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from modelport.core.access import AccessSnapshot, KeyEntry
from modelport.errors import SettingsError
from modelport.serving.replica.documents import WatchedFile, parse
from modelport.serving.turn import turn

Change = Callable[[tuple[KeyEntry, ...]], tuple[KeyEntry, ...]]


def read(path: Path) -> AccessSnapshot:
    """The snapshot in the file; raises `SettingsError` when it is absent or not valid."""
    try:
        return parse(path.read_bytes(), AccessSnapshot, "key file")
    except OSError as error:
        msg = f"cannot read the key file {path.name!r}: {error.strerror}"
        raise SettingsError(
            msg, code="no-such-file", hint="modelport keys create --file keys.json"
        ) from error


def update(path: Path, change: Change) -> AccessSnapshot:
    """Replace the keys with what `change` makes of them, the revision one higher; a missing file has none.

    Two updates at a time take turns. Raises `SettingsError` when the file is not valid or not writable.
    """
    try:
        with turn(path.parent):
            before = read(path) if path.exists() else AccessSnapshot(0, ())
            after = AccessSnapshot(before.revision + 1, change(before.keys))
            write(path, after)
    except OSError as error:
        msg = f"cannot write the key file {path.name!r}: {error.strerror}"
        raise SettingsError(msg, code="not-writable", hint="check the folder and its permissions") from error
    return after


def write(path: Path, snapshot: AccessSnapshot) -> None:
    """Put the snapshot in the file's place, whole or not at all, with mode 0600. Raises `OSError`."""
    body = msgspec.json.format(msgspec.json.encode(snapshot), indent=2) + b"\n"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


class AccessFile:
    """A key file that is watched: a revocation takes effect in about 0.2 s."""

    def __init__(self, path: str | Path) -> None:
        self._file = WatchedFile(path, "key file")

    def snapshots(self) -> AsyncIterator[AccessSnapshot]:
        """The snapshot in the file, and each one it is replaced with.

        Raises `SettingsError` when the first is not valid; later faults keep the last one and are logged.
        """
        return self._file.documents(lambda data: parse(data, AccessSnapshot, "key file"))

    def reload(self) -> None:
        """Look again now."""
        self._file.reload()
